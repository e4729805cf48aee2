#include "actors/http_connection.h"

#include "actors/http_answers.h"
#include "actors/io/http/input.h"
#include "actors/io/http/response.h"
#include "actors/tcp_port.h"

#define MS         1000000
#define S          (1000 * (int64_t)MS)
#define NEVER      INT64_MAX
/* What is received at first; more than the head of most requests. */
#define FIRST_ROOM 1024u
/* Room behind it, for what a callback may add in place. */
#define SLACK      64u
/* After the order to stop accepting: what clients sent before they could know is still taken. */
#define LAST_LOOK  (20 * MS)

/* What a connection is at. It serves one request at a time; what comes meanwhile waits in `input`,
 * and from some size on in the client.
 *
 *     WAITING --bytes--> READING --whole--> RUNNING --response--> SENDING --+--> WAITING
 *        '-----------whole in one piece--------^                     '--> STALLED --'
 *     any of them --its last response, or none--> ENDING
 */
typedef enum http_state {
    WAITING, /* for a request to begin */
    READING, /* one that has begun and is not whole */
    RUNNING, /* it was handed on, and has no response yet */
    SENDING, /* the response */
    STALLED, /* the client has not taken the responses it has asked for */
    ENDING   /* nothing is read any more */
} http_state;

typedef struct http_connection {
    cb_tcp_guest guest; /* first, so that one is the other */
    http_state state;
    bool served;      /* a request, so that it idles now */
    bool in_body;     /* READING: the head is whole */
    bool paused;      /* reading is */
    bool ended;       /* the client sends no more */
    bool keeps_alive; /* what the request that runs allows */
    bool holds;       /* the listener, until the next request has begun */
    cb_http_asked asked;
    cb_http_input input;
    cb_buffer *first; /* empty; what comes first is received into it */
    int64_t since_ns; /* when that began for which there is a time limit */
    int64_t alarm_ns; /* the alarm that is set; 0: none */
    size_t unsent;    /* bytes that were not taken by the client at since_ns */
} http_connection;

typedef struct http_port {
    cb_tcp_port tcp; /* first, so that one is the other */
    cb_http_limits limits;
    cb_op *last_look;
    bool port_closed;
    bool over; /* no request begins any more but those that wait in `input` */
} http_port;

static http_port *port_of(const http_connection *self)
{
    return self->guest.base.listener->own;
}

static const cb_limits *limits_of(const http_connection *self)
{
    return cb_listener_limits(self->guest.base.listener);
}

/* -- time ------------------------------------------------------------------------------------- */

/* Any transfer gets a while, and each byte that moved adds to it. */
static int64_t pace_ns(const http_connection *self, size_t moved)
{
    return limits_of(self)->http_pace_ms * MS + (int64_t)moved / limits_of(self)->http_rate * S +
           (int64_t)moved % limits_of(self)->http_rate * S / limits_of(self)->http_rate;
}

static int64_t reading_ns(const http_connection *self)
{
    if (!self->in_body)
        return limits_of(self)->http_head_ms * MS;
    return pace_ns(self, cb_http_input_size(&self->input) - self->input.request.head_size);
}

static int64_t sending_ns(const http_connection *self)
{
    size_t left = cb_tcp_buffered(self->guest.socket);
    return pace_ns(self, self->unsent > left ? self->unsent - left : 0);
}

/* When the client's time is over. */
static int64_t due_ns(const http_connection *self)
{
    switch (self->state) {
    case WAITING:
        return self->since_ns +
               MS * (self->served ? limits_of(self)->http_idle_ms : limits_of(self)->http_head_ms);
    case READING:
        return self->since_ns + reading_ns(self);
    case SENDING:
    case STALLED:
    case ENDING:
        return self->state == STALLED || self->guest.sending ? self->since_ns + sending_ns(self)
                                                             : NEVER;
    case RUNNING:
        break;
    }
    return NEVER;
}

/* One that is set for an earlier time is left alone and looks again then, so that a busy connection
 * costs no timer. */
static void set_alarm(http_connection *self)
{
    int64_t due = due_ns(self);
    if (due == NEVER || (self->alarm_ns != 0 && self->alarm_ns <= due))
        return;
    self->alarm_ns = due;
    (void)cb_tcp_set_alarm(self->guest.socket, due, NULL);
}

static void start_clock(http_connection *self)
{
    self->since_ns = cb_tcp_guest_now(&self->guest);
    set_alarm(self);
}

static void start_sending_clock(http_connection *self)
{
    self->unsent = cb_tcp_buffered(self->guest.socket);
    start_clock(self);
}

/* -- the end ---------------------------------------------------------------------------------- */

static void drop(http_connection *self, cb_close_reason reason)
{
    self->state = ENDING;
    cb_tcp_port_drop(&self->guest.base, reason);
}

/* Between two requests, so that nobody waits for anything. */
static void close_quietly(http_connection *self)
{
    self->state = ENDING;
    (void)cb_tcp_close(self->guest.socket, NULL);
}

static void send_response(http_connection *self, cb_buffer *response, bool final)
{
    self->state = final ? ENDING : SENDING;
    cb_tcp_guest_send(&self->guest, response, NULL, final);
    if (self->guest.sending)
        start_sending_clock(self);
}

static void answer(http_connection *self, int status, const char *why, bool is_head)
{
    cb_buffer *response = cb_http_answer(status, why, is_head);
    if (response != NULL)
        send_response(self, response, true);
    else
        drop(self, CB_CLOSE_NO_MEMORY);
}

/* What is being read will be no request. */
static void turn_away(http_connection *self, int status, const char *why, cb_close_reason reason)
{
    if (!self->guest.base.owes_end)
        cb_connection_begin(&self->guest.base);
    cb_connection_ended(&self->guest.base, reason);
    answer(self, status, why, self->input.request.is_head);
}

static void turn_away_malformed(http_connection *self)
{
    cb_http_fault fault = self->input.request.fault;
    int status = cb_http_fault_status(fault);
    bool large = status == 413 || status == 414 || status == 431;
    turn_away(self, status, cb_http_fault_text(fault),
              large ? CB_CLOSE_TOO_LARGE : CB_CLOSE_MALFORMED);
}

/* -- requests --------------------------------------------------------------------------------- */

static void pause_if_ahead(http_connection *self)
{
    if (!self->paused && cb_http_input_size(&self->input) >= (size_t)limits_of(self)->http_ahead)
        self->paused = cb_tcp_disable(self->guest.socket, true, false, NULL) == CB_OK;
}

static void resume(http_connection *self)
{
    if (self->paused)
        self->paused = cb_tcp_enable(self->guest.socket, true, false, NULL) != CB_OK;
}

static void wait_for_next(http_connection *self)
{
    if (self->ended || port_of(self)->over) {
        close_quietly(self);
        return;
    }
    self->state = WAITING;
    resume(self);
    start_clock(self);
}

static void hand_on(http_connection *self)
{
    const cb_http_request *request = &self->input.request;
    self->asked =
        (cb_http_asked){.minor_version = request->minor_version, .is_head = request->is_head};
    self->keeps_alive = request->keep_alive;
    cb_buffer *bytes = cb_http_input_cut(&self->input);
    if (bytes == NULL) {
        drop(self, CB_CLOSE_NO_MEMORY);
        return;
    }
    self->state = RUNNING;
    self->served = true;
    cb_connection_request(&self->guest.base, bytes);
}

/* Its body begins. */
static void enter_body(http_connection *self)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    self->in_body = true;
    if (self->input.request.send_continue &&
        cb_tcp_write(self->guest.socket, go_on, sizeof go_on - 1, NULL, NULL) != CB_OK) {
        drop(self, CB_CLOSE_NO_MEMORY);
        return;
    }
    start_clock(self);
}

/* Whether there is more than the empty line that may stand before a request: some clients send one
 * behind a body, and nothing after it. */
static bool has_begun(const http_connection *self)
{
    const cb_http_request *request = &self->input.request;
    return request->state != CB_HTTP_AT_BEGIN && cb_http_input_size(&self->input) > request->begin;
}

static void read_on(http_connection *self)
{
    if (!has_begun(self)) {
        wait_for_next(self);
        return;
    }
    if (self->ended) {
        turn_away(self, 400, "the request has no end", CB_CLOSE_PEER_CLOSED);
        return;
    }
    if (self->state != READING) {
        if (port_of(self)->over) {
            close_quietly(self);
            return;
        }
        self->state = READING;
        self->in_body = false;
        cb_connection_begin(&self->guest.base);
        start_clock(self);
    }
    if (self->input.request.head_size > 0 && !self->in_body)
        enter_body(self);
    cb_http_input_reserve(&self->input);
    if (self->state == READING)
        resume(self);
}

/* While it is between two requests, what has come is still served before the listener ends. */
static void hold(http_connection *self)
{
    if (self->holds)
        return;
    self->holds = true;
    cb_listener_hold(self->guest.base.listener);
}

static void let_go(http_connection *self)
{
    if (!self->holds)
        return;
    self->holds = false;
    cb_listener_let_go(self->guest.base.listener);
}

/* No request runs: goes on with what has come. */
static void advance(http_connection *self)
{
    if (cb_http_input_size(&self->input) == 0) {
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
    start_clock((http_connection *)guest);
}

static void on_connected(cb_tcp_guest *guest)
{
    start_clock((http_connection *)guest);
}

/* Most requests come in one small piece, and leave with the memory that it came in. The rest of a
 * larger one is received behind what there is of it. */
static void *on_room(cb_tcp_guest *guest, size_t *size)
{
    http_connection *self = (http_connection *)guest;
    void *room = self->state == READING ? cb_http_input_room(&self->input, size) : NULL;
    if (room != NULL)
        return room;
    if (self->first == NULL)
        self->first = cb_buffer_new(0, FIRST_ROOM + SLACK);
    if (self->first == NULL)
        return NULL;
    *size = FIRST_ROOM;
    return self->first->data;
}

static cb_status take_in(http_connection *self, const void *data, size_t size)
{
    cb_buffer *first = self->first;
    if (first == NULL || data != first->data || self->input.bytes != NULL)
        return cb_http_input_add(&self->input, data, size);
    first->size = size;
    self->first = NULL;
    self->input.bytes = first;
    return CB_OK;
}

static void on_read(cb_tcp_guest *guest, const void *data, size_t size)
{
    http_connection *self = (http_connection *)guest;
    if (self->state == ENDING)
        return;
    if (take_in(self, data, size) != CB_OK)
        drop(self, CB_CLOSE_NO_MEMORY);
    else if (self->state == WAITING || self->state == READING)
        advance(self);
    if (self->state != ENDING && self->state != READING)
        pause_if_ahead(self);
}

static void on_ended(cb_tcp_guest *guest)
{
    http_connection *self = (http_connection *)guest;
    self->ended = true;
    if (self->state == WAITING || self->state == READING)
        advance(self);
}

static void on_alarm(cb_tcp_guest *guest)
{
    http_connection *self = (http_connection *)guest;
    self->alarm_ns = 0;
    if (cb_tcp_guest_now(guest) < due_ns(self))
        set_alarm(self);
    else if (self->state == WAITING)
        close_quietly(self);
    else if (self->state == READING)
        turn_away(self, 408, "the request did not come in time", CB_CLOSE_TOO_SLOW);
    else
        drop(self, CB_CLOSE_NOT_READ);
}

/* What was asked for has been handed to the socket; the next request waits until the client has
 * taken most of it, so that one who only asks gathers no responses here. */
static void on_sent(cb_tcp_guest *guest)
{
    http_connection *self = (http_connection *)guest;
    if (cb_tcp_buffered(guest->socket) > (size_t)limits_of(self)->http_ahead) {
        self->state = STALLED;
        start_sending_clock(self);
    } else {
        advance(self);
    }
}

static void on_written(cb_tcp_guest *guest)
{
    http_connection *self = (http_connection *)guest;
    if (self->state == STALLED)
        advance(self);
}

static void on_gone(cb_tcp_guest *guest)
{
    http_connection *self = (http_connection *)guest;
    cb_http_input_clear(&self->input);
    cb_buffer_release(self->first);
    let_go(self);
}

/* -- the port --------------------------------------------------------------------------------- */

static void take_leave(cb_listener *listener)
{
    http_port *self = listener->own;
    self->over = true;
    for (size_t i = 0; i < listener->slot_count; i++) {
        http_connection *connection = (http_connection *)listener->slots[i];
        if (!connection->guest.base.in_use)
            continue;
        if (connection->state == WAITING)
            close_quietly(connection);
        else if (connection->state == SENDING || connection->state == STALLED)
            hold(connection);
    }
    if (self->port_closed)
        cb_listener_port_closed(listener);
}

static void on_last_look(cb_op *op)
{
    cb_listener *listener = op->user_data;
    http_port *self = listener->own;
    self->last_look = NULL;
    if (op->error == CB_IO_OK || op->error == CB_IO_TIMEOUT)
        take_leave(listener);
}

static void on_port_closed(cb_listener *listener)
{
    http_port *self = listener->own;
    self->port_closed = true;
    if (self->over)
        cb_listener_port_closed(listener);
}

static cb_status open_port(cb_listener *listener, uint16_t *port, cb_error *error)
{
    static const cb_tcp_framing framing = {.many = true,
                                           .accepted = on_accepted,
                                           .connected = on_connected,
                                           .room = on_room,
                                           .read = on_read,
                                           .ended = on_ended,
                                           .alarm = on_alarm,
                                           .sent = on_sent,
                                           .written = on_written,
                                           .gone = on_gone,
                                           .port_closed = on_port_closed};
    http_port *self = listener->own;
    self->limits = cb_http_limits_from(cb_listener_limits(listener));
    self->last_look = cb_prep_timeout(listener->actor.loop, LAST_LOOK, on_last_look);
    if (self->last_look == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for a listener");
    self->last_look->user_data = listener;
    cb_status status = cb_tcp_port_open(listener, &framing, port, error);
    if (status != CB_OK)
        cb_op_remove(&self->last_look);
    return status;
}

static void stop_accepting(cb_listener *listener)
{
    const http_port *self = listener->own;
    (void)cb_op_exec(self->last_look, false);
    cb_tcp_port_stop(listener);
}

/* The last one: because of what the two sides say, or because it must be. */
static bool is_final(const http_connection *self, const cb_buffer *response)
{
    if (response == NULL || response->size == 0 || !self->keeps_alive)
        return true;
    if ((self->ended || port_of(self)->over) && cb_http_input_size(&self->input) == 0)
        return true;
    return cb_http_response_closes(response->data, response->size, self->asked) != NULL;
}

static void respond(cb_connection *connection, cb_buffer *response, bool final)
{
    http_connection *self = (http_connection *)connection;
    if (self->state != RUNNING || !cb_tcp_guest_stands(&self->guest)) {
        cb_buffer_release(response);
        return;
    }
    final = final || is_final(self, response);
    if (!final && port_of(self)->over)
        hold(self);
    send_response(self, response, final);
}

static void refuse(cb_connection *connection, cb_job_status status)
{
    http_connection *self = (http_connection *)connection;
    bool runs = self->state == RUNNING;
    bool is_head = runs ? self->asked.is_head : self->input.request.is_head;
    if (self->state == ENDING && !self->guest.sending)
        return;
    if (!runs && self->state != READING)
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

const cb_listener_kind cb_http_connection_kind = {.own_size = sizeof(http_port),
                                                  .connection_size = sizeof(http_connection),
                                                  .counts_connections = true,
                                                  .open = open_port,
                                                  .stop_accepting = stop_accepting,
                                                  .respond = respond,
                                                  .announced = cb_tcp_port_announced,
                                                  .drop = cb_tcp_port_drop,
                                                  .refuse = refuse,
                                                  .order = cb_tcp_port_order};
