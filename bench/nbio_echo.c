/* How much the event loop costs: a 64-byte echo over persistent loopback connections, served by
 * nbio on each back end, by a bare epoll loop, by a bare io_uring loop (multishot receives into
 * provided buffers), and by libuv if it was there when this was built; in turns, in one run.
 *
 *     nbio_echo [connections [seconds a round [rounds]]]      default: 1, 64 and 512; 0.5; 6
 *
 * Prints requests each second (median, least, most), the server thread's CPU time for each request,
 * and the ratios of the medians. The client, the same for all, takes the other core.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
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

#ifdef BENCH_LIBUV
#include <uv.h>
#endif

#include "actors/io/loop.h"

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

/* -- the bare server on io_uring -------------------------------------------------------------- */

#define BUFFERS      1024 /* a power of two */
#define BUFFER_GROUP 1
enum { ON_ACCEPT = 1, ON_RECV = 2, ON_SEND = 3 };

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static char (*buffer_bytes)[MESSAGE_SIZE];

static struct io_uring_sqe *uring_room(uint64_t kind, uint64_t fd, uint64_t buffer)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    memset(sqe, 0, sizeof *sqe);
    sqe->user_data = kind << 56 | buffer << 32 | fd;
    return sqe;
}

static void set_data(struct io_uring_sqe *sqe, uint64_t data)
{
    io_uring_sqe_set_data64(sqe, data);
}

static void uring_accept(void)
{
    struct io_uring_sqe *sqe = uring_room(ON_ACCEPT, 0, 0);
    uint64_t data = sqe->user_data;
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    set_data(sqe, data);
}

static void uring_recv(int fd)
{
    struct io_uring_sqe *sqe = uring_room(ON_RECV, (uint64_t)fd, 0);
    uint64_t data = sqe->user_data;
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    set_data(sqe, data);
}

static void uring_give_back(unsigned buffer)
{
    io_uring_buf_ring_add(buffers, buffer_bytes[buffer], MESSAGE_SIZE, (unsigned short)buffer,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(buffers, 1);
}

static void uring_take(const struct io_uring_cqe *cqe)
{
    int fd = (int)(cqe->user_data & UINT32_MAX);
    unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    switch (cqe->user_data >> 56) {
    case ON_ACCEPT:
        if (cqe->res >= 0) {
            no_delay(cqe->res);
            uring_recv(cqe->res);
        }
        if (!more && !stop)
            uring_accept();
        break;
    case ON_RECV:
        if (cqe->res > 0) {
            struct io_uring_sqe *sqe = uring_room(ON_SEND, (uint64_t)fd, buffer);
            uint64_t data = sqe->user_data;
            io_uring_prep_send(sqe, fd, buffer_bytes[buffer], (size_t)cqe->res, MSG_NOSIGNAL);
            set_data(sqe, data);
            if (!more)
                uring_recv(fd);
        } else if (cqe->res == -ENOBUFS) {
            uring_recv(fd);
        } else if (cqe->res != -ECANCELED) {
            close(fd);
        }
        break;
    default:
        uring_give_back((unsigned)(cqe->user_data >> 32 & 0xffffff));
    }
}

static void *bare_uring_server(void *unused)
{
    struct io_uring_params parameters = {.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
                                                  IORING_SETUP_DEFER_TASKRUN,
                                         .cq_entries = 4096};
    struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = BUFFER_GROUP};
    (void)unused;
    if (io_uring_queue_init_params(1024, &ring, &parameters) != 0 ||
        posix_memalign((void **)&buffers, 4096, BUFFERS * sizeof(struct io_uring_buf)) != 0 ||
        (buffer_bytes = malloc(BUFFERS * sizeof *buffer_bytes)) == NULL)
        die("io_uring");
    registration.ring_addr = (uint64_t)(uintptr_t)buffers;
    if (io_uring_register_buf_ring(&ring, &registration, 0) != 0)
        die("io_uring_register_buf_ring");
    io_uring_buf_ring_init(buffers);
    for (unsigned i = 0; i < BUFFERS; i++)
        uring_give_back(i);
    uring_accept();
    while (!stop) {
        struct __kernel_timespec limit = {.tv_nsec = 100000000};
        struct io_uring_cqe *cqe;
        unsigned head, count = 0;
        io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &limit, NULL);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            uring_take(cqe);
            count++;
        }
        io_uring_cq_advance(&ring, count);
    }
    io_uring_queue_exit(&ring);
    free(buffers);
    free(buffer_bytes);
    server_cpu_seconds = seconds(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* -- libuv ------------------------------------------------------------------------------------ */

#ifdef BENCH_LIBUV
typedef struct uv_session {
    uv_tcp_t socket;
    uv_write_t writing;
    char bytes[4 * MESSAGE_SIZE]; /* a read that does not fill it is the last one of its turn */
} uv_session;

static uv_tcp_t uv_listener;

static void uv_room(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    uv_session *client = handle->data;
    (void)size;
    *buffer = uv_buf_init(client->bytes, sizeof client->bytes);
}

static void uv_gone(uv_handle_t *handle)
{
    free(handle->data);
}

static void uv_written(uv_write_t *writing, int status)
{
    (void)writing;
    (void)status;
}

static void uv_got(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    uv_session *client = stream->data;
    if (got < 0) {
        uv_close((uv_handle_t *)stream, uv_gone);
        return;
    }
    if (got == 0)
        return;
    uv_buf_t out = uv_buf_init(buffer->base, (unsigned)got);
    if (uv_write(&client->writing, stream, &out, 1, uv_written) != 0)
        die("uv_write");
}

static void uv_connected(uv_stream_t *server, int status)
{
    uv_session *client = calloc(1, sizeof *client);
    if (status != 0 || client == NULL || uv_tcp_init(server->loop, &client->socket) != 0 ||
        uv_accept(server, (uv_stream_t *)&client->socket) != 0)
        die("uv_accept");
    client->socket.data = client;
    uv_tcp_nodelay(&client->socket, 1);
    uv_read_start((uv_stream_t *)&client->socket, uv_room, uv_got);
}

static void uv_close_all(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, handle->type == UV_TCP && handle->data != NULL ? uv_gone : NULL);
}

static void uv_look(uv_timer_t *timer)
{
    if (stop)
        uv_stop(timer->loop);
}

static void *uv_server(void *unused)
{
    uv_loop_t loop;
    uv_timer_t timer;
    (void)unused;
    memset(&uv_listener, 0, sizeof uv_listener);
    if (uv_loop_init(&loop) != 0 || uv_tcp_init(&loop, &uv_listener) != 0 ||
        uv_tcp_open(&uv_listener, dup(listener)) != 0 ||
        uv_listen((uv_stream_t *)&uv_listener, 1000, uv_connected) != 0 ||
        uv_timer_init(&loop, &timer) != 0 || uv_timer_start(&timer, uv_look, 50, 50) != 0)
        die("libuv");
    timer.data = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_walk(&loop, uv_close_all, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    server_cpu_seconds = seconds(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}
#endif

/* -- the same by nbio ------------------------------------------------------------------------- */

typedef struct session {
    char bytes[MESSAGE_SIZE];
    cb_op *reading;
} session;

static void on_sent(cb_op *op)
{
    /* The client has left, without its last answer. */
    if (op->error != CB_IO_OK && op->error != CB_IO_CLOSED && op->error != CB_IO_RESET &&
        op->error != CB_IO_CANCELED)
        die(cb_io_error_string(op->error));
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

static void *nbio_server(const cb_loop_backend *backend)
{
    cb_loop *loop;
    cb_error error;
    if (cb_loop_acquire_with(backend, &loop, &error) != CB_OK)
        die(error.text);
    cb_accept(loop, listener, on_accepted, NULL);
    while (!stop)
        if (cb_loop_tick(loop, 100000000, &error) != CB_OK)
            die(error.text);
    cb_loop_release(&loop);
    server_cpu_seconds = seconds(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void *nbio_epoll_server(void *unused)
{
    (void)unused;
    return nbio_server(&cb_backend_epoll);
}

static void *nbio_uring_server(void *unused)
{
    (void)unused;
    return nbio_server(&cb_backend_uring);
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
    printf("  %-14s %8.0f requests/s  (%.0f to %.0f)  server CPU %.2f us a request\n", side->name,
           side->rates[rounds / 2], side->rates[0], side->rates[rounds - 1],
           side->cpu_us[rounds / 2]);
    return side->rates[rounds / 2];
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

static void compare(int connections, double duration, int rounds, bool uring)
{
    enum { NBIO_URING, NBIO_EPOLL, BARE_URING, BARE_EPOLL, LIBUV, COUNT };
    static measure all[COUNT] = {{.name = "nbio on uring", .server = nbio_uring_server},
                                 {.name = "nbio on epoll", .server = nbio_epoll_server},
                                 {.name = "bare io_uring", .server = bare_uring_server},
                                 {.name = "bare epoll", .server = bare_server},
                                 {.name = "libuv"}};
    double rates[COUNT] = {0};
#ifdef BENCH_LIBUV
    all[LIBUV].server = uv_server;
#endif
    if (!uring)
        all[NBIO_URING].server = all[BARE_URING].server = NULL;
    printf("%d connections, %d rounds of %.1f s in turns\n", connections, rounds, duration);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < COUNT; i++)
            if (all[i].server != NULL)
                run_round(&all[i], round, connections, duration);
    for (int i = 0; i < COUNT; i++)
        if (all[i].server != NULL)
            rates[i] = report(&all[i], rounds);
    static const struct {
        int ours, peer;
    } ratios[] = {{NBIO_URING, BARE_URING},
                  {NBIO_EPOLL, BARE_EPOLL},
                  {NBIO_URING, NBIO_EPOLL},
                  {NBIO_URING, LIBUV},
                  {NBIO_EPOLL, LIBUV}};
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++)
        if (rates[ratios[i].ours] > 0 && rates[ratios[i].peer] > 0)
            printf("  %s : %s = %.2f\n", all[ratios[i].ours].name, all[ratios[i].peer].name,
                   rates[ratios[i].ours] / rates[ratios[i].peer]);
}

int main(int argc, char **argv)
{
    static const int usual[] = {1, 64, 512};
    int connections = argc > 1 ? atoi(argv[1]) : 1;
    double duration = argc > 2 ? atof(argv[2]) : 0.5;
    int rounds = argc > 3 ? atoi(argv[3]) : 6;
    struct utsname machine;
    if (connections < 1 || connections > CONNECTIONS_MAX || rounds < 1 || rounds > ROUNDS_MAX ||
        duration <= 0 || uname(&machine) != 0) {
        fprintf(stderr, "usage: nbio_echo [connections 1..4096 [seconds [rounds 1..64]]]\n");
        return 2;
    }
    bool uring = has_uring();
    printf("echo of %d bytes, Linux %s", MESSAGE_SIZE, machine.release);
#ifdef BENCH_LIBUV
    printf(", libuv %s", uv_version_string());
#endif
    printf("%s\n", uring ? "" : ", io_uring refused");
    if (argc > 1) {
        compare(connections, duration, rounds, uring);
        return 0;
    }
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        compare(usual[i], duration, rounds, uring);
    return 0;
}
