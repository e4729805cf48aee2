/* Sockets: making and forgetting them, and what the TCP layer tells of them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/budget.h"
#include "actors/sockets/sockets.h"

#define MS_PER_S  1000.0
/* How soon a socket is looked at again that is not read for want of memory. */
#define RELIEF_NS (20 * INT64_C(1000000))
/* Room for most sentences, kept by each socket for its last event. */
#define LAST_SIZE (CB_SOCKET_EVENT_SIZE + 112u)

/* -- the list of all --------------------------------------------------------------------------- */

static void link_up(cb_held_socket *socket)
{
    cb_sockets *self = socket->owner;
    socket->previous = self->last;
    if (self->last != NULL)
        self->last->next = socket;
    else
        self->first = socket;
    self->last = socket;
}

static void unlink_from(cb_held_socket *socket)
{
    cb_sockets *self = socket->owner;
    if (socket->previous != NULL)
        socket->previous->next = socket->next;
    else
        self->first = socket->next;
    if (socket->next != NULL)
        socket->next->previous = socket->previous;
    else
        self->last = socket->previous;
}

cb_held_socket *cb_held_new(cb_sockets *self)
{
    cb_held_socket *made = self->last_number < UINT32_MAX ? calloc(1, sizeof *made) : NULL;
    cb_buffer *last = made != NULL ? cb_buffer_new(0, LAST_SIZE) : NULL;
    uint32_t number = self->last_number + 1;
    if (last == NULL || cb_address_map_insert(&self->sockets, number, made) != CB_OK) {
        cb_buffer_release(last);
        free(made);
        return NULL;
    }
    self->last_number = number;
    *made = (cb_held_socket){.owner = self,
                             .number = number,
                             .state = CB_HELD_OPEN,
                             .read_on = true,
                             .counted = true,
                             .last = last};
    self->open++;
    link_up(made);
    return made;
}

static void uncount(cb_held_socket *socket)
{
    if (socket->counted)
        socket->owner->open--;
    socket->counted = false;
}

void cb_held_free(cb_held_socket *socket)
{
    uncount(socket);
    unlink_from(socket);
    (void)cb_address_map_remove(&socket->owner->sockets, socket->number);
    cb_buffer_release(socket->unread);
    cb_buffer_release(socket->last);
    cb_buffer_release(socket->data);
    free(socket);
}

void cb_held_settle(cb_held_socket *socket)
{
    if (socket->number != 0 && socket->state == CB_HELD_OVER && socket->told_last &&
        !socket->in_flight && !socket->lined_up && socket->tcp == NULL)
        cb_held_free(socket);
}

bool cb_held_is_closed(const cb_held_socket *socket)
{
    return socket->closed || socket->told_last;
}

/* -- reading ----------------------------------------------------------------------------------- */

/* The time that the script allows for silence runs on while nothing is read. */
static bool gives_up(cb_held_socket *socket)
{
    int64_t now_ns = cb_loop_now(socket->owner->actor.loop);
    if (socket->patience_ns == 0 || now_ns - socket->starved_ns < socket->patience_ns ||
        socket->state != CB_HELD_OPEN)
        return false;
    cb_held_close(socket, true);
    cb_held_tell_last(socket, CB_TCP_TIMEOUT, 0, "there was no memory to receive in time");
    return true;
}

static void on_relief(cb_op *op)
{
    cb_sockets *self = op->user_data;
    self->relief = NULL;
    if (op->error != CB_IO_OK && op->error != CB_IO_TIMEOUT)
        return;
    for (cb_held_socket *socket = self->first; socket != NULL; socket = socket->next)
        if (socket->starved && !gives_up(socket))
            cb_held_steer(socket);
}

/* Without memory for the look it is left to the next event of the socket. */
static void look_again(cb_sockets *self)
{
    if (self->relief != NULL)
        return;
    self->relief = cb_timeout(self->actor.loop, RELIEF_NS, on_relief);
    if (self->relief != NULL)
        self->relief->user_data = self;
}

/* One whose bytes wait already is refused as early as those who send much, so that others are still
 * heard. */
static bool is_starved(const cb_held_socket *socket)
{
    size_t waits = cb_held_unread(socket);
    if (waits == 0)
        return !cb_budget_could_read(0, CB_BUDGET_TINY);
    return !cb_budget_could_read(CB_BUDGET_MIDDLE + 1, CB_BUDGET_MIDDLE);
}

void cb_held_steer(cb_held_socket *socket)
{
    cb_sockets *self = socket->owner;
    if (socket->state != CB_HELD_OPEN || socket->tcp == NULL)
        return;
    size_t most = (size_t)self->actor.core->options.limits.socket_unread;
    bool reads = socket->read_on && !self->stopping && cb_held_unread(socket) < most;
    bool starved = reads && is_starved(socket);
    if (starved && !socket->starved) {
        cb_budget_count_refusal();
        socket->starved_ns = cb_loop_now(self->actor.loop);
    }
    socket->starved = starved;
    if (starved)
        look_again(self);
    if (reads && !starved)
        (void)cb_tcp_enable(socket->tcp, true, false, NULL);
    else
        (void)cb_tcp_disable(socket->tcp, true, false, NULL);
}

void cb_held_close(cb_held_socket *socket, bool by_reset)
{
    if (socket->state != CB_HELD_OPEN)
        return;
    socket->state = CB_HELD_CLOSING;
    cb_held_drop_unread(socket);
    socket->waits = 0;
    uncount(socket);
    if (by_reset)
        (void)cb_tcp_abort(socket->tcp, NULL);
    else
        (void)cb_tcp_close(socket->tcp, NULL);
}

/* -- what the TCP layer tells ------------------------------------------------------------------ */

/* A client of the server's, whose connection stands. */
static cb_held_socket *welcome(cb_sockets *self, cb_tcp_socket *tcp)
{
    cb_held_socket *made = self->stopping ? NULL : cb_held_new(self);
    if (made == NULL) {
        (void)(self->stopping ? cb_tcp_close(tcp, NULL) : cb_tcp_abort(tcp, NULL));
        return NULL;
    }
    made->tcp = tcp;
    made->accepted = true;
    made->entries[0] = self->entries[1];
    made->entries[1] = self->entries[2];
    cb_tcp_set_user(tcp, made);
    return made;
}

static void on_connect(cb_tcp_socket *tcp)
{
    cb_held_socket *socket = cb_tcp_user(tcp);
    if (socket->number == 0)
        socket = welcome(socket->owner, tcp);
    if (socket == NULL)
        return;
    socket->peer = cb_tcp_peer(tcp);
    socket->local_port = cb_tcp_local(tcp).port;
    cb_held_tell(socket, CB_TELL_CONNECTED);
}

static void on_read(cb_tcp_socket *tcp, const void *data, size_t size)
{
    cb_held_socket *socket = cb_tcp_user(tcp);
    if (cb_held_gather(socket, data, size)) {
        cb_held_steer(socket);
        return;
    }
    cb_held_close(socket, true);
    cb_held_tell_last(socket, CB_TCP_ERROR, 0, "out of memory");
}

static void on_failure(cb_held_socket *socket, const cb_tcp_event *event)
{
    uncount(socket);
    if (event->error == CB_IO_LOOP_ENDED) { /* the actor's end: nobody is told any more */
        socket->state = CB_HELD_OVER;
        socket->told_last = true;
        return;
    }
    cb_held_tell_last(socket, (int32_t)event->kind, event->code, event->message);
}

static void on_event(const cb_tcp_event *event)
{
    if (event->socket == NULL) {
        cb_sockets_tell_server(((cb_held_socket *)cb_tcp_server_user(event->server))->owner, event);
        return;
    }
    cb_held_socket *socket = cb_tcp_user(event->socket);
    if (socket->number == 0) {
        /* A handshake failed, or a client that is unwelcome now has gone. */
        if (event->error != CB_IO_LOOP_ENDED)
            cb_sockets_tell_server(socket->owner, event);
    } else if (cb_tcp_kind_is(event->kind, CB_TCP_ERROR)) {
        on_failure(socket, event);
    } else {
        cb_held_tell(socket, event->kind == CB_TCP_EOF ? CB_TELL_EOF : CB_TELL_DRAIN);
    }
}

static void on_close(cb_tcp_socket *tcp)
{
    cb_held_socket *socket = cb_tcp_user(tcp);
    if (socket->number == 0)
        return;
    socket->tcp = NULL;
    if (socket->state == CB_HELD_CLOSING && !socket->owner->parting) {
        cb_held_tell_last(socket, CB_SOCKET_KIND_ENDED, socket->code, NULL);
    } else if (socket->state == CB_HELD_CLOSING) {
        socket->state = CB_HELD_OVER;
        socket->told_last = true;
    }
    cb_held_settle(socket);
}

static const cb_tcp_callbacks callbacks = {
    .read = on_read, .event = on_event, .connect = on_connect, .close = on_close};

/* -- opening ----------------------------------------------------------------------------------- */

static cb_tcp_options options_of(const cb_sockets *self)
{
    const cb_limits *limits = &self->actor.core->options.limits;
    return (cb_tcp_options){.connect_timeout = (double)limits->socket_connect_ms / MS_PER_S,
                            .write_watermark = (size_t)limits->socket_unsent};
}

cb_status cb_held_connect(cb_held_socket *socket, const char *host, uint16_t port,
                          const cb_tcp_tls *tls, cb_error *error)
{
    cb_tcp_options options = options_of(socket->owner);
    if (tls != NULL)
        options.tls = *tls;
    return cb_tcp_connect(socket->owner->actor.loop, host, port, &callbacks, &options, socket,
                          &socket->tcp, error);
}

cb_status cb_sockets_listen(cb_sockets *self, const char *address, uint16_t port, cb_error *error)
{
    cb_tcp_options options = options_of(self);
    options.max_connections = (size_t)self->actor.core->options.limits.max_connections;
    cb_status status = cb_tcp_server_open(self->actor.loop, address, port, &callbacks, &options,
                                          &self->nobody, &self->server, error);
    if (status == CB_OK)
        self->server_port = cb_tcp_server_port(self->server);
    return status;
}
