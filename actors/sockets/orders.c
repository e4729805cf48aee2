/* What the script wants of the route: each ORDER is answered by one ORDER_DONE. */
#include <stdlib.h>
#include <string.h>

#include "actors/core/tls_setting.h"
#include "actors/sockets/sockets.h"

#define US_PER_S     1e6
/* Up to here a write is copied and goes out with others in one piece; a larger one is referred to.
 */
#define COPY_MOST    4096u
#define ENTRY_SIZE   sizeof(int64_t)
#define WOULD_EXCEED (-1)

/* An order on its way to its answer. */
typedef struct work {
    cb_sockets *self;
    const cb_message *order;
    cb_buffer *payload;     /* the order's, may be NULL */
    cb_held_socket *socket; /* whom it is about, if it is about one */
    uint32_t argument;
    int64_t value;     /* out */
    cb_buffer *answer; /* out */
    cb_error error;    /* out; an empty text: the status says all */
} work;

static size_t payload_size(const work *of)
{
    return of->payload != NULL ? of->payload->size : 0;
}

static cb_status invalid(work *of)
{
    return cb_fail(&of->error, CB_INVALID, "malformed command");
}

/* Reads `count` entries and, unless NULL, the text after them, up to the end or a NUL. Gives where
 * the rest begins; 0: it is malformed. */
static size_t unpack(const work *of, int64_t *entries, size_t count, char *text)
{
    size_t size = payload_size(of);
    size_t at = count * ENTRY_SIZE;
    if (size < at)
        return 0;
    for (size_t i = 0; i < count; i++)
        entries[i] = cb_unpack_i64(of->payload->data + i * ENTRY_SIZE);
    if (text == NULL)
        return size == at ? at : 0;
    const uint8_t *from = of->payload->data + at;
    const uint8_t *nul = memchr(from, 0, size - at);
    size_t length = nul != NULL ? (size_t)(nul - from) : size - at;
    if (length > CB_SOCKET_HOST_MOST)
        return 0;
    memcpy(text, from, length);
    text[length] = '\0';
    return at + length + (nul != NULL ? 1 : 0);
}

/* -- the server -------------------------------------------------------------------------------- */

static bool is_port(int64_t value)
{
    return value >= 0 && value <= UINT16_MAX;
}

static cb_status listen_at(work *of)
{
    cb_sockets *self = of->self;
    char address[CB_SOCKET_HOST_MOST + 1];
    int64_t entries[CB_SOCKET_SERVER_ENTRIES];
    if (!is_port(of->order->value) || self->server_state != CB_SERVER_NONE ||
        unpack(of, entries, CB_SOCKET_SERVER_ENTRIES, address) != payload_size(of))
        return invalid(of);
    if (self->stopping)
        return CB_CLOSED;
    memcpy(self->entries, entries, sizeof entries);
    self->nobody.entries[1] = entries[2];
    cb_status status = cb_sockets_listen(self, address[0] != '\0' ? address : NULL,
                                         (uint16_t)of->order->value, &of->error);
    if (status != CB_OK)
        return status;
    self->server_state = CB_SERVER_LISTENING;
    of->value = self->server_port;
    return CB_OK;
}

static cb_status set_tls(work *of)
{
    const cb_tls_setting *setting = cb_tls_setting_of(of->order);
    if (of->self->server == NULL)
        return of->self->server_state == CB_SERVER_NONE ? CB_UNKNOWN : CB_CLOSED;
    if (setting == NULL)
        return invalid(of);
    const cb_tcp_tls tls = {.provider = setting->provider, .context = setting->context};
    return cb_tcp_server_set_tls(of->self->server, &tls, &of->error);
}

static cb_status close_server(work *of)
{
    cb_sockets *self = of->self;
    of->value = self->server_state == CB_SERVER_LISTENING;
    if (self->server_state == CB_SERVER_LISTENING) {
        self->server_state = CB_SERVER_CLOSED;
        cb_tcp_server_close(&self->server);
    }
    return CB_OK;
}

/* The first open socket behind the one of this number, which need not be there any more. */
static cb_held_socket *open_after(const cb_sockets *self, uint32_t number)
{
    cb_held_socket *socket = cb_address_map_find(&self->sockets, number);
    socket = socket != NULL ? socket->next : self->first;
    while (socket != NULL && (socket->number <= number || !socket->counted))
        socket = socket->next;
    return socket;
}

static cb_status find_next(work *of)
{
    const cb_held_socket *next = open_after(of->self, (uint32_t)(of->order->value & UINT32_MAX));
    of->value = next != NULL ? next->number : 0;
    return CB_OK;
}

static cb_status write_bytes(cb_held_socket *socket, cb_buffer *bytes)
{
    if (bytes->size <= COPY_MOST)
        return cb_tcp_write(socket->tcp, bytes->data, bytes->size, NULL, NULL);
    return cb_tcp_write_buffer(socket->tcp, bytes, 0, bytes->size, NULL);
}

static cb_status broadcast(work *of)
{
    uint32_t except = (uint32_t)(of->order->value & UINT32_MAX);
    if (of->payload == NULL)
        return CB_OK;
    for (cb_held_socket *socket = open_after(of->self, 0); socket != NULL;
         socket = open_after(of->self, socket->number))
        if (socket->number != except && write_bytes(socket, of->payload) == CB_OK)
            of->value++;
    return CB_OK;
}

static cb_status order_server(work *of)
{
    const cb_sockets *self = of->self;
    if (of->order->status == CB_SOCKET_LISTEN)
        return listen_at(of);
    if (of->order->status == CB_ORDER_SET_TLS)
        return set_tls(of);
    if (self->server_state == CB_SERVER_NONE)
        return CB_UNKNOWN;
    switch (of->order->status) {
    case CB_SOCKET_CLOSE_SERVER:
        return close_server(of);
    case CB_SOCKET_SERVER_STATE:
        of->value = self->server_state == CB_SERVER_LISTENING;
        return CB_OK;
    case CB_SOCKET_SERVER_PORT:
        of->value = self->server_port;
        return CB_OK;
    case CB_SOCKET_NEXT:
        return find_next(of);
    case CB_SOCKET_BROADCAST:
        return broadcast(of);
    default:
        return CB_UNSUPPORTED;
    }
}

/* -- connecting -------------------------------------------------------------------------------- */

/* The data's reference is taken over. */
static cb_status connect_to(work *of, const int64_t *entries, const char *host, cb_buffer *data,
                            const cb_tcp_tls *tls)
{
    cb_held_socket *made = cb_held_new(of->self);
    if (made == NULL) {
        cb_buffer_release(data);
        return CB_NO_MEMORY;
    }
    made->data = data;
    memcpy(made->entries, entries, sizeof made->entries);
    cb_status status = cb_held_connect(made, host, (uint16_t)of->order->value, tls, &of->error);
    if (status == CB_OK) {
        of->value = made->number;
        return CB_OK;
    }
    cb_held_free(made);
    return status;
}

static cb_status may_connect(work *of)
{
    const cb_sockets *self = of->self;
    if (!is_port(of->order->value))
        return invalid(of);
    if (self->stopping)
        return CB_CLOSED;
    if (self->open >= self->actor.core->options.limits.max_connections)
        return cb_fail(&of->error, CB_LIMIT,
                       "%u connections are open already (CALLBOARD_MAX_CONNECTIONS)", self->open);
    return CB_OK;
}

static cb_status connect_plain(work *of)
{
    char host[CB_SOCKET_HOST_MOST + 1];
    int64_t entries[CB_SOCKET_CLIENT_ENTRIES];
    size_t at = unpack(of, entries, CB_SOCKET_CLIENT_ENTRIES, host);
    size_t left = payload_size(of) - at;
    if (at == 0)
        return invalid(of);
    cb_status status = may_connect(of);
    if (status != CB_OK)
        return status;
    cb_buffer *data = left > 0 ? cb_buffer_copy(of->payload->data + at, left) : NULL;
    if (left > 0 && data == NULL)
        return CB_NO_MEMORY;
    return connect_to(of, entries, host, data, NULL);
}

static cb_status connect_secure(work *of)
{
    if (of->payload == NULL || (of->payload->flags & CB_BUFFER_HOLDS) == 0)
        return invalid(of);
    cb_status status = may_connect(of);
    if (status != CB_OK)
        return status;
    const cb_socket_secure *held = (const cb_socket_secure *)(const void *)of->payload->data;
    const cb_tcp_tls tls = {.provider = held->provider, .context = held->context};
    return connect_to(of, held->entries, held->host, cb_buffer_retain(held->data), &tls);
}

/* -- sockets ----------------------------------------------------------------------------------- */

static cb_status write_to(work *of)
{
    cb_held_socket *socket = of->socket;
    size_t size = payload_size(of);
    if (size > INT32_MAX)
        return invalid(of);
    of->value = (int64_t)size;
    /* One that has failed, and whose end is not being told yet: lost like bytes in the kernel. */
    if (size == 0 || socket->state != CB_HELD_OPEN)
        return CB_OK;
    cb_status status = write_bytes(socket, of->payload);
    if (status == CB_LIMIT) {
        of->value = WOULD_EXCEED;
        return CB_OK;
    }
    if (status == CB_CLOSED)
        return cb_fail(&of->error, CB_CLOSED, "its writing was ended");
    return status;
}

static cb_status close_socket(work *of, bool by_reset)
{
    of->socket->closed = true;
    cb_held_close(of->socket, by_reset);
    return CB_OK;
}

static cb_status set_timeouts(work *of)
{
    cb_held_socket *socket = of->socket;
    if (payload_size(of) != 2 * sizeof(int64_t))
        return invalid(of);
    double read_s = (double)cb_unpack_i64(of->payload->data) / US_PER_S;
    double write_s = (double)cb_unpack_i64(of->payload->data + sizeof(int64_t)) / US_PER_S;
    int64_t read_us = cb_unpack_i64(of->payload->data);
    socket->patience_ns = read_us > 0 && read_us < INT64_MAX / 1000 ? read_us * 1000 : 0;
    return socket->state != CB_HELD_OPEN
               ? CB_OK
               : cb_tcp_set_timeouts(socket->tcp, read_s, write_s, &of->error);
}

static cb_status direct(work *of, bool on)
{
    cb_held_socket *socket = of->socket;
    if ((of->argument & CB_SOCKET_DIRECTION_READ) != 0)
        socket->read_on = on;
    cb_held_steer(socket);
    cb_held_advance(socket);
    if ((of->argument & CB_SOCKET_DIRECTION_WRITE) == 0 || socket->state != CB_HELD_OPEN)
        return CB_OK;
    return on ? cb_tcp_enable(socket->tcp, false, true, &of->error)
              : cb_tcp_disable(socket->tcp, false, true, &of->error);
}

static cb_status set_callbacks(work *of)
{
    int64_t entries[CB_SOCKET_CLIENT_ENTRIES];
    if (!unpack(of, entries, CB_SOCKET_CLIENT_ENTRIES, NULL))
        return invalid(of);
    memcpy(of->socket->entries, entries, sizeof entries);
    return CB_OK;
}

static cb_status set_data(work *of)
{
    cb_buffer_release(of->socket->data);
    of->socket->data = of->payload;
    of->payload = NULL;
    return CB_OK;
}

static cb_status tell_peer(work *of)
{
    char text[CB_ENDPOINT_TEXT_SIZE];
    (void)cb_endpoint_to_string(&of->socket->peer, text, sizeof text);
    of->answer = cb_buffer_copy(text, strlen(text));
    return of->answer != NULL ? CB_OK : CB_NO_MEMORY;
}

static cb_status order_open_socket(work *of)
{
    cb_held_socket *socket = of->socket;
    switch (of->order->status) {
    case CB_SOCKET_WRITE:
        return write_to(of);
    case CB_SOCKET_END_WRITING:
        return socket->state == CB_HELD_OPEN ? cb_tcp_end_writing(socket->tcp, &of->error) : CB_OK;
    case CB_SOCKET_CLOSE:
        return close_socket(of, false);
    case CB_SOCKET_ABORT:
        return close_socket(of, true);
    case CB_SOCKET_SET_TIMEOUTS:
        return set_timeouts(of);
    case CB_SOCKET_ENABLE:
        return direct(of, true);
    case CB_SOCKET_DISABLE:
        return direct(of, false);
    case CB_SOCKET_SET_CALLBACKS:
        return set_callbacks(of);
    default:
        return CB_UNSUPPORTED;
    }
}

/* Those that answer as long as the socket is known, that is until its last callback is over. */
static cb_status order_known_socket(work *of)
{
    cb_held_socket *socket = of->socket;
    switch (of->order->status) {
    case CB_SOCKET_SET_DATA:
        return set_data(of);
    case CB_SOCKET_DATA:
        of->answer = cb_buffer_retain(socket->data);
        return CB_OK;
    case CB_SOCKET_BUFFERED:
        of->value = socket->state == CB_HELD_OPEN ? (int64_t)cb_tcp_buffered(socket->tcp) : 0;
        return CB_OK;
    case CB_SOCKET_PEER:
        return tell_peer(of);
    case CB_SOCKET_LOCAL_PORT:
        of->value = socket->local_port;
        return CB_OK;
    default:
        return cb_held_is_closed(socket) ? CB_CLOSED : order_open_socket(of);
    }
}

static cb_status order_socket(work *of)
{
    cb_sockets *self = of->self;
    uint64_t target = (uint64_t)of->order->value;
    uint32_t number = (uint32_t)(target & UINT32_MAX);
    of->argument = (uint32_t)(target >> 32);
    of->socket = cb_address_map_find(&self->sockets, number);
    if (number == 0 || number > self->last_number)
        return CB_UNKNOWN;
    if (of->order->status == CB_SOCKET_SERVER_OF) {
        of->value = self->server_state != CB_SERVER_NONE;
        return CB_OK;
    }
    if (of->order->status == CB_SOCKET_CLOSED) {
        of->value = of->socket == NULL || cb_held_is_closed(of->socket);
        return CB_OK;
    }
    return of->socket != NULL ? order_known_socket(of) : CB_CLOSED;
}

static cb_status carry_out(work *of)
{
    if (of->order->status == CB_SOCKET_CONNECT)
        return connect_plain(of);
    if (of->order->status == CB_SOCKET_CONNECT_TLS)
        return connect_secure(of);
    return of->order->status < CB_SOCKET_WRITE ? order_server(of) : order_socket(of);
}

void cb_sockets_order(cb_sockets *self, const cb_message *order)
{
    work of = {.self = self, .order = order, .payload = cb_message_payload(order)};
    cb_message done = cb_sockets_record(self, CB_MSG_ORDER_DONE);
    cb_status status = carry_out(&of);
    done.job = order->job;
    done.status = (int32_t)status;
    done.value = status == CB_OK ? of.value : 0;
    if (status != CB_OK && of.error.text[0] != '\0')
        of.answer = cb_buffer_copy(of.error.text, strlen(of.error.text));
    done.payload = cb_payload_handle(of.answer);
    cb_buffer_release(of.payload);
    cb_loop_actor_post(&self->actor, &done);
}
