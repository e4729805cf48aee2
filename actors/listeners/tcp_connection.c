#include "actors/listeners/tcp_connection.h"

#include <string.h>

#include "actors/base/budget.h"
#include "actors/base/clock.h"
#include "actors/listeners/tcp_port.h"

#define MS         1000000
/* Room beyond a request that came in one piece, for what a callback may add in place. */
#define SLACK      64u
#define FIRST_ROOM 2048u

typedef struct tcp_connection {
    cb_tcp_guest guest; /* first, so that one is the other */
    cb_buffer *bytes;   /* of the request */
    int64_t deadline_ns;
    bool whole; /* the request is; nothing is read any more */
} tcp_connection;

static const cb_limits *limits_of(const tcp_connection *self)
{
    return cb_listener_limits(self->guest.base.listener);
}

static void drop(tcp_connection *self, cb_close_reason reason)
{
    cb_tcp_port_drop(&self->guest.base, reason);
}

/* Has the client looked at when it was silent for so long, or its time is over. Counts from now and
 * not from the tick's beginning: that we were busy since is not the client's silence. */
static void expect_within(tcp_connection *self, int64_t limit_ms)
{
    int64_t due_ns = cb_now_ns() + limit_ms * MS;
    if (due_ns > self->deadline_ns)
        due_ns = self->deadline_ns;
    (void)cb_tcp_set_alarm(self->guest.socket, due_ns, NULL);
}

static size_t room_of(const cb_buffer *buffer)
{
    return buffer != NULL ? buffer->capacity : 0;
}

static void on_accepted(cb_tcp_guest *guest)
{
    tcp_connection *self = (tcp_connection *)guest;
    self->deadline_ns = cb_tcp_guest_now(guest) + limits_of(self)->tcp_total_ms * MS;
    expect_within(self, limits_of(self)->tcp_idle_ms);
}

static void on_connected(cb_tcp_guest *guest)
{
    tcp_connection *self = (tcp_connection *)guest;
    expect_within(self, limits_of(self)->tcp_idle_ms);
}

/* What still comes is left to the kernel, so that a client that goes on sending has to wait. */
static void request_is_whole(tcp_connection *self)
{
    cb_buffer *bytes = self->bytes;
    self->bytes = NULL;
    self->whole = true;
    (void)cb_tcp_set_alarm(self->guest.socket, 0, NULL);
    (void)cb_tcp_end_reading(self->guest.socket, NULL);
    cb_connection_request(&self->guest.base, bytes);
}

/* -- reading ---------------------------------------------------------------------------------- */

/* Whether the budgets have room for so much, and what the route is told of then. */
static bool may_hold(tcp_connection *self, size_t room)
{
    size_t has = room_of(self->bytes);
    if (!cb_connection_may_grow(&self->guest.base, room, room > has ? room - has : 0))
        return false;
    cb_connection_charge(&self->guest.base, room);
    return true;
}

/* Room for `size` bytes more, or for what the limit leaves; it doubles, so that a long request is
 * copied seldom. One byte beyond the limit tells a request of that size from a larger one. */
static cb_status make_room(tcp_connection *self, size_t size)
{
    size_t most = (size_t)limits_of(self)->max_request + 1;
    size_t used = self->bytes != NULL ? self->bytes->size : 0;
    size_t capacity = self->bytes != NULL ? self->bytes->capacity : 0;
    if (capacity - used >= size || capacity == most)
        return CB_OK;
    capacity = capacity * 2 > used + size ? capacity * 2 : used + size;
    capacity = capacity < most ? capacity : most;
    return may_hold(self, capacity) ? cb_buffer_writable(&self->bytes, capacity) : CB_NO_MEMORY;
}

/* Most requests come in one small piece, so an idle client takes no memory here. What comes after
 * the first FIRST_ROOM bytes is received in place. */
static void *on_room(cb_tcp_guest *guest, size_t *size)
{
    const tcp_connection *self = (tcp_connection *)guest;
    const cb_buffer *bytes = self->bytes;
    if (bytes == NULL || bytes->size < FIRST_ROOM || self->whole)
        return NULL;
    *size = bytes->capacity - bytes->size;
    return bytes->data + bytes->size;
}

static cb_status keep(tcp_connection *self, const void *data, size_t size)
{
    cb_buffer *bytes = self->bytes;
    if (bytes == NULL)
        self->bytes = bytes = may_hold(self, size + SLACK) ? cb_buffer_new(0, size + SLACK) : NULL;
    else if (data != bytes->data + bytes->size && make_room(self, size) != CB_OK)
        return CB_NO_MEMORY;
    if (bytes == NULL)
        return CB_NO_MEMORY;
    bytes = self->bytes;
    if (data != bytes->data + bytes->size)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return bytes->size < FIRST_ROOM ? CB_OK : make_room(self, FIRST_ROOM);
}

static void on_read(cb_tcp_guest *guest, const void *data, size_t size)
{
    tcp_connection *self = (tcp_connection *)guest;
    size_t used = self->bytes != NULL ? self->bytes->size : 0;
    if (self->whole)
        return;
    if (size > (size_t)limits_of(self)->max_request - used)
        drop(self, CB_CLOSE_TOO_LARGE);
    else if (cb_tcp_guest_now(guest) >= self->deadline_ns)
        drop(self, CB_CLOSE_TOO_SLOW);
    else if (keep(self, data, size) != CB_OK)
        drop(self, cb_budget_was_it() ? CB_CLOSE_OVERLOADED : CB_CLOSE_NO_MEMORY);
    else
        expect_within(self, limits_of(self)->tcp_quiet_ms);
}

static void on_ended(cb_tcp_guest *guest)
{
    tcp_connection *self = (tcp_connection *)guest;
    if (!self->whole)
        request_is_whole(self);
}

static void on_alarm(cb_tcp_guest *guest)
{
    tcp_connection *self = (tcp_connection *)guest;
    if (self->bytes == NULL)
        drop(self, CB_CLOSE_IDLE);
    else if (cb_tcp_guest_now(guest) >= self->deadline_ns)
        drop(self, CB_CLOSE_TOO_SLOW);
    else
        request_is_whole(self);
}

static void on_gone(cb_tcp_guest *guest)
{
    cb_buffer_release(((tcp_connection *)guest)->bytes);
}

/* -- the kind --------------------------------------------------------------------------------- */

static cb_status open_port(cb_listener *listener, uint16_t *port, cb_error *error)
{
    static const cb_tcp_framing framing = {.accepted = on_accepted,
                                           .connected = on_connected,
                                           .room = on_room,
                                           .read = on_read,
                                           .ended = on_ended,
                                           .alarm = on_alarm,
                                           .gone = on_gone};
    return cb_tcp_port_open(listener, &framing, port, error);
}

static void respond(cb_connection *connection, cb_buffer *response, bool final)
{
    tcp_connection *self = (tcp_connection *)connection;
    (void) final; /* it always is */
    if (!self->whole || !connection->owes_end || self->guest.sending) {
        cb_buffer_release(response);
        return;
    }
    cb_connection_charge(connection, 0);
    if (!cb_connection_may_take(connection, room_of(response))) {
        cb_buffer_release(response);
        drop(self, CB_CLOSE_OVERLOADED);
        return;
    }
    cb_connection_charge(connection, room_of(response));
    cb_tcp_guest_send(&self->guest, response, NULL, true);
}

const cb_listener_kind cb_tcp_connection_kind = {.own_size = sizeof(cb_tcp_port),
                                                 .connection_size = sizeof(tcp_connection),
                                                 .open = open_port,
                                                 .stop_accepting = cb_tcp_port_stop,
                                                 .respond = respond,
                                                 .announced = cb_tcp_port_announced,
                                                 .drop = cb_tcp_port_drop,
                                                 .order = cb_tcp_port_order};
