/* One accepted connection of a TCP listener: read a request, wait, write the response, close.
 *
 *     reading -> waiting -> sending head -> sending tail -> lingering -> closed
 *
 * It tells the supervisor: Accepted, RequestReady, and then either ResponseSent or
 * ConnectionClosed, exactly one of the two. ResponseSent is on its way before the last bytes of
 * the response can be seen by the client, so that whoever saw the response finds it counted.
 */
#ifndef CALLBOARD_ACTORS_TCP_CONNECTION_H
#define CALLBOARD_ACTORS_TCP_CONNECTION_H

#include "actors/loop_actor.h"

/* The state of a connection is one of these; see the drawing above. */
typedef enum cb_tcp_state {
    CB_TCP_FREE,      /* the slot is not in use */
    CB_TCP_READING,   /* the request is coming in */
    CB_TCP_WAITING,   /* the request is whole; the callback has it */
    CB_TCP_SENDING,   /* all but the last piece of the response is being written */
    CB_TCP_ANNOUNCED, /* ResponseSent is posted; the last piece goes after the flush */
    CB_TCP_FINISHING, /* the last piece is being written */
    CB_TCP_LINGERING, /* waiting for the client's end */
    CB_TCP_CLOSING    /* the descriptor is being closed */
} cb_tcp_state;

typedef struct cb_tcp_listener cb_tcp_listener;

typedef struct cb_tcp_connection {
    cb_tcp_listener *listener;
    cb_tcp_state state;
    uint32_t number; /* generation << 20 | slot */
    uint64_t cause;  /* the input that led to the last command about it */
    cb_socket socket;
    cb_op *op;       /* the one operation in flight, or NULL */
    bool peer_ended; /* the client's end of stream was read */
    int64_t read_deadline_ns;
    cb_buffer *bytes;               /* the request, then the response */
    size_t sent;                    /* bytes of the response that the kernel took */
    struct cb_tcp_connection *next; /* free list, or the list of the announced */
} cb_tcp_connection;

struct cb_tcp_listener {
    cb_loop_actor actor; /* first, so that one is the other */
    cb_message route;    /* the START_LISTENER it came from */
    cb_socket socket;
    cb_op *accept;
    cb_op *retry;      /* the pause after running out of descriptors */
    cb_op *patience;   /* after the order to stop: what is over but not gone */
    bool accept_waits; /* no slot was free */
    bool accepting;    /* until the port is closed and nobody can reach it any more */
    bool last_accepts; /* taking what the kernel had accepted before the stop */
    bool stop_asked;
    bool stop_reported;
    cb_tcp_connection **slots;
    size_t slot_count;
    size_t slot_capacity;
    cb_tcp_connection *free_slots;
    cb_tcp_connection *announced;
    size_t open;   /* connections that owe the supervisor an end */
    size_t in_use; /* slots not free */
};

/* A record about this connection with the route's fields filled in. */
cb_message cb_tcp_record(const cb_tcp_listener *listener, cb_message_kind kind,
                         const cb_tcp_connection *connection);

/* Takes over the socket. NULL when out of memory (the socket is then still the caller's). */
cb_tcp_connection *cb_tcp_connection_new(cb_tcp_listener *listener, cb_socket socket,
                                         const cb_endpoint *peer);
/* Takes over the response (NULL: empty). */
void cb_tcp_connection_respond(cb_tcp_connection *connection, cb_buffer *response);
/* Resets the connection; it reports ConnectionClosed unless its end was reported already. */
void cb_tcp_connection_drop(cb_tcp_connection *connection, cb_close_reason reason);
/* Writes the last piece: the announcement has left. */
void cb_tcp_connection_finish(cb_tcp_connection *connection);

/* The listener's part: the slot is free again. */
void cb_tcp_listener_freed(cb_tcp_listener *listener, cb_tcp_connection *connection);
/* The listener's part: one connection less owes an end. */
void cb_tcp_listener_ended(cb_tcp_listener *listener);

#endif
