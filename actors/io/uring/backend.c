/* The io_uring back end.
 *
 * Each descriptor has a queue for reading and one for writing; of each only the first op is with
 * the kernel, so they complete in order. What is independent (polls, files, datagrams to be sent)
 * is with the kernel at once. Everything is submitted by the one system call of a tick, which also
 * waits.
 *
 * An op in flight is taken back by asking the kernel to and then waiting until it has let go: from
 * then on nobody writes to its memory. It may have come out meanwhile; then it counts as such.
 *
 * A receive goes straight into the caller's memory, unless it allows reading ahead: then one
 * multishot receive of the descriptor serves all of them (uring_ahead.c). While several accepts
 * wait, one multishot accept serves them (uring_accept.c).
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/io/files.h"
#include "actors/io/uring/uring.h"

/* Submissions that fit into one batch; more are handed over in several. */
#define SUBMISSIONS 256u
/* Completions that the kernel has room for: 64 KiB; what does not fit it keeps for later. */
#define COMPLETIONS 4096u

/* One thread's rings may get the memory that another's had before. The kernel orders that; this
 * lets tools that look for data races see it too. */
static atomic_uint handed_over;

static void finish(cb_loop *loop, cb_op *op, cb_io_error error, int sys_errno)
{
    cb_op_list_unlink(op);
    cb_uring_free_note(loop->backend_state, op);
    cb_loop_complete(loop, op, error, sys_errno);
}

/* Others may wait on a number that nobody has been told of: they learn that it is gone. */
static void end_dial(cb_loop *loop, cb_op *op, cb_attempt attempt)
{
    cb_op_list_unlink(op);
    if (attempt.error != CB_IO_OK) {
        loop->backend->drop(loop, op->dial.socket);
        op->dial.socket = CB_NO_SOCKET;
    }
    cb_loop_complete(loop, op, attempt.error, attempt.sys_errno);
}

void cb_uring_end_op(cb_loop *loop, cb_op *op, cb_attempt attempt)
{
    if (op->type == CB_NBIO_DIAL)
        end_dial(loop, op, attempt);
    else
        finish(loop, op, attempt.error, attempt.sys_errno);
}

/* Datagrams that wait behind each other would cost a tick each. As long as there are several, they
 * are received and sent on the spot, in their order; only the last, or one that has to wait, is the
 * kernel's. */
static cb_attempt receive_datagram(cb_descriptor *descriptor, cb_op *op)
{
    cb_attempt attempt = {false, CB_IO_OK, 0};
    if (op->type == CB_NBIO_RECV && op->own.next != NULL && !descriptor->drained &&
        !cb_is_stream(descriptor)) {
        attempt = cb_attempt_recv(descriptor, op);
        descriptor->drained = !attempt.done;
    }
    return attempt;
}

static bool send_datagrams(cb_loop *loop, cb_descriptor *descriptor, cb_op *first)
{
    if (first->type != CB_NBIO_SEND || first->own.next == NULL || cb_is_stream(descriptor))
        return false;
    size_t sent = cb_attempt_send_datagrams(first);
    for (size_t i = 0; i < sent; i++)
        finish(loop, descriptor->writing.first, CB_IO_OK, 0);
    return sent > 0;
}

/* Submits the first of a queue if it is not with the kernel yet. */
static void start_next(cb_loop *loop, cb_descriptor *descriptor, cb_op_list *list)
{
    cb_op *op;
    while ((op = list->first) != NULL && (op->own.flags & CB_OP_FLAG_IN_FLIGHT) == 0) {
        if (op->type == CB_NBIO_ACCEPT) {
            cb_uring_accept(loop, descriptor);
            return;
        }
        if (cb_uring_reads_ahead(descriptor, op)) {
            cb_uring_receive(loop, descriptor);
            return;
        }
        if (send_datagrams(loop, descriptor, op))
            continue;
        cb_attempt attempt = receive_datagram(descriptor, op);
        if (!attempt.done)
            attempt = cb_uring_submit(loop, descriptor, op);
        if (attempt.done)
            cb_uring_end_op(loop, op, attempt);
    }
}

static void start_single(cb_loop *loop, cb_descriptor *descriptor, cb_op *op)
{
    cb_attempt attempt = cb_uring_submit(loop, descriptor, op);
    if (attempt.done)
        finish(loop, op, attempt.error, attempt.sys_errno);
}

static void start_eager(cb_loop *loop)
{
    cb_uring *back = loop->backend_state;
    cb_descriptor *descriptor = cb_table_take_eager(&back->table);
    while (descriptor != NULL) {
        cb_descriptor *next = descriptor->next_eager;
        descriptor->eager = false;
        start_next(loop, descriptor, &descriptor->writing);
        start_next(loop, descriptor, &descriptor->reading);
        if (descriptor->reading.first == NULL)
            cb_uring_stop(loop, descriptor); /* nobody wants what it brings */
        descriptor = next;
    }
}

/* -- completions ------------------------------------------------------------------------------ */

static void watch_wake(cb_uring *back)
{
    struct io_uring_sqe *sqe = cb_uring_room(back);
    if (sqe == NULL)
        return;
    io_uring_prep_poll_multishot(sqe, back->wake, POLLIN);
    io_uring_sqe_set_data64(sqe, CB_URING_WAKE);
}

static cb_descriptor *descriptor_of(const cb_uring *back, const cb_op *op)
{
    cb_socket socket = op->type == CB_NBIO_DIAL ? op->dial.socket : cb_op_descriptor(op);
    return cb_table_known(&back->table, socket);
}

static void take_completion(cb_loop *loop, cb_op *op, int result, uint32_t flags)
{
    cb_uring *back = loop->backend_state;
    cb_descriptor *descriptor = descriptor_of(back, op);
    assert((op->own.flags & CB_OP_FLAG_IN_FLIGHT) != 0 && op->own.state == CB_OP_STATE_PENDING);
    op->own.flags &= (uint8_t)~CB_OP_FLAG_IN_FLIGHT;
    cb_attempt attempt = cb_uring_settle(loop, descriptor, op, result, flags);
    if ((op->own.flags & CB_OP_FLAG_TAKEN) != 0) {
        /* cb_loop_backend.cancel waits for this and does the rest. */
        op->error = attempt.error;
        op->sys_errno = attempt.sys_errno;
        if (attempt.done && result != -ECANCELED)
            op->own.flags |= CB_OP_FLAG_CAME_OUT;
        return;
    }
    cb_op_list *list = op->own.list;
    if (attempt.done)
        cb_uring_end_op(loop, op, attempt);
    if (list == NULL || list == &descriptor->others) {
        if (!attempt.done)
            start_single(loop, descriptor, op);
    } else if (list->first != NULL && op->type == CB_NBIO_RECV &&
               descriptor->stream == CB_STREAM_NO) {
        start_next(loop, descriptor, list); /* what came with it is received with it */
    } else if (list->first != NULL) {
        cb_table_make_eager(&back->table, descriptor);
    }
}

/* Takes all that the kernel has reported. Each one is taken off before it is looked at, because
 * looking may lead here again. Work that the kernel has put off is left to the next poll, which
 * submits what these lead to at the same time: asking for it here would be one more call, and
 * many connections in one go are further from the cache. */
void cb_uring_take_completions(cb_loop *loop)
{
    cb_uring *back = loop->backend_state;
    struct io_uring_cqe *cqe;
    while (io_uring_cq_ready(&back->ring) > 0 && io_uring_peek_cqe(&back->ring, &cqe) == 0 &&
           cqe != NULL) {
        uint64_t data = cqe->user_data;
        int result = cqe->res;
        uint32_t flags = cqe->flags;
        io_uring_cqe_seen(&back->ring, cqe);
        if (data == CB_URING_WAKE) {
            if ((flags & IORING_CQE_F_MORE) == 0)
                watch_wake(back);
        } else if ((data & CB_URING_MARKS) != 0) {
            cb_descriptor *descriptor =
                (cb_descriptor *)(uintptr_t)(data & ~(uint64_t)CB_URING_MARKS);
            if ((data & CB_URING_ACCEPT) != 0)
                cb_uring_accepted(loop, descriptor, result, flags);
            else
                cb_uring_received(loop, descriptor, result, flags);
        } else if (data != CB_URING_NOBODYS) {
            take_completion(loop, (cb_op *)(uintptr_t)data, result, flags);
        }
    }
}

/* -- starting --------------------------------------------------------------------------------- */

static void start_dial(cb_loop *loop, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    cb_attempt attempt = cb_attempt_dial(op);
    if (op->dial.socket == CB_NO_SOCKET) {
        cb_loop_complete(loop, op, attempt.error, attempt.sys_errno);
        return;
    }
    cb_uring_adopt(loop, op->dial.socket, true);
    cb_descriptor *descriptor = cb_table_known(&back->table, op->dial.socket);
    if (descriptor == NULL) {
        (void)close(op->dial.socket);
        op->dial.socket = CB_NO_SOCKET;
        cb_loop_complete(loop, op, CB_IO_NO_MEMORY, 0);
    } else if (attempt.done) {
        cb_loop_complete(loop, op, CB_IO_OK, 0);
    } else {
        cb_op_list_append(&descriptor->writing, op);
        cb_table_make_eager(&back->table, descriptor);
    }
}

/* Waits until the kernel has let go of an op. */
static void wait_for(cb_loop *loop, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    op->own.flags |= CB_OP_FLAG_TAKEN;
    struct io_uring_sqe *sqe = cb_uring_room(back);
    if (sqe != NULL) {
        io_uring_prep_cancel(sqe, op, 0);
        io_uring_sqe_set_data64(sqe, CB_URING_NOBODYS);
    }
    while ((op->own.flags & CB_OP_FLAG_IN_FLIGHT) != 0) {
        int result = io_uring_submit_and_wait(&back->ring, 1);
        assert(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY);
        cb_uring_take_completions(loop);
    }
    op->own.flags &= (uint8_t)~CB_OP_FLAG_TAKEN;
}

/* Takes an op back; true if it came out before. */
static bool let_go(cb_loop *loop, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    cb_descriptor *descriptor = descriptor_of(back, op);
    cb_op_list *list = op->own.list;
    if ((op->own.flags & CB_OP_FLAG_IN_FLIGHT) != 0)
        wait_for(loop, op);
    bool came_out = (op->own.flags & CB_OP_FLAG_CAME_OUT) != 0;
    op->own.flags &= (uint8_t)~CB_OP_FLAG_CAME_OUT;
    cb_op_list_unlink(op);
    cb_uring_free_note(back, op);
    if (list != NULL && list != &descriptor->others)
        cb_table_make_eager(&back->table, descriptor);
    return came_out;
}

static void cancel_pending(cb_loop *loop, cb_descriptor *descriptor)
{
    cb_op *op;
    while ((op = cb_descriptor_oldest(descriptor)) != NULL) {
        bool came_out = let_go(loop, op);
        if (op->type == CB_NBIO_DIAL) {
            op->dial.socket = CB_NO_SOCKET; /* goes the way of the descriptor */
            came_out = false;
        }
        if (came_out && op->type == CB_NBIO_ACCEPT && op->accept.client != CB_NO_SOCKET) {
            loop->backend->drop(loop, op->accept.client);
            op->accept.client = CB_NO_SOCKET;
            came_out = false;
        }
        if (came_out)
            cb_loop_complete(loop, op, op->error, op->sys_errno);
        else
            cb_loop_complete(loop, op, CB_IO_CANCELED, 0);
    }
}

/* What was to be sent before a close goes out if it can, though the batch has not gone yet. */
static void send_what_waits(cb_loop *loop, cb_descriptor *descriptor)
{
    cb_op *op;
    while ((op = descriptor->writing.first) != NULL && op->type == CB_NBIO_SEND &&
           (op->own.flags & CB_OP_FLAG_IN_FLIGHT) == 0) {
        cb_attempt attempt = cb_attempt_send(op);
        if (!attempt.done)
            return;
        finish(loop, op, attempt.error, attempt.sys_errno);
    }
}

/* Reading and writing name a place in a file; the kernel would read what has no places (a pipe)
 * as it comes. */
static bool has_places(int file)
{
    return lseek(file, 0, SEEK_CUR) >= 0 || errno != ESPIPE;
}

static void start_on(cb_loop *loop, cb_descriptor *descriptor, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    switch (op->type) {
    case CB_NBIO_ACCEPT:
    case CB_NBIO_RECV:
        cb_op_list_append(&descriptor->reading, op);
        break;
    case CB_NBIO_SEND:
    case CB_NBIO_SENDFILE:
        cb_op_list_append(&descriptor->writing, op);
        break;
    case CB_NBIO_CLOSE:
        send_what_waits(loop, descriptor);
        cancel_pending(loop, descriptor);
        cb_uring_stop(loop, descriptor);
        descriptor->closing = true;
        cb_loop_complete(loop, op, CB_IO_OK, 0);
        return;
    default:
        if (op->type != CB_NBIO_POLL && op->type != CB_NBIO_STAT &&
            !has_places(descriptor->socket)) {
            cb_loop_complete(loop, op, CB_IO_INVALID, ESPIPE);
            return;
        }
        if (op->type == CB_NBIO_POLL && (op->poll.events & CB_POLL_READABLE) != 0 &&
            cb_uring_has_held(descriptor)) {
            op->poll.ready = CB_POLL_READABLE;
            cb_loop_complete(loop, op, CB_IO_OK, 0);
            return;
        }
        cb_op_list_append(&descriptor->others, op);
        start_single(loop, descriptor, op);
        return;
    }
    if (op->own.list->first == op)
        cb_table_make_eager(&back->table, descriptor);
}

static void uring_start(cb_loop *loop, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    cb_io_error error;
    op->own.backend = NULL;
    if (op->type == CB_NBIO_DIAL) {
        start_dial(loop, op);
        return;
    }
    if (op->type == CB_NBIO_OPEN) {
        start_single(loop, NULL, op);
        return;
    }
    cb_descriptor *descriptor = cb_table_entry(&back->table, cb_op_descriptor(op), &error);
    if (descriptor == NULL || descriptor->closing || cb_table_is_file_closing(&back->table, op))
        cb_loop_complete(loop, op, descriptor == NULL ? error : CB_IO_BAD_SOCKET, 0);
    else
        start_on(loop, descriptor, op);
}

/* -- the rest of the table of functions ------------------------------------------------------- */

static bool uring_cancel(cb_loop *loop, cb_op *op)
{
    bool came_out = let_go(loop, op);
    if (op->type == CB_NBIO_DIAL && op->dial.socket != CB_NO_SOCKET &&
        (!came_out || op->error != CB_IO_OK)) {
        loop->backend->drop(loop, op->dial.socket);
        op->dial.socket = CB_NO_SOCKET;
    }
    return came_out;
}

static void uring_close(cb_loop *loop, cb_op *op)
{
    cb_uring *back = loop->backend_state;
    cb_descriptor *descriptor = cb_table_known(&back->table, op->close.socket);
    assert(descriptor != NULL && descriptor->closing);
    cb_uring_end_ahead(loop, descriptor);
    cb_table_reset(descriptor);
    /* Linux has freed the number even when close reports EINTR or an input/output error. */
    if (close(op->close.socket) != 0 && errno != EINTR) {
        op->sys_errno = errno;
        op->error = cb_io_error_from_errno(errno);
    }
}

static void uring_forget(cb_loop *loop, cb_socket socket)
{
    cb_uring *back = loop->backend_state;
    cb_descriptor *descriptor = cb_table_known(&back->table, socket);
    if (descriptor == NULL)
        return;
    cancel_pending(loop, descriptor);
    cb_uring_end_ahead(loop, descriptor);
    bool closing = descriptor->closing; /* a close that has still to report */
    cb_table_reset(descriptor);
    descriptor->closing = closing;
}

static void uring_drop(cb_loop *loop, cb_socket socket)
{
    uring_forget(loop, socket);
    (void)close(socket);
}

static bool uring_is_eager(const cb_loop *loop, bool before_wait)
{
    const cb_uring *back = loop->backend_state;
    const unsigned waiting = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    if (!before_wait && (back->table.eager_first != NULL || io_uring_sq_ready(&back->ring) > 0))
        return true;
    return io_uring_cq_ready(&back->ring) > 0 ||
           (__atomic_load_n(back->ring.sq.kflags, __ATOMIC_RELAXED) & waiting) != 0;
}

static cb_status uring_poll(cb_loop *loop, int64_t timeout_ns, cb_error *error)
{
    cb_uring *back = loop->backend_state;
    struct io_uring_cqe *cqe;
    int result;
    start_eager(loop);
    /* Something came out of being started: that is to be reported at once. */
    if (loop->done[loop->filling].first != NULL || loop->progress_first != NULL)
        timeout_ns = 0;
    if (timeout_ns == 0) {
        result = io_uring_submit_and_get_events(&back->ring);
    } else {
        struct __kernel_timespec limit = {.tv_sec = timeout_ns / 1000000000,
                                          .tv_nsec = timeout_ns % 1000000000};
        result = io_uring_submit_and_wait_timeout(&back->ring, &cqe, 1,
                                                  timeout_ns > 0 ? &limit : NULL, NULL);
    }
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN && result != -EBUSY)
        return cb_fail_errno(error, CB_IO, -result, "the event loop cannot wait for events");
    if (back->stuck)
        return cb_fail_errno(error, CB_IO, back->stuck_errno, "the event loop cannot submit");
    cb_uring_take_completions(loop);
    return CB_OK;
}

static void uring_wake(cb_loop *loop)
{
    cb_uring *back = loop->backend_state;
    uint64_t one = 1;
    int saved = errno; /* also called by signal handlers */
    ssize_t written;
    do {
        written = write(back->wake, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    errno = saved;
}

static void uring_shut(cb_loop *loop)
{
    cb_uring *back = loop->backend_state;
    cb_uring_end_all_ahead(loop);
    atomic_fetch_add(&handed_over, 1);
    io_uring_queue_exit(&back->ring);
    cb_uring_free_buffers(back);
    (void)close(back->wake);
    cb_table_free(&back->table);
    cb_uring_free_notes(back);
    free(back);
}

static cb_status uring_open(cb_loop *loop, cb_error *error)
{
    /* These flags came with Linux 6.1, after all else that is used here. */
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        .cq_entries = COMPLETIONS};
    cb_uring *back = cb_io_realloc(NULL, sizeof *back);
    if (back == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for an event loop");
    memset(back, 0, sizeof *back);
    back->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (back->wake < 0) {
        int sys_errno = errno;
        free(back);
        return cb_fail_errno(error, CB_IO, sys_errno, "cannot make an event loop");
    }
    int result = io_uring_queue_init_params(SUBMISSIONS, &back->ring, &parameters);
    if (result < 0) {
        (void)close(back->wake);
        free(back);
        return cb_fail_errno(error, CB_UNSUPPORTED, -result, "the kernel refuses io_uring");
    }
    atomic_fetch_add(&handed_over, 1);
    (void)io_uring_register_ring_fd(&back->ring); /* saves a look-up for each call */
    loop->backend_state = back;
    watch_wake(back);
    return CB_OK;
}

const cb_loop_backend cb_backend_uring = {
    .name = "uring",
    .open = uring_open,
    .shut = uring_shut,
    .start = uring_start,
    .cancel = uring_cancel,
    .close = uring_close,
    .forget = uring_forget,
    .drop = uring_drop,
    .is_eager = uring_is_eager,
    .poll = uring_poll,
    .wake = uring_wake,
};
