/* The thread: messages in, a turn's end, and the actor's own end.
 *
 * It ends when it is told to, or by itself once its server is closed and its last socket gone. Told
 * to, it reads no more, lets the callbacks finish that are queued and carries out what they order;
 * then it closes every socket, which delivers what was written, and resets after the grace time
 * what is still there.
 */
#include <assert.h>
#include <string.h>

#include "actors/sockets/sockets.h"

#define NS_PER_MS 1000000

cb_message cb_sockets_record(const cb_sockets *self, cb_message_kind kind)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = self->route.name_space,
                        .cause = self->cause,
                        .route = self->route.route};
}

/* -- the end ----------------------------------------------------------------------------------- */

static void on_patience_over(cb_op *op)
{
    cb_sockets *self = op->user_data;
    self->patience = NULL;
    self->actor.done = true; /* the loop's end resets what has not left */
}

static void limit_patience(cb_sockets *self)
{
    int64_t grace_ms = self->actor.core->options.limits.grace_ms;
    self->patience =
        cb_timeout(self->actor.loop, (grace_ms > 0 ? grace_ms : 1) * NS_PER_MS, on_patience_over);
    if (self->patience != NULL)
        self->patience->user_data = self;
    else
        self->actor.done = true;
}

static void stop(cb_sockets *self)
{
    if (self->stopping)
        return;
    self->stopping = true;
    if (self->server_state == CB_SERVER_LISTENING)
        self->server_state = CB_SERVER_CLOSED;
    cb_tcp_server_close(&self->server);
    for (cb_held_socket *socket = self->first; socket != NULL; socket = socket->next)
        cb_held_steer(socket);
    limit_patience(self);
}

/* Operations of the loop beside the actor's own: connections that are closing count. */
static size_t work_left(const cb_sockets *self)
{
    size_t own = (size_t)(self->actor.mail != NULL) + (size_t)(self->patience != NULL) +
                 (size_t)(self->relief != NULL);
    size_t waiting = cb_loop_num_waiting(self->actor.loop);
    return waiting > own ? waiting - own : 0;
}

static void part(cb_sockets *self)
{
    if (self->parting)
        return;
    self->parting = true;
    for (cb_held_socket *socket = self->first; socket != NULL; socket = socket->next)
        cb_held_close(socket, false);
}

static void settle_end(cb_sockets *self)
{
    bool served = self->server_state == CB_SERVER_CLOSED && self->first == NULL;
    if ((!self->stopping && !served) || !cb_sockets_is_quiet(self))
        return;
    if (self->stopping)
        part(self);
    if (self->first == NULL && work_left(self) == 0)
        self->actor.done = true;
}

/* -- the actor --------------------------------------------------------------------------------- */

static void before_flush(cb_loop_actor *actor)
{
    cb_sockets *self = (cb_sockets *)actor;
    settle_end(self);
    if (self->open != self->told) {
        cb_message record = cb_sockets_record(self, CB_MSG_CONNECTIONS);
        record.value = self->open;
        self->told = self->open;
        cb_loop_actor_post(actor, &record);
    }
}

static void on_message(cb_loop_actor *actor, const cb_message *message)
{
    cb_sockets *self = (cb_sockets *)actor;
    self->cause = message->cause;
    switch (message->kind) {
    case CB_MSG_ORDER:
        cb_sockets_order(self, message);
        return; /* it has the payload */
    case CB_MSG_RESPOND:
        cb_sockets_told(self, message->connection, CB_JOB_SUCCESS);
        break;
    case CB_MSG_DROP:
        cb_sockets_told(self, message->connection, (cb_job_status)message->status);
        break;
    case CB_MSG_STOP_LISTENER:
        stop(self);
        break;
    default: /* STOP_ACCEPTING: the order to stop follows it */
        break;
    }
    cb_buffer_release(cb_message_payload(message));
}

/* The first message is the order to start; it is taken also by an actor that is not able to. */
static cb_status start(cb_sockets *self, cb_status able, cb_error *error)
{
    if (cb_mailbox_receive(self->actor.mailbox, -1, &self->route) != CB_OK)
        return cb_fail(error, CB_IO, "an actor's mailbox broke");
    assert(self->route.kind == CB_MSG_START_LISTENER);
    self->cause = self->route.cause;
    if (able != CB_OK)
        return able;
    if (self->route.route > CB_SOCKET_ROUTE_MOST)
        return cb_fail(error, CB_LIMIT, "there are no ids left for sockets");
    cb_message record = cb_sockets_record(self, CB_MSG_ROUTE_LISTENING);
    cb_loop_actor_post(&self->actor, &record);
    return CB_OK;
}

static void report_failure(cb_sockets *self, const cb_error *error)
{
    cb_message record = cb_sockets_record(self, CB_MSG_ROUTE_FAILED);
    record.status = (int32_t)error->status;
    record.payload = cb_payload_handle(cb_buffer_copy(error->text, strlen(error->text)));
    cb_loop_actor_post(&self->actor, &record);
}

/* The port and every descriptor are closed by now. */
static void report_stop(cb_sockets *self)
{
    cb_message record = cb_sockets_record(self, CB_MSG_CONNECTIONS);
    if (self->told > 0)
        cb_loop_actor_post(&self->actor, &record);
    record = cb_sockets_record(self, CB_MSG_ROUTE_STOPPED);
    cb_loop_actor_post(&self->actor, &record);
}

void *cb_sockets_thread(void *argument)
{
    cb_error error = {.status = CB_OK};
    cb_sockets self = {.actor = {.message = on_message, .before_flush = before_flush}};
    self.nobody = (cb_held_socket){.owner = &self, .read_on = true};
    cb_status status = cb_loop_actor_open(&self.actor, argument, &error);
    bool started = start(&self, status, &error) == CB_OK;
    if (started)
        cb_loop_actor_run(&self.actor);
    cb_op_remove(&self.patience);
    cb_op_remove(&self.relief);
    cb_loop_actor_end_loop(&self.actor);
    while (self.first != NULL)
        cb_held_free(self.first);
    cb_buffer_release(self.nobody.last);
    cb_address_map_free(&self.sockets);
    if (started)
        report_stop(&self);
    else
        report_failure(&self, &error);
    cb_loop_actor_close(&self.actor);
    return NULL;
}
