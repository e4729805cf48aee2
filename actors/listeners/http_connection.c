#include "actors/listeners/http_connection.h"

#include "actors/base/budget.h"
#include "actors/listeners/http_answers.h"

#define MS         1000000
#define NEVER      INT64_MAX
/* What is received at first; more than the head of most requests. */
#define FIRST_ROOM 1024u
/* Room behind it, for what a callback may add in place. */
#define SLACK      64u

static cb_http_port *port_of(const cb_http_connection *self)
{
    return self->guest.base.listener->own;
}

static const cb_limits *limits_of(const cb_http_connection *self)
{
    return cb_listener_limits(self->guest.base.listener);
}

/* -- time ------------------------------------------------------------------------------------- */

/* What the client has not taken: here, and in the kernel until it is acknowledged. */
static size_t untaken(const cb_http_connection *self)
{
    return cb_tcp_buffered(self->guest.socket) + cb_tcp_unacknowledged(self->guest.socket);
}

/* Bytes of what the pace is about. */
static size_t moved(const cb_http_connection *self)
{
    if (self->state == CB_HTTP_READING)
        return cb_http_input_size(&self->input) - self->input.request.head_size;
    size_t left = untaken(self);
    return self->untaken > left ? self->untaken - left : 0;
}

static bool is_sending(const cb_http_connection *self)
{
    return self->state == CB_HTTP_STALLED || self->guest.sending;
}

/* Whether time is measured by what moves in it. */
static bool is_paced(const cb_http_connection *self)
{
    return self->state == CB_HTTP_READING ? self->in_body : is_sending(self);
}

/* When the client's time is over. */
static int64_t due_ns(const cb_http_connection *self)
{
    switch (self->state) {
    case CB_HTTP_WAITING:
        return self->since_ns +
               MS * (self->served ? limits_of(self)->http_idle_ms : limits_of(self)->http_head_ms);
    case CB_HTTP_READING:
        return self->in_body ? self->pace.due_ns
                             : self->since_ns + limits_of(self)->http_head_ms * MS;
    case CB_HTTP_SENDING:
    case CB_HTTP_STALLED:
    case CB_HTTP_ENDING:
        return is_sending(self) ? self->pace.due_ns : NEVER;
    case CB_HTTP_RUNNING:
        break;
    }
    return NEVER;
}

/* One that is set for an earlier time is left alone and looks again then, so that a busy connection
 * costs no timer. */
static void set_alarm(cb_http_connection *self)
{
    int64_t due = due_ns(self);
    if (due == NEVER || (self->alarm_ns != 0 && self->alarm_ns <= due))
        return;
    self->alarm_ns = due;
    (void)cb_tcp_set_alarm(self->guest.socket, due, NULL);
}

static void start_clock(cb_http_connection *self)
{
    self->since_ns = cb_tcp_guest_now(&self->guest);
    set_alarm(self);
}

static void start_pace(cb_http_connection *self)
{
    cb_pace_start(&self->pace, cb_tcp_guest_now(&self->guest), limits_of(self)->http_pace_ms);
    set_alarm(self);
}

static void start_sending_pace(cb_http_connection *self)
{
    self->untaken = untaken(self);
    start_pace(self);
}

/* A look that is due: false if the client is too slow. */
static bool keeps_pace(cb_http_connection *self)
{
    const cb_limits *limits = limits_of(self);
    return cb_pace_look(&self->pace, cb_tcp_guest_now(&self->guest), limits->http_pace_ms,
                        limits->http_rate, moved(self));
}

/* -- memory ----------------------------------------------------------------------------------- */

static size_t room_of(const cb_buffer *buffer)
{
    return buffer != NULL ? buffer->capacity : 0;
}

/* Tells the route what it holds for this client. */
static void recount(cb_http_connection *self)
{
    cb_connection_charge(&self->guest.base,
                         room_of(self->input.bytes) + self->running + self->sending);
}

/* Whether what has come may grow from the room that it has to `room`. */
static bool may_grow(cb_http_connection *self, size_t room)
{
    size_t has = room_of(self->input.bytes);
    recount(self);
    return cb_connection_may_grow(&self->guest.base, room, room > has ? room - has : 0);
}

/* -- the end ---------------------------------------------------------------------------------- */

static void drop(cb_http_connection *self, cb_close_reason reason)
{
    self->state = CB_HTTP_ENDING;
    cb_tcp_port_drop(&self->guest.base, reason);
}

/* Between two requests, so that nobody waits for anything. */
void cb_http_close_quietly(cb_http_connection *self)
{
    self->state = CB_HTTP_ENDING;
    (void)cb_tcp_close(self->guest.socket, NULL);
}

static void send_response(cb_http_connection *self, cb_buffer *response, bool final)
{
    self->state = final ? CB_HTTP_ENDING : CB_HTTP_SENDING;
    self->sending += room_of(response);
    recount(self);
    cb_tcp_guest_send(&self->guest, response, NULL, final);
    if (self->guest.sending)
        start_sending_pace(self);
}

static void answer(cb_http_connection *self, int status, const char *why, bool is_head)
{
    cb_buffer *response = cb_http_answer(status, why, is_head);
    if (response != NULL)
        send_response(self, response, true);
    else
        drop(self, CB_CLOSE_NO_MEMORY);
}

/* What is being read will be no request. */
static void turn_away_asked(cb_http_connection *self, int status, const char *why,
                            cb_close_reason reason, bool is_head)
{
    if (!self->guest.base.owes_end)
        cb_connection_begin(&self->guest.base);
    cb_connection_ended(&self->guest.base, reason);
    answer(self, status, why, is_head);
}

static void turn_away(cb_http_connection *self, int status, const char *why, cb_close_reason reason)
{
    turn_away_asked(self, status, why, reason, self->input.request.is_head);
}

static void turn_away_malformed(cb_http_connection *self)
{
    cb_http_fault fault = self->input.request.fault;
    int status = cb_http_fault_status(fault);
    bool large = status == 413 || status == 414 || status == 431;
    turn_away(self, status, cb_http_fault_text(fault),
              large ? CB_CLOSE_TOO_LARGE : CB_CLOSE_MALFORMED);
}

/* The memory that the next one would take is not to be had; what has come of it is let go at once.
 * Nothing is being received into it: whoever calls this has just been given bytes, or has a
 * response behind it. */
static void turn_away_overloaded(cb_http_connection *self)
{
    turn_away(self, 503, "the memory for requests is used up", CB_CLOSE_OVERLOADED);
    cb_http_input_clear(&self->input);
    recount(self);
}

/* -- requests --------------------------------------------------------------------------------- */

static void pause_if_ahead(cb_http_connection *self)
{
    if (!self->paused && cb_http_input_size(&self->input) >= (size_t)limits_of(self)->http_ahead)
        self->paused = cb_tcp_disable(self->guest.socket, true, false, NULL) == CB_OK;
}

static void resume(cb_http_connection *self)
{
    if (self->paused)
        self->paused = cb_tcp_enable(self->guest.socket, true, false, NULL) != CB_OK;
}

static void wait_for_next(cb_http_connection *self)
{
    if (self->ended || port_of(self)->over) {
        cb_http_close_quietly(self);
        return;
    }
    self->state = CB_HTTP_WAITING;
    resume(self);
    start_clock(self);
}

/* An allocation has failed. */
static void fail_for_memory(cb_http_connection *self)
{
    if (cb_budget_was_it())
        turn_away_overloaded(self);
    else
        drop(self, CB_CLOSE_NO_MEMORY);
}

static void hand_on(cb_http_connection *self)
{
    const cb_http_request *request = &self->input.request;
    self->asked =
        (cb_http_asked){.minor_version = request->minor_version, .is_head = request->is_head};
    self->keeps_alive = request->keep_alive;
    cb_buffer *bytes = cb_http_input_cut(&self->input);
    if (bytes == NULL) {
        fail_for_memory(self);
        return;
    }
    self->running = bytes->capacity;
    self->state = CB_HTTP_RUNNING;
    self->served = true;
    cb_connection_request(&self->guest.base, bytes);
}

/* Its body begins. */
static void enter_body(cb_http_connection *self)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    self->in_body = true;
    if (self->input.request.send_continue &&
        cb_tcp_write(self->guest.socket, go_on, sizeof go_on - 1, NULL, NULL) != CB_OK) {
        drop(self, CB_CLOSE_NO_MEMORY);
        return;
    }
    start_pace(self);
}

/* Whether there is more than the empty line that may stand before a request: some clients send one
 * behind a body, and nothing after it. */
static bool has_begun(const cb_http_connection *self)
{
    const cb_http_request *request = &self->input.request;
    return request->state != CB_HTTP_AT_BEGIN && cb_http_input_size(&self->input) > request->begin;
}

static void read_on(cb_http_connection *self)
{
    if (!has_begun(self)) {
        wait_for_next(self);
        return;
    }
    if (self->ended) {
        turn_away(self, 400, "the request has no end", CB_CLOSE_PEER_CLOSED);
        return;
    }
    if (self->state != CB_HTTP_READING) {
        if (port_of(self)->over) {
            cb_http_close_quietly(self);
            return;
        }
        self->state = CB_HTTP_READING;
        self->in_body = false;
        cb_connection_begin(&self->guest.base);
        start_clock(self);
    }
    if (self->input.request.head_size > 0 && !self->in_body)
        enter_body(self);
    if (self->state != CB_HTTP_READING)
        return;
    size_t room = cb_http_input_wants(&self->input);
    if (room > 0 && !may_grow(self, room)) {
        turn_away_overloaded(self);
        return;
    }
    cb_http_input_reserve(&self->input);
    recount(self);
    resume(self);
}

/* While it is between two requests, what has come is still served before the listener ends. */
void cb_http_hold(cb_http_connection *self)
{
    if (self->holds)
        return;
    self->holds = true;
    cb_listener_hold(self->guest.base.listener);
}

static void let_go(cb_http_connection *self)
{
    if (!self->holds)
        return;
    self->holds = false;
    cb_listener_let_go(self->guest.base.listener);
}

/* No request runs: goes on with what has come. */
static void advance(cb_http_connection *self)
{
    if (self->overloaded) {
        turn_away_overloaded(self);
    } else if (cb_http_input_size(&self->input) == 0) {
        wait_for_next(self);
    } else {
        switch (cb_http_input_frame(&self->input, &port_of(self)->limits)) {
        case CB_HTTP_PARTIAL:
            read_on(self);
            break;
        case CB_HTTP_DONE:
            hand_on(self);
            break;
        case CB_HTTP_REFUSED:
            turn_away_malformed(self);
            break;
        }
    }
    let_go(self);
}

/* -- the socket's callbacks ------------------------------------------------------------------- */

static void on_accepted(cb_tcp_guest *guest)
{
    start_clock((cb_http_connection *)guest);
}

static void on_connected(cb_tcp_guest *guest)
{
    start_clock((cb_http_connection *)guest);
}

/* Most requests come in one small piece, and leave with the memory that it came in. The rest of a
 * larger one is received behind what there is of it. */
static void *on_room(cb_tcp_guest *guest, size_t *size)
{
    cb_http_connection *self = (cb_http_connection *)guest;
    void *room = self->state == CB_HTTP_READING ? cb_http_input_room(&self->input, size) : NULL;
    if (room != NULL)
        return room;
    if (self->first == NULL)
        self->first = cb_buffer_new(0, FIRST_ROOM + SLACK);
    if (self->first == NULL)
        return NULL;
    *size = FIRST_ROOM;
    return self->first->data;
}

static cb_status take_in(cb_http_connection *self, const void *data, size_t size)
{
    cb_buffer *first = self->first;
    if (first == NULL || data != first->data || self->input.bytes != NULL)
        return cb_http_input_add(&self->input, data, size);
    first->size = size;
    self->first = NULL;
    self->input.bytes = first;
    return CB_OK;
}

/* What comes ahead of its turn and finds no room is thrown away; the client learns it in its turn.
 */
static void give_up_ahead(cb_http_connection *self)
{
    cb_http_input_clear(&self->input);
    self->overloaded = true;
    if (!self->paused)
        self->paused = cb_tcp_disable(self->guest.socket, true, false, NULL) == CB_OK;
    recount(self);
}

/* Whether there is memory for what has come; asked when a request begins or its room must grow. */
static bool has_room_for(cb_http_connection *self, const void *data, size_t size)
{
    size_t room = cb_http_input_room_with(&self->input, data, size);
    bool begins = self->input.bytes == NULL;
    return (!begins && room <= room_of(self->input.bytes)) || may_grow(self, room);
}

static void on_read(cb_tcp_guest *guest, const void *data, size_t size)
{
    cb_http_connection *self = (cb_http_connection *)guest;
    bool its_turn = self->state == CB_HTTP_WAITING || self->state == CB_HTTP_READING;
    if (self->state == CB_HTTP_ENDING || self->overloaded)
        return;
    bool taken = has_room_for(self, data, size) && take_in(self, data, size) == CB_OK;
    if (taken && its_turn)
        advance(self);
    else if (!taken && its_turn)
        fail_for_memory(self);
    else if (!taken)
        give_up_ahead(self);
    recount(self);
    if (self->state != CB_HTTP_ENDING && self->state != CB_HTTP_READING)
        pause_if_ahead(self);
}

static void on_ended(cb_tcp_guest *guest)
{
    cb_http_connection *self = (cb_http_connection *)guest;
    self->ended = true;
    if (self->state == CB_HTTP_WAITING || self->state == CB_HTTP_READING)
        advance(self);
}

static void on_alarm(cb_tcp_guest *guest)
{
    cb_http_connection *self = (cb_http_connection *)guest;
    self->alarm_ns = 0;
    if (cb_tcp_guest_now(guest) < due_ns(self) || (is_paced(self) && keeps_pace(self)))
        set_alarm(self);
    else if (self->state == CB_HTTP_WAITING)
        cb_http_close_quietly(self);
    else if (self->state == CB_HTTP_READING)
        turn_away(self, 408, "the request did not come in time", CB_CLOSE_TOO_SLOW);
    else
        drop(self, CB_CLOSE_NOT_READ);
}

/* What was asked for has been handed to the socket; the next request waits until the client has
 * taken most of it, so that one who only asks gathers no responses here. */
static void on_sent(cb_tcp_guest *guest)
{
    cb_http_connection *self = (cb_http_connection *)guest;
    size_t left = cb_tcp_buffered(guest->socket);
    if (left == 0)
        self->sending = 0;
    if (left > (size_t)limits_of(self)->http_ahead) {
        self->state = CB_HTTP_STALLED;
        start_sending_pace(self);
    } else {
        advance(self);
    }
}

static void on_written(cb_tcp_guest *guest)
{
    cb_http_connection *self = (cb_http_connection *)guest;
    self->sending = 0;
    recount(self);
    if (self->state == CB_HTTP_STALLED)
        advance(self);
}

static void on_gone(cb_tcp_guest *guest)
{
    cb_http_connection *self = (cb_http_connection *)guest;
    cb_http_input_clear(&self->input);
    cb_buffer_release(self->first);
    let_go(self);
}

/* -- what the supervisor says ------------------------------------------------------------------ */

/* The last one: because of what the two sides say, or because it must be. */
static bool is_final(const cb_http_connection *self, const cb_buffer *response)
{
    if (response == NULL || response->size == 0 || !self->keeps_alive)
        return true;
    if ((self->ended || port_of(self)->over) && cb_http_input_size(&self->input) == 0)
        return true;
    return cb_http_response_closes(response->data, response->size, self->asked) != NULL;
}

void cb_http_respond(cb_connection *connection, cb_buffer *response, bool final)
{
    cb_http_connection *self = (cb_http_connection *)connection;
    if (self->state != CB_HTTP_RUNNING || !cb_tcp_guest_stands(&self->guest)) {
        cb_buffer_release(response);
        return;
    }
    self->running = 0;
    recount(self);
    if (!cb_connection_may_take(connection, room_of(response))) {
        cb_buffer_release(response);
        turn_away_asked(self, 503, "the memory for responses is used up", CB_CLOSE_OVERLOADED,
                        self->asked.is_head);
        return;
    }
    final = final || is_final(self, response);
    if (!final && port_of(self)->over)
        cb_http_hold(self);
    send_response(self, response, final);
}

void cb_http_refuse(cb_connection *connection, cb_job_status status)
{
    cb_http_connection *self = (cb_http_connection *)connection;
    bool runs = self->state == CB_HTTP_RUNNING;
    bool is_head = runs ? self->asked.is_head : self->input.request.is_head;
    if (self->state == CB_HTTP_ENDING && !self->guest.sending)
        return;
    self->running = 0;
    if (!runs && self->state != CB_HTTP_READING)
        drop(self, CB_CLOSE_DROPPED);
    else if (status == CB_JOB_CALLBACK_REFUSED || status == CB_JOB_CALLBACK_FAILED)
        answer(self, 500, "the request could not be served", is_head);
    else if (status == CB_JOB_CALLBACK_TIMEOUT)
        answer(self, 504, "the request took too long to be served", is_head);
    else
        answer(self, 503,
               status == CB_JOB_OVERLOADED ? "too many requests wait" : "the service is closing",
               is_head);
}

const cb_tcp_framing cb_http_connection_framing = {.many = true,
                                                   .accepted = on_accepted,
                                                   .connected = on_connected,
                                                   .room = on_room,
                                                   .read = on_read,
                                                   .ended = on_ended,
                                                   .alarm = on_alarm,
                                                   .sent = on_sent,
                                                   .written = on_written,
                                                   .gone = on_gone,
                                                   .port_closed = cb_http_port_closed};
