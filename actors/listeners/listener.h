/* What the actors behind routes have in common: being started and stopped, the table of their
 * connections, orders, and the records about all that. What a kind of route does beyond it stands
 * in its cb_listener_kind.
 *
 *     START_LISTENER -> open -> ROUTE_LISTENING ... stop_accepting -> port_closed -> ROUTE_STOPPED
 *
 * What the supervisor is told of is requests: ACCEPTED when one begins, REQUEST_READY when it is
 * whole, and its end, exactly one: RESPONSE_SENT, or CONNECTION_CLOSED with a reason. They are told
 * apart by the connection's number, so a connection has one request at a time; after the end the
 * next may begin. Where a connection is a request, it begins with it (cb_connection_new). Where it
 * carries many, it is nobody's business between them (cb_connection_take). The number holds a
 * generation, so that a command about a connection that is gone is recognised. A kind without
 * connections (a datagram's request is one) may use it for each request, or leave it alone.
 *
 * RESPONSE_SENT is on its way before the client can see the end of the response, so that whoever
 * saw it finds it counted: cb_connection_announce posts the record, and the kind's `announced` is
 * called after it has left.
 *
 * A new kind: give it a number in cb_route_kind, write its table, and enter it in
 * cb_listener_kind_of (listener.c). One that serves connections over TCP uses
 * actors/listeners/tcp_port.h, which fills most of the table.
 *
 * Threads: a listener is a thread, and all of this belongs to it.
 */
#ifndef CALLBOARD_ACTORS_LISTENERS_LISTENER_H
#define CALLBOARD_ACTORS_LISTENERS_LISTENER_H

#include "actors/core/loop_actor.h"

cb_actor_function cb_listener_thread;

typedef struct cb_listener cb_listener;
typedef struct cb_connection cb_connection;
typedef struct cb_listener_kind cb_listener_kind;

/* A kind's own struct for a connection begins with this. */
struct cb_connection {
    cb_listener *listener;
    cb_connection *next; /* of the free ones, or of those announced */
    uint64_t cause;      /* the input that led to the last command about it */
    uint32_t number;     /* generation << 20 | slot */
    size_t charged;      /* bytes that count in the route's budget: cb_connection_charge */
    bool in_use;
    bool owes_end;  /* a request began and its end was not told */
    bool announced; /* `announced` is to be called when what is posted has left */
};

struct cb_listener {
    cb_loop_actor actor; /* first, so that one is the other */
    cb_message route;    /* the START_LISTENER it came from */
    const cb_listener_kind *kind;
    void *own; /* the kind's, own_size zero bytes before `open` */
    /* The rest is listener.c's. */
    cb_op *patience;      /* after the order to stop: what is over but not gone */
    bool listening;       /* until the port is closed and nobody can reach it any more */
    bool stops_accepting; /* the kind was told to */
    bool stop_asked;
    bool stop_reported;
    bool drained; /* nothing of it is left to wait for */
    cb_connection **slots;
    size_t slot_count;
    size_t slot_capacity;
    cb_connection *free_slots;
    cb_connection *announced;
    size_t charged;          /* bytes of all of them, against limits.route_memory */
    size_t connections;      /* that are in use */
    size_t told_connections; /* what the supervisor knows of them */
    size_t open;             /* requests that the supervisor is owed an end of, and holds */
};

struct cb_listener_kind {
    size_t own_size;
    size_t connection_size; /* of the kind's struct for a connection */
    /* Connections are not requests: the supervisor is told how many there are. */
    bool counts_connections;

    /* Begins to serve what listener->route asks for; *port: where (0 if it has no port). On failure
     * nothing is left but `own`. */
    cb_status (*open)(cb_listener *listener, uint16_t *port, cb_error *error);
    /* Nobody new, but whom the kernel had accepted: called once. Ends, now or later, with
     * cb_listener_port_closed, and some time after that with cb_listener_drained. */
    void (*stop_accepting)(cb_listener *listener);
    /* The response to a connection's request; takes over the buffer (NULL: empty). */
    void (*respond)(cb_connection *connection, cb_buffer *response, bool final);
    /* The announcement has left; see cb_connection_announce. May be NULL. */
    void (*announced)(cb_connection *connection);
    /* Ends a connection at once: reports its end with the reason if it owes one, and gives it back
     * sooner or later. Twice is fine. */
    void (*drop)(cb_connection *connection, cb_close_reason reason);
    /* There will be no response, because the request ended so; the end of the request is to be told
     * as after `respond`. NULL: it is dropped. */
    void (*refuse)(cb_connection *connection, cb_job_status status);
    /* A command: the answer is a status, and *value and *payload, which is the asker's then (after
     * a failure an error's text). `order`'s payload stays the caller's. CB_UNSUPPORTED for numbers
     * it does not know. Or CB_ORDER_LATER: then the order's payload is the kind's. May be NULL. */
    cb_status (*order)(cb_listener *listener, const cb_message *order, int64_t *value,
                       cb_buffer **payload);
    /* The thread ends and its loop has ended; frees what `own` refers to. May be NULL. */
    void (*close)(cb_listener *listener);
};

/* From a kind's `order` instead of a status: the answer will come by cb_listener_order_done. */
#define CB_ORDER_LATER ((cb_status)1)

/* What serves a cb_route_kind; NULL if nothing does. */
const cb_listener_kind *cb_listener_kind_of(uint32_t route_kind);

/* -- connections ------------------------------------------------------------------------------ */

/* A new connection, the kind's part of it zero, told as ACCEPTED. `peer` may be NULL. NULL when out
 * of memory: nobody was told. */
cb_connection *cb_connection_new(cb_listener *listener, const cb_endpoint *peer);
/* The same, of which nobody is told before a request begins: with cb_connection_begin,
 * cb_connection_request or cb_connection_event. NULL when out of memory. */
cb_connection *cb_connection_take(cb_listener *listener);
/* A record about it with the route's fields filled in. */
cb_message cb_connection_record(const cb_connection *connection, cb_message_kind kind);
/* Posts ACCEPTED for a request whose first bytes have come. */
void cb_connection_begin(cb_connection *connection);
/* Posts REQUEST_READY, for one that has not begun as its beginning too; takes over the bytes (NULL:
 * none). */
void cb_connection_request(cb_connection *connection, cb_buffer *bytes);
/* Posts REQUEST_READY for a request that begins and ends with it: an event, which the supervisor
 * answers with exactly one `respond` or `drop`. `entry` 0: the route's. Takes over the bytes. */
void cb_connection_event(cb_connection *connection, int64_t entry, cb_buffer *bytes);
/* Posts RESPONSE_SENT, the end of its request; `final`: and of the connection. `announced` is
 * called when it has left, unless the connection is given back before. */
void cb_connection_announce(cb_connection *connection, int64_t size_bytes, bool final);
/* Has `announced` called in the same way for what was posted already. */
void cb_connection_await_flush(cb_connection *connection);
/* Posts CONNECTION_CLOSED, if the end of a request is owed. */
void cb_connection_ended(cb_connection *connection, cb_close_reason reason);
/* Says how many bytes it holds now: of requests while they come, wait and run, of responses until
 * the kernel has them. What is held when it is given back is taken off. */
void cb_connection_charge(cb_connection *connection, size_t bytes);
/* Whether memory for an outsider's bytes may grow by `more`, to a block of `block`: the budgets of
 * the route and of the process have room. Large blocks are refused earlier than small ones, as in
 * actors/base/budget.h. Nothing is charged. */
bool cb_connection_may_grow(const cb_connection *connection, size_t block, size_t more);
/* The same of a response of so many bytes, which is there: the process has counted it already. */
bool cb_connection_may_take(const cb_connection *connection, size_t block);
/* Nobody refers to it any more; one that owes an end was CB_CLOSE_FAILED. */
void cb_connection_free(cb_connection *connection);

/* -- the route -------------------------------------------------------------------------------- */

/* Has accepting stopped, if it was not: also for a kind whose port broke. */
void cb_listener_stop_accepting(cb_listener *listener);
/* Nobody can reach the port any more: ROUTE_STOPPED follows when no connection owes an end. */
void cb_listener_port_closed(cb_listener *listener);
/* Keeps ROUTE_STOPPED back until as many are let go: a request that has come is about to begin. */
void cb_listener_hold(cb_listener *listener);
void cb_listener_let_go(cb_listener *listener);
/* Nothing is left that the loop has to serve: the thread may end with its last connection. */
void cb_listener_drained(cb_listener *listener);

/* Answers an order that was left for later; the payload is the asker's then. The order's own
 * payload is released. */
void cb_listener_order_done(cb_listener *listener, const cb_message *order, cb_status status,
                            int64_t value, cb_buffer *payload);
/* Tells of requests that were turned away before there was a job (count > 0). `had_run`: their
 * callbacks had, and they count no longer as answered. */
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
/* With what is added to it. */
static inline uint32_t cb_listener_route_kind(const cb_listener *listener)
{
    return cb_route_word_kind(listener->route.connection);
}

#endif
