/* Requests each second, a connection for each, as a script's clients make them: connect, send 64
 * bytes, half-close, read to the end. The same client drives, in turns and in one run: Callboard
 * with a script callback, a bare epoll server in C, and Node where it is installed. Prints rates,
 * server CPU for each request, and ratios.
 *
 * Start it in the project's folder; CALLBOARD names the command where it is not
 * build/release/bin/callboard.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench/server.h"

#define ROUNDS   6
#define REQUESTS 8000
#define AT_ONCE  64
#define SIZE     64
#define EVENTS   128

/* --- the client --- */

typedef struct client {
    int fd;
    int received;
    bool sent;
} client;

static void client_connect(int epoll, client *self, int port)
{
    struct sockaddr_in address = loopback(port);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = self};
    *self = (client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (self->fd < 0)
        die("socket");
    if (connect(self->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        die("connect");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event) != 0)
        die("epoll_ctl");
}

/* True when the exchange is over. */
static bool client_turn(client *self, uint32_t events)
{
    static const char request[SIZE] = "ping";
    char bytes[SIZE * 2];
    if (!self->sent && (events & EPOLLOUT)) {
        if (send(self->fd, request, SIZE, MSG_NOSIGNAL) != SIZE)
            die("send");
        shutdown(self->fd, SHUT_WR);
        self->sent = true;
    }
    for (;;) {
        ssize_t got = recv(self->fd, bytes, sizeof bytes, 0);
        if (got < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return false;
        if (got < 0)
            die("recv");
        if (got == 0)
            break;
        self->received += (int)got;
    }
    if (self->received != SIZE) {
        fprintf(stderr, "a response of %d bytes instead of %d\n", self->received, SIZE);
        exit(1);
    }
    close(self->fd);
    return true;
}

static double client_run(int port, int requests)
{
    client clients[AT_ONCE];
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int begun = 0;
    int done = 0;
    double begin = measure_now_s();
    for (; begun < AT_ONCE; begun++)
        client_connect(epoll, &clients[begun], port);
    while (done < requests) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++)
            if (client_turn(events[i].data.ptr, events[i].events)) {
                done++;
                if (begun < requests) {
                    client_connect(epoll, events[i].data.ptr, port);
                    begun++;
                }
            }
    }
    double taken = measure_now_s() - begin;
    close(epoll);
    return requests / taken;
}

/* --- the bare epoll server --- */

static void serve_one(int fd)
{
    char bytes[SIZE * 2];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got > 0) {
        if (send(fd, bytes, (size_t)got, MSG_NOSIGNAL) < 0)
            close(fd);
        return;
    }
    close(fd);
}

static void serve(int listener)
{
    struct epoll_event events[EVENTS];
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != listener) {
                serve_one(events[i].data.fd);
                continue;
            }
            int fd;
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}

static void run_bare_server(void)
{
    struct sockaddr_in address = loopback(0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 1000) != 0)
        die("listen");
    server_tell_port(listener);
    serve(listener);
}

int main(void)
{
    const char *command = server_callboard();
    signal(SIGPIPE, SIG_IGN);
    server callboard = {.arguments = {command, "run", "bench/services/echo.dom", NULL},
                        .rate = {.name = "callboard, script callback", .unit = "1/s"},
                        .cpu = {.name = "  server CPU a request", .unit = "us"}};
    server bare = {.bare = run_bare_server,
                   .rate = {.name = "bare epoll", .unit = "1/s"},
                   .cpu = {.name = "  server CPU a request", .unit = "us"}};
    server node = {.arguments = {"node", "bench/services/echo.js", NULL},
                   .rate = {.name = "node", .unit = "1/s"},
                   .cpu = {.name = "  server CPU a request", .unit = "us"}};
    server *all[] = {&callboard, &bare, &node};
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 3; i++)
            server_round(all[i], client_run, AT_ONCE * 4, REQUESTS);
    printf("a connection for each request, %d at once, %d bytes\n", AT_ONCE, SIZE);
    for (int i = 0; i < 3; i++)
        server_print(all[i]);
    if (callboard.missing) {
        fprintf(stderr, "cannot run %s\n", command);
        return 1;
    }
    server_print_ratio(&callboard, &bare);
    server_print_ratio(&callboard, &node);
    return 0;
}
