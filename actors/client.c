/* The actor that runs client exchanges: connect, send, half-close, receive to the end. Many at a
 * time on one loop, so that a waiting exchange costs no thread.
 *
 *     dialing -> sending -> receiving -> closing, with JobCompleted at the step to closing
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/loop_actor.h"

#define FIRST_CAPACITY 4096u
#define TEXT_SIZE      256

typedef struct client {
    cb_loop_actor actor; /* first, so that one is the other */
    struct exchange *exchanges;
    bool retired;
} client;

typedef struct exchange {
    client *owner;
    cb_message hand;
    cb_socket socket;
    cb_op *op; /* the one operation in flight */
    uint16_t local_port;
    cb_buffer *response;
    struct exchange *next;
    struct exchange *previous;
} exchange;

static void on_received(cb_op *op);

static cb_message record_of(const exchange *self, cb_message_kind kind)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = self->hand.name_space,
                        .flags = CB_FLAG_CLIENT,
                        .cause = self->hand.cause,
                        .route = self->hand.route,
                        .job = self->hand.job};
}

static void forget(exchange *self)
{
    client *owner = self->owner;
    if (self->previous != NULL)
        self->previous->next = self->next;
    else
        owner->exchanges = self->next;
    if (self->next != NULL)
        self->next->previous = self->previous;
    cb_buffer_release(cb_message_payload(&self->hand));
    free(self);
    if (owner->retired && owner->exchanges == NULL)
        owner->actor.done = true;
}

static void post_completed(exchange *self, cb_job_status status, cb_buffer *payload)
{
    cb_message record = record_of(self, CB_MSG_JOB_COMPLETED);
    record.status = (int32_t)status;
    record.connection = self->local_port;
    record.payload = cb_payload_handle(payload);
    if (payload != NULL && payload->size > 0) {
        record.value = (int64_t)payload->size;
        if (memchr(payload->data, 0, payload->size) != NULL)
            record.flags |= CB_FLAG_HAS_NUL;
    }
    cb_loop_actor_post(&self->owner->actor, &record);
}

/* Ends the exchange with a result or, for every status but success, with an error's text. */
static void end(exchange *self, cb_job_status status, cb_buffer *payload)
{
    cb_op_remove(&self->op);
    post_completed(self, status, payload);
    if (self->socket != CB_NO_SOCKET) {
        if (status != CB_JOB_SUCCESS)
            cb_reset_on_close(self->socket);
        (void)cb_close(self->owner->actor.loop, self->socket, NULL);
    }
    if (self->response != payload)
        cb_buffer_release(self->response);
    forget(self);
}

static void fail(exchange *self, cb_job_status status, const char *what, const char *why)
{
    char text[TEXT_SIZE];
    int size = snprintf(text, sizeof text, "%s 127.0.0.1:%lld: %s", what,
                        (long long)self->hand.value, why);
    if (size >= TEXT_SIZE)
        size = TEXT_SIZE - 1;
    end(self, status, cb_buffer_copy(text, (size_t)size));
}

static const char *op_text(const cb_op *op)
{
    return op->sys_errno != 0 ? strerror(op->sys_errno) : cb_io_error_string(op->error);
}

static bool submitted(exchange *self, cb_op *op, cb_job_status status)
{
    self->op = op;
    if (op == NULL) {
        fail(self, status, "cannot talk to", cb_io_error_string(cb_io_last_error()));
        return false;
    }
    op->user_data = self;
    return true;
}

/* --- receiving --- */

static void receive_on(exchange *self)
{
    int64_t most = self->owner->actor.runtime->options.limits.max_request;
    cb_buffer *bytes = self->response;
    if (bytes == NULL || bytes->size == bytes->capacity) {
        size_t wanted = bytes == NULL ? FIRST_CAPACITY : bytes->capacity * 2;
        size_t room = (int64_t)wanted > most ? (size_t)most + 1 : wanted;
        if (cb_buffer_writable(&self->response, room) != CB_OK) {
            fail(self, CB_JOB_RECEIVE_FAILED, "cannot receive from", "out of memory");
            return;
        }
        bytes = self->response;
    }
    (void)submitted(self,
                    cb_recv(self->owner->actor.loop, self->socket, bytes->data + bytes->size,
                            bytes->capacity - bytes->size, on_received, NULL),
                    CB_JOB_RECEIVE_FAILED);
}

static void on_received(cb_op *op)
{
    exchange *self = op->user_data;
    int64_t most = self->owner->actor.runtime->options.limits.max_request;
    self->op = NULL;
    self->response->size += op->recv.received;
    if (op->error != CB_IO_OK)
        fail(self, CB_JOB_RECEIVE_FAILED, "cannot receive from", op_text(op));
    else if ((int64_t)self->response->size > most)
        fail(self, CB_JOB_RECEIVE_FAILED, "cannot receive from",
             "response too large (CALLBOARD_MAX_REQUEST)");
    else if (op->recv.ended)
        end(self, CB_JOB_SUCCESS, self->response);
    else
        receive_on(self);
}

/* --- connecting and sending --- */

static void request_is_out(exchange *self)
{
    cb_error error;
    /* A server that has answered and closed already is fine: its answer can still be read. */
    if (cb_shutdown_send(self->socket, &error) != CB_OK && error.sys_errno != ENOTCONN)
        fail(self, CB_JOB_SEND_FAILED, "cannot send to", error.text);
    else
        receive_on(self);
}

static void on_sent(cb_op *op)
{
    exchange *self = op->user_data;
    self->op = NULL;
    if (op->error == CB_IO_OK)
        request_is_out(self);
    else
        fail(self, CB_JOB_SEND_FAILED, "cannot send to", op_text(op));
}

static void on_connected(cb_op *op)
{
    exchange *self = op->user_data;
    cb_endpoint local;
    const cb_buffer *request = cb_message_payload(&self->hand);
    self->op = NULL;
    if (op->error != CB_IO_OK) {
        fail(self, CB_JOB_CONNECT_FAILED, "cannot connect to", op_text(op));
        return;
    }
    self->socket = op->dial.socket;
    if (cb_bound_endpoint(self->socket, &local, NULL) == CB_OK)
        self->local_port = local.port;
    /* Dialling a port that nobody listens on may, by chance, connect a socket with itself. */
    if (self->local_port == self->hand.value) {
        fail(self, CB_JOB_CONNECT_FAILED, "cannot connect to", strerror(ECONNREFUSED));
        return;
    }
    if (request == NULL || request->size == 0)
        request_is_out(self);
    else
        (void)submitted(self,
                        cb_send(self->owner->actor.loop, self->socket, request->data, request->size,
                                on_sent, NULL),
                        CB_JOB_SEND_FAILED);
}

static void begin(client *owner, const cb_message *hand)
{
    exchange *self = calloc(1, sizeof *self);
    if (self == NULL) {
        exchange lost = {.owner = owner, .hand = *hand};
        post_completed(&lost, CB_JOB_OVERLOADED, NULL);
        cb_buffer_release(cb_message_payload(hand));
        return;
    }
    *self =
        (exchange){.owner = owner, .hand = *hand, .socket = CB_NO_SOCKET, .next = owner->exchanges};
    if (self->next != NULL)
        self->next->previous = self;
    owner->exchanges = self;
    cb_message started = record_of(self, CB_MSG_JOB_STARTED);
    cb_loop_actor_post(&owner->actor, &started);
    cb_endpoint endpoint = cb_endpoint_loopback(CB_FAMILY_IP4, (uint16_t)hand->value);
    (void)submitted(self, cb_dial(owner->actor.loop, &endpoint, on_connected, NULL),
                    CB_JOB_CONNECT_FAILED);
}

/* --- the actor --- */

static void interrupt(client *owner, const cb_message *message)
{
    for (exchange *self = owner->exchanges; self != NULL; self = self->next)
        if (self->hand.job == message->job) {
            const char *why = message->status == CB_JOB_TIMEOUT ? "time limit passed" : "canceled";
            fail(self, (cb_job_status)message->status, "gave up on", why);
            return;
        }
}

static void on_message(cb_loop_actor *actor, const cb_message *message)
{
    client *self = (client *)actor;
    switch (message->kind) {
    case CB_MSG_HAND:
        begin(self, message);
        break;
    case CB_MSG_INTERRUPT:
        interrupt(self, message);
        break;
    case CB_MSG_RETIRE_ACTOR:
        self->retired = true;
        if (self->exchanges == NULL)
            actor->done = true;
        break;
    default:
        cb_buffer_release(cb_message_payload(message));
        break;
    }
}

void *cb_client_thread(void *argument)
{
    client self = {.actor = {.message = on_message}};
    cb_status status = cb_loop_actor_open(&self.actor, argument, NULL);
    if (status == CB_OK) {
        cb_message ready = {.kind = CB_MSG_ACTOR_READY};
        cb_loop_actor_post(&self.actor, &ready);
        cb_loop_actor_run(&self.actor);
    }
    cb_message stopped = {.kind = CB_MSG_ACTOR_STOPPED, .status = (int32_t)status};
    cb_loop_actor_post(&self.actor, &stopped);
    cb_loop_actor_close(&self.actor);
    return NULL;
}
