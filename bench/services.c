/* Requests each second, a connection for each, as a script's clients make them: connect, send 64
 * bytes, half-close, read to the end. The same client drives, in turns and in one run: Callboard
 * with a script callback, a bare epoll server in C, and Node where it is installed. Prints rates,
 * server CPU for each request, and ratios.
 *
 * Start it in the project's folder; CALLBOARD names the command where it is not
 * build/release/bin/callboard.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"

#define ROUNDS   6
#define REQUESTS 8000
#define AT_ONCE  64
#define SIZE     64
#define EVENTS   128

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

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
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1000) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    serve(listener);
}

/* --- servers as child processes --- */

typedef struct server {
    const char *arguments[4]; /* the first NULL: the bare server of this program */
    measure rate;
    measure cpu;
    bool missing;
} server;

static pid_t server_start(server *self, int *port)
{
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0)
        die("pipe");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        dup2(pipe_ends[1], STDOUT_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        if (self->arguments[0] == NULL)
            run_bare_server();
        execvp(self->arguments[0], (char *const *)self->arguments);
        _exit(127);
    }
    close(pipe_ends[1]);
    FILE *output = fdopen(pipe_ends[0], "r");
    if (output == NULL || fscanf(output, "port %d", port) != 1)
        self->missing = true;
    if (output != NULL)
        fclose(output);
    return child;
}

static void server_round(server *self)
{
    int port = 0;
    int status;
    struct rusage usage;
    if (self->missing)
        return;
    pid_t child = server_start(self, &port);
    if (!self->missing) {
        (void)client_run(port, AT_ONCE * 4);
        measure_add(&self->rate, client_run(port, REQUESTS));
    }
    kill(child, SIGTERM);
    wait4(child, &status, 0, &usage);
    if (self->missing)
        return;
    double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    measure_add(&self->cpu, cpu_s * 1e6 / (REQUESTS + AT_ONCE * 4));
}

static void print_ratio(server *ours, server *theirs)
{
    if (theirs->missing)
        return;
    printf("callboard : %-20s %6.2f of its rate, %5.2f of its CPU a request\n", theirs->rate.name,
           measure_median(&ours->rate) / measure_median(&theirs->rate),
           measure_median(&ours->cpu) / measure_median(&theirs->cpu));
}

int main(void)
{
    const char *command = getenv("CALLBOARD");
    if (command == NULL)
        command = "build/release/bin/callboard";
    signal(SIGPIPE, SIG_IGN);
    server callboard = {.arguments = {command, "run", "bench/services/echo.dom", NULL},
                        .rate = {.name = "callboard, script callback", .unit = "1/s"},
                        .cpu = {.name = "  server CPU a request", .unit = "us"}};
    server bare = {.rate = {.name = "bare epoll", .unit = "1/s"},
                   .cpu = {.name = "  server CPU a request", .unit = "us"}};
    server node = {.arguments = {"node", "bench/services/echo.js", NULL},
                   .rate = {.name = "node", .unit = "1/s"},
                   .cpu = {.name = "  server CPU a request", .unit = "us"}};
    server *all[] = {&callboard, &bare, &node};
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 3; i++)
            server_round(all[i]);
    printf("a connection for each request, %d at once, %d bytes\n", AT_ONCE, SIZE);
    for (int i = 0; i < 3; i++) {
        measure_print(&all[i]->rate);
        measure_print(&all[i]->cpu);
    }
    if (callboard.missing) {
        fprintf(stderr, "cannot run %s\n", command);
        return 1;
    }
    print_ratio(&callboard, &bare);
    print_ratio(&callboard, &node);
    return 0;
}
