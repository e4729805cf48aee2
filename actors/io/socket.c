/* Sockets outside of operations: made, bound, listened on, asked. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "actors/io/address.h"
#include "actors/io/loop.h"

#define DEFAULT_BACKLOG 1000

cb_status cb_create_socket(cb_loop *loop, cb_family family, cb_protocol protocol,
                           cb_socket *socket_out, cb_error *error)
{
    *socket_out = CB_NO_SOCKET;
    loop = cb_loop_or_current(loop);
    if (loop == NULL)
        return cb_fail(error, CB_INVALID, "this thread has no event loop");
    if ((family != CB_FAMILY_IP4 && family != CB_FAMILY_IP6) ||
        (protocol != CB_PROTOCOL_TCP && protocol != CB_PROTOCOL_UDP))
        return cb_fail(error, CB_INVALID, "no such address family or protocol");
    if (loop->backend->world != NULL)
        return loop->backend->world->create(loop, family, protocol, socket_out, error);
    int type = protocol == CB_PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM;
    int made = socket(family == CB_FAMILY_IP4 ? AF_INET : AF_INET6,
                      type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot create a socket");
    if (loop == cb_loop_current())
        loop->backend->forget(loop, made);
    *socket_out = made;
    return CB_OK;
}

/* Says why a socket could not be set up. */
static cb_status refused(const cb_endpoint *endpoint, const char *what, cb_error *error)
{
    char text[CB_ENDPOINT_TEXT_SIZE];
    return cb_fail_errno(error, CB_IO, errno, "cannot %s %s", what,
                         cb_endpoint_to_string(endpoint, text, sizeof text));
}

static cb_status bind_and_listen(cb_socket listener, const cb_endpoint *endpoint, int backlog,
                                 cb_error *error)
{
    cb_address address;
    socklen_t size = cb_address_from_endpoint(endpoint, &address);
    const int on = 1, off = 0;
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return refused(endpoint, "set the address for reuse of", error);
    if (endpoint->family == CB_FAMILY_IP6 &&
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        return refused(endpoint, "open for both families", error);
    /* Inherited by every accepted connection, without a call for each. */
    if (setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return refused(endpoint, "set TCP_NODELAY on", error);
    if (bind(listener, &address.any, size) != 0)
        return refused(endpoint, "bind", error);
    if (listen(listener, backlog) != 0)
        return refused(endpoint, "listen on", error);
    return CB_OK;
}

cb_status cb_listen_tcp(cb_loop *loop, const cb_endpoint *endpoint, int backlog,
                        cb_socket *socket_out, cb_error *error)
{
    *socket_out = CB_NO_SOCKET;
    loop = cb_loop_or_current(loop);
    if (endpoint == NULL || backlog < 0)
        return cb_fail(error, CB_INVALID, "an endpoint and a backlog of at least 0 are required");
    cb_status status =
        cb_create_socket(loop, (cb_family)endpoint->family, CB_PROTOCOL_TCP, socket_out, error);
    if (status != CB_OK)
        return status;
    if (backlog == 0)
        backlog = DEFAULT_BACKLOG;
    const cb_loop_world *world = loop->backend->world;
    if (world == NULL)
        status = bind_and_listen(*socket_out, endpoint, backlog, error);
    else if ((status = world->bind(loop, *socket_out, endpoint, error)) == CB_OK)
        status = world->listen(loop, *socket_out, backlog, error);
    if (status == CB_OK)
        return CB_OK;
    if (loop == cb_loop_current())
        loop->backend->drop(loop, *socket_out);
    else
        (void)close(*socket_out);
    *socket_out = CB_NO_SOCKET;
    return status;
}

cb_status cb_associate_socket(cb_loop *loop, cb_socket socket, cb_error *error)
{
    loop = cb_loop_or_current(loop);
    if (loop == NULL)
        return cb_fail(error, CB_INVALID, "this thread has no event loop");
    if (cb_loop_of_world(socket) != NULL) {
        loop->backend->forget(loop, socket);
        return CB_OK;
    }
    int flags = fcntl(socket, F_GETFL);
    if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot set descriptor %d non-blocking", socket);
    if (loop == cb_loop_current())
        loop->backend->forget(loop, socket);
    return CB_OK;
}

void cb_loop_forget(cb_loop *loop, cb_socket socket)
{
    loop = cb_loop_or_current(loop);
    if (loop == NULL)
        return;
    cb_loop_call_file_in(loop, socket);
    loop->backend->forget(loop, socket);
}

cb_status cb_bind(cb_socket socket, const cb_endpoint *endpoint, cb_error *error)
{
    cb_address address;
    char text[CB_ENDPOINT_TEXT_SIZE];
    socklen_t size = endpoint != NULL ? cb_address_from_endpoint(endpoint, &address) : 0;
    if (size == 0)
        return cb_fail(error, CB_INVALID, "an endpoint is required");
    cb_loop *owner = cb_loop_of_world(socket);
    if (owner != NULL)
        return owner->backend->world->bind(owner, socket, endpoint, error);
    if (bind(socket, &address.any, size) != 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot bind %s",
                             cb_endpoint_to_string(endpoint, text, sizeof text));
    return CB_OK;
}

cb_status cb_bound_endpoint(cb_socket socket, cb_endpoint *endpoint, cb_error *error)
{
    cb_loop *owner = cb_loop_of_world(socket);
    if (owner != NULL)
        return owner->backend->world->bound(owner, socket, endpoint, error);
    cb_address address;
    socklen_t size = sizeof address;
    if (getsockname(socket, &address.any, &size) != 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot tell where descriptor %d is bound",
                             socket);
    cb_address_to_endpoint(&address, endpoint);
    return CB_OK;
}

cb_status cb_peer_endpoint(cb_socket socket, cb_endpoint *endpoint, cb_error *error)
{
    cb_loop *owner = cb_loop_of_world(socket);
    if (owner != NULL)
        return owner->backend->world->peer(owner, socket, endpoint, error);
    cb_address address;
    socklen_t size = sizeof address;
    if (getpeername(socket, &address.any, &size) != 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot tell whom descriptor %d is connected to",
                             socket);
    cb_address_to_endpoint(&address, endpoint);
    return CB_OK;
}

cb_status cb_shutdown_send(cb_socket socket, cb_error *error)
{
    cb_loop *owner = cb_loop_of_world(socket);
    if (owner != NULL)
        return owner->backend->world->shutdown_send(owner, socket, error);
    if (shutdown(socket, SHUT_WR) != 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot end sending on descriptor %d", socket);
    return CB_OK;
}

void cb_reset_at_close(cb_socket socket)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    cb_loop *owner = cb_loop_of_world(socket);
    if (owner != NULL)
        owner->backend->world->reset_at_close(owner, socket);
    else
        (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}
