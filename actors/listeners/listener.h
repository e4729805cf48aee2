/* Listeners: the common part of the actors behind routes. It starts and stops them, keeps the table
 * of their connections, takes orders, and reports all of this to the supervisor. The rest is in the
 * cb_listener_kind of each kind of route.
 *
 *     START_LISTENER -> open -> ROUTE_LISTENING ... stop_accepting -> port_closed -> ROUTE_STOPPED
 *
 * The supervisor hears about requests. ACCEPTED: a request begins. REQUEST_READY: it is whole.
 * Exactly one end follows: RESPONSE_SENT, or CONNECTION_CLOSED with a reason. The connection's
 * number tells requests apart, so a connection has one request at a time; after its end the next
 * may begin. If a connection is one request, the request begins with the connection
 * (cb_connection_new). If it carries many, the supervisor does not hear of it between them
 * (cb_connection_take). The number holds a generation, so that a command about a connection that is
 * gone is recognised. A kind without connections (a datagram's request is one) may use the number
 * for each request, or ignore it.
 *
 * RESPONSE_SENT is sent before the client can see the end of the response. So a client that saw the
 * end finds its response counted. cb_connection_announce posts the record, and the kind's
 * `announced` is called after the record has left.
 *
 * A new kind: give it a number in cb_route_kind, write its table, and enter it in
 * cb_listener_kind_of (listener.c). A kind that serves connections over TCP uses
 * actors/listeners/tcp_port.h, which fills most of the table.
 *
 * Threads: a listener is a thread, and everything here belongs to it.
 */
#ifndef CALLBOARD_ACTORS_LISTENERS_LISTENER_H
#define CALLBOARD_ACTORS_LISTENERS_LISTENER_H

#include "actors/core/loop_actor.h"

cb_actor_function cb_listener_thread;

typedef struct cb_listener cb_listener;
typedef struct cb_connection cb_connection;
typedef struct cb_listener_kind cb_listener_kind;

/* A kind's own struct for a connection begins with this struct. */
struct cb_connection {
    cb_listener *listener;
    cb_connection *next; /* in the list of free connections, or of announced ones */
    uint64_t cause;      /* the input that led to the last command about it */
    uint32_t number;     /* generation << 20 | slot */
    size_t charged;      /* bytes that count in the route's budget: cb_connection_charge */
    bool in_use;
    bool owes_end;  /* a request began and its end was not reported */
    bool announced; /* `announced` is to be called when the posted records have left */
};

struct cb_listener {
    cb_loop_actor actor; /* first, so that a pointer to one is a pointer to the other */
    cb_message route;    /* the START_LISTENER it came from */
    const cb_listener_kind *kind;
    void *own; /* the kind's data; own_size zero bytes before `open` */
    /* The other fields belong to listener.c. */
    cb_op *patience; /* after the order to stop: time limit for connections that are over but not
                        gone */
    bool listening;  /* until the port is closed and no client can reach it any more */
    bool stops_accepting; /* the kind was told to stop accepting */
    bool stop_asked;
    bool stop_reported;
    bool drained; /* nothing is left to wait for */
    cb_connection **slots;
    size_t slot_count;
    size_t slot_capacity;
    cb_connection *free_slots;
    cb_connection *announced;
    size_t charged;          /* bytes of all connections, against limits.route_memory */
    size_t connections;      /* connections in use */
    size_t told_connections; /* the number that the supervisor knows */
    size_t open;             /* requests whose end is not reported yet, and holds */
};

struct cb_listener_kind {
    size_t own_size;
    size_t connection_size; /* of the kind's struct for a connection */
    /* True: connections are not requests, and their number is reported to the supervisor. */
    bool counts_connections;

    /* Begins to serve the route in listener->route; *port: the bound port (0 if it has no port). On
     * failure only `own` is left. */
    cb_status (*open)(cb_listener *listener, uint16_t *port, cb_error *error);
    /* Stops accepting: only clients that the kernel had accepted are still served. Called once. It
     * ends, now or later, with cb_listener_port_closed, and some time after that with
     * cb_listener_drained. */
    void (*stop_accepting)(cb_listener *listener);
    /* Sends the response to a connection's request; takes over the buffer (NULL: empty). */
    void (*respond)(cb_connection *connection, cb_buffer *response, bool final);
    /* Called when the announcement has left; see cb_connection_announce. May be NULL. */
    void (*announced)(cb_connection *connection);
    /* Ends a connection at once: reports its end with the reason if a report is owed, and gives it
     * back sooner or later. A second call is fine. */
    void (*drop)(cb_connection *connection, cb_close_reason reason);
    /* There will be no response, because the request ended with this status. The end of the request
     * must be reported as after `respond`. NULL: the connection is dropped. */
    void (*refuse)(cb_connection *connection, cb_job_status status);
    /* Carries out a command. The answer is a status, *value and *payload, which then belongs to the
     * asker (after a failure: an error's text). `order`'s payload still belongs to the caller.
     * CB_UNSUPPORTED for unknown numbers. CB_ORDER_LATER: the order's payload then belongs to the
     * kind. May be NULL. */
    cb_status (*order)(cb_listener *listener, const cb_message *order, int64_t *value,
                       cb_buffer **payload);
    /* Called when the thread ends, after its loop has ended; frees the objects that `own` refers
     * to. May be NULL. */
    void (*close)(cb_listener *listener);
};

/* A kind's `order` returns this instead of a status: the answer comes later by
 * cb_listener_order_done. */
#define CB_ORDER_LATER ((cb_status)1)

/* The listener kind that serves a cb_route_kind; NULL if there is none. */
const cb_listener_kind *cb_listener_kind_of(uint32_t route_kind);

/* -- connections ------------------------------------------------------------------------------ */

/* Makes a connection, the kind's part zero, and reports it as ACCEPTED. `peer` may be NULL. NULL
 * when out of memory: nothing was reported. */
cb_connection *cb_connection_new(cb_listener *listener, const cb_endpoint *peer);
/* The same without a report. The first report comes when a request begins: with
 * cb_connection_begin, cb_connection_request or cb_connection_event. NULL when out of memory. */
cb_connection *cb_connection_take(cb_listener *listener);
/* Makes a record about the connection, with the route's fields filled in. */
cb_message cb_connection_record(const cb_connection *connection, cb_message_kind kind);
/* Posts ACCEPTED for a request whose first bytes have come. */
void cb_connection_begin(cb_connection *connection);
/* Posts REQUEST_READY. If the request has not begun, this is also its beginning. Takes over the
 * bytes (NULL: none). */
void cb_connection_request(cb_connection *connection, cb_buffer *bytes);
/* Posts REQUEST_READY for an event: a request that has no other reports, and that the supervisor
 * answers with exactly one `respond` or `drop`. `entry` 0: the route's. Takes over the bytes. */
void cb_connection_event(cb_connection *connection, int64_t entry, cb_buffer *bytes);
/* Posts RESPONSE_SENT, the end of its request; `final`: also the end of the connection. `announced`
 * is called when the record has left, unless the connection is given back before. */
void cb_connection_announce(cb_connection *connection, int64_t size_bytes, bool final);
/* Has `announced` called in the same way for records that were posted already. */
void cb_connection_await_flush(cb_connection *connection);
/* Posts CONNECTION_CLOSED, if the end of a request is owed. */
void cb_connection_ended(cb_connection *connection, cb_close_reason reason);
/* Sets how many bytes the connection holds now: of requests while they come, wait and run; of
 * responses until the kernel has them. When the connection is given back, the bytes that it still
 * holds are taken off. */
void cb_connection_charge(cb_connection *connection, size_t bytes);
/* True if memory for an outsider's bytes may grow by `more`, to a block of `block` bytes: the
 * budgets of the route and of the process have room. Large blocks are refused earlier than small
 * ones, as in actors/base/budget.h. Nothing is charged. */
bool cb_connection_may_grow(const cb_connection *connection, size_t block, size_t more);
/* The same for a response of so many bytes, which exists already, so that the process has counted
 * it. */
bool cb_connection_may_take(const cb_connection *connection, size_t block);
/* Gives the connection back; nothing may refer to it any more. If it owes an end, CB_CLOSE_FAILED
 * is reported. */
void cb_connection_free(cb_connection *connection);

/* -- the route -------------------------------------------------------------------------------- */

/* Stops accepting, if it was not stopped; also for a kind whose port broke. */
void cb_listener_stop_accepting(cb_listener *listener);
/* Call it when no client can reach the port any more: ROUTE_STOPPED follows when no connection owes
 * an end. */
void cb_listener_port_closed(cb_listener *listener);
/* Holds back ROUTE_STOPPED until each hold is let go: a request that has come is about to begin. */
void cb_listener_hold(cb_listener *listener);
void cb_listener_let_go(cb_listener *listener);
/* Call it when nothing is left that the loop has to serve: the thread may end with its last
 * connection. */
void cb_listener_drained(cb_listener *listener);

/* Answers an order that was left for later; the payload then belongs to the asker. The order's own
 * payload is released. */
void cb_listener_order_done(cb_listener *listener, const cb_message *order, cb_status status,
                            int64_t value, cb_buffer *payload);
/* Reports requests that were turned away before they became jobs (count > 0). `had_run`: their
 * callbacks have run, and they no longer count as answered. */
void cb_listener_rejected(cb_listener *listener, int64_t count, cb_job_status status, bool had_run);

static inline const cb_limits *cb_listener_limits(const cb_listener *listener)
{
    return &listener->actor.core->options.limits;
}

/* The port that the route asks for. */
static inline uint16_t cb_listener_port(const cb_listener *listener)
{
    return cb_route_word_port(listener->route.connection);
}

/* A cb_route_kind. */
static inline uint32_t cb_listener_route_base(const cb_listener *listener)
{
    return cb_route_word_base(listener->route.connection);
}
/* A cb_route_kind with its flags. */
static inline uint32_t cb_listener_route_kind(const cb_listener *listener)
{
    return cb_route_word_kind(listener->route.connection);
}

#endif
