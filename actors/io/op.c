/* The life of an op: prepared, executed, removed, detached. */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/io/loop.h"

static _Thread_local cb_io_error last_error;

cb_io_error cb_io_last_error(void)
{
    return last_error;
}

/* -- preparation ------------------------------------------------------------------------------ */

static cb_op *prepare(cb_loop *loop, cb_op_type type, cb_op_callback *callback,
                      const cb_op_options *options)
{
    loop = cb_loop_or_current(loop);
    if (loop == NULL) {
        last_error = CB_IO_NO_LOOP;
        return NULL;
    }
    if (atomic_load_explicit(&loop->ending, memory_order_relaxed)) {
        last_error = CB_IO_LOOP_ENDED;
        return NULL;
    }
    cb_op *op = cb_pool_take(loop, loop != cb_loop_current());
    if (op == NULL) {
        last_error = CB_IO_NO_MEMORY;
        return NULL;
    }
    op->type = type;
    op->callback = callback;
    if (options != NULL) {
        op->own.transfer = (uint8_t)options->transfer;
        if (options->timeout_ns > 0) {
            op->own.timeout_ns = options->timeout_ns;
            op->own.deadline_ns = cb_clock_ns();
            op->own.deadline_ns += options->timeout_ns < INT64_MAX - op->own.deadline_ns
                                       ? options->timeout_ns
                                       : INT64_MAX - op->own.deadline_ns;
        }
    }
    return op;
}

static cb_op *execute(cb_op *op)
{
    if (op != NULL)
        cb_op_exec(op, true);
    return op;
}

/* An op that was just prepared and cannot be used: as if it never was. A foreign one goes back by
 * the locked list, which cb_pool_return takes for it. */
static cb_op *no_memory(cb_op *op)
{
    cb_pool_return(op->loop, op);
    last_error = CB_IO_NO_MEMORY;
    return NULL;
}

/* Copies a buffer list into the op. NULL: no memory. What cannot be stored or added up is marked
 * invalid and reported by the callback. */
static cb_bytes *copy_list(cb_op *op, const cb_bytes *bufs, size_t count)
{
    if (count > CB_OP_MAX_BYTES || (bufs == NULL && count > 0)) {
        op->own.flags |= CB_OP_FLAG_INVALID;
        return op->own.inline_bytes;
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (bufs[i].size > SSIZE_MAX - total || (bufs[i].data == NULL && bufs[i].size > 0)) {
            op->own.flags |= CB_OP_FLAG_INVALID;
            return op->own.inline_bytes;
        }
        total += bufs[i].size;
    }
    if (total == 0 && op->type == CB_NBIO_RECV)
        op->own.flags |= CB_OP_FLAG_INVALID;
    cb_bytes *copy = op->own.inline_bytes;
    if (count > CB_OP_INLINE_BYTES) {
        copy = cb_io_realloc(NULL, count * sizeof *copy);
        if (copy == NULL)
            return NULL;
        op->own.copied_bytes = copy;
    }
    if (count > 0)
        memcpy(copy, bufs, count * sizeof *copy);
    return copy;
}

cb_op *cb_prep_accept(cb_loop *loop, cb_socket socket, cb_op_callback *callback,
                      const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_ACCEPT, callback, options);
    if (op != NULL) {
        op->accept.socket = socket;
        op->accept.client = CB_NO_SOCKET;
    }
    return op;
}

cb_op *cb_prep_dial(cb_loop *loop, const cb_endpoint *endpoint, cb_op_callback *callback,
                    const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_DIAL, callback, options);
    if (op == NULL)
        return NULL;
    op->dial.socket = CB_NO_SOCKET;
    if (endpoint != NULL)
        op->dial.endpoint = *endpoint;
    else
        op->own.flags |= CB_OP_FLAG_INVALID;
    return op;
}

cb_op *cb_prep_recv_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs, size_t count,
                         cb_op_callback *callback, const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_RECV, callback, options);
    if (op == NULL)
        return NULL;
    op->recv.socket = socket;
    op->recv.buf_count = count;
    op->recv.bufs = copy_list(op, bufs, count);
    return op->recv.bufs != NULL ? op : no_memory(op);
}

cb_op *cb_prep_recv(cb_loop *loop, cb_socket socket, void *data, size_t size,
                    cb_op_callback *callback, const cb_op_options *options)
{
    cb_bytes one = {data, size};
    return cb_prep_recv_list(loop, socket, &one, 1, callback, options);
}

cb_op *cb_prep_send_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs, size_t count,
                         const cb_endpoint *endpoint, cb_op_callback *callback,
                         const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_SEND, callback, options);
    if (op == NULL)
        return NULL;
    op->send.socket = socket;
    op->send.buf_count = count;
    if (endpoint != NULL)
        op->send.endpoint = *endpoint;
    op->send.bufs = copy_list(op, bufs, count);
    return op->send.bufs != NULL ? op : no_memory(op);
}

cb_op *cb_prep_send(cb_loop *loop, cb_socket socket, const void *data, size_t size,
                    cb_op_callback *callback, const cb_op_options *options)
{
    /* The kernel's list has no const either; nothing writes through it. */
    cb_bytes one = {(void *)(uintptr_t)data, size};
    return cb_prep_send_list(loop, socket, &one, 1, NULL, callback, options);
}

cb_op *cb_prep_poll(cb_loop *loop, cb_socket socket, uint32_t events, cb_op_callback *callback,
                    const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_POLL, callback, options);
    if (op == NULL)
        return NULL;
    op->poll.socket = socket;
    op->poll.events = events;
    if (events == 0 || (events & ~(uint32_t)(CB_POLL_READABLE | CB_POLL_WRITABLE)) != 0)
        op->own.flags |= CB_OP_FLAG_INVALID;
    return op;
}

cb_op *cb_prep_timeout(cb_loop *loop, int64_t delay_ns, cb_op_callback *callback)
{
    cb_op *op = prepare(loop, CB_NBIO_TIMEOUT, callback, NULL);
    if (op != NULL)
        op->timeout.delay_ns = delay_ns;
    return op;
}

cb_op *cb_prep_next_tick(cb_loop *loop, cb_op_callback *callback)
{
    return prepare(loop, CB_NBIO_NEXT_TICK, callback, NULL);
}

cb_op *cb_prep_close(cb_loop *loop, cb_socket socket, cb_op_callback *callback)
{
    cb_op *op = prepare(loop, CB_NBIO_CLOSE, callback, NULL);
    if (op != NULL)
        op->close.socket = socket;
    return op;
}

/* -- the simple forms ------------------------------------------------------------------------- */

cb_op *cb_accept(cb_loop *loop, cb_socket socket, cb_op_callback *callback,
                 const cb_op_options *options)
{
    return execute(cb_prep_accept(loop, socket, callback, options));
}

cb_op *cb_dial(cb_loop *loop, const cb_endpoint *endpoint, cb_op_callback *callback,
               const cb_op_options *options)
{
    return execute(cb_prep_dial(loop, endpoint, callback, options));
}

cb_op *cb_recv(cb_loop *loop, cb_socket socket, void *data, size_t size, cb_op_callback *callback,
               const cb_op_options *options)
{
    return execute(cb_prep_recv(loop, socket, data, size, callback, options));
}

cb_op *cb_recv_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs, size_t count,
                    cb_op_callback *callback, const cb_op_options *options)
{
    return execute(cb_prep_recv_list(loop, socket, bufs, count, callback, options));
}

cb_op *cb_send(cb_loop *loop, cb_socket socket, const void *data, size_t size,
               cb_op_callback *callback, const cb_op_options *options)
{
    return execute(cb_prep_send(loop, socket, data, size, callback, options));
}

cb_op *cb_send_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs, size_t count,
                    const cb_endpoint *endpoint, cb_op_callback *callback,
                    const cb_op_options *options)
{
    return execute(cb_prep_send_list(loop, socket, bufs, count, endpoint, callback, options));
}

cb_op *cb_poll(cb_loop *loop, cb_socket socket, uint32_t events, cb_op_callback *callback,
               const cb_op_options *options)
{
    return execute(cb_prep_poll(loop, socket, events, callback, options));
}

cb_op *cb_timeout(cb_loop *loop, int64_t delay_ns, cb_op_callback *callback)
{
    return execute(cb_prep_timeout(loop, delay_ns, callback));
}

cb_op *cb_next_tick(cb_loop *loop, cb_op_callback *callback)
{
    return execute(cb_prep_next_tick(loop, callback));
}

cb_op *cb_close(cb_loop *loop, cb_socket socket, cb_op_callback *callback)
{
    return execute(cb_prep_close(loop, socket, callback));
}

/* -- execution -------------------------------------------------------------------------------- */

/* Clears the results of an earlier execution. */
static void clear_results(cb_op *op)
{
    op->error = CB_IO_OK;
    op->sys_errno = 0;
    switch (op->type) {
    case CB_NBIO_ACCEPT:
        op->accept.client = CB_NO_SOCKET;
        break;
    case CB_NBIO_DIAL:
        op->dial.socket = CB_NO_SOCKET;
        break;
    case CB_NBIO_RECV:
        op->recv.received = 0;
        op->recv.ended = false;
        break;
    case CB_NBIO_SEND:
        op->send.sent = 0;
        break;
    case CB_NBIO_POLL:
        op->poll.ready = 0;
        break;
    default:
        break;
    }
}

/* Sets the deadline that counts from the execution, if there is one. */
static void set_deadline(cb_op *op)
{
    int64_t delay_ns = op->own.timeout_ns;
    if (op->type == CB_NBIO_TIMEOUT)
        delay_ns = op->timeout.delay_ns;
    else if (op->own.state == CB_OP_STATE_PREPARED)
        return; /* counts from prep */
    if (delay_ns <= 0) {
        op->own.deadline_ns = 0;
        return;
    }
    int64_t now_ns = cb_clock_ns();
    op->own.deadline_ns = delay_ns < INT64_MAX - now_ns ? now_ns + delay_ns : INT64_MAX;
}

void cb_op_exec(cb_op *op, bool wake_up)
{
    cb_loop *loop = op->loop;
    assert(op->own.state == CB_OP_STATE_PREPARED || op->own.state == CB_OP_STATE_RUNNING ||
           op->own.state == CB_OP_STATE_IDLE);
    set_deadline(op);
    if (loop != cb_loop_current()) {
        cb_remote_push(loop, op, wake_up);
        return;
    }
    if (atomic_load_explicit(&loop->ending, memory_order_relaxed))
        return;
    cb_loop_start(loop, op);
}

void cb_loop_start(cb_loop *loop, cb_op *op)
{
    if (op->own.state != CB_OP_STATE_PREPARED)
        clear_results(op);
    op->own.state = CB_OP_STATE_PENDING;
    op->own.sequence = ++loop->sequence;
    if (atomic_load_explicit(&loop->ending, memory_order_relaxed)) {
        cb_loop_complete(loop, op, CB_IO_CANCELED, 0);
        return;
    }
    if ((op->own.flags & CB_OP_FLAG_INVALID) != 0) {
        cb_loop_complete(loop, op, CB_IO_INVALID, 0);
        return;
    }
    bool is_timer = op->type == CB_NBIO_TIMEOUT || op->type == CB_NBIO_NEXT_TICK;
    if (op->own.deadline_ns > 0) {
        if (!cb_timers_add(&loop->timers, op))
            cb_loop_complete(loop, op, CB_IO_NO_MEMORY, 0);
        else if (!is_timer)
            loop->backend->start(loop, op);
    } else if (is_timer) {
        cb_loop_complete(loop, op, CB_IO_OK, 0);
    } else {
        loop->backend->start(loop, op);
    }
}

/* Closes a descriptor that a completed op would have handed out. */
static void drop_result(cb_op *op)
{
    cb_socket socket = CB_NO_SOCKET;
    if (op->type == CB_NBIO_ACCEPT)
        socket = op->accept.client;
    else if (op->type == CB_NBIO_DIAL)
        socket = op->dial.socket;
    if (socket == CB_NO_SOCKET)
        return;
    op->loop->backend->forget(op->loop, socket);
    (void)close(socket);
}

void cb_op_remove(cb_op **op)
{
    if (op == NULL || *op == NULL)
        return;
    cb_op *target = *op;
    *op = NULL;
    cb_loop *loop = target->loop;
    assert(loop == cb_loop_current());
    if (target->own.state == CB_OP_STATE_QUEUED)
        cb_remote_drain(loop);
    assert(target->own.state != CB_OP_STATE_FREE && target->own.state != CB_OP_STATE_QUEUED);
    uint8_t state = target->own.state;
    if (state == CB_OP_STATE_DONE && target->type == CB_NBIO_CLOSE) {
        target->callback = NULL;
        target->own.flags &= (uint8_t)~CB_OP_FLAG_DETACHED;
        return;
    }
    if (state == CB_OP_STATE_PENDING)
        loop->backend->cancel(loop, target);
    cb_timers_remove(&loop->timers, target);
    cb_op_list_unlink(target);
    if (state == CB_OP_STATE_DONE)
        drop_result(target);
    if (target == loop->running) {
        target->own.state = CB_OP_STATE_RUNNING;
        target->own.flags |= CB_OP_FLAG_REMOVED;
        return;
    }
    cb_pool_return(loop, target);
}

void cb_op_detach(cb_op *op)
{
    assert(op->own.state != CB_OP_STATE_FREE);
    op->own.flags |= CB_OP_FLAG_DETACHED;
}

void cb_op_reattach(cb_op *op)
{
    assert(op->own.state != CB_OP_STATE_FREE);
    op->own.flags &= (uint8_t)~CB_OP_FLAG_DETACHED;
    if (op->own.state == CB_OP_STATE_IDLE)
        cb_pool_return(op->loop, op);
}
