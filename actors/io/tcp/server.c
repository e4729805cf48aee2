/* Servers: listening, accepting several clients a tick, and closing without losing one that the
 * kernel had accepted. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static bool may_accept(const cb_tcp_server *server)
{
    size_t most = server->options.max_connections;
    return most == 0 || server->waiting + server->holds < most;
}

static bool wants_clients(const cb_tcp_server *server)
{
    return server->phase == CB_TCP_SERVER_OPEN && !server->paused && !server->resting;
}

/* Sets the free accepts going. False: not one is under way, for lack of memory. */
static bool accept_more(cb_tcp_server *server)
{
    bool started = true;
    if (!wants_clients(server))
        return true;
    for (size_t i = 0; i < CB_TCP_ACCEPTS && started && may_accept(server); i++) {
        if (server->accepts[i] != NULL)
            continue;
        cb_op *op = cb_accept(server->turn->loop, server->descriptor, on_accepted, NULL);
        server->accepts[i] = op;
        started = op != NULL;
        if (started) {
            op->user_data = server;
            op->user[0] = i;
            server->waiting++;
        }
    }
    return started || server->waiting > 0;
}

static void on_rested(cb_op *op)
{
    cb_tcp_server *server = op->user_data;
    if (cb_tcp_turn_ended(server->turn, op))
        return;
    server->resting = false;
    if (accept_more(server))
        return;
    server->resting = true;
    cb_op_exec(op, false);
}

/* Told once; the accepts that fail for the same reason say no more. */
static void rest(cb_tcp_server *server, cb_io_error error, int code)
{
    if (server->resting || server->phase != CB_TCP_SERVER_OPEN)
        return;
    server->resting = true;
    cb_op_exec(server->retry, false);
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
    server->holds++;
    socket->server = server;
    socket->began_ns = cb_loop_now(turn->loop);
    socket->descriptor = client;
    socket->peer = *peer;
    if (socket->callbacks.accept != NULL)
        socket->callbacks.accept(socket);
    if (socket->phase != CB_TCP_PHASE_GONE)
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
    server->waiting--;
    if (op->error == CB_IO_OK)
        serve(server, op->accept.client, &op->accept.peer);
    else if (lacks_resources(op->error))
        rest(server, op->error, op->sys_errno);
    else if (!server->resting && server->phase == CB_TCP_SERVER_OPEN && op->error != CB_IO_ABORTED)
        cb_tcp_tell_accept_error(server, op->error, op->sys_errno);
    if (!wants_clients(server) || !may_accept(server) || *place != NULL)
        return;
    if (op->error == CB_IO_BAD_SOCKET || op->error == CB_IO_NOT_LISTENING)
        return; /* somebody took the descriptor away */
    if (!cb_op_exec(op, false))
        return;
    *place = op;
    server->waiting++;
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

static bool adopts(const cb_tcp_server *server)
{
    return server->options.listening != 0;
}

/* Takes over a socket that somebody else has bound and made listen. */
static cb_status adopt(cb_tcp_server *server, cb_error *error)
{
    cb_endpoint bound;
    cb_socket descriptor = server->options.listening;
    cb_status status = cb_associate_socket(server->turn->loop, descriptor, error);
    if (status == CB_OK)
        status = cb_bound_endpoint(descriptor, &bound, error);
    if (status != CB_OK)
        return status;
    server->descriptor = descriptor;
    server->port = bound.port;
    return CB_OK;
}

/* Takes everything back; the port is the caller's to close. */
static cb_socket stop(cb_tcp_server *server)
{
    cb_socket descriptor = server->descriptor;
    for (size_t i = 0; i < CB_TCP_ACCEPTS; i++)
        cb_op_remove(&server->accepts[i]);
    server->waiting = 0;
    cb_op_remove(&server->last);
    cb_op_remove(&server->retry);
    server->descriptor = CB_NO_SOCKET;
    return descriptor;
}

static void stop_at_once(cb_tcp_server *server)
{
    cb_socket descriptor = stop(server);
    if (descriptor != CB_NO_SOCKET)
        cb_tcp_close_descriptor(server->turn, descriptor);
}

/* What accepting again after a pause takes: had from the start, so that a lack of memory never
 * leaves a server deaf. */
static bool prepare_retry(cb_tcp_server *server)
{
    server->retry = cb_prep_timeout(server->turn->loop, CB_TCP_ACCEPT_RETRY_NS, on_rested);
    if (server->retry == NULL)
        return false;
    server->retry->user_data = server;
    cb_op_detach(server->retry);
    return true;
}

static cb_status open_server(cb_tcp_server *server, const char *address, uint16_t port,
                             const cb_tcp_options *options, cb_error *error)
{
    cb_status status = keep_tls(&server->tls, &server->options.tls, error);
    if (status == CB_OK && adopts(server))
        status = adopt(server, error);
    else if (status == CB_OK)
        status = listen_at(server, address, port, options != NULL ? options->backlog : 0, error);
    if (status == CB_OK)
        status = cb_tcp_turn_join(server->turn, &server->item, error);
    if (status != CB_OK)
        return status;
    if (prepare_retry(server) && accept_more(server))
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
    if (adopts(made))
        (void)stop(made);
    else
        stop_at_once(made);
    (void)keep_tls(&made->tls, NULL, NULL);
    free(made);
    cb_tcp_turn_settle(turn);
    return status;
}

/* -- closing ---------------------------------------------------------------------------------- */

static void port_is_closed(cb_tcp_server *server)
{
    server->phase = CB_TCP_SERVER_CLOSED;
    cb_tcp_turn_add(server->turn, &server->item, CB_TCP_WORK_RELEASE);
}

static void on_port_closed(cb_op *op)
{
    cb_tcp_server *server = op->user_data;
    if (op->error == CB_IO_NO_MEMORY)
        (void)close(op->close.socket);
    if (server == NULL || cb_tcp_turn_ended(server->turn, op))
        return;
    server->close = NULL;
    port_is_closed(server);
}

static void finish(cb_tcp_server *server)
{
    cb_loop *loop = server->turn->loop;
    cb_socket descriptor = stop(server);
    server->close = cb_close(loop, descriptor, on_port_closed);
    if (server->close != NULL) {
        server->close->user_data = server;
        return;
    }
    cb_loop_forget(loop, descriptor);
    (void)close(descriptor);
    port_is_closed(server);
}

static void on_last_accepted(cb_op *op)
{
    cb_tcp_server *server = op->user_data;
    if (cb_tcp_turn_ended(server->turn, op))
        return;
    if (op->error == CB_IO_OK && may_accept(server)) {
        serve(server, op->accept.client, &op->accept.peer);
        if (!cb_op_exec(op, false))
            server->last = NULL;
        return;
    }
    if (op->error == CB_IO_OK) /* it has to go with those that are left in the backlog */
        cb_tcp_close_descriptor(server->turn, op->accept.client);
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
    closed->phase = CB_TCP_SERVER_CLOSING;
    if (may_accept(closed) || closed->waiting > 0)
        closed->last = cb_accept(turn->loop, closed->descriptor, on_last_accepted, &no_time);
    if (closed->last != NULL)
        closed->last->user_data = closed;
    else if (!turn->ending)
        finish(closed);
}

static void free_server(cb_tcp_server *server)
{
    assert(server->descriptor == CB_NO_SOCKET && server->retry == NULL);
    cb_tcp_turn_leave(server->turn, &server->item);
    (void)keep_tls(&server->tls, NULL, NULL);
    free(server);
}

void cb_tcp_server_work(cb_tcp_server *server)
{
    if (server->phase == CB_TCP_SERVER_CLOSED) {
        server->phase = CB_TCP_SERVER_TOLD;
        if (server->callbacks.port_closed != NULL)
            server->callbacks.port_closed(server->user);
    }
    if (server->holds > 0 || server->item.work != 0)
        return;
    if (server->callbacks.drained != NULL)
        server->callbacks.drained(server->user);
    free_server(server);
}

void cb_tcp_server_left(cb_tcp_server *server)
{
    assert(server->holds > 0);
    server->holds--;
    if (server->turn->ending)
        return;
    if (server->phase == CB_TCP_SERVER_TOLD && server->holds == 0)
        cb_tcp_turn_add(server->turn, &server->item, CB_TCP_WORK_RELEASE);
    else if (!accept_more(server))
        rest(server, CB_IO_NO_MEMORY, 0);
}

void cb_tcp_server_end(cb_tcp_server *server)
{
    if (server->close != NULL)
        server->close->user_data = NULL;
    stop_at_once(server);
    free_server(server);
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
