/* How much the event loop costs: a 64-byte echo over persistent loopback connections, served by a
 * bare epoll loop and by nbio, in turns, in one run.
 *
 *     nbio_echo [connections [seconds a round [rounds]]]      default: 64 1 6
 *
 * Prints requests each second (median, least, most), the server thread's CPU time for each request,
 * and the ratio of the medians. The client, the same for both, takes the other core.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "callboard/nbio.h"

#define MESSAGE_SIZE    64
#define CONNECTIONS_MAX 4096
#define ROUNDS_MAX      64

static _Atomic bool stop;
static _Atomic double server_cpu_seconds;
static int listener;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void no_delay(int socket)
{
    const int on = 1;
    if (setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        die("TCP_NODELAY");
}

/* -- the bare server -------------------------------------------------------------------------- */

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void *bare_server(void *unused)
{
    struct epoll_event events[512];
    char bytes[MESSAGE_SIZE];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    (void)unused;
    watch(epoll, listener);
    while (!stop) {
        int count = epoll_wait(epoll, events, 512, 100);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (client >= 0) {
                    no_delay(client);
                    watch(epoll, client);
                }
                continue;
            }
            ssize_t got = recv(fd, bytes, sizeof bytes, 0);
            if (got > 0) {
                if (send(fd, bytes, (size_t)got, MSG_NOSIGNAL) != got)
                    die("send");
            } else if (got == 0 || errno != EAGAIN) {
                close(fd);
            }
        }
    }
    close(epoll);
    server_cpu_seconds = seconds(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* -- the same by nbio ------------------------------------------------------------------------- */

typedef struct session {
    char bytes[MESSAGE_SIZE];
    cb_op *reading;
} session;

static void on_sent(cb_op *op)
{
    if (op->error != CB_IO_OK)
        die("cb_send");
}

/* One recv op for the whole life of a connection; the answer's bytes are safe until the next
 * request, because this client waits for its answer. */
static void on_received(cb_op *op)
{
    session *client = op->user_data;
    if (op->error != CB_IO_OK || op->recv.received == 0) {
        cb_close(op->loop, op->recv.socket, NULL);
        free(client);
        return;
    }
    cb_send(op->loop, op->recv.socket, client->bytes, op->recv.received, on_sent, NULL);
    cb_op_exec(op, false);
}

static void on_accepted(cb_op *op)
{
    if (op->error != CB_IO_OK)
        return;
    session *client = malloc(sizeof *client);
    if (client == NULL)
        die("malloc");
    cb_op *reading =
        cb_recv(op->loop, op->accept.client, client->bytes, MESSAGE_SIZE, on_received, NULL);
    reading->user_data = client;
    cb_op_exec(op, false);
}

static void *nbio_server(void *unused)
{
    cb_loop *loop;
    cb_error error;
    (void)unused;
    if (cb_loop_acquire(&loop, &error) != CB_OK)
        die(error.text);
    cb_accept(loop, listener, on_accepted, NULL);
    while (!stop)
        if (cb_loop_tick(loop, 100000000, &error) != CB_OK)
            die(error.text);
    cb_loop_release(&loop);
    server_cpu_seconds = seconds(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* -- the client ------------------------------------------------------------------------------- */

static int open_listener(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, sizeof *address) != 0 ||
        listen(fd, 1000) != 0 || getsockname(fd, (struct sockaddr *)address, &size) != 0)
        die("listen");
    return fd;
}

/* Requests each second over `connections` connections for `duration` seconds. */
static double drive(const struct sockaddr_in *address, int connections, double duration,
                    long *requests)
{
    static int fds[CONNECTIONS_MAX];
    struct epoll_event events[512];
    char bytes[MESSAGE_SIZE] = {0};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < connections; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fds[i], (const struct sockaddr *)address, sizeof *address) != 0)
            die("connect");
        no_delay(fds[i]);
        watch(epoll, fds[i]);
    }
    double start = seconds(CLOCK_MONOTONIC), now = start;
    for (int i = 0; i < connections; i++)
        if (send(fds[i], bytes, sizeof bytes, 0) != sizeof bytes)
            die("send");
    for (*requests = 0; now - start < duration; now = seconds(CLOCK_MONOTONIC)) {
        int count = epoll_wait(epoll, events, 512, 1000);
        if (count <= 0)
            die("no answer within a second");
        for (int i = 0; i < count; i++) {
            ssize_t got = recv(events[i].data.fd, bytes, sizeof bytes, MSG_WAITALL);
            if (got != sizeof bytes)
                die("recv");
            ++*requests;
            if (send(events[i].data.fd, bytes, sizeof bytes, 0) != sizeof bytes)
                die("send");
        }
    }
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    close(epoll);
    return (double)*requests / (now - start);
}

typedef struct measure {
    const char *name;
    void *(*server)(void *);
    double rates[ROUNDS_MAX];
    double cpu_us[ROUNDS_MAX];
} measure;

static void run_round(measure *side, int round, int connections, double duration)
{
    struct sockaddr_in address;
    pthread_t thread;
    long requests = 0;
    stop = false;
    listener = open_listener(&address);
    if (pthread_create(&thread, NULL, side->server, NULL) != 0)
        die("pthread_create");
    side->rates[round] = drive(&address, connections, duration, &requests);
    stop = true;
    if (pthread_join(thread, NULL) != 0)
        die("pthread_join");
    side->cpu_us[round] = server_cpu_seconds / (double)requests * 1e6;
    close(listener);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double report(measure *side, int rounds)
{
    qsort(side->rates, (size_t)rounds, sizeof side->rates[0], ascending);
    qsort(side->cpu_us, (size_t)rounds, sizeof side->cpu_us[0], ascending);
    printf("%-6s %8.0f requests/s  (%.0f to %.0f)  server CPU %.2f us a request\n", side->name,
           side->rates[rounds / 2], side->rates[0], side->rates[rounds - 1],
           side->cpu_us[rounds / 2]);
    return side->rates[rounds / 2];
}

int main(int argc, char **argv)
{
    static measure bare = {.name = "epoll", .server = bare_server};
    static measure nbio = {.name = "nbio", .server = nbio_server};
    int connections = argc > 1 ? atoi(argv[1]) : 64;
    double duration = argc > 2 ? atof(argv[2]) : 1.0;
    int rounds = argc > 3 ? atoi(argv[3]) : 6;
    struct utsname machine;
    if (connections < 1 || connections > CONNECTIONS_MAX || rounds < 1 || rounds > ROUNDS_MAX ||
        duration <= 0 || uname(&machine) != 0) {
        fprintf(stderr, "usage: nbio_echo [connections 1..4096 [seconds [rounds 1..64]]]\n");
        return 2;
    }
    printf("echo of %d bytes, %d connections, %d rounds of %.1f s in turns, Linux %s\n",
           MESSAGE_SIZE, connections, rounds, duration, machine.release);
    for (int round = 0; round < rounds; round++) {
        run_round(&bare, round, connections, duration);
        run_round(&nbio, round, connections, duration);
    }
    double bare_rate = report(&bare, rounds);
    double nbio_rate = report(&nbio, rounds);
    printf("nbio : epoll = %.2f\n", nbio_rate / bare_rate);
    return 0;
}
