/* The loop itself: its life, the tick, and the delivery of completions.
 *
 *     tick:  start what other threads queued, and what the layer above has gathered
 *            poll the back end (no waiting if a completion is queued already)
 *            expire timers
 *            tell those that asked for it how far they are
 *            run the callbacks of all that completed so far; what they submit is for the next tick
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors/io/loop.h"

/* Polls before a time limit strikes, so that it does not overtake what had happened before; then
 * the callbacks must have their turn. */
#define CATCH_UP_MAX 1024

#define BACKEND_VARIABLE "CALLBOARD_LOOP"
/* Which back end serves when nobody says: see docs/nbio.md for the measurement behind it. */
#define PREFERS_URING    true

static _Thread_local cb_loop *current_loop;

int64_t cb_loop_clock(const cb_loop *loop)
{
    struct timespec now;
    if (loop->backend->world != NULL)
        return loop->backend->world->clock(loop);
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(failed == 0);
    (void)failed;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

cb_loop *cb_loop_current(void)
{
    return current_loop;
}

cb_loop *cb_loop_or_current(cb_loop *loop)
{
    return loop != NULL ? loop : current_loop;
}

cb_loop *cb_loop_of_world(int descriptor)
{
    cb_loop *loop = current_loop;
    bool ours = loop != NULL && loop->backend->world != NULL &&
                loop->backend->world->owns(loop, descriptor);
    return ours ? loop : NULL;
}

cb_status cb_loop_acquire(cb_loop **loop, cb_error *error)
{
    const char *wanted = getenv(BACKEND_VARIABLE);
    *loop = NULL;
    if (current_loop != NULL)
        return cb_loop_acquire_with(current_loop->backend, loop, error);
    if (wanted != NULL && strcmp(wanted, cb_backend_uring.name) == 0) {
        cb_error why;
        cb_status status = cb_loop_acquire_with(&cb_backend_uring, loop, &why);
        if (status == CB_UNSUPPORTED)
            return cb_fail(error, status, "%s is \"%s\", but: %s", BACKEND_VARIABLE, wanted,
                           why.text);
        if (status != CB_OK && error != NULL)
            *error = why;
        return status;
    }
    if (wanted != NULL && strcmp(wanted, cb_backend_epoll.name) != 0)
        return cb_fail(error, CB_INVALID, "%s is \"%.40s\"; it may be uring or epoll",
                       BACKEND_VARIABLE, wanted);
    if (wanted == NULL && PREFERS_URING &&
        cb_loop_acquire_with(&cb_backend_uring, loop, NULL) == CB_OK)
        return CB_OK;
    return cb_loop_acquire_with(&cb_backend_epoll, loop, error);
}

cb_status cb_loop_acquire_with(const cb_loop_backend *backend, cb_loop **loop, cb_error *error)
{
    *loop = NULL;
    if (current_loop != NULL) {
        if (atomic_load(&current_loop->ending) || current_loop->refs == 0)
            return cb_fail(error, CB_CLOSED, "this thread's event loop is ending");
        current_loop->refs++;
        *loop = current_loop;
        return CB_OK;
    }
    cb_loop *made = cb_io_realloc(NULL, sizeof *made);
    if (made == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for an event loop");
    memset(made, 0, sizeof *made);
    made->backend = backend;
    made->refs = 1;
    if (cb_remote_open(made) != CB_OK) {
        free(made);
        return cb_fail(error, CB_NO_MEMORY, "no memory for an event loop");
    }
    cb_status status = backend->open(made, error);
    if (status != CB_OK) {
        cb_remote_shut(made);
        free(made);
        return status;
    }
    made->now_ns = cb_loop_clock(made);
    current_loop = made;
    *loop = made;
    return CB_OK;
}

void cb_loop_report_progress(cb_loop *loop, cb_op *op)
{
    assert(op->own.state == CB_OP_STATE_PENDING);
    if ((op->own.flags & CB_OP_FLAG_PROGRESS) != 0)
        return;
    op->own.flags |= CB_OP_FLAG_PROGRESS;
    op->own.next_progress = NULL;
    if (loop->progress_last != NULL)
        loop->progress_last->own.next_progress = op;
    else
        loop->progress_first = op;
    loop->progress_last = op;
}

/* Its completion tells more than its progress. */
static void forget_progress(cb_loop *loop, cb_op *op)
{
    if ((op->own.flags & CB_OP_FLAG_PROGRESS) == 0)
        return;
    op->own.flags &= (uint8_t)~CB_OP_FLAG_PROGRESS;
    cb_op *previous = NULL;
    cb_op **place = &loop->progress_first;
    while (*place != op) {
        assert(*place != NULL);
        previous = *place;
        place = &previous->own.next_progress;
    }
    *place = op->own.next_progress;
    if (loop->progress_last == op)
        loop->progress_last = previous;
}

/* A sendfile is on this list from its start to its end: it borrows a descriptor that the back end
 * does not know it for. */
static void enlist(cb_loop *loop, cb_op *op)
{
    op->own.senders.next = NULL;
    op->own.senders.previous = loop->senders_last;
    if (loop->senders_last != NULL)
        loop->senders_last->own.senders.next = op;
    else
        loop->senders_first = op;
    loop->senders_last = op;
}

static void delist(cb_loop *loop, cb_op *op)
{
    if (op->type != CB_NBIO_SENDFILE)
        return;
    cb_op *next = op->own.senders.next, *previous = op->own.senders.previous;
    if (previous == NULL && loop->senders_first != op)
        return;
    if (previous != NULL)
        previous->own.senders.next = next;
    else
        loop->senders_first = next;
    if (next != NULL)
        next->own.senders.previous = previous;
    else
        loop->senders_last = previous;
    op->own.senders.previous = NULL;
}

void cb_loop_begin(cb_loop *loop, cb_op *op)
{
    if (op->type == CB_NBIO_SENDFILE)
        enlist(loop, op);
    else if (op->type == CB_NBIO_CLOSE)
        cb_loop_call_file_in(loop, op->close.socket);
    loop->backend->start(loop, op);
}

void cb_loop_call_file_in(cb_loop *loop, int file)
{
    cb_op *op = loop->senders_first;
    while (op != NULL) {
        if (op->sendfile.file != file) {
            op = op->own.senders.next;
            continue;
        }
        if (cb_loop_take_back(loop, op))
            cb_loop_complete(loop, op, op->error, op->sys_errno);
        else
            cb_loop_complete(loop, op, CB_IO_CANCELED, 0);
        op = loop->senders_first; /* others may have ended meanwhile */
    }
}

void cb_loop_complete(cb_loop *loop, cb_op *op, cb_io_error error, int sys_errno)
{
    assert(op->own.list == NULL && op->own.state != CB_OP_STATE_DONE);
    assert(op->own.state != CB_OP_STATE_FREE);
    cb_timers_remove(&loop->timers, op);
    forget_progress(loop, op);
    delist(loop, op);
    op->error = error;
    op->sys_errno = sys_errno;
    op->own.state = CB_OP_STATE_DONE;
    cb_op_list_append(&loop->done[loop->filling], op);
}

bool cb_loop_take_back(cb_loop *loop, cb_op *op)
{
    forget_progress(loop, op);
    delist(loop, op);
    return loop->backend->cancel(loop, op);
}

/* Runs the callbacks of those that are on the way, but of none that these callbacks start. */
static size_t deliver_progress(cb_loop *loop)
{
    size_t count = 0;
    cb_op *op;
    uint64_t newest = loop->sequence;
    while ((op = loop->progress_first) != NULL && op->own.sequence <= newest && loop->refs > 0) {
        forget_progress(loop, op);
        loop->running = op;
        if (op->callback != NULL)
            op->callback(op);
        loop->running = NULL;
        if ((op->own.flags & CB_OP_FLAG_REMOVED) != 0)
            cb_pool_return(loop, op);
        count++;
    }
    return count;
}

/* Runs one callback, and returns the op to the pool unless it lives on. */
static void deliver(cb_loop *loop, cb_op *op)
{
    assert(op->own.state == CB_OP_STATE_DONE);
    cb_op_list_unlink(op);
    op->own.state = CB_OP_STATE_RUNNING;
    if (op->type == CB_NBIO_CLOSE && op->error == CB_IO_OK)
        loop->backend->close(loop, op);
    loop->running = op;
    if (op->callback != NULL)
        op->callback(op);
    loop->running = NULL;
    if ((op->own.flags & CB_OP_FLAG_REMOVED) != 0) {
        cb_pool_return(loop, op);
    } else if (op->own.state == CB_OP_STATE_RUNNING) {
        if ((op->own.flags & CB_OP_FLAG_DETACHED) != 0)
            op->own.state = CB_OP_STATE_IDLE;
        else
            cb_pool_return(loop, op);
    }
}

/* Delivers what has completed until now. Stops early when a callback dropped the last reference. */
static size_t deliver_all(cb_loop *loop)
{
    cb_op_list *list = &loop->done[loop->filling];
    /* What callbacks bring from here on, those that tell of progress too, is for the next tick. */
    loop->filling ^= 1;
    size_t count = deliver_progress(loop);
    while (list->first != NULL && (loop->refs > 0 || atomic_load(&loop->ending))) {
        deliver(loop, list->first);
        count++;
    }
    return count;
}

static bool is_timer_due(const cb_loop *loop)
{
    return loop->timers.count > 0 && loop->timers.timers[0].deadline_ns <= loop->now_ns;
}

static void expire_timers(cb_loop *loop)
{
    cb_timer_heap *heap = &loop->timers;
    while (is_timer_due(loop)) {
        cb_op *op = heap->timers[0].op;
        cb_timers_remove(heap, op);
        assert(op->own.state == CB_OP_STATE_PENDING);
        if (op->type == CB_NBIO_TIMEOUT) {
            cb_loop_complete(loop, op, CB_IO_OK, 0);
        } else if (cb_loop_take_back(loop, op)) {
            cb_loop_complete(loop, op, op->error, op->sys_errno);
        } else {
            cb_loop_complete(loop, op, CB_IO_TIMEOUT, 0);
        }
    }
}

/* How long the back end may sleep: 0 if there is something to do at once. */
static int64_t sleep_time(cb_loop *loop, int64_t timeout_ns)
{
    if (timeout_ns == 0 || loop->done[loop->filling].first != NULL ||
        loop->progress_first != NULL || loop->backend->is_eager(loop, true))
        return 0;
    if (loop->timers.count == 0)
        return timeout_ns;
    int64_t left = loop->timers.timers[0].deadline_ns - cb_loop_clock(loop);
    if (left < 0)
        left = 0;
    return timeout_ns < 0 || left < timeout_ns ? left : timeout_ns;
}

/* One pass. *progress: a callback ran or a wake-up came. */
static cb_status turn(cb_loop *loop, int64_t timeout_ns, bool *progress, cb_error *error)
{
    cb_remote_drain(loop);
    if (loop->before_poll != NULL)
        loop->before_poll(loop->before_poll_data);
    int64_t sleep_ns = sleep_time(loop, timeout_ns);
    if (sleep_ns != 0) {
        atomic_store(&loop->sleeping, true);
        if (atomic_load(&loop->remote_count) > 0 || atomic_load(&loop->woken))
            sleep_ns = 0;
    }
    cb_status status = loop->backend->poll(loop, sleep_ns, error);
    atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
    loop->now_ns = cb_loop_clock(loop);
    for (int i = 0; i < CATCH_UP_MAX && status == CB_OK && is_timer_due(loop) &&
                    loop->backend->is_eager(loop, false);
         i++)
        status = loop->backend->poll(loop, 0, error);
    if (status != CB_OK)
        return status;
    cb_remote_drain(loop);
    expire_timers(loop);
    size_t ran = deliver_all(loop);
    /* Looked at first: a swap costs more, and nearly always for nothing. */
    bool woken = timeout_ns != 0 && atomic_load_explicit(&loop->woken, memory_order_acquire) &&
                 atomic_exchange(&loop->woken, false);
    *progress = ran > 0 || woken;
    return CB_OK;
}

/* Cancels every op of a chain of slabs that is not yet on its way to its callback. A detached one
 * that waits to be executed again is told as well: somebody holds it. */
static void cancel_slabs(cb_loop *loop, cb_op_slab *slab)
{
    for (; slab != NULL; slab = slab->next)
        for (size_t i = 0; i < CB_LOOP_SLAB_OPS; i++) {
            cb_op *op = &slab->ops[i];
            uint8_t state = op->own.state;
            if (state == CB_OP_STATE_IDLE)
                cb_op_clear_results(op);
            if (state == CB_OP_STATE_PENDING && cb_loop_take_back(loop, op))
                cb_loop_complete(loop, op, op->error, op->sys_errno);
            else if (state == CB_OP_STATE_PENDING || state == CB_OP_STATE_PREPARED ||
                     state == CB_OP_STATE_IDLE)
                cb_loop_complete(loop, op, CB_IO_CANCELED, 0);
        }
}

/* The last reference is gone and no callback runs. */
static void end_loop(cb_loop *loop)
{
    assert(current_loop == loop && loop->running == NULL);
    atomic_store(&loop->ending, true);
    /* First the batch that was cut short, if there is one: it is the older. */
    cb_op_list *older = &loop->done[loop->filling ^ 1];
    while (older->first != NULL)
        deliver(loop, older->first);
    deliver_all(loop);
    cb_remote_drain(loop);
    cancel_slabs(loop, loop->slabs);
    cancel_slabs(loop, loop->foreign_slabs);
    while (deliver_all(loop) > 0) {
    }
    loop->backend->shut(loop);
    cb_remote_shut(loop);
    cb_pool_free_all(loop);
    free(loop->timers.timers);
    current_loop = NULL;
    free(loop);
}

void cb_loop_release(cb_loop **loop)
{
    cb_loop *released = *loop;
    if (released == NULL)
        return;
    assert(released == current_loop && released->refs > 0);
    *loop = NULL;
    released->refs--;
    if (released->refs == 0 && !released->in_tick)
        end_loop(released);
}

cb_status cb_loop_tick(cb_loop *loop, int64_t timeout_ns, cb_error *error)
{
    if (loop == NULL || loop != current_loop)
        return cb_fail(error, CB_INVALID, "the event loop belongs to another thread");
    if (loop->in_tick || atomic_load(&loop->ending))
        return cb_fail(error, CB_INVALID, "the event loop cannot tick inside one of its callbacks");
    int64_t now_ns = timeout_ns > 0 ? cb_loop_clock(loop) : 0;
    if (timeout_ns > INT64_MAX - now_ns)
        timeout_ns = INT64_MAX - now_ns;
    int64_t end_ns = now_ns + timeout_ns; /* looked at only if timeout_ns > 0 */
    bool progress = false;
    cb_status status;
    loop->in_tick = true;
    do {
        status = turn(loop, timeout_ns, &progress, error);
        if (status != CB_OK || progress || timeout_ns == 0 || loop->refs == 0)
            break;
        if (timeout_ns > 0) {
            timeout_ns = end_ns - loop->now_ns;
            if (timeout_ns <= 0)
                break;
        }
    } while (true);
    loop->in_tick = false;
    if (loop->refs == 0) {
        end_loop(loop);
        return cb_fail(error, CB_STOPPED, "the event loop was released by a callback");
    }
    return status;
}

cb_status cb_loop_run_until(cb_loop *loop, const bool *done, cb_error *error)
{
    if (loop == NULL || loop != current_loop)
        return cb_fail(error, CB_INVALID, "the event loop belongs to another thread");
    while (!__atomic_load_n(done, __ATOMIC_ACQUIRE) && cb_loop_num_waiting(loop) > 0) {
        cb_status status = cb_loop_tick(loop, -1, error);
        if (status != CB_OK)
            return status;
    }
    return CB_OK;
}

cb_status cb_loop_run(cb_loop *loop, cb_error *error)
{
    static const bool never = false;
    return cb_loop_run_until(loop, &never, error);
}

size_t cb_loop_num_waiting(const cb_loop *loop)
{
    return loop->taken + atomic_load_explicit(&loop->foreign_taken, memory_order_relaxed);
}

int64_t cb_loop_now(const cb_loop *loop)
{
    return loop->now_ns;
}

void cb_loop_wake_up(cb_loop *loop)
{
    atomic_store(&loop->woken, true);
    cb_remote_rouse(loop);
}

const char *cb_loop_backend_name(const cb_loop *loop)
{
    return loop->backend->name;
}
