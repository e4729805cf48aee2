/* The actor behind a TCP route: accepts, and looks after its connections (tcp_connection.h). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tcp_connection.h"

#define MS         1000000
#define SLOT_MASK  0xfffffu
/* Out of descriptors: others may close some; accepting is tried again after this. */
#define RETRY_NS   (10 * MS)
/* "Whatever is there": the shortest limit an accept can have. */
#define NO_TIME_NS 1

cb_message cb_tcp_record(const cb_tcp_listener *listener, cb_message_kind kind,
                         const cb_tcp_connection *connection)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = listener->route.name_space,
                        .cause = connection != NULL ? connection->cause : listener->route.cause,
                        .route = listener->route.route,
                        .connection = connection != NULL ? connection->number : 0};
}

/* --- connections --- */

static cb_tcp_connection *find_connection(const cb_tcp_listener *listener, uint32_t number)
{
    size_t slot = number & SLOT_MASK;
    if (slot >= listener->slot_count)
        return NULL;
    cb_tcp_connection *connection = listener->slots[slot];
    return connection->state != CB_TCP_FREE && connection->number == number ? connection : NULL;
}

static cb_status grow_slots(cb_tcp_listener *listener)
{
    size_t capacity = listener->slot_capacity ? listener->slot_capacity * 2 : 64;
    cb_tcp_connection **slots = realloc(listener->slots, capacity * sizeof *slots);
    if (slots == NULL)
        return CB_NO_MEMORY;
    listener->slots = slots;
    listener->slot_capacity = capacity;
    return CB_OK;
}

/* Makes sure that a free slot is there; CB_LIMIT if the listener may not have more. */
static cb_status reserve_slot(cb_tcp_listener *listener)
{
    int64_t most = listener->actor.runtime->options.limits.max_connections;
    if (listener->free_slots != NULL)
        return CB_OK;
    if ((int64_t)listener->slot_count >= most)
        return CB_LIMIT;
    if (listener->slot_count == listener->slot_capacity && grow_slots(listener) != CB_OK)
        return CB_NO_MEMORY;
    cb_tcp_connection *added = calloc(1, sizeof *added);
    if (added == NULL)
        return CB_NO_MEMORY;
    added->number = (uint32_t)listener->slot_count;
    added->state = CB_TCP_FREE;
    listener->slots[listener->slot_count++] = added;
    listener->free_slots = added;
    return CB_OK;
}

/* --- accepting --- */

static void accept_next(cb_tcp_listener *listener);

static void on_retry(cb_op *op)
{
    cb_tcp_listener *listener = op->user_data;
    listener->retry = NULL;
    accept_next(listener);
}

static void accept_later(cb_tcp_listener *listener)
{
    listener->retry = cb_timeout(listener->actor.loop, RETRY_NS, on_retry);
    if (listener->retry != NULL)
        listener->retry->user_data = listener;
}

static void report_if_stopped(cb_tcp_listener *listener)
{
    if (!listener->stop_asked || listener->accepting)
        return;
    if (listener->open == 0 && !listener->stop_reported) {
        cb_message record = cb_tcp_record(listener, CB_MSG_ROUTE_STOPPED, NULL);
        listener->stop_reported = true;
        cb_loop_actor_post(&listener->actor, &record);
    }
    if (listener->in_use == 0)
        listener->actor.done = true;
}

static void port_is_closed(cb_tcp_listener *listener)
{
    listener->accepting = false;
    report_if_stopped(listener);
}

static void on_port_closed(cb_op *op)
{
    port_is_closed(op->user_data);
}

/* The route counts as stopped only when the port is closed: whoever is told so may open it again.
 */
static void end_accepting(cb_tcp_listener *listener)
{
    if (!listener->accepting || listener->socket == CB_NO_SOCKET)
        return;
    cb_op_remove(&listener->accept);
    cb_op_remove(&listener->retry);
    cb_op *op = cb_close(listener->actor.loop, listener->socket, on_port_closed);
    listener->socket = CB_NO_SOCKET;
    if (op != NULL)
        op->user_data = listener;
    else
        port_is_closed(listener);
}

static void on_accepted(cb_op *op)
{
    cb_tcp_listener *listener = op->user_data;
    listener->accept = NULL;
    if (op->error == CB_IO_OK) {
        (void)cb_tcp_connection_new(listener, op->accept.client, &op->accept.peer);
        accept_next(listener);
    } else if (listener->last_accepts)
        end_accepting(listener); /* nothing more was there */
    else if (op->error == CB_IO_RESOURCES || op->error == CB_IO_NO_MEMORY)
        accept_later(listener);
    else
        accept_next(listener); /* a client that gave up before it was accepted */
}

static void accept_next(cb_tcp_listener *listener)
{
    cb_op_options options = {.timeout_ns = listener->last_accepts ? NO_TIME_NS : 0};
    cb_status status = reserve_slot(listener);
    if (!listener->accepting || listener->socket == CB_NO_SOCKET)
        return;
    if (status != CB_OK && listener->last_accepts) {
        end_accepting(listener);
        return;
    }
    if (status == CB_LIMIT) {
        listener->accept_waits = true; /* goes on when a slot is freed */
        return;
    }
    if (status == CB_OK)
        listener->accept = cb_accept(listener->actor.loop, listener->socket, on_accepted, &options);
    if (listener->accept == NULL)
        accept_later(listener);
    else
        listener->accept->user_data = listener;
}

/* Connections that the kernel had accepted for us are served; then the port is closed. */
static void stop_accepting(cb_tcp_listener *listener)
{
    if (!listener->accepting || listener->last_accepts)
        return;
    listener->last_accepts = true;
    cb_op_remove(&listener->accept);
    cb_op_remove(&listener->retry);
    accept_next(listener);
}

void cb_tcp_listener_ended(cb_tcp_listener *listener)
{
    assert(listener->open > 0);
    listener->open--;
    report_if_stopped(listener);
}

void cb_tcp_listener_freed(cb_tcp_listener *listener, cb_tcp_connection *connection)
{
    connection->state = CB_TCP_FREE;
    connection->next = listener->free_slots;
    listener->free_slots = connection;
    listener->in_use--;
    if (listener->accept_waits) {
        listener->accept_waits = false;
        accept_next(listener);
    }
    report_if_stopped(listener);
}

/* --- the end --- */

static void on_patience_over(cb_op *op);

/* A client that does not read the end of its response, or does not close, must not hold up the end
 * of the program: what the supervisor has counted as over gets as long as the grace at a shutdown.
 */
static void limit_patience(cb_tcp_listener *listener)
{
    int64_t grace_ms = listener->actor.runtime->options.limits.grace_ms;
    listener->patience =
        cb_timeout(listener->actor.loop, (grace_ms > 0 ? grace_ms : 1) * MS, on_patience_over);
    if (listener->patience != NULL)
        listener->patience->user_data = listener;
}

static void on_patience_over(cb_op *op)
{
    cb_tcp_listener *listener = op->user_data;
    for (size_t i = 0; i < listener->slot_count; i++)
        if (listener->slots[i]->state > CB_TCP_SENDING)
            cb_tcp_connection_drop(listener->slots[i], CB_CLOSE_NOT_READ);
    limit_patience(listener);
}

/* --- the actor --- */

static void on_message(cb_loop_actor *actor, const cb_message *message)
{
    cb_tcp_listener *listener = (cb_tcp_listener *)actor;
    cb_tcp_connection *connection = find_connection(listener, message->connection);
    if (connection != NULL)
        connection->cause = message->cause;
    switch (message->kind) {
    case CB_MSG_RESPOND:
        if (connection != NULL)
            cb_tcp_connection_respond(connection, cb_message_payload(message));
        else
            cb_buffer_release(cb_message_payload(message));
        break;
    case CB_MSG_DROP:
        if (connection != NULL)
            cb_tcp_connection_drop(connection, CB_CLOSE_DROPPED);
        break;
    case CB_MSG_STOP_ACCEPTING:
        stop_accepting(listener);
        break;
    case CB_MSG_STOP_LISTENER:
        if (!listener->stop_asked)
            limit_patience(listener);
        listener->stop_asked = true;
        stop_accepting(listener);
        report_if_stopped(listener);
        break;
    default:
        cb_buffer_release(cb_message_payload(message));
        break;
    }
}

static void after_flush(cb_loop_actor *actor)
{
    cb_tcp_listener *listener = (cb_tcp_listener *)actor;
    while (listener->announced != NULL) {
        cb_tcp_connection *connection = listener->announced;
        listener->announced = connection->next;
        cb_tcp_connection_finish(connection);
    }
}

static void report_failure(cb_tcp_listener *listener, const cb_error *error)
{
    cb_message record = cb_tcp_record(listener, CB_MSG_ROUTE_FAILED, NULL);
    record.status = error->status;
    record.payload = cb_payload_handle(cb_buffer_copy(error->text, strlen(error->text)));
    cb_loop_actor_post(&listener->actor, &record);
}

static cb_status listen_on_port(cb_tcp_listener *listener, cb_error *error)
{
    uint16_t port = (uint16_t)(listener->route.connection & 0xffffu);
    cb_endpoint endpoint = cb_endpoint_loopback(CB_FAMILY_IP4, port);
    cb_status status = cb_listen_tcp(listener->actor.loop, &endpoint, 0, &listener->socket, error);
    if (status == CB_OK)
        status = cb_bound_endpoint(listener->socket, &endpoint, error);
    if (status != CB_OK)
        return status;
    cb_message record = cb_tcp_record(listener, CB_MSG_ROUTE_LISTENING, NULL);
    record.value = endpoint.port;
    listener->accepting = true;
    accept_next(listener);
    cb_loop_actor_post(&listener->actor, &record);
    return CB_OK;
}

/* The first message is the order to start; it is taken also by an actor that is not able to. */
static cb_status start(cb_tcp_listener *listener, cb_status able, cb_error *error)
{
    if (cb_mailbox_receive(listener->actor.mailbox, -1, &listener->route) != CB_OK)
        return cb_fail(error, CB_IO, "a listener's mailbox broke");
    assert(listener->route.kind == CB_MSG_START_LISTENER);
    return able == CB_OK ? listen_on_port(listener, error) : able;
}

/* Serves to the end. One that comes early, because the loop or the mailbox broke, is told too. */
static void serve(cb_tcp_listener *listener)
{
    cb_loop_actor_run(&listener->actor);
    if (!listener->stop_reported) {
        cb_message stopped = {.kind = CB_MSG_ACTOR_STOPPED, .status = CB_IO};
        cb_loop_actor_post(&listener->actor, &stopped);
    }
}

static void free_slots(cb_tcp_listener *listener)
{
    for (size_t i = 0; i < listener->slot_count; i++) {
        cb_buffer_release(listener->slots[i]->bytes);
        free(listener->slots[i]);
    }
    free(listener->slots);
}

void *cb_tcp_listener_thread(void *argument)
{
    cb_error error = {.status = CB_OK};
    cb_tcp_listener listener = {.actor = {.message = on_message, .after_flush = after_flush},
                                .socket = CB_NO_SOCKET};
    cb_status status = cb_loop_actor_open(&listener.actor, argument, &error);
    if (start(&listener, status, &error) != CB_OK)
        report_failure(&listener, &error);
    else
        serve(&listener);
    cb_op_remove(&listener.patience);
    cb_loop_actor_close(&listener.actor);
    free_slots(&listener);
    return NULL;
}
