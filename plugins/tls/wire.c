/* Sockets under the verbs. None ever blocks: who must wait does so in slices, and asks between two
 * of them whether the script is to stop. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "plugins/tls/fail.h"
#include "plugins/tls/tls.h"

#define SLICE_MS  50  /* how long a stop may go unnoticed */
#define PART_MS   500 /* how long a closed connection's peer gets to read the last bytes */
#define BACKLOG   128
#define NS_PER_MS 1000000

static int64_t now_ns(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cb_tls_moment(int32_t timeout_ms)
{
    return timeout_ms < 0 ? CB_TLS_NEVER : now_ns() + (int64_t)timeout_ms * NS_PER_MS;
}

/* CB_OK, or CB_STOPPED. That the runtime has no room for one more wait stops nobody. */
static cb_status look_for_stop(cb_call *call)
{
    int happened = 0;
    cb_status status = call->host->wait(call, CB_WAIT_TIME, 0, 0, &happened);
    return status == CB_STOPPED ? status : CB_OK;
}

bool cb_tls_wire_is_ending(cb_call *call)
{
    int64_t begin = now_ns();
    int happened = 0;
    /* Waits end at once when a shutdown has begun. */
    cb_status status = call->host->wait(call, CB_WAIT_TIME, 0, 2, &happened);
    return status == CB_OK && now_ns() - begin < NS_PER_MS;
}

cb_status cb_tls_wire_wait(cb_call *call, int socket_, short events, int64_t until)
{
    for (;;) {
        int64_t left = until == CB_TLS_NEVER ? SLICE_MS : (until - now_ns()) / NS_PER_MS + 1;
        if (until != CB_TLS_NEVER && until <= now_ns())
            left = 0;
        struct pollfd one = {.fd = socket_, .events = events};
        int found = poll(&one, 1, left < SLICE_MS ? (int)left : SLICE_MS);
        if (found > 0)
            return CB_OK; /* also for an error: the next call on the socket tells which */
        if (found < 0 && errno != EINTR)
            return CB_IO;
        cb_status status = look_for_stop(call);
        if (status != CB_OK)
            return status;
        if (left == 0)
            return CB_TIMEOUT;
    }
}

/* -- making sockets -- */

static cb_status connect_one(cb_call *call, const struct addrinfo *address, int64_t until,
                             int *result, cb_error *error)
{
    int made = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return cb_tls_fail(error, CB_IO, "cannot make a socket: %s", strerror(errno));
    cb_status status = CB_OK;
    int code = connect(made, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (code == EINPROGRESS || code == EINTR) {
        status = cb_tls_wire_wait(call, made, POLLOUT, until);
        socklen_t size = sizeof(code);
        code = 0;
        if (status == CB_OK && getsockopt(made, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
            code = errno;
    }
    if (status == CB_TIMEOUT)
        (void)cb_tls_fail(error, status, "no connection in time");
    else if (status == CB_OK && code != 0)
        status = cb_tls_fail(error, CB_IO, "cannot connect: %s", strerror(code));
    if (status != CB_OK) {
        (void)close(made);
        return status;
    }
    int on = 1;
    (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* works without as well */
    *result = made;
    return CB_OK;
}

cb_status cb_tls_wire_connect(cb_call *call, const char *host, int port, int64_t until, int *result,
                              cb_error *error)
{
    char service[16];
    (void)snprintf(service, sizeof(service), "%d", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, service, &hints, &found);
    if (code != 0)
        return cb_tls_fail(error, CB_IO, "cannot find %.255s: %s", host,
                           code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
    cb_status status = CB_IO;
    for (const struct addrinfo *at = found; at != NULL && status == CB_IO; at = at->ai_next)
        status = connect_one(call, at, until, result, error);
    freeaddrinfo(found);
    return status;
}

static bool parse_address(const char *text, int port, struct sockaddr_storage *address,
                          socklen_t *size)
{
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        *size = sizeof(*four);
        return true;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        *size = sizeof(*six);
        return true;
    }
    return false;
}

cb_status cb_tls_wire_listen(const char *address, int port, int *result, cb_error *error)
{
    struct sockaddr_storage bound;
    socklen_t size = 0;
    if (!parse_address(address, port, &bound, &size))
        return cb_tls_fail(error, CB_INVALID, "\"%.80s\" is no IPv4 or IPv6 address", address);
    int made = socket(bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (made < 0 || setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(made, (const struct sockaddr *)&bound, size) != 0 || listen(made, BACKLOG) != 0) {
        cb_status status = cb_tls_fail(error, CB_IO, "cannot listen on %.80s port %d: %s", address,
                                       port, strerror(errno));
        if (made >= 0)
            (void)close(made);
        return status;
    }
    *result = made;
    return CB_OK;
}

/* -- moving bytes -- */

/* Sends until nothing is left or the kernel takes no more: CB_OK, or CB_IO. */
static cb_status send_some(cb_tls_handle *link, cb_error *error)
{
    const cb_tls_provider *tls = &cb_tls_the_provider;
    for (;;) {
        if (link->unsent_at == link->unsent_size) {
            link->unsent_at = 0;
            link->unsent_size = tls->take(link->session, link->unsent, sizeof(link->unsent));
            if (link->unsent_size == 0)
                return CB_OK;
        }
        ssize_t sent = send(link->socket, link->unsent + link->unsent_at,
                            link->unsent_size - link->unsent_at, MSG_NOSIGNAL);
        if (sent >= 0)
            link->unsent_at += (size_t)sent;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return CB_OK;
        else if (errno != EINTR)
            return cb_tls_fail(error, CB_IO, "cannot send: %s", strerror(errno));
    }
}

static bool has_unsent(const cb_tls_handle *link)
{
    return link->unsent_at < link->unsent_size || cb_tls_the_provider.pending(link->session) > 0;
}

static cb_status wait_told(cb_call *call, cb_tls_handle *link, short events, int64_t until,
                           cb_error *error)
{
    cb_status status = cb_tls_wire_wait(call, link->socket, events, until);
    if (status == CB_TIMEOUT)
        return cb_tls_fail(error, status, "the time limit has passed");
    if (status == CB_IO)
        return cb_tls_fail(error, status, "cannot wait: %s", strerror(errno));
    return status;
}

cb_status cb_tls_wire_flush(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error)
{
    cb_status status = send_some(link, error);
    while (status == CB_OK && has_unsent(link)) {
        status = wait_told(call, link, POLLOUT, until, error);
        if (status == CB_OK)
            status = send_some(link, error);
    }
    return status;
}

cb_status cb_tls_wire_fill(cb_call *call, cb_tls_handle *link, int64_t until, cb_error *error)
{
    char room[16384];
    for (;;) {
        cb_status status = send_some(link, error);
        if (status != CB_OK)
            return status;
        ssize_t got = recv(link->socket, room, sizeof(room), 0);
        if (got > 0)
            return cb_tls_the_provider.feed(link->session, room, (size_t)got, error);
        if (got == 0)
            return CB_CLOSED;
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return cb_tls_fail(error, CB_IO, "cannot receive: %s", strerror(errno));
        short events = has_unsent(link) ? POLLIN | POLLOUT : POLLIN;
        status = wait_told(call, link, events, until, error);
        if (status != CB_OK)
            return status;
    }
}

/* A socket that is closed with unread bytes sends a reset, which may overtake what was written. So
 * what still comes in is read and forgotten, until the peer ends or for a moment. */
void cb_tls_wire_part(cb_call *call, cb_tls_handle *link)
{
    char room[4096];
    int64_t until = cb_tls_moment(PART_MS);
    cb_status status = cb_tls_wire_flush(call, link, until, NULL);
    if (shutdown(link->socket, SHUT_WR) != 0)
        return;
    while (status == CB_OK) {
        ssize_t got = recv(link->socket, room, sizeof(room), 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            return;
        if (until <= now_ns())
            return;
        if (got < 0)
            status = cb_tls_wire_wait(call, link->socket, POLLIN, until);
    }
}
