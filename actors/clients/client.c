#include "actors/clients/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/budget.h"
#include "actors/clients/pins.h"
#include "actors/core/loop_actor.h"
#include "callboard/tcp.h"

#define FIRST_CAPACITY 4096u
#define TEXT_SIZE      256 /* of a cause that is kept */

typedef struct client {
    cb_loop_actor actor; /* first, so that one is the other */
    struct exchange *exchanges;
    cb_pins pins;
    bool retired;
} client;

typedef struct exchange {
    client *owner;
    cb_message hand;
    cb_tcp_socket *socket; /* NULL: none, or closed */
    bool connected;
    bool sent;  /* the whole request */
    bool ended; /* the response */
    bool parked;
    uint16_t local_port;
    int64_t pin_version;  /* what it expects of the peer; 0: plain text */
    char text[TEXT_SIZE]; /* why it is parked */
    cb_buffer *response;
    struct exchange *next;
    struct exchange *previous;
} exchange;

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
    post_completed(self, status, payload);
    /* No callback comes any more, so nobody looks at the exchange again. */
    if (self->socket != NULL && status == CB_JOB_SUCCESS)
        (void)cb_tcp_close(self->socket, NULL);
    else if (self->socket != NULL)
        (void)cb_tcp_abort(self->socket, NULL);
    if (self->response != payload)
        cb_buffer_release(self->response);
    forget(self);
}

static void fail(exchange *self, cb_job_status status, const char *what, const char *why)
{
    char text[CB_ERROR_TEXT_SIZE];
    int size = snprintf(text, sizeof text, "%s 127.0.0.1:%lld: %s", what,
                        (long long)self->hand.value, why);
    if (size >= (int)sizeof text)
        size = (int)sizeof text - 1;
    end(self, status, cb_buffer_copy(text, (size_t)size));
}

/* --- receiving --- */

static void succeed(exchange *self)
{
    if (self->response == NULL)
        self->response = cb_buffer_new(0, 0);
    end(self, CB_JOB_SUCCESS, self->response);
}

/* Room for `size` bytes more; it doubles, so that a long response is not copied too often. */
static cb_status make_room(exchange *self, size_t size)
{
    const cb_buffer *bytes = self->response;
    size_t used = bytes != NULL ? bytes->size : 0;
    size_t capacity = bytes != NULL ? bytes->capacity : 0;
    if (capacity - used >= size)
        return CB_OK;
    size_t wanted = capacity == 0 ? FIRST_CAPACITY : capacity * 2;
    wanted = wanted > used + size ? wanted : used + size;
    return cb_budget_may_read(wanted, wanted - capacity)
               ? cb_buffer_writable(&self->response, wanted)
               : CB_NO_MEMORY;
}

static void on_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    exchange *self = cb_tcp_user(socket);
    size_t most = (size_t)self->owner->actor.core->options.limits.max_request;
    size_t used = self->response != NULL ? self->response->size : 0;
    if (size > most - used) {
        fail(self, CB_JOB_RECEIVE_FAILED, "cannot receive from",
             "response too large (CALLBOARD_MAX_REQUEST)");
    } else if (make_room(self, size) != CB_OK) {
        fail(self, cb_budget_was_it() ? CB_JOB_OVERLOADED : CB_JOB_RECEIVE_FAILED,
             "cannot receive from", cb_buffer_why_not());
    } else {
        memcpy(self->response->data + used, data, size);
        self->response->size += size;
    }
}

/* --- connecting and sending --- */

static void on_connected(cb_tcp_socket *socket)
{
    exchange *self = cb_tcp_user(socket);
    const cb_buffer *request = cb_message_payload(&self->hand);
    self->connected = true;
    self->local_port = cb_tcp_local(socket).port;
    self->sent = request == NULL || request->size == 0;
    /* Dialling a port that nobody listens on may, by chance, connect a socket with itself. */
    if (self->local_port == self->hand.value)
        fail(self, CB_JOB_CONNECT_FAILED, "cannot connect to", strerror(ECONNREFUSED));
}

static void on_sent(cb_tcp_socket *socket)
{
    exchange *self = cb_tcp_user(socket);
    self->sent = true;
    if (self->ended)
        succeed(self);
}

/* Not the certificate that the route is known by: the supervisor knows whether that is still so. */
static void park(exchange *self, const char *why)
{
    cb_message record = record_of(self, CB_MSG_JOB_STALE);
    record.value = self->pin_version;
    self->parked = true;
    (void)snprintf(self->text, sizeof self->text, "%s", why);
    cb_loop_actor_post(&self->owner->actor, &record);
}

static void on_tls_failure(exchange *self, const cb_tcp_event *event)
{
    if (!self->connected && event->status == CB_MISMATCH)
        park(self, event->message);
    else
        fail(self, CB_JOB_TLS_FAILED, "no TLS with", event->message);
}

static void on_failure(exchange *self, const char *why)
{
    if (!self->connected)
        fail(self, CB_JOB_CONNECT_FAILED, "cannot connect to", why);
    else if (!self->sent)
        fail(self, CB_JOB_SEND_FAILED, "cannot send to", why);
    else
        fail(self, CB_JOB_RECEIVE_FAILED, "cannot receive from", why);
}

static void on_event(const cb_tcp_event *event)
{
    exchange *self = cb_tcp_user(event->socket);
    if (cb_tcp_kind_is(event->kind, CB_TCP_TLS_ERROR)) {
        self->socket = NULL;
        on_tls_failure(self, event);
    } else if (cb_tcp_kind_is(event->kind, CB_TCP_ERROR)) {
        self->socket = NULL;
        on_failure(self,
                   event->code > 0 ? strerror(event->code) : cb_io_error_string(event->error));
    } else if (event->kind == CB_TCP_EOF) {
        self->ended = true;
        /* A server may end before it has read everything; the rest still has to go. */
        if (self->sent)
            succeed(self);
    }
}

static cb_status connect_and_send(exchange *self, const cb_pin *pin, cb_error *error)
{
    static const cb_tcp_callbacks callbacks = {
        .read = on_read, .event = on_event, .connect = on_connected, .write = on_sent};
    cb_buffer *request = cb_message_payload(&self->hand);
    cb_tcp_options options = {0};
    if (pin != NULL)
        options.tls = (cb_tcp_tls){.provider = pin->provider, .context = pin->context};
    cb_status status =
        cb_tcp_connect(self->owner->actor.loop, "127.0.0.1", (uint16_t)self->hand.value, &callbacks,
                       &options, self, &self->socket, error);
    if (status == CB_OK && request != NULL && request->size > 0)
        status = cb_tcp_write_buffer(self->socket, request, 0, request->size, error);
    if (status == CB_OK)
        status = cb_tcp_end_writing(self->socket, error);
    return status;
}

static void dial(exchange *self)
{
    const cb_pins *pins = &self->owner->pins;
    const cb_pin *pin = cb_pins_find(pins, self->hand.name_space, self->hand.route);
    cb_error error;
    self->parked = false;
    self->pin_version = pin != NULL ? pin->version : 0;
    if (pin != NULL && pin->context == NULL)
        fail(self, CB_JOB_TLS_FAILED, "no TLS with", pin->error.text);
    else if (pin == NULL && pins->incomplete)
        fail(self, CB_JOB_TLS_FAILED, "no TLS with", "out of memory");
    else if (connect_and_send(self, pin, &error) != CB_OK)
        fail(self, CB_JOB_CONNECT_FAILED, "cannot connect to", error.text);
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
    *self = (exchange){.owner = owner, .hand = *hand, .next = owner->exchanges};
    if (self->next != NULL)
        self->next->previous = self;
    owner->exchanges = self;
    cb_message started = record_of(self, CB_MSG_JOB_STARTED);
    cb_loop_actor_post(&owner->actor, &started);
    dial(self);
}

/* --- the actor --- */

static exchange *find(const client *owner, uint64_t job)
{
    exchange *self = owner->exchanges;
    while (self != NULL && self->hand.job != job)
        self = self->next;
    return self;
}

static void interrupt(client *owner, const cb_message *message)
{
    exchange *self = find(owner, message->job);
    const char *why = message->status == CB_JOB_TIMEOUT ? "time limit passed" : "canceled";
    if (self != NULL)
        fail(self, (cb_job_status)message->status, "gave up on", why);
}

static void redial(client *owner, const cb_message *message)
{
    exchange *self = find(owner, message->job);
    if (self == NULL || !self->parked)
        return;
    self->hand.cause = message->cause;
    if (message->status == CB_JOB_SUCCESS)
        dial(self);
    else
        fail(self, (cb_job_status)message->status, "no TLS with", self->text);
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
    case CB_MSG_PIN:
        cb_pins_take(&self->pins, message);
        cb_buffer_release(cb_message_payload(message));
        break;
    case CB_MSG_REDIAL:
        redial(self, message);
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
    cb_pins_free(&self.pins);
    return NULL;
}
