/* What the loop is measured beside: the shortest servers that epoll and io_uring allow. */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/loop/loop.h"

/* -- epoll ------------------------------------------------------------------------------------ */

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        loop_die("epoll_ctl");
}

static void echo(int fd)
{
    char bytes[LOOP_MESSAGE_SIZE];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got > 0) {
        /* The client may have left without its last answer. */
        if (send(fd, bytes, (size_t)got, MSG_NOSIGNAL) != got && errno != EPIPE &&
            errno != ECONNRESET)
            loop_die("send");
    } else if (got == 0 || errno != EAGAIN) {
        close(fd);
    }
}

void loop_serve_bare_epoll(void)
{
    struct epoll_event events[512];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = loop_listen();
    watch(epoll, listener);
    while (!loop_stop) {
        int count = epoll_wait(epoll, events, 512, 100);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                echo(fd);
                continue;
            }
            int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (client >= 0) {
                loop_no_delay(client);
                watch(epoll, client);
            }
        }
    }
    close(listener);
    close(epoll);
}

/* -- io_uring: multishot accept, multishot receives into provided buffers --------------------- */

#define BUFFERS 1024 /* a power of two */
#define GROUP   1
enum { ON_ACCEPT = 1, ON_RECV = 2, ON_SEND = 3 };

typedef struct server {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    char *bytes;
    int listener;
} server;

static uint64_t data_of(uint64_t kind, uint64_t buffer, int fd)
{
    return kind << 56 | buffer << 32 | (uint32_t)fd;
}

static struct io_uring_sqe *room(server *self)
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

static void start_accept(server *self)
{
    struct io_uring_sqe *sqe = room(self);
    io_uring_prep_multishot_accept(sqe, self->listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, data_of(ON_ACCEPT, 0, 0));
}

static void start_recv(server *self, int fd)
{
    struct io_uring_sqe *sqe = room(self);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    io_uring_sqe_set_data64(sqe, data_of(ON_RECV, 0, fd));
}

static char *place_of(const server *self, unsigned buffer)
{
    return self->bytes + (size_t)buffer * LOOP_MESSAGE_SIZE;
}

static void start_send(server *self, int fd, unsigned buffer, size_t size)
{
    struct io_uring_sqe *sqe = room(self);
    io_uring_prep_send(sqe, fd, place_of(self, buffer), size, MSG_NOSIGNAL);
    io_uring_sqe_set_data64(sqe, data_of(ON_SEND, buffer, fd));
}

static void give_back(server *self, unsigned buffer)
{
    io_uring_buf_ring_add(self->buffers, place_of(self, buffer), LOOP_MESSAGE_SIZE,
                          (unsigned short)buffer, io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(self->buffers, 1);
}

static void take_recv(server *self, const struct io_uring_cqe *cqe, int fd)
{
    bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->res > 0)
        start_send(self, fd, cqe->flags >> IORING_CQE_BUFFER_SHIFT, (size_t)cqe->res);
    if ((cqe->res > 0 && !more) || cqe->res == -ENOBUFS)
        start_recv(self, fd);
    else if (cqe->res <= 0 && cqe->res != -ECANCELED)
        close(fd);
}

static void take(server *self, const struct io_uring_cqe *cqe)
{
    int fd = (int)(cqe->user_data & UINT32_MAX);
    switch (cqe->user_data >> 56) {
    case ON_ACCEPT:
        if (cqe->res >= 0) {
            loop_no_delay(cqe->res);
            start_recv(self, cqe->res);
        }
        if ((cqe->flags & IORING_CQE_F_MORE) == 0)
            start_accept(self);
        break;
    case ON_RECV:
        take_recv(self, cqe, fd);
        break;
    default:
        give_back(self, (unsigned)(cqe->user_data >> 32 & 0xffffff));
    }
}

static void open_server(server *self)
{
    struct io_uring_params parameters = {.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
                                                  IORING_SETUP_DEFER_TASKRUN,
                                         .cq_entries = 4096};
    struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = GROUP};
    void *memory = NULL;
    memset(self, 0, sizeof *self);
    self->bytes = malloc(BUFFERS * LOOP_MESSAGE_SIZE);
    if (self->bytes == NULL || io_uring_queue_init_params(1024, &self->ring, &parameters) != 0 ||
        posix_memalign(&memory, 4096, BUFFERS * sizeof(struct io_uring_buf)) != 0)
        loop_die("io_uring");
    self->buffers = memory;
    registration.ring_addr = (uint64_t)(uintptr_t)memory;
    if (io_uring_register_buf_ring(&self->ring, &registration, 0) != 0)
        loop_die("io_uring_register_buf_ring");
    (void)io_uring_register_ring_fd(&self->ring);
    io_uring_buf_ring_init(self->buffers);
    for (unsigned i = 0; i < BUFFERS; i++)
        give_back(self, i);
    self->listener = loop_listen();
}

void loop_serve_bare_uring(void)
{
    server self;
    open_server(&self);
    start_accept(&self);
    while (!loop_stop) {
        struct __kernel_timespec limit = {.tv_nsec = 100000000};
        struct io_uring_cqe *cqe;
        unsigned head, count = 0;
        io_uring_submit_and_wait_timeout(&self.ring, &cqe, 1, &limit, NULL);
        io_uring_for_each_cqe(&self.ring, head, cqe)
        {
            take(&self, cqe);
            count++;
        }
        io_uring_cq_advance(&self.ring, count);
    }
    io_uring_queue_exit(&self.ring);
    close(self.listener);
    free(self.buffers);
    free(self.bytes);
}
