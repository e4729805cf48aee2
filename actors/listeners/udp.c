/* The actor behind a UDP route: each datagram that comes is a request, what its callback leaves is
 * the reply. On the kind UDP_CLIENT there are no replies, and datagrams are sent on command.
 *
 *     a slot: taken (RequestReady posted) -> replying (the kernel has yet to take it) -> free
 *
 * What comes when all slots are taken is dropped and counted. Slots come back by the supervisor's
 * Respond or Drop, exactly one for each RequestReady.
 */
#include "actors/listeners/udp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/base/budget.h"
#include "actors/listeners/inherited.h"
#include "callboard/udp_commands.h"

/* Receives that wait at once, so that several datagrams are taken in one turn. */
#define RECEIVES       32u
#define RECEIVE_SIZE   65536u
/* What the kernel is asked to keep for us while the loop is busy; it may give less. */
#define KERNEL_BYTES   (4 * 1024 * 1024)
#define HOST_TEXT_SIZE 16u
#define HEADER_ROOM    (CB_UDP_HEADER_SIZE + HOST_TEXT_SIZE)

typedef struct datagram {
    cb_connection base; /* first */
    cb_endpoint peer;
    uint8_t header_size;
    uint8_t header[HEADER_ROOM]; /* what the callback was given in front of the datagram */
    cb_buffer *reply;            /* while it is being sent */
} datagram;

/* A datagram that is sent on command. */
typedef struct sending {
    cb_listener *listener;
    cb_message order;
} sending;

typedef struct udp {
    cb_socket socket;
    bool is_deaf; /* what comes is turned away */
    bool is_closing;
    uint8_t *room;      /* RECEIVES pieces of RECEIVE_SIZE */
    int64_t taken;      /* slots */
    size_t sends;       /* on command, in flight */
    int64_t overloaded; /* dropped and not yet reported */
    int64_t late;       /* came after the stop; the same */
    cb_op *reporting;
} udp;

static udp *udp_of(const cb_listener *listener)
{
    return listener->own;
}

/* -- datagrams that become no request: counted, and told once a tick -------------------------- */

static void report_rejected(cb_listener *listener)
{
    udp *self = udp_of(listener);
    if (self->overloaded > 0)
        cb_listener_rejected(listener, self->overloaded, CB_JOB_OVERLOADED, false);
    if (self->late > 0)
        cb_listener_rejected(listener, self->late, CB_JOB_ROUTE_CLOSED, false);
    self->overloaded = self->late = 0;
}

static void on_report(cb_op *op)
{
    cb_listener *listener = op->user_data;
    udp_of(listener)->reporting = NULL;
    if (op->error == CB_IO_OK)
        report_rejected(listener);
}

static void reject(cb_listener *listener, int64_t *count)
{
    udp *self = udp_of(listener);
    ++*count;
    if (self->reporting != NULL)
        return;
    self->reporting = cb_next_tick(listener->actor.loop, on_report);
    if (self->reporting != NULL)
        self->reporting->user_data = listener;
    else
        report_rejected(listener);
}

/* -- the end ---------------------------------------------------------------------------------- */

static void port_is_closed(cb_listener *listener)
{
    report_rejected(listener);
    cb_listener_port_closed(listener);
    cb_listener_drained(listener);
}

static void on_closed(cb_op *op)
{
    port_is_closed(op->user_data);
}

/* The port is closed when the last reply has left. */
static void close_if_over(cb_listener *listener)
{
    udp *self = udp_of(listener);
    if (!self->is_deaf || self->is_closing || self->taken > 0 || self->sends > 0)
        return;
    self->is_closing = true;
    cb_op *op = cb_close(listener->actor.loop, self->socket, on_closed);
    if (op != NULL) {
        op->user_data = listener;
    } else {
        cb_loop_forget(listener->actor.loop, self->socket);
        (void)close(self->socket);
        port_is_closed(listener);
    }
    self->socket = CB_NO_SOCKET;
}

static void stop_accepting(cb_listener *listener)
{
    udp_of(listener)->is_deaf = true;
    close_if_over(listener);
}

static void give_back(datagram *done)
{
    cb_listener *listener = done->base.listener;
    cb_buffer_release(done->reply);
    done->reply = NULL;
    cb_connection_free(&done->base);
    udp_of(listener)->taken--;
    close_if_over(listener);
}

static void drop(cb_connection *connection, cb_close_reason reason)
{
    (void)reason;
    datagram *dropped = (datagram *)connection;
    if (dropped->reply == NULL) /* otherwise the kernel has it, and tells when it is done */
        give_back(dropped);
}

/* -- receiving -------------------------------------------------------------------------------- */

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static size_t put_decimal(uint8_t *to, unsigned value)
{
    size_t size = value >= 100 ? 3 : value >= 10 ? 2 : 1;
    for (size_t i = size; i-- > 0; value /= 10)
        to[i] = (uint8_t)('0' + value % 10);
    return size;
}

static void write_header(datagram *of)
{
    uint8_t *host = of->header + CB_UDP_HEADER_SIZE;
    size_t size = put_decimal(host, of->peer.address[0]);
    for (int i = 1; i < 4; i++) {
        host[size++] = '.';
        size += put_decimal(host + size, of->peer.address[i]);
    }
    put_u32(of->header, of->peer.port);
    put_u32(of->header + 4, (uint32_t)size);
    of->header_size = (uint8_t)(CB_UDP_HEADER_SIZE + size);
}

static cb_buffer *with_header(const datagram *of, const void *data, size_t size)
{
    cb_buffer *payload = cb_buffer_new(0, of->header_size + size);
    if (payload == NULL)
        return NULL;
    memcpy(payload->data, of->header, of->header_size);
    if (size > 0)
        memcpy(payload->data + of->header_size, data, size);
    payload->size = of->header_size + size;
    return payload;
}

static void take_datagram(cb_listener *listener, const cb_endpoint *peer, const void *data,
                          size_t size)
{
    udp *self = udp_of(listener);
    if (self->is_deaf) {
        reject(listener, &self->late);
        return;
    }
    datagram *taken = NULL;
    cb_buffer *payload = NULL;
    if (self->taken < cb_listener_limits(listener)->udp_waiting)
        taken = (datagram *)cb_connection_take(listener);
    if (taken != NULL && !cb_connection_may_grow(&taken->base, size, HEADER_ROOM + size)) {
        cb_connection_free(&taken->base);
        taken = NULL;
    }
    if (taken != NULL) {
        taken->peer = *peer;
        write_header(taken);
        payload = with_header(taken, data, size);
    }
    if (payload == NULL) {
        if (taken != NULL)
            cb_connection_free(&taken->base);
        reject(listener, &self->overloaded);
        return;
    }
    self->taken++;
    cb_connection_charge(&taken->base, payload->capacity);
    cb_connection_event(&taken->base, 0, payload);
}

static void on_received(cb_op *op)
{
    cb_listener *listener = op->user_data;
    if (op->error == CB_IO_OK)
        take_datagram(listener, &op->recv.source, op->recv.bufs[0].data, op->recv.received);
    /* Other failures are of one datagram, or come before the port's own end. */
    if (op->error != CB_IO_CANCELED && op->error != CB_IO_BAD_SOCKET &&
        !udp_of(listener)->is_closing)
        cb_op_exec(op, false);
}

static cb_status begin_receiving(cb_listener *listener, cb_error *error)
{
    udp *self = udp_of(listener);
    self->room = malloc((size_t)RECEIVES * RECEIVE_SIZE);
    if (self->room != NULL)
        cb_budget_add((int64_t)RECEIVES * RECEIVE_SIZE);
    for (size_t i = 0; self->room != NULL && i < RECEIVES; i++) {
        cb_op *op = cb_recv(listener->actor.loop, self->socket, self->room + i * RECEIVE_SIZE,
                            RECEIVE_SIZE, on_received, NULL);
        if (op != NULL)
            op->user_data = listener;
        else if (i == 0)
            return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    return self->room != NULL ? CB_OK : cb_fail(error, CB_NO_MEMORY, "out of memory");
}

/* -- replying --------------------------------------------------------------------------------- */

static void on_replied(cb_op *op)
{
    give_back(op->user_data);
}

static void respond(cb_connection *connection, cb_buffer *reply, bool final)
{
    (void) final;
    datagram *to = (datagram *)connection;
    cb_listener *listener = connection->listener;
    size_t offset = to->header_size;
    bool replies = cb_listener_route_base(listener) == CB_ROUTE_UDP;
    assert(to->reply == NULL);
    if (reply == NULL || reply->size == 0 || !replies) {
        cb_buffer_release(reply);
        give_back(to);
        return;
    }
    if (reply->size < offset || memcmp(reply->data, to->header, offset) != 0)
        offset = 0;
    cb_bytes bytes = {.data = reply->data + offset, .size = reply->size - offset};
    cb_op *op = NULL;
    to->reply = reply;
    cb_connection_charge(connection, reply->capacity);
    if (bytes.size <= CB_UDP_DATAGRAM_MAX)
        op = cb_send_list(listener->actor.loop, udp_of(listener)->socket, &bytes, 1, &to->peer,
                          on_replied, NULL);
    if (op != NULL) {
        op->user_data = to;
    } else {
        cb_listener_rejected(listener, 1, CB_JOB_SEND_FAILED, true);
        give_back(to);
    }
}

/* -- sending on command ----------------------------------------------------------------------- */

static void on_order_sent(cb_op *op)
{
    sending *done = op->user_data;
    cb_listener *listener = done->listener;
    const char *why = cb_io_error_string(op->error);
    udp_of(listener)->sends--;
    if (op->error == CB_IO_OK)
        cb_listener_order_done(listener, &done->order, CB_OK, (int64_t)op->send.sent, NULL);
    else
        cb_listener_order_done(listener, &done->order, CB_IO, 0, cb_buffer_copy(why, strlen(why)));
    free(done);
    close_if_over(listener);
}

static cb_status order(cb_listener *listener, const cb_message *order, int64_t *value,
                       cb_buffer **payload)
{
    udp *self = udp_of(listener);
    const cb_buffer *data = cb_message_payload(order);
    uint64_t receiver = (uint64_t)order->value;
    (void)value;
    (void)payload;
    if (order->status != CB_UDP_SEND)
        return CB_UNSUPPORTED;
    if (self->socket == CB_NO_SOCKET)
        return CB_CLOSED;
    cb_bytes bytes = {.data = data != NULL ? data->data : self->room,
                      .size = data != NULL ? data->size : 0};
    if (bytes.size > CB_UDP_DATAGRAM_MAX)
        return CB_LIMIT;
    cb_endpoint endpoint = cb_endpoint_loopback(CB_FAMILY_IP4, (uint16_t)receiver);
    for (int i = 0; i < 4; i++)
        endpoint.address[i] = (uint8_t)(receiver >> (40 - 8 * i));
    sending *begun = malloc(sizeof *begun);
    if (begun == NULL)
        return CB_NO_MEMORY;
    *begun = (sending){.listener = listener, .order = *order};
    cb_op *op =
        cb_send_list(listener->actor.loop, self->socket, &bytes, 1, &endpoint, on_order_sent, NULL);
    if (op == NULL) {
        free(begun);
        return CB_NO_MEMORY;
    }
    op->user_data = begun;
    self->sends++;
    return CB_ORDER_LATER;
}

/* -- the beginning and the last --------------------------------------------------------------- */

static cb_status bind_port(cb_listener *listener, uint16_t *port, cb_error *error)
{
    udp *self = udp_of(listener);
    int bytes = KERNEL_BYTES;
    cb_endpoint endpoint = cb_endpoint_loopback(CB_FAMILY_IP4, cb_listener_port(listener));
    cb_status status;
    if ((cb_listener_route_kind(listener) & CB_ROUTE_INHERITED) != 0) {
        status = cb_inherited_take(listener, &self->socket, error);
        if (status == CB_OK)
            status = cb_associate_socket(listener->actor.loop, self->socket, error);
    } else {
        status = cb_create_socket(listener->actor.loop, CB_FAMILY_IP4, CB_PROTOCOL_UDP,
                                  &self->socket, error);
        if (status == CB_OK)
            status = cb_bind(self->socket, &endpoint, error);
    }
    if (status == CB_OK)
        status = cb_bound_endpoint(self->socket, &endpoint, error);
    if (status != CB_OK)
        return status;
    (void)setsockopt(self->socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    *port = endpoint.port;
    return CB_OK;
}

static void shut(cb_listener *listener)
{
    udp *self = udp_of(listener);
    if (self->socket != CB_NO_SOCKET)
        (void)close(self->socket);
    self->socket = CB_NO_SOCKET;
    if (self->room != NULL)
        cb_budget_add(-(int64_t)RECEIVES * RECEIVE_SIZE);
    free(self->room);
}

static cb_status open_port(cb_listener *listener, uint16_t *port, cb_error *error)
{
    udp_of(listener)->socket = CB_NO_SOCKET;
    cb_status status = bind_port(listener, port, error);
    return status == CB_OK ? begin_receiving(listener, error) : status;
}

const cb_listener_kind cb_udp_kind = {.own_size = sizeof(udp),
                                      .connection_size = sizeof(datagram),
                                      .open = open_port,
                                      .stop_accepting = stop_accepting,
                                      .respond = respond,
                                      .drop = drop,
                                      .order = order,
                                      .close = shut};
