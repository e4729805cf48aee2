/* The end of a socket: closing by the program, failing, and releasing.
 *
 *     close  -> what was written leaves -> close_notify -> half-close -> the peer's end ->
 * descriptor failure -> descriptor, then the event
 */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/io/loop.h"
#include "actors/io/tcp/inside.h"

/* The loop may lack the memory to know a descriptor that it never saw. */
static void on_closed(cb_op *op)
{
    if (op->error == CB_IO_NO_MEMORY)
        (void)close(op->close.socket);
}

void cb_tcp_close_descriptor(cb_tcp_turn *turn, cb_socket descriptor)
{
    if (!turn->ending) {
        if (cb_close(turn->loop, descriptor, on_closed) != NULL)
            return;
        cb_loop_forget(turn->loop, descriptor);
    }
    (void)close(descriptor);
}

static void close_descriptor(cb_tcp_socket *socket, bool by_reset)
{
    cb_socket descriptor = socket->descriptor;
    if (descriptor == CB_NO_SOCKET)
        return;
    socket->descriptor = CB_NO_SOCKET;
    if (by_reset)
        cb_reset_at_close(descriptor);
    cb_tcp_close_descriptor(socket->turn, descriptor);
}

static void drop(cb_tcp_socket *socket, bool by_reset)
{
    if (socket->phase == CB_TCP_PHASE_GONE)
        return;
    /* What has not left never will: the peer must not take what it has for the whole. */
    by_reset = by_reset || socket->plain.size + socket->wire.size > 0;
    cb_tcp_stop_connecting(socket);
    cb_op_remove(&socket->recv);
    cb_op_remove(&socket->send);
    cb_op_remove(&socket->timer);
    cb_tcp_queue_clear(socket->turn, &socket->plain);
    cb_tcp_queue_clear(socket->turn, &socket->wire);
    close_descriptor(socket, by_reset);
    socket->phase = CB_TCP_PHASE_GONE;
    if (socket->released && !socket->turn->ending)
        cb_tcp_socket_add(socket, CB_TCP_WORK_RELEASE);
}

void cb_tcp_drop_transport(cb_tcp_socket *socket)
{
    drop(socket, false);
}

static void begin_release(cb_tcp_socket *socket)
{
    socket->closed = true;
    if (!socket->turn->ending)
        cb_tcp_socket_add(socket, CB_TCP_WORK_RELEASE);
}

void cb_tcp_fail(cb_tcp_socket *socket, const cb_tcp_failure *failure)
{
    cb_tcp_failure what = *failure;
    /* A peer that does not speak TLS must not take this for an end without a word. */
    drop(socket, what.kind == CB_TCP_TIMEOUT || cb_tcp_kind_is(what.kind, CB_TCP_TLS_ERROR));
    if (socket->closed)
        return;
    begin_release(socket);
    cb_tcp_tell(socket, &what);
}

void cb_tcp_fail_softly(cb_tcp_socket *socket, const cb_tcp_failure *failure)
{
    if (socket->wire.size == 0 || socket->closed) {
        cb_tcp_fail(socket, failure);
        return;
    }
    socket->abandoned = true;
    /* A handshake that failed is over: what waits goes out and the end follows it, as on every
     * connection that is closed. What still comes is not looked at, and keeps nobody waiting. */
    socket->phase = CB_TCP_PHASE_OPEN;
    socket->write_waits = true;
    cb_tcp_queue_clear(socket->turn, &socket->plain);
    begin_release(socket);
    cb_tcp_socket_add(socket, CB_TCP_WORK_FLUSH);
    cb_tcp_tell(socket, failure);
}

void cb_tcp_fail_later(cb_tcp_socket *socket, cb_io_error error, const char *message)
{
    if (socket->closed) {
        cb_tcp_drop_transport(socket); /* nobody is to be told */
        return;
    }
    socket->failure = (cb_tcp_failure){.kind = CB_TCP_ERROR, .error = error, .message = message};
    cb_tcp_socket_add(socket, CB_TCP_WORK_FAIL);
}

/* -- lingering -------------------------------------------------------------------------------- */

static void discard(cb_tcp_socket *socket);

static void on_discarded(cb_op *op)
{
    cb_tcp_socket *socket = op->user_data;
    if (cb_tcp_turn_ended(socket->turn, op))
        return;
    socket->recv = NULL;
    if (op->error == CB_IO_OK && !op->recv.ended)
        discard(socket);
    else
        cb_tcp_drop_transport(socket);
}

static void discard(cb_tcp_socket *socket)
{
    cb_tcp_turn *turn = socket->turn;
    int64_t left_ns = socket->linger_end_ns - cb_loop_now(turn->loop);
    if (left_ns > 0 && socket->room == NULL) {
        socket->room = cb_tcp_malloc_counted(CB_TCP_SMALL_ROOM);
        socket->room_size = CB_TCP_SMALL_ROOM;
    }
    if (left_ns > 0 && socket->room != NULL) {
        cb_op_options options = {.timeout_ns = left_ns, .read_ahead = true};
        socket->recv = cb_recv(turn->loop, socket->descriptor, socket->room, socket->room_size,
                               on_discarded, &options);
    }
    if (socket->recv != NULL)
        socket->recv->user_data = socket;
    else
        cb_tcp_drop_transport(socket);
}

/* A receive that was under way is of no use any more, and what it took is dropped with it. */
static void linger(cb_tcp_socket *socket)
{
    cb_op_remove(&socket->recv);
    cb_op_remove(&socket->timer);
    socket->phase = CB_TCP_PHASE_LINGERING;
    socket->linger_end_ns = cb_loop_now(socket->turn->loop) + socket->linger_ns;
    discard(socket);
}

void cb_tcp_wind_up(cb_tcp_socket *socket)
{
    assert(socket->plain.size == 0 && socket->wire.size == 0 && socket->send == NULL);
    if (socket->session != NULL && !socket->notified && !socket->abandoned) {
        socket->notified = true;
        cb_tcp_secure_close(socket);
        if (socket->wire.size > 0) {
            cb_tcp_flush(socket);
            return;
        }
    }
    bool wanted =
        (socket->sent_any || socket->write_ended) && !socket->input_ended && socket->linger_ns > 0;
    if (!socket->shut && (!socket->closed || wanted)) {
        socket->shut = true;
        /* It fails if the peer is gone; then receiving says so. */
        (void)cb_shutdown_send(socket->descriptor, NULL);
    }
    if (!socket->closed)
        return;
    if (wanted)
        linger(socket);
    else
        cb_tcp_drop_transport(socket);
}

/* -- the program's close ---------------------------------------------------------------------- */

cb_status cb_tcp_end_writing(cb_tcp_socket *socket, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK || socket->write_ended)
        return status;
    socket->write_ended = true;
    cb_tcp_socket_add(socket, CB_TCP_WORK_FLUSH);
    return CB_OK;
}

cb_status cb_tcp_close(cb_tcp_socket *socket, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    begin_release(socket);
    socket->held = 0;
    cb_tcp_leave_offered_room(socket);
    if (socket->phase == CB_TCP_PHASE_NEW ||
        (socket->phase < CB_TCP_PHASE_OPEN && socket->plain.size == 0)) {
        cb_tcp_drop_transport(socket);
    } else {
        socket->write_waits = true; /* the time without progress counts from here */
        cb_tcp_socket_add(socket, CB_TCP_WORK_FLUSH);
    }
    return CB_OK;
}

cb_status cb_tcp_abort(cb_tcp_socket *socket, cb_error *error)
{
    cb_status status = cb_tcp_check_open(socket, error);
    if (status != CB_OK)
        return status;
    begin_release(socket);
    drop(socket, true);
    return CB_OK;
}

void cb_tcp_release(cb_tcp_socket *socket)
{
    if (!socket->released) {
        socket->released = true;
        if (socket->callbacks.close != NULL)
            socket->callbacks.close(socket);
    }
    /* With work left, or on the list of those that send, it has to be there in the next turn; that
     * one comes back here. */
    if (socket->phase != CB_TCP_PHASE_GONE)
        return;
    if (socket->item.work != 0 || socket->item.to_send)
        cb_tcp_socket_add(socket, CB_TCP_WORK_RELEASE);
    else
        cb_tcp_socket_free(socket);
}

void cb_tcp_end(cb_tcp_socket *socket)
{
    static const cb_tcp_failure ended = {
        .kind = CB_TCP_ERROR, .error = CB_IO_LOOP_ENDED, .message = "the event loop has ended"};
    cb_tcp_drop_transport(socket);
    cb_tcp_fail(socket, &ended);
    if (!socket->released && socket->callbacks.close != NULL)
        socket->callbacks.close(socket);
    cb_tcp_socket_free(socket);
}
