/* The client of the measurement `loop`, on one core of its own.
 *
 * It has to be cheaper than the servers, or their differences do not show: with io_uring it sends
 * and receives many messages by one system call (multishot receives into provided buffers, sends
 * that report nothing). Where io_uring is refused, epoll does, and the client is the limit more
 * often; the servers' load in the report says so.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/loop/loop.h"

#define BUFFERS LOOP_CONNECTIONS_MAX /* a power of two */
#define GROUP   1
#define SENT    UINT64_MAX

static int fds[LOOP_CONNECTIONS_MAX];
static unsigned missing[LOOP_CONNECTIONS_MAX]; /* bytes of the answer that is awaited */
static const char message[LOOP_MESSAGE_SIZE];

static void connect_all(const struct sockaddr_in *address, int connections)
{
    for (int i = 0; i < connections; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)address, sizeof *address) != 0)
            loop_die("connect");
        loop_no_delay(fds[i]);
        missing[i] = sizeof message;
    }
}

static void close_all(int connections)
{
    for (int i = 0; i < connections; i++)
        close(fds[i]);
}

static void begin(loop_result *result, loop_clock *server_cpu)
{
    result->requests = 0;
    result->server_cpu_s = -server_cpu();
    result->client_cpu_s = -loop_thread_seconds();
    result->seconds = -loop_seconds();
}

static void end(loop_result *result, loop_clock *server_cpu)
{
    result->seconds += loop_seconds();
    result->server_cpu_s += server_cpu();
    result->client_cpu_s += loop_thread_seconds();
}

/* -- by io_uring ------------------------------------------------------------------------------ */

typedef struct client {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    char *bytes;
} client;

static void give_buffer(client *self, unsigned number)
{
    io_uring_buf_ring_add(self->buffers, self->bytes + (size_t)number * LOOP_MESSAGE_SIZE,
                          LOOP_MESSAGE_SIZE, (unsigned short)number,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(self->buffers, 1);
}

static void open_client(client *self)
{
    struct io_uring_params parameters = {.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
                                                  IORING_SETUP_DEFER_TASKRUN,
                                         .cq_entries = 4 * LOOP_CONNECTIONS_MAX};
    struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = GROUP};
    void *memory = NULL;
    memset(self, 0, sizeof *self);
    self->bytes = malloc((size_t)BUFFERS * LOOP_MESSAGE_SIZE);
    if (self->bytes == NULL ||
        posix_memalign(&memory, 4096, BUFFERS * sizeof(struct io_uring_buf)) != 0 ||
        io_uring_queue_init_params(LOOP_CONNECTIONS_MAX, &self->ring, &parameters) != 0)
        loop_die("the client's io_uring");
    self->buffers = memory;
    registration.ring_addr = (uint64_t)(uintptr_t)memory;
    if (io_uring_register_buf_ring(&self->ring, &registration, 0) != 0)
        loop_die("io_uring_register_buf_ring");
    (void)io_uring_register_ring_fd(&self->ring);
    io_uring_buf_ring_init(self->buffers);
    for (unsigned i = 0; i < BUFFERS; i++)
        give_buffer(self, i);
}

static void close_client(client *self)
{
    io_uring_queue_exit(&self->ring);
    free(self->buffers);
    free(self->bytes);
}

static struct io_uring_sqe *room(client *self)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
    if (sqe == NULL) {
        io_uring_submit(&self->ring);
        sqe = io_uring_get_sqe(&self->ring);
    }
    if (sqe == NULL)
        loop_die("no room for a submission");
    return sqe;
}

static void receive(client *self, unsigned index)
{
    struct io_uring_sqe *sqe = room(self);
    io_uring_prep_recv_multishot(sqe, fds[index], NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    io_uring_sqe_set_data64(sqe, index);
}

static void request(client *self, unsigned index)
{
    struct io_uring_sqe *sqe = room(self);
    io_uring_prep_send(sqe, fds[index], message, sizeof message, MSG_NOSIGNAL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, SENT);
}

static long take(client *self, const struct io_uring_cqe *cqe)
{
    unsigned index = (unsigned)cqe->user_data;
    long answered = 0;
    if (cqe->user_data == SENT || (cqe->res <= 0 && cqe->res != -ENOBUFS))
        loop_die("no answer");
    if (cqe->res > 0) {
        unsigned got = (unsigned)cqe->res;
        if (got > missing[index])
            loop_die("more than was sent");
        give_buffer(self, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        missing[index] -= got;
        if (missing[index] == 0) {
            missing[index] = sizeof message;
            request(self, index);
            answered = 1;
        }
    }
    if ((cqe->flags & IORING_CQE_F_MORE) == 0)
        receive(self, index);
    return answered;
}

void loop_drive(const struct sockaddr_in *address, int connections, double duration,
                loop_clock *server_cpu, loop_result *result)
{
    client self;
    open_client(&self);
    connect_all(address, connections);
    for (int i = 0; i < connections; i++) {
        receive(&self, (unsigned)i);
        request(&self, (unsigned)i);
    }
    begin(result, server_cpu);
    double until = loop_seconds() + duration;
    while (loop_seconds() < until) {
        struct __kernel_timespec limit = {.tv_sec = 1};
        struct io_uring_cqe *cqe;
        unsigned head, count = 0;
        int failed = io_uring_submit_and_wait_timeout(&self.ring, &cqe, 1, &limit, NULL);
        if (failed < 0 && failed != -EINTR)
            loop_die("no answer within a second");
        io_uring_for_each_cqe(&self.ring, head, cqe)
        {
            result->requests += take(&self, cqe);
            count++;
        }
        io_uring_cq_advance(&self.ring, count);
    }
    end(result, server_cpu);
    close_client(&self);
    close_all(connections);
}

/* -- by epoll --------------------------------------------------------------------------------- */

void loop_drive_epoll(const struct sockaddr_in *address, int connections, double duration,
                      loop_clock *server_cpu, loop_result *result)
{
    struct epoll_event events[512];
    char bytes[LOOP_MESSAGE_SIZE];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    connect_all(address, connections);
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) != 0)
            loop_die("epoll_ctl");
        if (send(fds[i], message, sizeof message, MSG_NOSIGNAL) != sizeof message)
            loop_die("send");
    }
    begin(result, server_cpu);
    double until = loop_seconds() + duration;
    while (loop_seconds() < until) {
        int count = epoll_wait(epoll, events, 512, 1000);
        if (count <= 0)
            loop_die("no answer within a second");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (recv(fd, bytes, sizeof bytes, MSG_WAITALL) != sizeof bytes)
                loop_die("recv");
            result->requests++;
            if (send(fd, message, sizeof message, MSG_NOSIGNAL) != sizeof message)
                loop_die("send");
        }
    }
    end(result, server_cpu);
    close_all(connections);
    close(epoll);
}
