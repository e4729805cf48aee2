/* Servers: listening, accepting several clients a tick, and closing without losing one that the
 * kernel had accepted. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/tcp/inside.h"

static void on_accepted(cb_op *op);

/* -- TLS -------------------------------------------------------------------------------------- */

static cb_status keep_tls(cb_tcp_tls *kept, const cb_tcp_tls *tls, cb_error *error)
{
    if (tls != NULL && tls->provider != NULL) {
        if (tls->provider->abi != CB_TLS_ABI || tls->context == NULL)
            return cb_fail(error, CB_INVALID, "not a TLS provider of this version with a context");
        tls->provider->context_retain(tls->context);
    }
    if (kept->provider != NULL)
        kept->provider->context_release(kept->context);
    *kept = (cb_tcp_tls){0};
    if (tls != NULL && tls->provider != NULL)
        *kept = (cb_tcp_tls){.provider = tls->provider, .context = tls->context};
    return CB_OK;
}

cb_status cb_tcp_server_set_tls(cb_tcp_server *server, const cb_tcp_tls *tls, cb_error *error)
{
    return keep_tls(&server->tls, tls, error);
}

/* -- accepting -------------------------------------------------------------------------------- */

/* Sets the free accepts going. */
static bool accept_more(cb_tcp_server *server)
{
    bool started = true;
    if (server->paused || server->resting || server->closing)
        return true;
    for (size_t i = 0; i < CB_TCP_ACCEPTS && started; i++) {
        if (server->accepts[i] != NULL)
            continue;
        cb_op *op = cb_accept(server->turn->loop, server->descriptor, on_accepted, NULL);
        server->accepts[i] = op;
        started = op != NULL;
        if (started) {
            op->user_data = server;
            op->user[0] = i;
        }
    }
    return started || server->accepts[0] != NULL;
}

static void on_rested(cb_op *op)
{
    cb_tcp_server *server = op->user_data;
    if (cb_tcp_turn_ended(server->turn, op))
        return;
    server->retry = NULL;
    server->resting = false;
    (void)accept_more(server);
}

/* Told once; the accepts that fail for the same reason say no more. */
static void rest(cb_tcp_server *server, cb_io_error error, int code)
{
    if (server->resting || server->closing)
        return;
    server->resting = true;
    server->retry = cb_timeout(server->turn->loop, CB_TCP_ACCEPT_RETRY_NS, on_rested);
    if (server->retry != NULL)
        server->retry->user_data = server;
    else
        server->resting = false;
    cb_tcp_tell_accept_error(server, error, code);
}

static void serve(cb_tcp_server *server, cb_socket client, const cb_endpoint *peer)
{
    cb_tcp_turn *turn = server->turn;
    cb_tcp_socket *socket;
    cb_status status = cb_tcp_socket_make(turn, &server->callbacks, &server->options, &server->tls,
                                          server->user, &socket, NULL);
    if (status != CB_OK) {
        cb_tcp_close_descriptor(turn, client);
        rest(server, CB_IO_NO_MEMORY, 0);
        return;
    }
    socket->server = server->closing ? NULL : server;
    socket->began_ns = cb_loop_now(turn->loop);
    cb_tcp_socket_connected(socket, client, peer);
}

static bool lacks_resources(cb_io_error error)
{
    return error == CB_IO_RESOURCES || error == CB_IO_NO_MEMORY;
}

static void on_accepted(cb_op *op)
{
    cb_tcp_server *server = op->user_data;
    if (cb_tcp_turn_ended(server->turn, op))
        return;
    cb_op **place = &server->accepts[op->user[0]];
    *place = NULL;
    if (op->error == CB_IO_OK)
        serve(server, op->accept.client, &op->accept.peer);
    else if (lacks_resources(op->error))
        rest(server, op->error, op->sys_errno);
    else if (!server->resting && !server->closing && op->error != CB_IO_ABORTED)
        cb_tcp_tell_accept_error(server, op->error, op->sys_errno);
    if (server->paused || server->resting || server->closing || *place != NULL)
        return;
    if (op->error == CB_IO_BAD_SOCKET || op->error == CB_IO_NOT_LISTENING)
        return; /* somebody took the descriptor away */
    *place = cb_op_exec(op, false) ? op : NULL;
}

void cb_tcp_server_pause(cb_tcp_server *server)
{
    /* The accepts that wait take one client each at most, and are not started again. */
    server->paused = true;
}

void cb_tcp_server_resume(cb_tcp_server *server)
{
    server->paused = false;
    if (!accept_more(server))
        rest(server, CB_IO_NO_MEMORY, 0);
}

/* -- opening ---------------------------------------------------------------------------------- */

static cb_status listen_at(cb_tcp_server *server, const char *address, uint16_t port, int backlog,
                           cb_error *error)
{
    cb_endpoint endpoint[CB_TCP_MAX_ADDRESSES];
    cb_error cause;
    size_t count;
    if (address == NULL)
        address = "0.0.0.0";
    if (cb_lookup_addresses(address, port, true, endpoint, &count) != 0)
        return cb_fail(error, CB_INVALID, "cannot listen on %s port %u: not an address", address,
                       (unsigned)port);
    cb_status status = cb_listen_tcp(server->turn->loop, endpoint, backlog > 0 ? backlog : 0,
                                     &server->descriptor, &cause);
    if (status == CB_OK)
        status = cb_bound_endpoint(server->descriptor, endpoint, &cause);
    if (status != CB_OK && cause.sys_errno != 0)
        return cb_fail_errno(error, status, cause.sys_errno, "cannot listen on %s port %u", address,
                             (unsigned)port);
    if (status != CB_OK)
        return cb_fail(error, status, "cannot listen on %s port %u", address, (unsigned)port);
    server->port = endpoint->port;
    return CB_OK;
}

static void close_listener(cb_tcp_server *server)
{
    for (size_t i = 0; i < CB_TCP_ACCEPTS; i++)
        cb_op_remove(&server->accepts[i]);
    cb_op_remove(&server->last);
    cb_op_remove(&server->retry);
    if (server->descriptor == CB_NO_SOCKET)
        return;
    cb_tcp_close_descriptor(server->turn, server->descriptor);
    server->descriptor = CB_NO_SOCKET;
}

static cb_status open_server(cb_tcp_server *server, const char *address, uint16_t port,
                             const cb_tcp_options *options, cb_error *error)
{
    cb_status status = keep_tls(&server->tls, &server->options.tls, error);
    if (status == CB_OK)
        status = listen_at(server, address, port, options != NULL ? options->backlog : 0, error);
    if (status == CB_OK)
        status = cb_tcp_turn_join(server->turn, &server->item, error);
    if (status != CB_OK)
        return status;
    if (accept_more(server))
        return CB_OK;
    cb_tcp_turn_leave(server->turn, &server->item);
    return cb_fail(error, CB_NO_MEMORY, "no memory to accept connections");
}

cb_status cb_tcp_server_open(cb_loop *loop, const char *address, uint16_t port,
                             const cb_tcp_callbacks *callbacks, const cb_tcp_options *options,
                             void *user, cb_tcp_server **server, cb_error *error)
{
    cb_tcp_turn *turn;
    *server = NULL;
    cb_status status = cb_tcp_turn_get(loop, &turn, error);
    if (status != CB_OK)
        return status;
    cb_tcp_server *made = cb_tcp_malloc(sizeof *made);
    if (made == NULL) {
        cb_tcp_turn_settle(turn);
        return cb_fail(error, CB_NO_MEMORY, "no memory for a server");
    }
    *made = (cb_tcp_server){
        .item = {.is_server = true}, .turn = turn, .descriptor = CB_NO_SOCKET, .user = user};
    if (callbacks != NULL)
        made->callbacks = *callbacks;
    if (options != NULL)
        made->options = *options;
    status = open_server(made, address, port, options, error);
    /* What only the first use reads must not be looked at later: it is the caller's. */
    made->options.data = NULL;
    made->options.data_size = 0;
    made->options.tls = (cb_tcp_tls){0};
    if (status == CB_OK) {
        *server = made;
        return CB_OK;
    }
    close_listener(made);
    (void)keep_tls(&made->tls, NULL, NULL);
    free(made);
    cb_tcp_turn_settle(turn);
    return status;
}

/* -- closing ---------------------------------------------------------------------------------- */

static void finish(cb_tcp_server *server)
{
    close_listener(server);
    cb_tcp_turn_add(server->turn, &server->item, CB_TCP_WORK_RELEASE);
}

static void on_last_accepted(cb_op *op)
{
    cb_tcp_server *server = op->user_data;
    if (cb_tcp_turn_ended(server->turn, op))
        return;
    if (op->error == CB_IO_OK) {
        serve(server, op->accept.client, &op->accept.peer);
        if (!cb_op_exec(op, false))
            server->last = NULL;
        return;
    }
    server->last = NULL;
    finish(server);
}

/* Accepts complete in the order of submission, and what the kernel has goes before a time limit: so
 * when the one that is submitted here runs out of time, nobody is left. */
void cb_tcp_server_close(cb_tcp_server **server)
{
    static const cb_op_options no_time = {.timeout_ns = 1};
    cb_tcp_server *closed = *server;
    if (closed == NULL)
        return;
    *server = NULL;
    cb_tcp_turn *turn = closed->turn;
    closed->closing = true;
    for (cb_tcp_item *item = turn->items; item != NULL; item = item->next)
        if (!item->is_server && ((cb_tcp_socket *)item)->server == closed)
            ((cb_tcp_socket *)item)->server = NULL;
    closed->last = cb_accept(turn->loop, closed->descriptor, on_last_accepted, &no_time);
    if (closed->last != NULL)
        closed->last->user_data = closed;
    else if (!turn->ending)
        finish(closed);
}

void cb_tcp_server_free(cb_tcp_server *server)
{
    assert(server->descriptor == CB_NO_SOCKET);
    cb_tcp_turn_leave(server->turn, &server->item);
    (void)keep_tls(&server->tls, NULL, NULL);
    free(server);
}

void cb_tcp_server_end(cb_tcp_server *server)
{
    close_listener(server);
    cb_tcp_server_free(server);
}

/* -- questions -------------------------------------------------------------------------------- */

uint16_t cb_tcp_server_port(const cb_tcp_server *server)
{
    return server->port;
}

cb_socket cb_tcp_server_descriptor(const cb_tcp_server *server)
{
    return server->descriptor;
}

void *cb_tcp_server_user(const cb_tcp_server *server)
{
    return server->user;
}

void cb_tcp_server_set_user(cb_tcp_server *server, void *user)
{
    server->user = user;
}
