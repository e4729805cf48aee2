/* Sending: what was written goes out in the next turn, in order, as much at a time as the kernel
 * takes. */
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "actors/io/tcp/inside.h"

/* Pieces that are handed to the kernel at once. */
#define MAX_PIECES 64u

size_t cb_tcp_buffered(const cb_tcp_socket *socket)
{
    return socket->closed ? 0 : socket->plain.size + socket->wire.size;
}

size_t cb_tcp_unacknowledged(const cb_tcp_socket *socket)
{
    int bytes = 0;
    if (socket->descriptor == CB_NO_SOCKET || ioctl(socket->descriptor, SIOCOUTQ, &bytes) != 0)
        return 0;
    return bytes > 0 ? (size_t)bytes : 0;
}

/* A socket without a watermark has its limit elsewhere. Otherwise, what waits already may not grow
 * beyond the process's budget either; there is always something then whose sending makes room. */
static bool would_fit(const cb_tcp_socket *socket, size_t size)
{
    size_t waits = socket->plain.size + socket->wire.size;
    return waits == 0 ||
           (waits < socket->write_watermark && size <= socket->write_watermark - waits &&
            (socket->write_watermark == SIZE_MAX || cb_buffer_has_room(size)));
}

static void replace_callbacks(cb_tcp_callbacks *callbacks, const cb_tcp_callbacks *by)
{
    if (by->read != NULL)
        callbacks->read = by->read;
    if (by->readable != NULL)
        callbacks->readable = by->readable;
    if (by->event != NULL)
        callbacks->event = by->event;
    if (by->connect != NULL)
        callbacks->connect = by->connect;
    if (by->write != NULL)
        callbacks->write = by->write;
    if (by->alarm != NULL)
        callbacks->alarm = by->alarm;
    if (by->room != NULL)
        callbacks->room = by->room;
    if (by->close != NULL)
        callbacks->close = by->close;
}

static cb_status check_write(cb_tcp_socket *socket, const void *data, size_t size, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    if (socket->write_ended)
        return cb_fail(error, CB_CLOSED, "the socket's writing was ended");
    if (data == NULL && size > 0)
        return cb_fail(error, CB_INVALID, "no bytes to write");
    if (!would_fit(socket, size)) {
        socket->refused = size;
        return cb_fail(error, CB_LIMIT,
                       "%zu bytes would exceed the write watermark of %zu: %zu wait already", size,
                       socket->write_watermark, cb_tcp_buffered(socket));
    }
    return CB_OK;
}

/* After something was added. */
static void written(cb_tcp_socket *socket, bool waited)
{
    socket->batch_open = true;
    if (!waited)
        socket->write_waits = true;
    /* One that is under way goes on by itself. */
    if (socket->send != NULL)
        return;
    if (socket->phase == CB_TCP_PHASE_OPEN && socket->provider == NULL)
        cb_tcp_turn_send(socket->turn, &socket->item);
    else
        cb_tcp_socket_add(socket, CB_TCP_WORK_FLUSH);
}

cb_status cb_tcp_write(cb_tcp_socket *socket, const void *data, size_t size,
                       const cb_tcp_callbacks *replace, cb_error *error)
{
    cb_status status = check_write(socket, data, size, error);
    if (status != CB_OK)
        return status;
    bool waited = socket->plain.size > 0;
    if (size > 0) {
        status = cb_tcp_queue_add(socket->turn, &socket->plain, data, size);
        if (status != CB_OK)
            return cb_fail(error, status, "no memory for %zu bytes to write", size);
        written(socket, waited);
    }
    if (replace != NULL)
        replace_callbacks(&socket->callbacks, replace);
    return CB_OK;
}

cb_status cb_tcp_write_buffer(cb_tcp_socket *socket, cb_buffer *buffer, size_t offset, size_t size,
                              cb_error *error)
{
    if (buffer == NULL || offset > buffer->size || size > buffer->size - offset)
        return cb_fail(error, CB_INVALID, "not a part of a buffer");
    cb_status status = check_write(socket, buffer->data, size, error);
    if (status != CB_OK || size == 0)
        return status;
    bool waited = socket->plain.size > 0;
    status = cb_tcp_queue_refer(socket->turn, &socket->plain, buffer, offset, size);
    if (status != CB_OK)
        return cb_fail(error, status, "no memory for %zu bytes to write", size);
    written(socket, waited);
    return CB_OK;
}

/* -- sending ---------------------------------------------------------------------------------- */

static cb_tcp_queue *outgoing(cb_tcp_socket *socket)
{
    return socket->provider != NULL ? &socket->wire : &socket->plain;
}

static void on_sent(cb_op *op)
{
    cb_tcp_socket *socket = op->user_data;
    if (cb_tcp_turn_ended(socket->turn, op))
        return;
    socket->send = NULL;
    cb_tcp_queue_drop(socket->turn, outgoing(socket), op->send.sent);
    socket->sent_any = socket->sent_any || op->send.sent > 0;
    socket->write_at_ns = cb_loop_now(socket->turn->loop);
    if (op->error != CB_IO_OK) {
        cb_tcp_failure failure = cb_tcp_failure_of(op, NULL);
        cb_tcp_fail(socket, &failure);
        return;
    }
    cb_tcp_flush(socket);
}

static void submit(cb_tcp_socket *socket)
{
    static const cb_op_options as_much_as_goes = {.transfer = CB_TRANSFER_PARTIAL};
    cb_loop *loop = socket->turn->loop;
    cb_bytes pieces[MAX_PIECES];
    size_t count = cb_tcp_queue_pieces(outgoing(socket), pieces, MAX_PIECES);
    if (count == 1)
        socket->send = cb_send(loop, socket->descriptor, pieces[0].data, pieces[0].size, on_sent,
                               &as_much_as_goes);
    else
        socket->send =
            cb_send_list(loop, socket->descriptor, pieces, count, NULL, on_sent, &as_much_as_goes);
    if (socket->send != NULL)
        socket->send->user_data = socket;
    else if (!socket->turn->ending)
        cb_tcp_fail_later(socket, CB_IO_NO_MEMORY, "no memory to send");
}

static void tell_written(cb_tcp_socket *socket)
{
    if (!socket->batch_open || socket->closed || !socket->write_on)
        return;
    socket->batch_open = false;
    if (socket->callbacks.write != NULL)
        socket->callbacks.write(socket);
}

static void tell_drained(cb_tcp_socket *socket)
{
    static const cb_tcp_failure drained = {.kind = CB_TCP_DRAIN, .error = CB_IO_OK};
    if (socket->refused == 0 || socket->closed || !socket->write_on ||
        !would_fit(socket, socket->refused))
        return;
    socket->refused = 0;
    cb_tcp_tell(socket, &drained);
}

void cb_tcp_flush(cb_tcp_socket *socket)
{
    if (socket->write_waits) {
        socket->write_waits = false;
        socket->write_at_ns = cb_loop_now(socket->turn->loop);
        cb_tcp_arm(socket);
    }
    bool secured = socket->provider != NULL;
    bool open = socket->phase == CB_TCP_PHASE_OPEN;
    if (!open && !(secured && socket->phase == CB_TCP_PHASE_SECURING))
        return;
    bool may_write = socket->write_on || socket->closed;
    if (socket->send != NULL || (!secured && !may_write))
        return;
    if (open && secured && may_write && !cb_tcp_secure_encrypt(socket))
        return;
    if (outgoing(socket)->size > 0)
        submit(socket);
    if (!open)
        return;
    if (socket->plain.size == 0 && socket->wire.size == 0)
        tell_written(socket);
    tell_drained(socket);
    /* The callbacks may have written, closed, or made it fail. */
    if (socket->phase == CB_TCP_PHASE_OPEN && (socket->closed || socket->write_ended) &&
        socket->plain.size == 0 && socket->wire.size == 0)
        cb_tcp_wind_up(socket);
}
