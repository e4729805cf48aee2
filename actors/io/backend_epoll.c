/* The epoll back end: a table of descriptors with their waiting operations.
 *
 * Each descriptor is registered once, edge-triggered, for everything, when an operation on it first
 * has to wait; from then on no epoll_ctl is needed. `readable` and `writable` say that trying is
 * worth while: they start out true, become false when the kernel said EAGAIN, and true again by an
 * event. An op waits only while the flag of its direction is false, so no edge is ever missed.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "actors/io/attempt.h"
#include "actors/io/descriptor.h"
#include "actors/io/files.h"

/* Events taken by one poll: large, because what one tick reports is what an actor sends as one
 * batch; 16 or 32 measured the same. */
#define EVENTS_MAX 512
/* Marks the event of the wake-up descriptor; no descriptor has this number. */
#define WAKE_DATA  UINT64_MAX

#define EVENTS_ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

typedef struct state {
    int epoll, wake;
    bool more;           /* the last poll may have left events in the kernel */
    bool no_nanoseconds; /* the kernel has no epoll_pwait2 */
    cb_descriptor_table table;
    struct epoll_event events[EVENTS_MAX];
} state;

/* -- trying ----------------------------------------------------------------------------------- */

/* Registers a descriptor, or arms it anew, which reports at the next poll what it is ready for now.
 * Returns an errno. */
static int arm(state *back, cb_descriptor *descriptor)
{
    struct epoll_event event = {.events = EVENTS_ALL};
    event.data.u64 = (uint64_t)descriptor->generation << 32 | (uint32_t)descriptor->socket;
    int first = descriptor->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int second = descriptor->registered ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    int result = epoll_ctl(back->epoll, first, descriptor->socket, &event);
    /* The other way round when somebody closed or duplicated the descriptor behind our back. */
    if (result != 0 && (errno == EEXIST || errno == ENOENT))
        result = epoll_ctl(back->epoll, second, descriptor->socket, &event);
    descriptor->registered = result == 0;
    return result == 0 ? 0 : errno;
}

static void finish(cb_loop *loop, cb_op *op, cb_io_error error, int sys_errno)
{
    cb_op_list_unlink(op);
    cb_loop_complete(loop, op, error, sys_errno);
}

static cb_io_error watch_error(int sys_errno)
{
    if (sys_errno == EPERM)
        return CB_IO_UNSUPPORTED;
    /* ENOSPC: no more descriptors may be watched. */
    return sys_errno == ENOSPC ? CB_IO_RESOURCES : cb_io_error_from_errno(sys_errno);
}

/* A kernel that refuses to watch a descriptor fails everything that waits on it. */
static void fail_list(cb_loop *loop, cb_op_list *list, int sys_errno)
{
    cb_io_error code = watch_error(sys_errno);
    while (list->first != NULL)
        finish(loop, list->first, code, sys_errno);
}

/* Gives what has come from outside a fresh entry. */
static void adopt(cb_loop *loop, cb_socket socket)
{
    state *back = loop->backend_state;
    cb_io_error error;
    loop->backend->forget(loop, socket);
    cb_descriptor *descriptor = cb_table_entry(&back->table, socket, &error);
    if (descriptor != NULL)
        descriptor->stream = CB_STREAM_YES;
}

static void run_reading(cb_loop *loop, cb_descriptor *descriptor)
{
    while (descriptor->readable && descriptor->reading.first != NULL) {
        cb_op *op = descriptor->reading.first;
        bool accepts = op->type == CB_NBIO_ACCEPT;
        cb_attempt attempt =
            accepts ? cb_attempt_accept(descriptor, op) : cb_attempt_recv(descriptor, op);
        if (!attempt.done) {
            descriptor->readable = false;
            break;
        }
        if (accepts && attempt.error == CB_IO_OK)
            adopt(loop, op->accept.client);
        finish(loop, op, attempt.error, attempt.sys_errno);
    }
    if (descriptor->reading.first != NULL && !descriptor->registered) {
        int failed = arm(loop->backend_state, descriptor);
        if (failed != 0)
            fail_list(loop, &descriptor->reading, failed);
    }
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

static cb_attempt try_sendfile(cb_loop *loop, cb_op *op)
{
    int64_t before = op->sendfile.sent;
    cb_attempt attempt = cb_attempt_sendfile(op);
    if (!attempt.done && op->sendfile.progress && op->sendfile.sent > before)
        cb_loop_report_progress(loop, op);
    return attempt;
}

static void run_writing(cb_loop *loop, cb_descriptor *descriptor)
{
    while (descriptor->writable && descriptor->writing.first != NULL) {
        cb_op *op = descriptor->writing.first;
        if (op->type == CB_NBIO_DIAL) {
            end_dial(loop, op, cb_attempt_dial_result(op));
            continue;
        }
        cb_attempt attempt =
            op->type == CB_NBIO_SENDFILE ? try_sendfile(loop, op) : cb_attempt_send(op);
        if (attempt.done)
            finish(loop, op, attempt.error, attempt.sys_errno);
        else
            descriptor->writable = false;
    }
    if (descriptor->writing.first != NULL && !descriptor->registered) {
        int failed = arm(loop->backend_state, descriptor);
        if (failed != 0)
            fail_list(loop, &descriptor->writing, failed);
    }
}

static void run_polling(cb_loop *loop, cb_descriptor *descriptor, uint32_t ready)
{
    cb_op *next;
    for (cb_op *op = descriptor->others.first; op != NULL; op = next) {
        next = op->own.next;
        uint32_t found = ready & (op->poll.events | CB_POLL_ERROR);
        if (found == 0)
            continue;
        op->poll.ready = found;
        finish(loop, op, CB_IO_OK, 0);
    }
}

/* -- the table of functions ------------------------------------------------------------------- */

static void start_dial(cb_loop *loop, cb_op *op)
{
    state *back = loop->backend_state;
    cb_io_error error;
    cb_attempt attempt = cb_attempt_dial(op);
    if (attempt.done && attempt.error != CB_IO_OK) {
        cb_loop_complete(loop, op, attempt.error, attempt.sys_errno);
        return;
    }
    cb_socket made = op->dial.socket;
    adopt(loop, made);
    cb_descriptor *descriptor = cb_table_entry(&back->table, made, &error);
    int failed = descriptor != NULL ? arm(back, descriptor) : 0;
    if (descriptor == NULL || failed != 0) {
        (void)close(made);
        op->dial.socket = CB_NO_SOCKET;
        cb_loop_complete(loop, op, failed != 0 ? watch_error(failed) : error, failed);
        return;
    }
    if (attempt.done) {
        cb_loop_complete(loop, op, CB_IO_OK, 0);
        return;
    }
    /* Registered before anything can have come, so whatever comes makes an edge. */
    descriptor->readable = false;
    descriptor->writable = false;
    cb_op_list_append(&descriptor->writing, op);
}

static void start_open(cb_loop *loop, cb_op *op)
{
    cb_attempt attempt = cb_attempt_file(op);
    if (op->open.file != CB_NO_FILE)
        loop->backend->forget(loop, op->open.file);
    cb_loop_complete(loop, op, attempt.error, attempt.sys_errno);
}

static void start_poll(cb_loop *loop, cb_descriptor *descriptor, cb_op *op)
{
    /* Arming anew makes the edge-triggered registration tell the level. */
    int failed = arm(loop->backend_state, descriptor);
    if (failed == EPERM) {
        /* A regular file, which is always ready. */
        op->poll.ready = op->poll.events;
        cb_loop_complete(loop, op, CB_IO_OK, 0);
        return;
    }
    cb_op_list_append(&descriptor->others, op);
    if (failed != 0)
        fail_list(loop, &descriptor->others, failed);
}

static void cancel_pending(cb_loop *loop, cb_descriptor *descriptor)
{
    cb_op *op;
    while ((op = cb_descriptor_oldest(descriptor)) != NULL) {
        if (op->type == CB_NBIO_DIAL)
            op->dial.socket = CB_NO_SOCKET;
        finish(loop, op, CB_IO_CANCELED, 0);
    }
}

static void epoll_start(cb_loop *loop, cb_op *op)
{
    state *back = loop->backend_state;
    cb_io_error error;
    if (op->type == CB_NBIO_DIAL) {
        start_dial(loop, op);
        return;
    }
    if (op->type == CB_NBIO_OPEN) {
        start_open(loop, op);
        return;
    }
    cb_descriptor *descriptor = cb_table_entry(&back->table, cb_op_descriptor(op), &error);
    if (descriptor == NULL || descriptor->closing || cb_table_is_file_closing(&back->table, op)) {
        cb_loop_complete(loop, op, descriptor == NULL ? error : CB_IO_BAD_SOCKET, 0);
        return;
    }
    switch (op->type) {
    case CB_NBIO_ACCEPT:
    case CB_NBIO_RECV:
        cb_op_list_append(&descriptor->reading, op);
        if (descriptor->readable)
            cb_table_make_eager(&back->table, descriptor);
        break;
    case CB_NBIO_SEND:
    case CB_NBIO_SENDFILE:
        cb_op_list_append(&descriptor->writing, op);
        if (descriptor->writing.first == op)
            run_writing(loop, descriptor);
        break;
    case CB_NBIO_POLL:
        start_poll(loop, descriptor, op);
        break;
    case CB_NBIO_READ:
    case CB_NBIO_WRITE:
    case CB_NBIO_STAT: {
        /* A file is always ready as far as epoll can tell: carried out now, reported later. */
        cb_attempt attempt = cb_attempt_file(op);
        cb_loop_complete(loop, op, attempt.error, attempt.sys_errno);
        break;
    }
    default:
        assert(op->type == CB_NBIO_CLOSE);
        cancel_pending(loop, descriptor);
        descriptor->closing = true;
        cb_loop_complete(loop, op, CB_IO_OK, 0);
        break;
    }
}

static bool epoll_cancel(cb_loop *loop, cb_op *op)
{
    cb_op_list_unlink(op);
    if (op->type == CB_NBIO_DIAL && op->dial.socket != CB_NO_SOCKET) {
        loop->backend->drop(loop, op->dial.socket);
        op->dial.socket = CB_NO_SOCKET;
    }
    return false;
}

static void epoll_close(cb_loop *loop, cb_op *op)
{
    cb_descriptor *descriptor =
        cb_table_known(&((state *)loop->backend_state)->table, op->close.socket);
    assert(descriptor != NULL && descriptor->closing);
    cb_table_reset(descriptor);
    /* Linux has freed the number even when close reports EINTR or an input/output error. */
    if (close(op->close.socket) != 0 && errno != EINTR) {
        op->sys_errno = errno;
        op->error = cb_io_error_from_errno(errno);
    }
}

static void epoll_forget(cb_loop *loop, cb_socket socket)
{
    state *back = loop->backend_state;
    cb_descriptor *descriptor = cb_table_known(&back->table, socket);
    if (descriptor == NULL)
        return;
    cancel_pending(loop, descriptor);
    /* It may be closed already, and then is not watched any more. */
    if (descriptor->registered)
        (void)epoll_ctl(back->epoll, EPOLL_CTL_DEL, socket, NULL);
    bool closing = descriptor->closing; /* a close that has still to report */
    cb_table_reset(descriptor);
    descriptor->closing = closing;
}

static void epoll_drop(cb_loop *loop, cb_socket socket)
{
    epoll_forget(loop, socket);
    (void)close(socket);
}

static bool epoll_is_eager(const cb_loop *loop, bool before_wait)
{
    (void)before_wait;
    const state *back = loop->backend_state;
    return back->table.eager_first != NULL || back->more;
}

static int wait_for_events(state *back, int64_t timeout_ns)
{
    if (timeout_ns > 0 && !back->no_nanoseconds) {
        struct timespec limit = {.tv_sec = timeout_ns / 1000000000,
                                 .tv_nsec = timeout_ns % 1000000000};
        int count = epoll_pwait2(back->epoll, back->events, EVENTS_MAX, &limit, NULL);
        if (count >= 0 || errno != ENOSYS)
            return count;
        back->no_nanoseconds = true;
    }
    int timeout_ms = timeout_ns < 0 ? -1 : 0;
    if (timeout_ns > 0) {
        int64_t rounded_up = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
        timeout_ms = rounded_up < INT32_MAX ? (int)rounded_up : INT32_MAX;
    }
    return epoll_wait(back->epoll, back->events, EVENTS_MAX, timeout_ms);
}

static void take_event(cb_loop *loop, const struct epoll_event *event)
{
    state *back = loop->backend_state;
    if (event->data.u64 == WAKE_DATA)
        return; /* edge-triggered, so its counter need not be read */
    cb_descriptor *descriptor =
        cb_table_known(&back->table, (cb_socket)(event->data.u64 & UINT32_MAX));
    if (descriptor == NULL || descriptor->generation != (uint32_t)(event->data.u64 >> 32))
        return;
    uint32_t bits = event->events;
    uint32_t ready = 0;
    if ((bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0)
        descriptor->sticky = true;
    if ((bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0)
        descriptor->readable = true;
    if ((bits & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        descriptor->writable = true;
    if ((bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0)
        ready |= CB_POLL_READABLE;
    if ((bits & EPOLLOUT) != 0)
        ready |= CB_POLL_WRITABLE;
    if ((bits & (EPOLLERR | EPOLLHUP)) != 0)
        ready |= CB_POLL_ERROR;
    if (descriptor->others.first != NULL)
        run_polling(loop, descriptor, ready);
    if (descriptor->writing.first != NULL)
        run_writing(loop, descriptor);
    if (descriptor->reading.first != NULL)
        run_reading(loop, descriptor);
}

static void run_eager(cb_loop *loop)
{
    state *back = loop->backend_state;
    cb_descriptor *descriptor = cb_table_take_eager(&back->table);
    while (descriptor != NULL) {
        cb_descriptor *next = descriptor->next_eager;
        descriptor->eager = false;
        run_reading(loop, descriptor);
        descriptor = next;
    }
}

static cb_status epoll_poll(cb_loop *loop, int64_t timeout_ns, cb_error *error)
{
    state *back = loop->backend_state;
    int count = wait_for_events(back, timeout_ns);
    if (count < 0 && errno != EINTR)
        return cb_fail_errno(error, CB_IO, errno, "the event loop cannot wait for events");
    back->more = count == EVENTS_MAX;
    for (int i = 0; i < count; i++)
        take_event(loop, &back->events[i]);
    run_eager(loop);
    return CB_OK;
}

static void epoll_wake(cb_loop *loop)
{
    state *back = loop->backend_state;
    uint64_t one = 1;
    int saved = errno; /* also called by signal handlers */
    ssize_t written;
    do {
        written = write(back->wake, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    errno = saved;
}

static void epoll_shut(cb_loop *loop)
{
    state *back = loop->backend_state;
    (void)close(back->wake);
    (void)close(back->epoll);
    cb_table_free(&back->table);
    free(back);
}

static cb_status epoll_open(cb_loop *loop, cb_error *error)
{
    state *back = cb_io_realloc(NULL, sizeof *back);
    if (back == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for an event loop");
    memset(back, 0, sizeof *back);
    back->epoll = epoll_create1(EPOLL_CLOEXEC);
    back->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_DATA};
    if (back->epoll >= 0 && back->wake >= 0 &&
        epoll_ctl(back->epoll, EPOLL_CTL_ADD, back->wake, &event) == 0) {
        loop->backend_state = back;
        return CB_OK;
    }
    int sys_errno = errno;
    if (back->wake >= 0)
        (void)close(back->wake);
    if (back->epoll >= 0)
        (void)close(back->epoll);
    free(back);
    return cb_fail_errno(error, CB_IO, sys_errno, "cannot make an event loop");
}

const cb_loop_backend cb_backend_epoll = {
    .name = "epoll",
    .open = epoll_open,
    .shut = epoll_shut,
    .start = epoll_start,
    .cancel = epoll_cancel,
    .close = epoll_close,
    .forget = epoll_forget,
    .drop = epoll_drop,
    .is_eager = epoll_is_eager,
    .poll = epoll_poll,
    .wake = epoll_wake,
};
