/* The actor behind a UDP route: each datagram that comes is a request, what its callback leaves is
 * the reply. On the kind UDP_CLIENT there are no replies, and datagrams are sent on command.
 *
 *     a slot: free -> taken (RequestReady posted) -> replying (the kernel has yet to take it) ->
 * free
 *
 * As many slots as datagrams may wait; what comes when all are taken is dropped and counted. Slots
 * come back by the supervisor's Respond or Drop, exactly one for each RequestReady.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/loop_actor.h"
#include "callboard/udp_commands.h"

#define SLOT_BITS      20
#define SLOT_MASK      ((UINT32_C(1) << SLOT_BITS) - 1)
/* Receives that wait at once, so that several datagrams are taken in one turn. */
#define RECEIVES       16u
#define RECEIVE_SIZE   65536u
/* What the kernel is asked to keep for us while the loop is busy; it may give less. */
#define KERNEL_BYTES   (4 * 1024 * 1024)
#define HOST_TEXT_SIZE 16u

typedef struct udp udp;

typedef struct slot {
    udp *owner;
    uint32_t number; /* generation << SLOT_BITS | index */
    bool taken;
    uint64_t cause;
    cb_endpoint peer;
    cb_buffer *reply; /* while it is being sent */
    struct slot *next_free;
} slot;

/* A datagram that is sent on command. */
typedef struct sending {
    udp *owner;
    cb_message order;
} sending;

struct udp {
    cb_loop_actor actor; /* first, so that one is the other */
    cb_message route;    /* the START_LISTENER it came from */
    cb_socket socket;
    bool replies; /* kind UDP */
    bool deaf;    /* what comes is turned away */
    bool stop_asked;
    bool closing;
    bool stop_reported;
    cb_op *receives[RECEIVES];
    uint8_t *room; /* RECEIVES pieces of RECEIVE_SIZE */
    slot *slots;
    size_t slot_count;
    slot *free_slots;
    size_t taken;
    size_t sends;       /* on command, in flight */
    int64_t overloaded; /* dropped and not yet reported */
    int64_t late;       /* came after the stop; the same */
    cb_op *reporting;
};

static cb_message record_of(const udp *self, cb_message_kind kind, const slot *about)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = self->route.name_space,
                        .cause = about != NULL ? about->cause : self->route.cause,
                        .route = self->route.route,
                        .connection = about != NULL ? about->number : 0};
}

/* --- datagrams that become no request: counted, and told once a tick --- */

static void post_rejected(udp *self, int64_t *count, cb_job_status status, uint8_t flags)
{
    cb_message record = record_of(self, CB_MSG_REJECTED, NULL);
    record.value = *count;
    record.status = (int32_t)status;
    record.flags = flags;
    if (*count > 0)
        cb_loop_actor_post(&self->actor, &record);
    *count = 0;
}

static void report_rejected(udp *self)
{
    post_rejected(self, &self->overloaded, CB_JOB_OVERLOADED, 0);
    post_rejected(self, &self->late, CB_JOB_ROUTE_CLOSED, 0);
}

static void on_report(cb_op *op)
{
    udp *self = op->user_data;
    self->reporting = NULL;
    report_rejected(self);
}

static void reject(udp *self, int64_t *count)
{
    ++*count;
    if (self->reporting != NULL)
        return;
    self->reporting = cb_next_tick(self->actor.loop, on_report);
    if (self->reporting != NULL)
        self->reporting->user_data = self;
    else
        report_rejected(self);
}

/* --- the end --- */

static void on_closed(cb_op *op)
{
    udp *self = op->user_data;
    cb_message record = record_of(self, CB_MSG_ROUTE_STOPPED, NULL);
    report_rejected(self);
    self->stop_reported = true;
    cb_loop_actor_post(&self->actor, &record);
    self->actor.done = true;
}

/* The port is closed when the last reply has left. */
static void close_if_over(udp *self)
{
    if (!self->stop_asked || self->closing || self->taken > 0 || self->sends > 0)
        return;
    cb_op *op = cb_close(self->actor.loop, self->socket, on_closed);
    if (op == NULL)
        return; /* out of memory: tried again when asked again, at the latest by the cut-off */
    op->user_data = self;
    self->closing = true;
    self->socket = CB_NO_SOCKET;
}

/* --- slots --- */

static cb_status make_slots(udp *self)
{
    self->slot_count = (size_t)self->actor.runtime->options.limits.udp_waiting;
    self->slots = calloc(self->slot_count, sizeof *self->slots);
    if (self->slots == NULL)
        return CB_NO_MEMORY;
    for (size_t i = self->slot_count; i > 0; i--) {
        slot *made = &self->slots[i - 1];
        made->owner = self;
        made->number = (uint32_t)(i - 1);
        made->next_free = self->free_slots;
        self->free_slots = made;
    }
    return CB_OK;
}

static slot *find_slot(const udp *self, uint32_t number)
{
    size_t index = number & SLOT_MASK;
    if (index >= self->slot_count)
        return NULL;
    slot *found = &self->slots[index];
    return found->taken && found->number == number && found->reply == NULL ? found : NULL;
}

static slot *take_slot(udp *self)
{
    slot *taken = self->free_slots;
    if (taken == NULL)
        return NULL;
    self->free_slots = taken->next_free;
    taken->taken = true;
    taken->number += UINT32_C(1) << SLOT_BITS;
    taken->cause = self->route.cause;
    self->taken++;
    return taken;
}

static void free_slot(slot *done)
{
    udp *self = done->owner;
    assert(done->taken && self->taken > 0);
    cb_buffer_release(done->reply);
    done->reply = NULL;
    done->taken = false;
    done->next_free = self->free_slots;
    self->free_slots = done;
    self->taken--;
    close_if_over(self);
}

/* --- receiving --- */

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* The header in front of a datagram; returns its size. */
static size_t write_header(const cb_endpoint *peer,
                           uint8_t header[CB_UDP_HEADER_SIZE + HOST_TEXT_SIZE])
{
    int length = snprintf((char *)header + CB_UDP_HEADER_SIZE, HOST_TEXT_SIZE, "%u.%u.%u.%u",
                          peer->address[0], peer->address[1], peer->address[2], peer->address[3]);
    put_u32(header, peer->port);
    put_u32(header + 4, (uint32_t)length);
    return CB_UDP_HEADER_SIZE + (size_t)length;
}

static void take_datagram(udp *self, const cb_endpoint *peer, const uint8_t *data, size_t size)
{
    uint8_t header[CB_UDP_HEADER_SIZE + HOST_TEXT_SIZE];
    size_t header_size = write_header(peer, header);
    if (self->deaf) {
        reject(self, &self->late);
        return;
    }
    cb_buffer *payload = self->free_slots != NULL ? cb_buffer_new(0, header_size + size) : NULL;
    if (payload == NULL) {
        reject(self, &self->overloaded);
        return;
    }
    slot *taken = take_slot(self);
    taken->peer = *peer;
    memcpy(payload->data, header, header_size);
    if (size > 0)
        memcpy(payload->data + header_size, data, size);
    payload->size = header_size + size;
    cb_message record = record_of(self, CB_MSG_REQUEST_READY, taken);
    record.flags = CB_FLAG_NEW;
    record.value = (int64_t)payload->size;
    record.payload = cb_payload_handle(payload);
    cb_loop_actor_post(&self->actor, &record);
}

static void on_received(cb_op *op)
{
    udp *self = op->user_data;
    size_t index = op->user[0];
    if (op->error == CB_IO_OK)
        take_datagram(self, &op->recv.source, op->recv.bufs[0].data, op->recv.received);
    if (op->error == CB_IO_CANCELED || op->error == CB_IO_BAD_SOCKET || self->closing)
        self->receives[index] = NULL;
    else
        cb_op_exec(op, false); /* other failures are of one datagram */
}

static cb_status begin_receiving(udp *self)
{
    self->room = malloc((size_t)RECEIVES * RECEIVE_SIZE);
    if (self->room == NULL)
        return CB_NO_MEMORY;
    for (size_t i = 0; i < RECEIVES; i++) {
        cb_op *op = cb_recv(self->actor.loop, self->socket, self->room + i * RECEIVE_SIZE,
                            RECEIVE_SIZE, on_received, NULL);
        if (op == NULL)
            return CB_NO_MEMORY;
        op->user_data = self;
        op->user[0] = i;
        self->receives[i] = op;
    }
    return CB_OK;
}

/* --- replying --- */

static void on_replied(cb_op *op)
{
    free_slot(op->user_data);
}

static void reply_too_long(udp *self)
{
    int64_t one = 1;
    post_rejected(self, &one, CB_JOB_SEND_FAILED, CB_FLAG_FINAL);
}

/* Takes over the reply (NULL: none). */
static void respond(slot *to, cb_buffer *reply)
{
    udp *self = to->owner;
    uint8_t header[CB_UDP_HEADER_SIZE + HOST_TEXT_SIZE];
    size_t offset = write_header(&to->peer, header);
    to->reply = reply;
    if (reply == NULL || reply->size == 0 || !self->replies) {
        free_slot(to);
        return;
    }
    if (reply->size < offset || memcmp(reply->data, header, offset) != 0)
        offset = 0;
    cb_bytes bytes = {.data = reply->data + offset, .size = reply->size - offset};
    cb_op *op = NULL;
    if (bytes.size <= CB_UDP_DATAGRAM_MAX)
        op = cb_send_list(self->actor.loop, self->socket, &bytes, 1, &to->peer, on_replied, NULL);
    if (op != NULL) {
        op->user_data = to;
    } else {
        reply_too_long(self);
        free_slot(to);
    }
}

/* --- sending on command --- */

static void answer_order(udp *self, const cb_message *order, cb_status status, int64_t value,
                         const char *text)
{
    cb_message record = record_of(self, CB_MSG_ORDER_DONE, NULL);
    record.cause = order->cause;
    record.job = order->job;
    record.status = status;
    record.value = value;
    if (text != NULL)
        record.payload = cb_payload_handle(cb_buffer_copy(text, strlen(text)));
    cb_buffer_release(cb_message_payload(order));
    cb_loop_actor_post(&self->actor, &record);
}

static void on_order_sent(cb_op *op)
{
    sending *done = op->user_data;
    udp *self = done->owner;
    if (op->error == CB_IO_OK)
        answer_order(self, &done->order, CB_OK, (int64_t)op->send.sent, NULL);
    else
        answer_order(self, &done->order, CB_IO, 0, cb_io_error_string(op->error));
    self->sends--;
    free(done);
    close_if_over(self);
}

static void send_datagram(udp *self, const cb_message *order)
{
    const cb_buffer *payload = cb_message_payload(order);
    size_t size = payload != NULL ? payload->size : 0;
    uint64_t receiver = (uint64_t)order->value;
    cb_endpoint endpoint = cb_endpoint_loopback(CB_FAMILY_IP4, (uint16_t)receiver);
    cb_bytes bytes = {.data = payload != NULL ? payload->data : self->room, .size = size};
    if (size > CB_UDP_DATAGRAM_MAX) {
        answer_order(self, order, CB_LIMIT, 0, "a datagram has at most 65507 bytes");
        return;
    }
    for (int i = 0; i < 4; i++)
        endpoint.address[i] = (uint8_t)(receiver >> (40 - 8 * i));
    sending *begun = malloc(sizeof *begun);
    cb_op *op = NULL;
    if (begun != NULL)
        op =
            cb_send_list(self->actor.loop, self->socket, &bytes, 1, &endpoint, on_order_sent, NULL);
    if (op == NULL) {
        free(begun);
        answer_order(self, order, CB_NO_MEMORY, 0, NULL);
        return;
    }
    *begun = (sending){.owner = self, .order = *order};
    op->user_data = begun;
    self->sends++;
}

static void carry_out(udp *self, const cb_message *order)
{
    if (self->socket == CB_NO_SOCKET)
        answer_order(self, order, CB_CLOSED, 0, NULL);
    else if (order->status == CB_UDP_SEND)
        send_datagram(self, order);
    else
        answer_order(self, order, CB_UNSUPPORTED, 0, NULL);
}

/* --- the actor --- */

static void on_message(cb_loop_actor *actor, const cb_message *message)
{
    udp *self = (udp *)actor;
    slot *about = find_slot(self, message->connection);
    if (about != NULL)
        about->cause = message->cause;
    switch (message->kind) {
    case CB_MSG_RESPOND:
        if (about != NULL)
            respond(about, cb_message_payload(message));
        else
            cb_buffer_release(cb_message_payload(message));
        break;
    case CB_MSG_DROP:
        if (about != NULL)
            free_slot(about);
        break;
    case CB_MSG_ORDER:
        carry_out(self, message);
        break;
    case CB_MSG_STOP_ACCEPTING:
        self->deaf = true;
        break;
    case CB_MSG_STOP_LISTENER:
        self->deaf = true;
        self->stop_asked = true;
        close_if_over(self);
        break;
    default:
        cb_buffer_release(cb_message_payload(message));
        break;
    }
}

static cb_status open_port(udp *self, cb_error *error)
{
    cb_endpoint endpoint =
        cb_endpoint_loopback(CB_FAMILY_IP4, (uint16_t)(self->route.connection & 0xffffu));
    int bytes = KERNEL_BYTES;
    cb_status status =
        cb_create_socket(self->actor.loop, CB_FAMILY_IP4, CB_PROTOCOL_UDP, &self->socket, error);
    if (status == CB_OK)
        status = cb_bind(self->socket, &endpoint, error);
    if (status == CB_OK)
        status = cb_bound_endpoint(self->socket, &endpoint, error);
    if (status != CB_OK)
        return status;
    (void)setsockopt(self->socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (make_slots(self) != CB_OK || begin_receiving(self) != CB_OK)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    cb_message record = record_of(self, CB_MSG_ROUTE_LISTENING, NULL);
    record.value = endpoint.port;
    cb_loop_actor_post(&self->actor, &record);
    return CB_OK;
}

/* The first message is the order to start; it is taken also by an actor that is not able to. */
static cb_status start(udp *self, cb_status able, cb_error *error)
{
    if (cb_mailbox_receive(self->actor.mailbox, -1, &self->route) != CB_OK)
        return cb_fail(error, CB_IO, "a UDP actor's mailbox broke");
    assert(self->route.kind == CB_MSG_START_LISTENER);
    self->replies = cb_route_kind_of(&self->route) == CB_ROUTE_UDP;
    return able == CB_OK ? open_port(self, error) : able;
}

static void serve(udp *self)
{
    cb_loop_actor_run(&self->actor);
    if (!self->stop_reported) {
        cb_message stopped = {.kind = CB_MSG_ACTOR_STOPPED, .status = CB_IO};
        cb_loop_actor_post(&self->actor, &stopped);
    }
}

static void report_failure(udp *self, const cb_error *error)
{
    cb_message record = record_of(self, CB_MSG_ROUTE_FAILED, NULL);
    record.status = error->status;
    record.payload = cb_payload_handle(cb_buffer_copy(error->text, strlen(error->text)));
    cb_loop_actor_post(&self->actor, &record);
}

void *cb_udp_thread(void *argument)
{
    cb_error error = {.status = CB_OK};
    udp self = {.actor = {.message = on_message}, .socket = CB_NO_SOCKET};
    cb_status status = cb_loop_actor_open(&self.actor, argument, &error);
    if (start(&self, status, &error) != CB_OK)
        report_failure(&self, &error);
    else
        serve(&self);
    if (self.socket != CB_NO_SOCKET && self.actor.loop != NULL)
        cb_loop_forget(self.actor.loop, self.socket);
    cb_loop_actor_close(&self.actor);
    if (self.socket != CB_NO_SOCKET)
        (void)close(self.socket);
    for (size_t i = 0; i < self.slot_count; i++)
        cb_buffer_release(self.slots[i].reply);
    free(self.slots);
    free(self.room);
    return NULL;
}
