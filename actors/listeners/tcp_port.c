#include "actors/listeners/tcp_port.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "actors/core/port_listen.h"
#include "actors/core/tls_setting.h"
#include "actors/listeners/inherited.h"

/* A response up to this size is written in one piece, after its announcement; of a larger one this
 * much is kept back for after it. It fits into any socket's send buffer. */
#define LAST_PIECE 16384u

static cb_tcp_port *port_of(const cb_tcp_guest *guest)
{
    return guest->base.listener->own;
}

/* -- the end of a connection ------------------------------------------------------------------ */

bool cb_tcp_guest_stands(const cb_tcp_guest *guest)
{
    return !cb_tcp_closed(guest->socket);
}

static void release_response(cb_tcp_guest *guest)
{
    for (size_t i = 0; i < 2; i++) {
        cb_buffer_release(guest->response[i]);
        guest->response[i] = NULL;
    }
}

void cb_tcp_port_drop(cb_connection *connection, cb_close_reason reason)
{
    cb_tcp_guest *guest = (cb_tcp_guest *)connection;
    if (!cb_tcp_guest_stands(guest))
        return;
    cb_connection_ended(connection, reason);
    (void)cb_tcp_abort(guest->socket, NULL);
}

static cb_close_reason reason_of(const cb_tcp_event *event)
{
    if (cb_tcp_kind_is(event->kind, CB_TCP_TLS_ERROR))
        return CB_CLOSE_TLS_FAILED;
    switch (event->error) {
    case CB_IO_RESET:
    case CB_IO_ABORTED:
    case CB_IO_CLOSED:
        return CB_CLOSE_PEER_RESET;
    case CB_IO_NO_MEMORY:
        return CB_CLOSE_NO_MEMORY;
    case CB_IO_TIMEOUT:
        return CB_CLOSE_NOT_READ; /* the only limit that its socket has */
    default:
        return CB_CLOSE_FAILED;
    }
}

/* -- the socket's callbacks ------------------------------------------------------------------- */

static void on_accept(cb_tcp_socket *socket)
{
    cb_listener *listener = cb_tcp_user(socket);
    const cb_tcp_port *port = listener->own;
    const cb_endpoint peer = cb_tcp_peer(socket);
    cb_tcp_guest *guest =
        (cb_tcp_guest *)(port->framing->many ? cb_connection_take(listener)
                                             : cb_connection_new(listener, &peer));
    cb_tcp_set_user(socket, guest);
    if (guest == NULL) {
        (void)cb_tcp_abort(socket, NULL);
        return;
    }
    guest->socket = socket;
    port->framing->accepted(guest);
}

static void on_connect(cb_tcp_socket *socket)
{
    cb_tcp_guest *guest = cb_tcp_user(socket);
    if (port_of(guest)->framing->connected != NULL)
        port_of(guest)->framing->connected(guest);
}

static void *on_room(cb_tcp_socket *socket, size_t *size)
{
    cb_tcp_guest *guest = cb_tcp_user(socket);
    return port_of(guest)->framing->room(guest, size);
}

static void on_read(cb_tcp_socket *socket, const void *data, size_t size)
{
    cb_tcp_guest *guest = cb_tcp_user(socket);
    port_of(guest)->framing->read(guest, data, size);
}

static void on_alarm(cb_tcp_socket *socket)
{
    cb_tcp_guest *guest = cb_tcp_user(socket);
    port_of(guest)->framing->alarm(guest);
}

static void on_event(const cb_tcp_event *event)
{
    /* The server's own troubles pass, and it goes on by itself. */
    if (event->socket == NULL)
        return;
    cb_tcp_guest *guest = cb_tcp_user(event->socket);
    if (cb_tcp_kind_is(event->kind, CB_TCP_ERROR))
        cb_connection_ended(&guest->base, reason_of(event));
    else if (event->kind == CB_TCP_EOF)
        port_of(guest)->framing->ended(guest);
}

static void on_close(cb_tcp_socket *socket)
{
    cb_tcp_guest *guest = cb_tcp_user(socket);
    if (guest == NULL)
        return;
    guest->socket = NULL;
    release_response(guest);
    port_of(guest)->framing->gone(guest);
    cb_connection_free(&guest->base);
}

/* -- responses -------------------------------------------------------------------------------- */

static size_t size_of(const cb_buffer *buffer)
{
    return buffer != NULL ? buffer->size : 0;
}

static size_t response_size(const cb_tcp_guest *guest)
{
    return size_of(guest->response[0]) + size_of(guest->response[1]);
}

/* Hands the bytes up to `end` to the socket. */
static cb_status write_up_to(cb_tcp_guest *guest, size_t end)
{
    size_t begin = 0; /* of a part, in the whole */
    cb_status status = CB_OK;
    for (size_t i = 0; i < 2 && status == CB_OK; i++) {
        size_t part_end = begin + size_of(guest->response[i]);
        size_t stop = end < part_end ? end : part_end;
        if (guest->sent < stop) {
            status = cb_tcp_write_buffer(guest->socket, guest->response[i], guest->sent - begin,
                                         stop - guest->sent, NULL);
            guest->sent = stop;
        }
        begin = part_end;
    }
    return status;
}

static void announce(cb_tcp_guest *guest)
{
    guest->sending = false;
    if (guest->base.owes_end)
        cb_connection_announce(&guest->base, (int64_t)response_size(guest), guest->final);
    else
        cb_connection_await_flush(&guest->base);
}

static void on_written(cb_tcp_socket *socket)
{
    cb_tcp_guest *guest = cb_tcp_user(socket);
    if (guest->sending)
        announce(guest);
    else if (port_of(guest)->framing->written != NULL)
        port_of(guest)->framing->written(guest);
}

void cb_tcp_port_announced(cb_connection *connection)
{
    cb_tcp_guest *guest = (cb_tcp_guest *)connection;
    if (!cb_tcp_guest_stands(guest))
        return;
    cb_status status = write_up_to(guest, response_size(guest));
    release_response(guest);
    if (status == CB_OK && guest->final)
        status = cb_tcp_end_writing(guest->socket, NULL);
    if (status != CB_OK)
        cb_tcp_port_drop(connection, CB_CLOSE_NO_MEMORY);
    else if (guest->final)
        (void)cb_tcp_close(guest->socket, NULL);
    else if (port_of(guest)->framing->sent != NULL)
        port_of(guest)->framing->sent(guest);
}

void cb_tcp_guest_send(cb_tcp_guest *guest, cb_buffer *first, cb_buffer *second, bool final)
{
    assert(guest->response[0] == NULL && guest->response[1] == NULL);
    guest->response[0] = first;
    guest->response[1] = second;
    guest->sent = 0;
    guest->final = final;
    if (!cb_tcp_guest_stands(guest)) {
        release_response(guest);
        return;
    }
    size_t size = response_size(guest);
    guest->sending = size > LAST_PIECE;
    if (!guest->sending)
        announce(guest);
    else if (write_up_to(guest, size - LAST_PIECE) != CB_OK)
        cb_tcp_port_drop(&guest->base, CB_CLOSE_NO_MEMORY);
}

/* -- the port --------------------------------------------------------------------------------- */

static void on_port_closed(void *user)
{
    cb_listener *listener = user;
    const cb_tcp_port *self = listener->own;
    if (self->framing->port_closed != NULL)
        self->framing->port_closed(listener);
    else
        cb_listener_port_closed(listener);
}

static void on_drained(void *user)
{
    cb_listener_drained(user);
}

static cb_tcp_options options_of(const cb_listener *listener)
{
    const cb_limits *limits = cb_listener_limits(listener);
    return (cb_tcp_options){
        .write_timeout = (double)limits->tcp_write_ms / 1000,
        .linger = limits->tcp_linger_ms > 0 ? (double)limits->tcp_linger_ms / 1000 : -1,
        .write_watermark = SIZE_MAX, /* a response has its own limit */
        .max_connections = (size_t)limits->max_connections};
}

static cb_status open_inherited(cb_listener *listener, const cb_tcp_callbacks *callbacks,
                                cb_error *error)
{
    cb_tcp_port *self = listener->own;
    cb_tcp_options options = options_of(listener);
    cb_status status = cb_inherited_take(listener, &options.listening, error);
    if (status != CB_OK)
        return status;
    status = cb_tcp_server_open(listener->actor.loop, NULL, cb_listener_port(listener), callbacks,
                                &options, listener, &self->server, error);
    if (status != CB_OK)
        (void)close(options.listening);
    return status;
}

/* The thread has nothing else to do yet than to wait for its port. */
static cb_status open_at(cb_listener *listener, const char *address,
                         const cb_tcp_callbacks *callbacks, cb_error *error)
{
    cb_tcp_port *self = listener->own;
    const cb_tcp_options options = options_of(listener);
    return cb_port_listen(&listener->actor, address, cb_listener_port(listener), callbacks,
                          &options, listener, &self->server, error);
}

/* Whether a machine without IPv6 said so about "::". */
static bool lacks_ipv6(const cb_error *error)
{
    return error->sys_errno == EAFNOSUPPORT || error->sys_errno == EADDRNOTAVAIL;
}

cb_status cb_tcp_port_open(cb_listener *listener, const cb_tcp_framing *framing, uint16_t *port,
                           cb_error *error)
{
    cb_tcp_port *self = listener->own;
    const cb_tcp_callbacks callbacks = {.accept = on_accept,
                                        .connect = on_connect,
                                        .room = framing->room != NULL ? on_room : NULL,
                                        .read = on_read,
                                        .write = on_written,
                                        .event = on_event,
                                        .alarm = on_alarm,
                                        .close = on_close,
                                        .port_closed = on_port_closed,
                                        .drained = on_drained};
    uint32_t kind = cb_listener_route_kind(listener);
    bool inherited = (kind & CB_ROUTE_INHERITED) != 0;
    bool any = !inherited && (kind & CB_ROUTE_ANY_ADDRESS) != 0;
    self->framing = framing;
    cb_status status = inherited ? open_inherited(listener, &callbacks, error)
                                 : open_at(listener, any ? "::" : "127.0.0.1", &callbacks, error);
    if (any && status == CB_IO && lacks_ipv6(error))
        status = open_at(listener, "0.0.0.0", &callbacks, error);
    if (status == CB_OK)
        *port = cb_tcp_server_port(self->server);
    return status;
}

void cb_tcp_port_stop(cb_listener *listener)
{
    cb_tcp_port *self = listener->own;
    cb_tcp_server_close(&self->server);
}

cb_status cb_tcp_port_order(cb_listener *listener, const cb_message *order, int64_t *value,
                            cb_buffer **payload)
{
    cb_tcp_port *self = listener->own;
    const cb_tls_setting *setting = cb_tls_setting_of(order);
    cb_error error;
    (void)value;
    if (order->status != CB_ORDER_SET_TLS)
        return CB_UNSUPPORTED;
    if (setting == NULL)
        return CB_INVALID;
    if (self->server == NULL)
        return CB_CLOSED;
    const cb_tcp_tls tls = {.provider = setting->provider, .context = setting->context};
    cb_status status = cb_tcp_server_set_tls(self->server, &tls, &error);
    if (status != CB_OK)
        *payload = cb_buffer_copy(error.text, strlen(error.text));
    return status;
}
