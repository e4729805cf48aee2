/* How an op is taken and filled in: both forms of each kind. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/io/files.h"
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
        op->own.read_ahead = options->read_ahead && type == CB_NBIO_RECV;
        if (options->timeout_ns > 0) {
            op->own.timeout_ns = options->timeout_ns;
            op->own.deadline_ns = cb_loop_clock(loop);
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
cb_op *cb_op_refuse(cb_op *op)
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
        op->own.copied = copy;
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
    return op->recv.bufs != NULL ? op : cb_op_refuse(op);
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
    return op->send.bufs != NULL ? op : cb_op_refuse(op);
}

cb_op *cb_prep_send(cb_loop *loop, cb_socket socket, const void *data, size_t size,
                    cb_op_callback *callback, const cb_op_options *options)
{
    /* The kernel's list has no const either; nothing writes through it. */
    cb_bytes one = {(void *)(uintptr_t)data, size};
    return cb_prep_send_list(loop, socket, &one, 1, NULL, callback, options);
}

cb_op *cb_prep_read(cb_loop *loop, cb_file file, int64_t offset, void *data, size_t size,
                    cb_op_callback *callback, const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_READ, callback, options);
    if (op == NULL)
        return NULL;
    op->read.file = file;
    op->read.offset = offset;
    op->read.data = data;
    op->read.size = size;
    return op;
}

cb_op *cb_prep_write(cb_loop *loop, cb_file file, int64_t offset, const void *data, size_t size,
                     cb_op_callback *callback, const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_WRITE, callback, options);
    if (op == NULL)
        return NULL;
    op->write.file = file;
    op->write.offset = offset;
    op->write.data = data;
    op->write.size = size;
    return op;
}

cb_op *cb_prep_sendfile(cb_loop *loop, cb_socket socket, cb_file file, int64_t offset,
                        int64_t nbytes, bool progress, cb_op_callback *callback,
                        const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_SENDFILE, callback, options);
    if (op == NULL)
        return NULL;
    op->sendfile.socket = socket;
    op->sendfile.file = file;
    op->sendfile.progress = progress;
    op->sendfile.entire = nbytes == CB_SEND_ENTIRE_FILE;
    op->sendfile.offset = offset;
    op->sendfile.nbytes = nbytes;
    return op;
}

cb_op *cb_prep_open(cb_loop *loop, cb_file dir, const char *path, uint32_t flags,
                    uint32_t permissions, cb_op_callback *callback, const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_OPEN, callback, options);
    if (op == NULL)
        return NULL;
    op->open.dir = dir;
    op->open.file = CB_NO_FILE;
    op->open.flags = flags;
    op->open.permissions = permissions;
    if (path == NULL || !cb_file_flags_are_valid(flags, permissions)) {
        op->own.flags |= CB_OP_FLAG_INVALID;
        return op;
    }
    size_t size = strlen(path) + 1;
    op->own.copied = cb_io_realloc(NULL, size);
    if (op->own.copied == NULL)
        return cb_op_refuse(op);
    memcpy(op->own.copied, path, size);
    op->open.path = op->own.copied;
    return op;
}

cb_op *cb_prep_stat(cb_loop *loop, cb_file file, cb_op_callback *callback,
                    const cb_op_options *options)
{
    cb_op *op = prepare(loop, CB_NBIO_STAT, callback, options);
    if (op != NULL)
        op->stat.file = file;
    return op;
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

cb_op *cb_read(cb_loop *loop, cb_file file, int64_t offset, void *data, size_t size,
               cb_op_callback *callback, const cb_op_options *options)
{
    return execute(cb_prep_read(loop, file, offset, data, size, callback, options));
}

cb_op *cb_write(cb_loop *loop, cb_file file, int64_t offset, const void *data, size_t size,
                cb_op_callback *callback, const cb_op_options *options)
{
    return execute(cb_prep_write(loop, file, offset, data, size, callback, options));
}

cb_op *cb_sendfile(cb_loop *loop, cb_socket socket, cb_file file, int64_t offset, int64_t nbytes,
                   bool progress, cb_op_callback *callback, const cb_op_options *options)
{
    return execute(
        cb_prep_sendfile(loop, socket, file, offset, nbytes, progress, callback, options));
}

cb_op *cb_open(cb_loop *loop, cb_file dir, const char *path, uint32_t flags, uint32_t permissions,
               cb_op_callback *callback, const cb_op_options *options)
{
    return execute(cb_prep_open(loop, dir, path, flags, permissions, callback, options));
}

cb_op *cb_stat(cb_loop *loop, cb_file file, cb_op_callback *callback, const cb_op_options *options)
{
    return execute(cb_prep_stat(loop, file, callback, options));
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
