/* The life of an op: executed, removed, detached. */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/io/loop.h"

void cb_op_clear_results(cb_op *op)
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
    case CB_NBIO_READ:
        op->read.received = 0;
        op->read.ended = false;
        break;
    case CB_NBIO_WRITE:
        op->write.written = 0;
        break;
    case CB_NBIO_SENDFILE:
        op->sendfile.sent = 0;
        if (op->sendfile.entire)
            op->sendfile.nbytes = CB_SEND_ENTIRE_FILE;
        break;
    case CB_NBIO_OPEN:
        op->open.file = CB_NO_FILE;
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
    int64_t now_ns = cb_loop_clock(op->loop);
    op->own.deadline_ns = delay_ns < INT64_MAX - now_ns ? now_ns + delay_ns : INT64_MAX;
}

bool cb_op_exec(cb_op *op, bool wake_up)
{
    cb_loop *loop = op->loop;
    bool ours = loop == cb_loop_current();
    /* One that waited to be executed may have been canceled already, unknown to its holder. */
    if (ours && atomic_load_explicit(&loop->ending, memory_order_relaxed))
        return false;
    assert(op->own.state == CB_OP_STATE_PREPARED || op->own.state == CB_OP_STATE_RUNNING ||
           op->own.state == CB_OP_STATE_IDLE);
    set_deadline(op);
    if (!ours) {
        cb_remote_push(loop, op, wake_up);
        return true;
    }
    cb_loop_start(loop, op);
    return true;
}

/* Looked at for each execution, because these may change in between. */
static bool is_possible(const cb_op *op)
{
    switch (op->type) {
    case CB_NBIO_READ:
        return op->read.offset >= 0 && op->read.size > 0 && op->read.size <= SSIZE_MAX &&
               op->read.data != NULL;
    case CB_NBIO_WRITE:
        return op->write.offset >= 0 && op->write.size > 0 && op->write.size <= SSIZE_MAX &&
               op->write.data != NULL;
    case CB_NBIO_SENDFILE:
        return op->sendfile.offset >= 0 && (op->sendfile.nbytes >= 0 || op->sendfile.entire);
    default:
        return true;
    }
}

void cb_loop_start(cb_loop *loop, cb_op *op)
{
    if (op->own.state != CB_OP_STATE_PREPARED)
        cb_op_clear_results(op);
    op->own.state = CB_OP_STATE_PENDING;
    op->own.sequence = ++loop->sequence;
    if (atomic_load_explicit(&loop->ending, memory_order_relaxed)) {
        cb_loop_complete(loop, op, CB_IO_CANCELED, 0);
        return;
    }
    if ((op->own.flags & CB_OP_FLAG_INVALID) != 0 || !is_possible(op)) {
        cb_loop_complete(loop, op, CB_IO_INVALID, 0);
        return;
    }
    bool is_timer = op->type == CB_NBIO_TIMEOUT || op->type == CB_NBIO_NEXT_TICK;
    if (op->own.deadline_ns > 0) {
        if (!cb_timers_add(&loop->timers, op))
            cb_loop_complete(loop, op, CB_IO_NO_MEMORY, 0);
        else if (!is_timer)
            cb_loop_begin(loop, op);
    } else if (is_timer) {
        cb_loop_complete(loop, op, CB_IO_OK, 0);
    } else {
        cb_loop_begin(loop, op);
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
    else if (op->type == CB_NBIO_OPEN)
        socket = op->open.file;
    if (socket != CB_NO_SOCKET)
        op->loop->backend->drop(op->loop, socket);
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
    bool came_out = state == CB_OP_STATE_DONE;
    if (state == CB_OP_STATE_PENDING)
        came_out = cb_loop_take_back(loop, target);
    cb_timers_remove(&loop->timers, target);
    cb_op_list_unlink(target);
    if (came_out)
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
