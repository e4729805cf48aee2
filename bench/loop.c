/* How much the event loop costs: a 64-byte echo over persistent loopback connections, served by
 * nbio and by the TCP layer on each back end, by a bare epoll loop, by a bare io_uring loop, and by
 * libuv if it was there when this was built; in turns, in one run, with one client.
 *
 *     loop [connections [seconds a round [rounds [part of a name]]]]
 *
 * The default is 1, 64 and 512 connections, 0.4 s, 8 rounds, and all servers.
 *
 * Prints for each server requests each second (median, least, most), its CPU time for each request,
 * and its load: the part of the time that it worked. A server whose load is well below 100 % waited
 * for the client. Then the ratios: of the medians, with the least and the most of single rounds.
 *
 * Client and server have a core each, if there are two, so that the kernel's choice of cores is not
 * what is measured.
 */
#include <liburing.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/loop/loop.h"
#include "bench/measure.h"

_Atomic bool loop_stop;
static _Atomic uint16_t port;
static sem_t announced;
static pthread_t server_thread;
static bool uring; /* the kernel lets us */

void loop_die(const char *what)
{
    perror(what);
    exit(2);
}

void loop_no_delay(int socket)
{
    const int on = 1;
    if (setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        loop_die("TCP_NODELAY");
}

void loop_announce(uint16_t number)
{
    port = number;
    sem_post(&announced);
}

int loop_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 1000) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        loop_die("listen");
    loop_announce(ntohs(address.sin_port));
    return fd;
}

static double clock_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double loop_seconds(void)
{
    return clock_seconds(CLOCK_MONOTONIC);
}

double loop_thread_seconds(void)
{
    return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

static double server_seconds(void)
{
    clockid_t clock;
    if (pthread_getcpuclockid(server_thread, &clock) != 0)
        loop_die("pthread_getcpuclockid");
    return clock_seconds(clock);
}

/* -- one round -------------------------------------------------------------------------------- */

/* Keeps the calling thread on the first or the last of the processors that it may use. */
static void settle(bool last)
{
    static cpu_set_t all;
    static bool known;
    cpu_set_t one;
    size_t chosen = 0;
    bool found = false;
    if (!known && sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    known = true;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && (last || !found)) {
            chosen = cpu;
            found = true;
        }
    CPU_ZERO(&one);
    CPU_SET(chosen, &one);
    (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

typedef struct side {
    const char *name;
    loop_server *serve;
    bool needs_uring;
    double round_rates[MEASURE_MOST_ROUNDS];
    measure rate, cpu_us, load;
    bool absent;
} side;

static void *serve(void *server)
{
    settle(true);
    (*(loop_server **)server)();
    return NULL;
}

static void run_round(side *self, int round, int connections, double duration)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    loop_result result;
    loop_stop = false;
    if (pthread_create(&server_thread, NULL, serve, &self->serve) != 0)
        loop_die("pthread_create");
    while (sem_wait(&announced) != 0) {
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    (uring ? loop_drive : loop_drive_epoll)(&address, connections, duration, server_seconds,
                                            &result);
    loop_stop = true;
    if (pthread_join(server_thread, NULL) != 0)
        loop_die("pthread_join");
    double requests = result.requests > 0 ? (double)result.requests : 1;
    self->round_rates[round] = requests / result.seconds;
    measure_add(&self->rate, requests / result.seconds);
    measure_add(&self->cpu_us, result.server_cpu_s / requests * 1e6);
    measure_add(&self->load, result.server_cpu_s / result.seconds * 100);
}

/* -- the report ------------------------------------------------------------------------------- */

enum { NBIO_URING, NBIO_EPOLL, TCP_URING, TCP_EPOLL, BARE_URING, BARE_EPOLL, LIBUV, COUNT };

static void print_side(side *self)
{
    if (self->absent)
        return;
    double rate = measure_median(&self->rate);
    printf("  %-14s %8.0f requests/s (%.0f to %.0f), server CPU %.2f us a request, load %.0f %%\n",
           self->name, rate, self->rate.values[0], self->rate.values[self->rate.count - 1],
           measure_median(&self->cpu_us), measure_median(&self->load));
}

static void print_ratio(side *ours, side *peer, int rounds)
{
    measure ratio = {0};
    if (ours->absent || peer->absent)
        return;
    for (int i = 0; i < rounds; i++)
        measure_add(&ratio, ours->round_rates[i] / peer->round_rates[i]);
    double of_cpu = measure_median(&peer->cpu_us) / measure_median(&ours->cpu_us);
    double of_rates = measure_median(&ours->rate) / measure_median(&peer->rate);
    (void)measure_median(&ratio);
    printf("  %s : %s = %.2f (%.2f to %.2f); by CPU a request %.2f\n", ours->name, peer->name,
           of_rates, ratio.values[0], ratio.values[ratio.count - 1], of_cpu);
}

static void compare(int connections, double duration, int rounds, const char *only)
{
    side all[COUNT] = {
        [NBIO_URING] = {"nbio on uring", loop_serve_nbio_uring, true},
        [NBIO_EPOLL] = {"nbio on epoll", loop_serve_nbio_epoll, false},
        [TCP_URING] = {"tcp on uring", loop_serve_tcp_uring, true},
        [TCP_EPOLL] = {"tcp on epoll", loop_serve_tcp_epoll, false},
        [BARE_URING] = {"bare io_uring", loop_serve_bare_uring, true},
        [BARE_EPOLL] = {"bare epoll", loop_serve_bare_epoll, false},
        [LIBUV] = {"libuv", loop_serve_libuv, false},
    };
    static const struct {
        int ours, peer;
    } ratios[] = {{NBIO_URING, BARE_URING}, {NBIO_EPOLL, BARE_EPOLL}, {NBIO_URING, NBIO_EPOLL},
                  {NBIO_URING, LIBUV},      {NBIO_EPOLL, LIBUV},      {TCP_URING, LIBUV},
                  {TCP_EPOLL, LIBUV},       {BARE_URING, LIBUV},      {BARE_EPOLL, LIBUV}};
    printf("%d connections, %d rounds of %.1f s in turns\n", connections, rounds, duration);
    for (int i = 0; i < COUNT; i++)
        all[i].absent = (all[i].needs_uring && !uring) ||
                        (i == LIBUV && loop_libuv_version()[0] == '\0') ||
                        strstr(all[i].name, only) == NULL;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < COUNT; i++)
            if (!all[i].absent)
                run_round(&all[i], round, connections, duration);
    for (int i = 0; i < COUNT; i++)
        print_side(&all[i]);
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++)
        print_ratio(&all[ratios[i].ours], &all[ratios[i].peer], rounds);
    fflush(stdout);
}

static bool has_uring(void)
{
    struct io_uring probe;
    if (io_uring_queue_init(8, &probe, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) !=
        0)
        return false;
    io_uring_queue_exit(&probe);
    return true;
}

int main(int argc, char **argv)
{
    static const int usual[] = {1, 64, 512};
    int connections = argc > 1 ? atoi(argv[1]) : 1;
    double duration = argc > 2 ? atof(argv[2]) : 0.4;
    int rounds = argc > 3 ? atoi(argv[3]) : 8;
    struct utsname machine;
    if (connections < 1 || connections > LOOP_CONNECTIONS_MAX || rounds < 1 ||
        rounds > MEASURE_MOST_ROUNDS || duration <= 0 || uname(&machine) != 0 ||
        sem_init(&announced, 0, 0) != 0) {
        fprintf(stderr,
                "usage: loop [connections 1..%d [seconds [rounds 1..%d [part of a name]]]]\n",
                LOOP_CONNECTIONS_MAX, MEASURE_MOST_ROUNDS);
        return 2;
    }
    uring = has_uring();
    settle(false);
    printf("echo of %d bytes; Linux %s, liburing %s, libuv %s; client by %s\n", LOOP_MESSAGE_SIZE,
           machine.release, BENCH_URING_VERSION,
           loop_libuv_version()[0] != '\0' ? loop_libuv_version() : "not here",
           uring ? "io_uring" : "epoll");
    if (argc > 1) {
        compare(connections, duration, rounds, argc > 4 ? argv[4] : "");
        return 0;
    }
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        compare(usual[i], duration, rounds, "");
    return 0;
}
