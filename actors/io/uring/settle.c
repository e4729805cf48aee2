/* What the kernel's completions mean for each kind of op. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "actors/io/files.h"
#include "actors/io/uring/uring.h"

static const cb_attempt success = {true, CB_IO_OK, 0};
static const cb_attempt again = {false, CB_IO_OK, 0};

void cb_uring_adopt(cb_loop *loop, int descriptor, bool stream)
{
    cb_uring *back = loop->backend_state;
    cb_io_error error;
    loop->backend->forget(loop, descriptor);
    cb_descriptor *entry = cb_table_entry(&back->table, descriptor, &error);
    if (entry != NULL && stream)
        entry->stream = CB_STREAM_YES;
}

static cb_attempt settle_accept(cb_loop *loop, cb_descriptor *descriptor, cb_op *op, int client)
{
    const cb_uring_note *note = op->own.backend;
    cb_uring_adopt(loop, client, true);
    if (descriptor->no_delay == CB_NO_DELAY_EACH)
        cb_set_no_delay(client);
    op->accept.client = client;
    cb_address_to_endpoint(&note->address, &op->accept.peer);
    return success;
}

static cb_attempt settle_recv(cb_descriptor *descriptor, cb_op *op, int got, uint32_t flags)
{
    const cb_uring_note *note = op->own.backend;
    /* Of datagrams the kernel does not say whether there are more. */
    descriptor->drained = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0 && cb_is_stream(descriptor);
    if (descriptor->drained && got < (int)CB_URING_BUFFER_SIZE)
        descriptor->ahead.direct = false;
    if (!cb_is_stream(descriptor)) {
        op->recv.received = (size_t)got;
        cb_address_to_endpoint(&note->address, &op->recv.source);
        if ((note->header.msg_flags & MSG_TRUNC) != 0)
            return (cb_attempt){true, CB_IO_TRUNCATED, 0};
        return success;
    }
    if (got == 0) {
        op->recv.ended = true;
        return success;
    }
    op->recv.received += (size_t)got;
    if (op->own.transfer != CB_TRANSFER_ALL)
        return success;
    bool full = op->recv.received == cb_total_size(op->recv.bufs, op->recv.buf_count);
    return full ? success : again;
}

static cb_attempt settle_send(cb_op *op, int put)
{
    op->send.sent += (size_t)put;
    if (op->own.transfer == CB_TRANSFER_PARTIAL)
        return success;
    bool all = op->send.sent == cb_total_size(op->send.bufs, op->send.buf_count);
    return all ? success : again;
}

static cb_attempt settle_poll(cb_op *op, int bits)
{
    op->poll.ready = 0;
    if ((bits & (POLLIN | POLLRDHUP | POLLHUP)) != 0)
        op->poll.ready |= CB_POLL_READABLE;
    if ((bits & POLLOUT) != 0)
        op->poll.ready |= CB_POLL_WRITABLE;
    op->poll.ready &= op->poll.events;
    if ((bits & (POLLERR | POLLHUP | POLLNVAL)) != 0)
        op->poll.ready |= CB_POLL_ERROR;
    return op->poll.ready != 0 ? success : again;
}

static cb_attempt settle_stat(cb_op *op)
{
    const cb_uring_note *note = op->own.backend;
    op->stat.type = cb_file_type_of(note->about.stx_mode);
    op->stat.permissions = note->about.stx_mode & CB_PERMIT_ALL;
    op->stat.size = (int64_t)note->about.stx_size;
    op->stat.modified_ns =
        (int64_t)note->about.stx_mtime.tv_sec * 1000000000 + note->about.stx_mtime.tv_nsec;
    return success;
}

static cb_attempt settle_failure(cb_op *op, int result)
{
    if (result == -EINTR)
        return again;
    if (result == -EAGAIN) {
        /* A file that was opened non-blocking and is not in memory: done on the spot. */
        if (op->type == CB_NBIO_READ || op->type == CB_NBIO_WRITE)
            return cb_attempt_file(op);
        return again;
    }
    return op->type == CB_NBIO_ACCEPT ? cb_failed_accept(-result) : cb_attempt_failure(-result);
}

cb_attempt cb_uring_settle(cb_loop *loop, cb_descriptor *descriptor, cb_op *op, int result,
                           uint32_t flags)
{
    if (result < 0)
        return settle_failure(op, result);
    switch (op->type) {
    case CB_NBIO_ACCEPT:
        return settle_accept(loop, descriptor, op, result);
    case CB_NBIO_RECV:
        return settle_recv(descriptor, op, result, flags);
    case CB_NBIO_SEND:
        return settle_send(op, result);
    case CB_NBIO_DIAL:
        return cb_attempt_dial_result(op);
    case CB_NBIO_SENDFILE:
        return again;
    case CB_NBIO_POLL:
        return settle_poll(op, result);
    case CB_NBIO_READ:
    case CB_NBIO_WRITE:
        return cb_file_moved(op, result);
    case CB_NBIO_STAT:
        return settle_stat(op);
    default:
        cb_uring_adopt(loop, result, false);
        op->open.file = result;
        return success;
    }
}
