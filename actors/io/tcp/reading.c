/* Receiving, and handing over what came. An idle socket waits with a small room; while much comes
 * it has a large one. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/tcp/inside.h"

/* -- rooms ------------------------------------------------------------------------------------ */

void cb_tcp_give_room_back(cb_tcp_socket *socket)
{
    cb_tcp_turn *turn = socket->turn;
    assert(socket->recv == NULL);
    if (socket->room != NULL && socket->room_size == CB_TCP_LARGE_ROOM &&
        turn->spare_room_count < CB_TCP_SPARE_ROOMS)
        turn->spare_rooms[turn->spare_room_count++] = socket->room;
    else
        cb_tcp_free_counted(socket->room, socket->room_size);
    socket->room = NULL;
    socket->room_size = 0;
}

/* A room of the wanted size, or, when memory is short, whichever there is. */
static bool prepare_room(cb_tcp_socket *socket)
{
    cb_tcp_turn *turn = socket->turn;
    if (socket->room_size == socket->room_wanted)
        return true;
    uint8_t *room;
    if (socket->room_wanted == CB_TCP_LARGE_ROOM && turn->spare_room_count > 0)
        room = turn->spare_rooms[--turn->spare_room_count];
    else
        room = cb_tcp_malloc_counted(socket->room_wanted);
    if (room == NULL)
        return socket->room != NULL;
    cb_tcp_give_room_back(socket);
    socket->room = room;
    socket->room_size = socket->room_wanted;
    return true;
}

static void choose_room(cb_tcp_socket *socket, size_t received)
{
    if (received == socket->room_size)
        socket->room_wanted = CB_TCP_LARGE_ROOM;
    else if (received < CB_TCP_SMALL_ROOM)
        socket->room_wanted = CB_TCP_SMALL_ROOM;
}

/* -- unread bytes of streams ------------------------------------------------------------------ */

static bool keep(cb_stream *stream, const void *data, size_t size)
{
    size_t used = stream->end - stream->begin;
    if (stream->capacity - stream->end < size) {
        if (stream->capacity - used < size || stream->begin < used) {
            size_t capacity = stream->capacity == 0 ? CB_TCP_SMALL_ROOM : stream->capacity * 2;
            if (capacity < used + size)
                capacity = used + size;
            uint8_t *bytes = cb_tcp_malloc_counted(capacity);
            if (bytes == NULL)
                return false;
            if (used > 0)
                memcpy(bytes, stream->bytes + stream->begin, used);
            cb_tcp_free_counted(stream->bytes, stream->capacity);
            stream->bytes = bytes;
            stream->capacity = capacity;
        } else {
            memcpy(stream->bytes, stream->bytes + stream->begin, used);
        }
        stream->begin = 0;
        stream->end = used;
    }
    memcpy(stream->bytes + stream->end, data, size);
    stream->end += size;
    return true;
}

bool cb_tcp_is_full(const cb_tcp_socket *socket)
{
    return socket->keep_unread &&
           socket->unread.end - socket->unread.begin >= socket->read_watermark;
}

/* -- handing over ----------------------------------------------------------------------------- */

void cb_tcp_hand_over(cb_tcp_socket *socket, const void *data, size_t size)
{
    cb_stream *unread = &socket->unread;
    if (socket->keep_unread) {
        if (!keep(unread, data, size)) {
            cb_tcp_failure failure = {.kind = CB_TCP_ERROR, .error = CB_IO_NO_MEMORY};
            cb_tcp_fail(socket, &failure);
            return;
        }
        data = unread->bytes + unread->begin;
        size = unread->end - unread->begin;
    }
    if (socket->stream) {
        if (socket->callbacks.readable != NULL)
            socket->callbacks.readable(socket, unread);
    } else if (socket->callbacks.read != NULL) {
        socket->callbacks.read(socket, data, size);
    }
}

static void tell_eof(cb_tcp_socket *socket)
{
    static const cb_tcp_failure eof = {.kind = CB_TCP_EOF, .error = CB_IO_OK};
    bool close = socket->close_at_eof || !cb_tcp_has_event_callback(socket);
    socket->eof_told = true;
    cb_tcp_tell(socket, &eof);
    if (close && !socket->closed)
        (void)cb_tcp_close(socket, NULL);
}

static bool may_deliver(const cb_tcp_socket *socket)
{
    return socket->phase == CB_TCP_PHASE_OPEN && !socket->closed && socket->read_on;
}

void cb_tcp_deliver(cb_tcp_socket *socket)
{
    if (!may_deliver(socket))
        return;
    if (socket->session != NULL) {
        cb_tcp_secure_deliver(socket);
    } else if (socket->held > 0) {
        size_t size = socket->held;
        socket->held = 0;
        cb_tcp_hand_over(socket, socket->place, size);
    }
    if (may_deliver(socket) && socket->held == 0 && socket->ended && !socket->eof_told)
        tell_eof(socket);
}

/* -- receiving -------------------------------------------------------------------------------- */

void *cb_tcp_offered_room(cb_tcp_socket *socket, size_t *size)
{
    *size = 0;
    if (socket->callbacks.room == NULL || socket->keep_unread || socket->closed)
        return NULL;
    void *room = socket->callbacks.room(socket, size);
    return *size > 0 ? room : NULL;
}

void cb_tcp_leave_offered_room(cb_tcp_socket *socket)
{
    if (socket->place != socket->room)
        cb_op_remove(&socket->recv);
}

static void on_received(cb_op *op);

static bool should_receive(const cb_tcp_socket *socket)
{
    if (socket->recv != NULL || socket->input_ended)
        return false;
    if (socket->phase == CB_TCP_PHASE_SECURING)
        return true;
    return may_deliver(socket) && socket->held == 0 && !socket->ended && !cb_tcp_is_full(socket);
}

void cb_tcp_receive(cb_tcp_socket *socket)
{
    static const cb_op_options ahead = {.read_ahead = true};
    if (!should_receive(socket))
        return;
    size_t size = 0;
    socket->place = socket->provider == NULL ? cb_tcp_offered_room(socket, &size) : NULL;
    if (socket->place == NULL && prepare_room(socket)) {
        socket->place = socket->room;
        size = socket->room_size;
    }
    if (socket->place != NULL)
        socket->recv = cb_recv(socket->turn->loop, socket->descriptor, socket->place, size,
                               on_received, size <= CB_TCP_SMALL_ROOM ? &ahead : NULL);
    if (socket->recv != NULL)
        socket->recv->user_data = socket;
    else if (!socket->turn->ending)
        cb_tcp_fail_later(socket, CB_IO_NO_MEMORY, "no memory to receive");
}

static void take_in(cb_tcp_socket *socket, const cb_op *op)
{
    size_t size = op->recv.received;
    socket->input_ended = op->recv.ended;
    socket->read_at_ns = cb_loop_now(socket->turn->loop);
    if (socket->place == socket->room)
        choose_room(socket, size);
    if (socket->provider != NULL) {
        cb_tcp_secure_arrived(socket, socket->place, size);
    } else {
        socket->held = size;
        socket->ended = op->recv.ended;
    }
    cb_tcp_deliver(socket);
}

static void on_received(cb_op *op)
{
    cb_tcp_socket *socket = op->user_data;
    if (cb_tcp_turn_ended(socket->turn, op))
        return;
    socket->recv = NULL;
    if (op->error != CB_IO_OK) {
        cb_tcp_failure failure = cb_tcp_failure_of(op, NULL);
        cb_tcp_fail(socket, &failure);
        return;
    }
    if (socket->closed && socket->phase != CB_TCP_PHASE_SECURING) {
        /* Closed meanwhile; what waits to be sent goes on. */
        socket->input_ended = op->recv.ended;
        return;
    }
    take_in(socket, op);
    if (!should_receive(socket))
        return;
    if (socket->callbacks.room == NULL && socket->room_size == socket->room_wanted) {
        socket->recv = cb_op_exec(op, false) ? op : NULL;
    } else {
        cb_tcp_receive(socket);
    }
}
