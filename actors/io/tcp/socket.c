/* A socket: making it, what it is asked, and the way from a connected descriptor to an open one. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/tcp/inside.h"

static cb_status set_tls(cb_tcp_socket *socket, const cb_tcp_tls *tls, cb_error *error)
{
    if (tls->provider == NULL)
        return CB_OK;
    if (tls->provider->abi != CB_TLS_ABI || tls->context == NULL)
        return cb_fail(error, CB_INVALID, "not a TLS provider of this version with a context");
    if (tls->name != NULL) {
        size_t size = strlen(tls->name) + 1;
        socket->name = cb_tcp_malloc(size);
        if (socket->name == NULL)
            return cb_fail(error, CB_NO_MEMORY, "no memory for a socket");
        memcpy(socket->name, tls->name, size);
    }
    socket->provider = tls->provider;
    socket->context = tls->provider->context_retain(tls->context);
    return CB_OK;
}

static void set_options(cb_tcp_socket *socket, const cb_tcp_options *options)
{
    socket->stream = options->stream;
    socket->keep_unread = options->stream || options->keep_unread;
    socket->close_at_eof = options->close_at_eof;
    socket->read_limit_ns = cb_tcp_limit_ns(options->read_timeout);
    socket->write_limit_ns = cb_tcp_limit_ns(options->write_timeout);
    socket->connect_limit_ns = cb_tcp_limit_ns(options->connect_timeout);
    socket->linger_ns = options->linger < 0 ? 0 : cb_tcp_limit_ns(options->linger);
    if (options->linger >= 0 && socket->linger_ns == 0)
        socket->linger_ns = CB_TCP_LINGER_NS;
    socket->write_watermark =
        options->write_watermark > 0 ? options->write_watermark : CB_TCP_WATERMARK;
    socket->read_watermark =
        options->read_watermark > 0 ? options->read_watermark : CB_TCP_WATERMARK;
}

cb_status cb_tcp_socket_make(cb_tcp_turn *turn, const cb_tcp_callbacks *callbacks,
                             const cb_tcp_options *options, const cb_tcp_tls *tls, void *user,
                             cb_tcp_socket **made, cb_error *error)
{
    static const cb_tcp_options defaults;
    *made = NULL;
    cb_tcp_socket *socket = cb_tcp_malloc_counted(sizeof *socket);
    if (socket == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for a socket");
    *socket = (cb_tcp_socket){.turn = turn,
                              .phase = CB_TCP_PHASE_NEW,
                              .read_on = true,
                              .write_on = true,
                              .descriptor = CB_NO_SOCKET,
                              .room_wanted = CB_TCP_SMALL_ROOM,
                              .user = user};
    if (callbacks != NULL)
        socket->callbacks = *callbacks;
    set_options(socket, options != NULL ? options : &defaults);
    cb_status status = set_tls(socket, tls, error);
    if (status == CB_OK)
        status = cb_tcp_turn_join(turn, &socket->item, error);
    if (status != CB_OK) {
        if (socket->provider != NULL)
            socket->provider->context_release(socket->context);
        free(socket->name);
        cb_tcp_free_counted(socket, sizeof *socket);
        return status;
    }
    *made = socket;
    return CB_OK;
}

void cb_tcp_socket_free(cb_tcp_socket *socket)
{
    cb_tcp_turn *turn = socket->turn;
    assert(socket->recv == NULL && socket->send == NULL && socket->timer == NULL);
    assert(socket->dialing == NULL && socket->descriptor == CB_NO_SOCKET);
    cb_tcp_turn_leave(turn, &socket->item);
    cb_tcp_server *server = socket->server;
    cb_tcp_give_room_back(socket);
    cb_tcp_free_counted(socket->unread.bytes, socket->unread.capacity);
    if (socket->provider != NULL) {
        socket->provider->session_free(socket->session);
        socket->provider->context_release(socket->context);
    }
    free(socket->name);
    cb_tcp_free_counted(socket, sizeof *socket);
    if (server != NULL)
        cb_tcp_server_left(server);
}

void cb_tcp_socket_add(cb_tcp_socket *socket, unsigned work)
{
    cb_tcp_turn_add(socket->turn, &socket->item, work);
}

cb_status cb_tcp_check_open(const cb_tcp_socket *socket, cb_error *error)
{
    if (socket == NULL)
        return cb_fail(error, CB_INVALID, "no socket");
    if (socket->closed)
        return cb_fail(error, CB_CLOSED, "the socket is closed");
    return CB_OK;
}

void cb_tcp_socket_connected(cb_tcp_socket *socket, cb_socket descriptor, const cb_endpoint *peer)
{
    socket->descriptor = descriptor;
    socket->peer = *peer;
    if (socket->provider != NULL)
        cb_tcp_secure_start(socket);
    else
        cb_tcp_socket_opened(socket);
}

void cb_tcp_socket_opened(cb_tcp_socket *socket)
{
    int64_t now_ns = cb_loop_now(socket->turn->loop);
    socket->phase = CB_TCP_PHASE_OPEN;
    socket->read_at_ns = now_ns;
    socket->write_at_ns = now_ns;
    if (!socket->closed && socket->callbacks.connect != NULL)
        socket->callbacks.connect(socket);
    if (socket->phase != CB_TCP_PHASE_OPEN)
        return;
    cb_tcp_arm(socket);
    if (socket->plain.size > 0 || socket->write_ended || socket->closed)
        cb_tcp_socket_add(socket, CB_TCP_WORK_FLUSH);
    cb_tcp_receive(socket);
}

/* -- clients ---------------------------------------------------------------------------------- */

cb_status cb_tcp_socket_new(cb_loop *loop, const cb_tcp_callbacks *callbacks,
                            const cb_tcp_options *options, void *user, cb_tcp_socket **socket,
                            cb_error *error)
{
    static const cb_tcp_tls no_tls;
    cb_tcp_turn *turn;
    *socket = NULL;
    if (options != NULL && options->data == NULL && options->data_size > 0)
        return cb_fail(error, CB_INVALID, "no bytes to write first");
    cb_status status = cb_tcp_turn_get(loop, &turn, error);
    if (status != CB_OK)
        return status;
    const cb_tcp_tls *tls = options != NULL ? &options->tls : &no_tls;
    status = cb_tcp_socket_make(turn, callbacks, options, tls, user, socket, error);
    if (status == CB_OK && options != NULL && options->data_size > 0) {
        status = cb_tcp_queue_add(turn, &(*socket)->plain, options->data, options->data_size);
        (*socket)->batch_open = true;
        if (status != CB_OK) {
            cb_tcp_socket_free(*socket);
            *socket = NULL;
            (void)cb_fail(error, status, "no memory for what is to be sent");
        }
    }
    cb_tcp_turn_settle(turn);
    return status;
}

cb_status cb_tcp_socket_connect(cb_tcp_socket *socket, const char *host, uint16_t port,
                                void (*event)(const cb_tcp_event *event), cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    if (socket->phase != CB_TCP_PHASE_NEW)
        return cb_fail(error, CB_INVALID, "the socket was connected before");
    if (host == NULL || host[0] == '\0' || port == 0)
        return cb_fail(error, CB_INVALID, "a connection needs a host and a port");
    if (event != NULL)
        socket->callbacks.event = event;
    return cb_tcp_begin_connecting(socket, host, port, error);
}

cb_status cb_tcp_connect(cb_loop *loop, const char *host, uint16_t port,
                         const cb_tcp_callbacks *callbacks, const cb_tcp_options *options,
                         void *user, cb_tcp_socket **socket, cb_error *error)
{
    cb_tcp_socket *made;
    if (socket != NULL)
        *socket = NULL;
    cb_status status = cb_tcp_socket_new(loop, callbacks, options, user, &made, error);
    if (status != CB_OK)
        return status;
    status = cb_tcp_socket_connect(made, host, port, NULL, error);
    if (status != CB_OK) {
        /* Nobody has seen it: it goes at once and without a callback. */
        cb_tcp_turn *turn = made->turn;
        cb_tcp_queue_clear(turn, &made->plain);
        cb_tcp_socket_free(made);
        cb_tcp_turn_settle(turn);
        return status;
    }
    if (socket != NULL)
        *socket = made;
    return CB_OK;
}

cb_status cb_tcp_send(cb_loop *loop, const char *host, uint16_t port,
                      const cb_tcp_callbacks *callbacks, const cb_tcp_options *options, void *user,
                      cb_tcp_socket **socket, cb_error *error)
{
    return cb_tcp_connect(loop, host, port, callbacks, options, user, socket, error);
}

/* -- control ---------------------------------------------------------------------------------- */

cb_status cb_tcp_enable(cb_tcp_socket *socket, bool read, bool write, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    unsigned work = 0;
    if (read && !socket->read_on)
        work |= CB_TCP_WORK_DELIVER | CB_TCP_WORK_TIMEOUTS;
    if (write && !socket->write_on)
        work |= CB_TCP_WORK_FLUSH | CB_TCP_WORK_TIMEOUTS;
    socket->read_on = socket->read_on || read;
    socket->write_on = socket->write_on || write;
    if (work != 0)
        cb_tcp_socket_add(socket, work);
    return CB_OK;
}

cb_status cb_tcp_disable(cb_tcp_socket *socket, bool read, bool write, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    socket->read_on = socket->read_on && !read;
    socket->write_on = socket->write_on && !write;
    return CB_OK;
}

cb_status cb_tcp_end_reading(cb_tcp_socket *socket, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    socket->read_on = false;
    socket->held = 0;
    cb_tcp_leave_offered_room(socket);
    return CB_OK;
}

bool cb_tcp_closed(const cb_tcp_socket *socket)
{
    return socket == NULL || socket->closed;
}

void *cb_tcp_user(const cb_tcp_socket *socket)
{
    return socket->user;
}

void cb_tcp_set_user(cb_tcp_socket *socket, void *user)
{
    socket->user = user;
}

cb_loop *cb_tcp_loop(const cb_tcp_socket *socket)
{
    return socket->turn->loop;
}

cb_socket cb_tcp_descriptor(const cb_tcp_socket *socket)
{
    return socket->closed ? CB_NO_SOCKET : socket->descriptor;
}

cb_endpoint cb_tcp_peer(const cb_tcp_socket *socket)
{
    return cb_tcp_descriptor(socket) != CB_NO_SOCKET ? socket->peer : (cb_endpoint){0};
}

cb_endpoint cb_tcp_local(const cb_tcp_socket *socket)
{
    cb_endpoint local = {0};
    cb_socket descriptor = cb_tcp_descriptor(socket);
    if (descriptor == CB_NO_SOCKET || cb_bound_endpoint(descriptor, &local, NULL) != CB_OK)
        return (cb_endpoint){0};
    return local;
}

const cb_tls_session *cb_tcp_tls_session(const cb_tcp_socket *socket,
                                         const cb_tls_provider **provider)
{
    if (provider != NULL)
        *provider = socket->provider;
    return socket->session;
}
