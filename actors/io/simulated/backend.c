/* The simulated back end: which ops go on in a turn, and how time passes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/simulated/world.h"

#define USUAL_WINDOW ((size_t)256 * 1024)
/* A turn takes time too, so that limits meet transfers at any moment: up to so many ns. */
#define TURN_NS      2000u

static _Thread_local cb_sim_options next_options;

void cb_sim_configure(const cb_sim_options *options)
{
    next_options = *options;
}

void cb_sim_advance(cb_loop *loop, int64_t ns)
{
    cb_sim *sim = loop->backend_state;
    sim->clock_ns = ns < INT64_MAX - sim->clock_ns ? sim->clock_ns + ns : INT64_MAX;
}

void cb_sim_fail_next(cb_loop *loop, cb_op_type type, cb_io_error error)
{
    cb_sim *sim = loop->backend_state;
    sim->fail_next[type] = error;
}

void cb_sim_reset(cb_loop *loop, cb_socket socket)
{
    cb_sim_node *node = cb_sim_find(loop->backend_state, socket);
    if (node != NULL)
        cb_sim_break(node);
}

size_t cb_sim_open_count(const cb_loop *loop)
{
    const cb_sim *sim = loop->backend_state;
    return sim->open_count;
}

uint64_t cb_sim_hash(const cb_loop *loop)
{
    const cb_sim *sim = loop->backend_state;
    return sim->hash;
}

static void complete(cb_loop *loop, cb_op *op, cb_io_error error, int sys_errno)
{
    cb_sim *sim = loop->backend_state;
    const uint64_t facts[] = {op->type, (uint64_t)error, op->own.sequence, (uint64_t)sim->clock_ns};
    for (size_t i = 0; i < 4; i++)
        sim->hash = (sim->hash ^ facts[i]) * 1099511628211u;
    cb_op_list_unlink(op);
    cb_loop_complete(loop, op, error, sys_errno);
}

/* -- a turn ----------------------------------------------------------------------------------- */

static bool is_late(cb_sim *sim)
{
    return sim->options.late_percent > 0 && cb_sim_random(sim, 100) < sim->options.late_percent;
}

/* Tries one op. True if something moved. */
static bool try_op(cb_loop *loop, cb_sim_node *node, cb_op *op)
{
    cb_sim *sim = loop->backend_state;
    int64_t sent = op->type == CB_NBIO_SENDFILE ? op->sendfile.sent : 0;
    cb_attempt attempt;
    if (sim->fail_next[op->type] != CB_IO_OK) {
        attempt = (cb_attempt){true, sim->fail_next[op->type], 0};
        sim->fail_next[op->type] = CB_IO_OK;
    } else if (op->type == CB_NBIO_DIAL) {
        attempt = cb_sim_dial(sim, op);
    } else if (op->type == CB_NBIO_OPEN) {
        attempt =
            cb_sim_open(sim, op->open.path, op->open.flags, op->open.permissions, &op->open.file);
        if (op->open.dir != CB_CWD && op->open.path[0] != '/') {
            const cb_sim_node *dir = cb_sim_find(sim, op->open.dir);
            if (dir == NULL || dir->kind != CB_SIM_DIRECTORY) {
                if (op->open.file != CB_NO_FILE)
                    cb_sim_remove(sim, cb_sim_find(sim, op->open.file));
                op->open.file = CB_NO_FILE;
                attempt =
                    (cb_attempt){true, dir == NULL ? CB_IO_BAD_SOCKET : CB_IO_NOT_DIRECTORY, 0};
            }
        }
    } else {
        attempt = cb_sim_attempt(sim, node, op);
    }
    if (attempt.done) {
        complete(loop, op, attempt.error, attempt.sys_errno);
        return true;
    }
    if (op->type == CB_NBIO_SENDFILE && op->sendfile.sent > sent && op->sendfile.progress)
        cb_loop_report_progress(loop, op);
    return op->type == CB_NBIO_SENDFILE && op->sendfile.sent > sent;
}

static size_t moved_by(const cb_op *op)
{
    switch (op->type) {
    case CB_NBIO_RECV:
        return op->recv.received;
    case CB_NBIO_SEND:
        return op->send.sent;
    case CB_NBIO_READ:
        return op->read.received;
    case CB_NBIO_WRITE:
        return op->write.written;
    default:
        return 0;
    }
}

/* Tries the first op of a queue, and those that follow while they complete. *late: one was put off
 * that might have gone on. */
static bool try_queue(cb_loop *loop, cb_sim_node *node, cb_op_list *list, bool *late)
{
    cb_sim *sim = loop->backend_state;
    bool moved = false;
    while (list->first != NULL) {
        if (is_late(sim)) {
            *late = true;
            break;
        }
        cb_op *op = list->first;
        size_t before = moved_by(op);
        moved |= try_op(loop, node, op);
        if (list->first == op) {
            moved |= moved_by(op) > before;
            break;
        }
    }
    return moved;
}

/* Tries each op of a list that are independent of each other. */
static bool try_each(cb_loop *loop, cb_sim_node *node, cb_op_list *list, bool *late)
{
    cb_sim *sim = loop->backend_state;
    bool moved = false;
    cb_op *next;
    for (cb_op *op = list->first; op != NULL; op = next) {
        next = op->own.next;
        if (is_late(sim)) {
            *late = true;
            continue;
        }
        size_t before = moved_by(op);
        cb_op_list *at = op->own.list;
        moved |= try_op(loop, node, op);
        moved |= op->own.list == at && moved_by(op) > before;
    }
    return moved;
}

/* One turn over the whole world, beginning anywhere. True if anything happened or was put off. */
static bool take_turn(cb_loop *loop)
{
    cb_sim *sim = loop->backend_state;
    bool busy = false, late = false;
    size_t count = sim->node_count;
    size_t first = count > 0 ? (size_t)cb_sim_random(sim, count) : 0;
    if (cb_sim_random(sim, 2) == 0)
        busy |= try_each(loop, NULL, &sim->opening, &late);
    for (size_t i = 0; i < count; i++) {
        cb_sim_node *node = sim->nodes[(first + i) % count];
        if (node == NULL || node->closing)
            continue;
        bool reads_first = cb_sim_random(sim, 2) == 0;
        if (reads_first)
            busy |= try_queue(loop, node, &node->reading, &late);
        busy |= try_each(loop, node, &node->others, &late);
        busy |= try_queue(loop, node, &node->writing, &late);
        if (!reads_first)
            busy |= try_queue(loop, node, &node->reading, &late);
    }
    busy |= try_each(loop, NULL, &sim->opening, &late);
    return busy || late;
}

/* -- the table of functions ------------------------------------------------------------------- */

static void sim_cancel_pending(cb_loop *loop, cb_sim_node *node)
{
    for (;;) {
        cb_op *oldest = NULL;
        cb_op *const heads[] = {node->reading.first, node->writing.first, node->others.first};
        for (int i = 0; i < 3; i++)
            if (heads[i] != NULL &&
                (oldest == NULL || heads[i]->own.sequence < oldest->own.sequence))
                oldest = heads[i];
        if (oldest == NULL)
            return;
        complete(loop, oldest, CB_IO_CANCELED, 0);
    }
}

static void sim_start(cb_loop *loop, cb_op *op)
{
    cb_sim *sim = loop->backend_state;
    if (op->type == CB_NBIO_DIAL || op->type == CB_NBIO_OPEN) {
        cb_op_list_append(&sim->opening, op);
        return;
    }
    cb_sim_node *node = cb_sim_find(sim, cb_op_descriptor(op));
    const cb_sim_node *file =
        op->type == CB_NBIO_SENDFILE ? cb_sim_find(sim, op->sendfile.file) : NULL;
    if (node == NULL || node->closing || (file != NULL && file->closing)) {
        complete(loop, op, CB_IO_BAD_SOCKET, 0);
        return;
    }
    switch (op->type) {
    case CB_NBIO_ACCEPT:
    case CB_NBIO_RECV:
        cb_op_list_append(&node->reading, op);
        break;
    case CB_NBIO_SEND:
    case CB_NBIO_SENDFILE:
        cb_op_list_append(&node->writing, op);
        break;
    case CB_NBIO_CLOSE:
        sim_cancel_pending(loop, node);
        node->closing = true;
        complete(loop, op, CB_IO_OK, 0);
        break;
    default:
        cb_op_list_append(&node->others, op);
        break;
    }
}

static bool sim_cancel(cb_loop *loop, cb_op *op)
{
    (void)loop;
    cb_op_list_unlink(op);
    return false;
}

static void sim_close(cb_loop *loop, cb_op *op)
{
    cb_sim *sim = loop->backend_state;
    cb_sim_node *node = cb_sim_find(sim, op->close.socket);
    assert(node != NULL && node->closing);
    cb_sim_remove(sim, node);
}

static void sim_forget(cb_loop *loop, cb_socket socket)
{
    cb_sim_node *node = cb_sim_find(loop->backend_state, socket);
    if (node != NULL)
        sim_cancel_pending(loop, node);
}

static void sim_drop(cb_loop *loop, cb_socket socket)
{
    cb_sim_node *node = cb_sim_find(loop->backend_state, socket);
    if (node == NULL)
        return;
    sim_cancel_pending(loop, node);
    cb_sim_remove(loop->backend_state, node);
}

static bool sim_is_eager(const cb_loop *loop, bool before_wait)
{
    (void)loop;
    (void)before_wait;
    return false;
}

/* Sleeps for real, until another thread wakes the loop. */
static void wait_for_wake(cb_sim *sim)
{
    int result = pthread_mutex_lock(&sim->lock);
    assert(result == 0);
    while (!sim->woken) {
        result = pthread_cond_wait(&sim->wake, &sim->lock);
        assert(result == 0);
    }
    result = pthread_mutex_unlock(&sim->lock);
    assert(result == 0);
}

static bool take_wake(cb_sim *sim)
{
    int result = pthread_mutex_lock(&sim->lock);
    assert(result == 0);
    bool woken = sim->woken;
    sim->woken = false;
    result = pthread_mutex_unlock(&sim->lock);
    assert(result == 0);
    return woken;
}

static cb_status sim_poll(cb_loop *loop, int64_t timeout_ns, cb_error *error)
{
    cb_sim *sim = loop->backend_state;
    (void)error;
    bool busy = take_turn(loop);
    cb_sim_advance(loop, (int64_t)cb_sim_random(sim, TURN_NS));
    if (!busy && timeout_ns < 0)
        wait_for_wake(sim);
    if (!take_wake(sim) && !busy && timeout_ns > 0)
        cb_sim_advance(loop, timeout_ns);
    return CB_OK;
}

static void sim_wake(cb_loop *loop)
{
    cb_sim *sim = loop->backend_state;
    int result = pthread_mutex_lock(&sim->lock);
    assert(result == 0);
    sim->woken = true;
    result = pthread_cond_signal(&sim->wake);
    assert(result == 0);
    result = pthread_mutex_unlock(&sim->lock);
    assert(result == 0);
}

static void sim_shut(cb_loop *loop)
{
    cb_sim *sim = loop->backend_state;
    cb_sim_free_all(sim);
    int result = pthread_cond_destroy(&sim->wake);
    assert(result == 0);
    result = pthread_mutex_destroy(&sim->lock);
    assert(result == 0);
    free(sim);
}

static cb_status sim_open(cb_loop *loop, cb_error *error)
{
    cb_sim *sim = cb_io_realloc(NULL, sizeof *sim);
    if (sim == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for an event loop");
    memset(sim, 0, sizeof *sim);
    sim->options = next_options;
    if (sim->options.window_bytes == 0)
        sim->options.window_bytes = USUAL_WINDOW;
    sim->random = sim->options.seed * 2 + 1;
    sim->clock_ns = 1000000000;
    if (pthread_mutex_init(&sim->lock, NULL) != 0) {
        free(sim);
        return cb_fail(error, CB_NO_MEMORY, "no memory for an event loop");
    }
    if (pthread_cond_init(&sim->wake, NULL) != 0) {
        (void)pthread_mutex_destroy(&sim->lock);
        free(sim);
        return cb_fail(error, CB_NO_MEMORY, "no memory for an event loop");
    }
    loop->backend_state = sim;
    return CB_OK;
}

const cb_loop_backend cb_backend_simulated = {
    .name = "simulated",
    .open = sim_open,
    .shut = sim_shut,
    .start = sim_start,
    .cancel = sim_cancel,
    .close = sim_close,
    .forget = sim_forget,
    .drop = sim_drop,
    .is_eager = sim_is_eager,
    .poll = sim_poll,
    .wake = sim_wake,
    .world = &cb_sim_world,
};
