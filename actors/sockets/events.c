/* What the script is told of its sockets: one event of each at a time, the next when the callback
 * of the one before is over. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/sockets/sockets.h"

static cb_socket_event header_of(const cb_held_socket *socket, int32_t kind, int32_t code)
{
    uint32_t route = socket->owner->route.route;
    return (cb_socket_event){.id = socket->number == 0 ? (int64_t)route
                                                       : cb_socket_id(route, socket->number),
                             .kind = kind,
                             .code = code};
}

/* -- bytes that wait --------------------------------------------------------------------------- */

size_t cb_held_unread(const cb_held_socket *socket)
{
    return socket->unread == NULL ? 0
                                  : socket->unread->size - CB_SOCKET_EVENT_SIZE - socket->unread_at;
}

void cb_held_drop_unread(cb_held_socket *socket)
{
    cb_buffer_release(socket->unread);
    socket->unread = NULL;
    socket->waits &= ~(unsigned)CB_TELL_READ;
}

bool cb_held_gather(cb_held_socket *socket, const void *data, size_t size)
{
    if (socket->unread == NULL) {
        socket->unread = cb_buffer_new(CB_SOCKET_EVENT_SIZE, CB_SOCKET_EVENT_SIZE + size);
        socket->unread_at = 0;
        if (socket->unread == NULL)
            return false;
    }
    size_t used = socket->unread->size;
    if (socket->unread->capacity - used < size) {
        size_t wanted = socket->unread->capacity * 2;
        if (cb_buffer_writable(&socket->unread, wanted < used + size ? used + size : wanted) !=
            CB_OK)
            return false;
    }
    memcpy(socket->unread->data + used, data, size);
    socket->unread->size = used + size;
    cb_held_tell(socket, CB_TELL_READ);
    return true;
}

/* Up to a piece of what waits: the buffer itself where that is all of it. */
static cb_buffer *take_unread(cb_held_socket *socket)
{
    cb_buffer *unread = socket->unread;
    size_t left = cb_held_unread(socket);
    cb_buffer *piece = unread;
    if (socket->unread_at > 0 || left > CB_SOCKET_PIECE) {
        size_t size = left < CB_SOCKET_PIECE ? left : CB_SOCKET_PIECE;
        piece = cb_buffer_new(CB_SOCKET_EVENT_SIZE + size, 0);
        if (piece == NULL)
            return NULL;
        memcpy(piece->data + CB_SOCKET_EVENT_SIZE,
               unread->data + CB_SOCKET_EVENT_SIZE + socket->unread_at, size);
        socket->unread_at += size;
        left -= size;
        if (left == 0)
            cb_buffer_release(unread);
    } else {
        left = 0;
    }
    if (left == 0) {
        socket->unread = NULL;
        socket->waits &= ~(unsigned)CB_TELL_READ;
    }
    const cb_socket_event header = header_of(socket, CB_SOCKET_KIND_READ, 0);
    cb_pack_socket_event(piece->data, &header);
    return piece;
}

/* -- telling ----------------------------------------------------------------------------------- */

static void post(cb_held_socket *socket, int64_t entry, cb_buffer *payload)
{
    cb_sockets *self = socket->owner;
    cb_message record = cb_sockets_record(self, CB_MSG_REQUEST_READY);
    record.flags = CB_FLAG_NEW;
    record.connection = socket->number;
    record.job = (uint64_t)entry;
    record.value = (int64_t)payload->size;
    record.payload = cb_payload_handle(payload);
    socket->in_flight = true;
    self->in_flight++;
    cb_loop_actor_post(&self->actor, &record);
}

/* Of the events that are but a header. */
static cb_buffer *make_plain(cb_held_socket *socket, int32_t kind)
{
    cb_buffer *made = cb_buffer_new(CB_SOCKET_EVENT_SIZE, 0);
    const cb_socket_event header = header_of(socket, kind, 0);
    if (made != NULL)
        cb_pack_socket_event(made->data, &header);
    return made;
}

/* The text goes into the buffer that is there, as much of it as fits if a larger one is not to be
 * had. */
static void fill_last(cb_held_socket *socket, int32_t kind, int32_t code, const char *message)
{
    size_t size = message != NULL ? strlen(message) : 0;
    cb_buffer *larger = NULL;
    if (size > socket->last->capacity - CB_SOCKET_EVENT_SIZE)
        larger = cb_buffer_new(0, CB_SOCKET_EVENT_SIZE + size);
    if (larger != NULL) {
        cb_buffer_release(socket->last);
        socket->last = larger;
    }
    size_t room = socket->last->capacity - CB_SOCKET_EVENT_SIZE;
    if (size > room)
        size = room;
    const cb_socket_event header = header_of(socket, kind, code);
    cb_pack_socket_event(socket->last->data, &header);
    if (size > 0)
        memcpy(socket->last->data + CB_SOCKET_EVENT_SIZE, message, size);
    socket->last->size = CB_SOCKET_EVENT_SIZE + size;
}

/* What is to be told next; 0: nothing, or not while reading is off. */
static unsigned next_of(const cb_held_socket *socket)
{
    unsigned waits = socket->waits;
    if (!socket->read_on)
        waits &= ~(unsigned)(CB_TELL_READ | CB_TELL_EOF);
    return waits & (~waits + 1);
}

static void post_last(cb_held_socket *socket)
{
    socket->waits = 0;
    socket->told_last = true;
    cb_buffer *last = socket->last;
    socket->last = NULL;
    post(socket, socket->entries[1], last);
}

/* Out of memory is the end of a socket; its last event is there. */
static void give_up(cb_held_socket *socket)
{
    if (socket->number == 0) {
        socket->waits = 0;
        return;
    }
    if (socket->state != CB_HELD_OVER) {
        cb_held_close(socket, true);
        fill_last(socket, CB_TCP_ERROR, 0, "out of memory");
        socket->state = CB_HELD_OVER;
    }
    cb_held_drop_unread(socket);
    post_last(socket);
}

/* Tells the first of what waits. */
static void tell_next(cb_held_socket *socket)
{
    const cb_sockets *self = socket->owner;
    unsigned what = next_of(socket);
    cb_buffer *payload = NULL;
    int64_t entry = socket->entries[1];
    if (what == CB_TELL_LAST && socket->number != 0) {
        post_last(socket);
        return;
    }
    if (what == CB_TELL_LAST) {
        payload = socket->last;
        socket->last = NULL;
    } else if (what == CB_TELL_READ) {
        payload = take_unread(socket);
        entry = socket->entries[0];
        cb_held_steer(socket);
    } else if (what == CB_TELL_CONNECTED) {
        payload = make_plain(socket, CB_SOCKET_KIND_CONNECTED);
        entry = socket->accepted ? self->entries[0] : entry;
    } else {
        payload = make_plain(socket, what == CB_TELL_EOF ? CB_TCP_EOF : CB_TCP_DRAIN);
    }
    if (payload == NULL) {
        give_up(socket);
        return;
    }
    if (what != CB_TELL_READ)
        socket->waits &= ~what;
    post(socket, entry, payload);
}

static void line_up(cb_held_socket *socket)
{
    cb_sockets *self = socket->owner;
    socket->lined_up = true;
    socket->next_in_line = NULL;
    if (self->line_end != NULL)
        self->line_end->next_in_line = socket;
    else
        self->line = socket;
    self->line_end = socket;
}

static bool has_room(const cb_sockets *self)
{
    return self->in_flight < self->actor.core->options.limits.max_queued;
}

void cb_held_advance(cb_held_socket *socket)
{
    cb_sockets *self = socket->owner;
    if (next_of(socket) == 0 || socket->in_flight || socket->lined_up)
        return;
    if (self->line == NULL && has_room(self))
        tell_next(socket);
    else
        line_up(socket);
}

static void advance_line(cb_sockets *self)
{
    while (self->line != NULL && has_room(self)) {
        cb_held_socket *socket = self->line;
        self->line = socket->next_in_line;
        if (self->line == NULL)
            self->line_end = NULL;
        socket->lined_up = false;
        if (next_of(socket) != 0 && !socket->in_flight)
            tell_next(socket);
        cb_held_settle(socket);
    }
}

void cb_held_tell(cb_held_socket *socket, unsigned what)
{
    assert((socket->waits & CB_TELL_LAST) == 0 && !socket->told_last);
    socket->waits |= what;
    cb_held_advance(socket);
}

void cb_held_tell_last(cb_held_socket *socket, int32_t kind, int32_t code, const char *message)
{
    assert(socket->state != CB_HELD_OVER);
    socket->state = CB_HELD_OVER;
    fill_last(socket, kind, code, message);
    cb_held_tell(socket, CB_TELL_LAST);
}

void cb_sockets_tell_server(cb_sockets *self, const cb_tcp_event *event)
{
    cb_held_socket *nobody = &self->nobody;
    /* One that waits still is replaced: a flood of them shall not fill the memory. */
    nobody->waits = 0;
    if (nobody->last == NULL)
        nobody->last = cb_buffer_new(0, CB_SOCKET_EVENT_SIZE + CB_ERROR_TEXT_SIZE);
    if (nobody->last == NULL)
        return;
    fill_last(nobody, (int32_t)event->kind, event->code, event->message);
    nobody->waits = CB_TELL_LAST;
    cb_held_advance(nobody);
}

/* -- what comes back --------------------------------------------------------------------------- */

static bool is_failure(cb_job_status status)
{
    return status != CB_JOB_SUCCESS && status != CB_JOB_CALLBACK_REFUSED;
}

void cb_sockets_told(cb_sockets *self, uint32_t number, cb_job_status status)
{
    cb_held_socket *socket =
        number == 0 ? &self->nobody : cb_address_map_find(&self->sockets, number);
    if (socket == NULL || !socket->in_flight)
        return;
    socket->in_flight = false;
    self->in_flight--;
    if (is_failure(status) && number != 0 && socket->state == CB_HELD_OPEN) {
        socket->code = (int32_t)status;
        cb_held_close(socket, true);
    }
    cb_held_advance(socket);
    cb_held_settle(socket);
    advance_line(self);
}

bool cb_sockets_is_quiet(const cb_sockets *self)
{
    return self->in_flight == 0 && self->line == NULL;
}
