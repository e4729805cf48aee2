/* The life of one connection of an HTTP route: requests framed as HTTP/1.1 and 1.0, one at a time
 * and in order; the time limits for its client; and its end. For actors/listeners/http_port.c. */
#ifndef CALLBOARD_ACTORS_LISTENERS_HTTP_CONNECTION_H
#define CALLBOARD_ACTORS_LISTENERS_HTTP_CONNECTION_H

#include "actors/io/http/input.h"
#include "actors/io/http/response.h"
#include "actors/listeners/pace.h"
#include "actors/listeners/tcp_port.h"

/* The states of a connection. Bytes that come while a request is worked on wait in `input`; from
 * some size on they wait in the client.
 *
 *     WAITING --bytes--> READING --whole--> RUNNING --response--> SENDING --+--> WAITING
 *        '-----------whole in one piece--------^                     '--> STALLED --'
 *     any of them --its last response, or none--> ENDING
 */
typedef enum cb_http_state {
    CB_HTTP_WAITING, /* for a request to begin */
    CB_HTTP_READING, /* a request that has begun and is not whole */
    CB_HTTP_RUNNING, /* the request was handed on and has no response yet */
    CB_HTTP_SENDING, /* the response */
    CB_HTTP_STALLED, /* the client does not take its responses */
    CB_HTTP_ENDING   /* nothing is read any more */
} cb_http_state;

typedef struct cb_http_connection {
    cb_tcp_guest guest; /* first, so that a pointer to one is a pointer to the other */
    cb_http_state state;
    bool served;      /* it has served a request, so now it is idle */
    bool in_body;     /* READING: the head is whole */
    bool paused;      /* reading is paused */
    bool ended;       /* the client has ended its stream */
    bool keeps_alive; /* the running request allows it to stay open */
    bool holds;       /* it holds the listener until the next request has begun */
    bool overloaded;  /* bytes sent ahead found no room; their request is answered as overload */
    cb_http_asked asked;
    cb_http_input input;
    cb_buffer *first; /* empty; the first bytes are received into it */
    int64_t since_ns; /* start of the state that has a time limit */
    int64_t alarm_ns; /* time of the alarm; 0: none */
    cb_pace pace;     /* of the incoming body, or of the outgoing response */
    size_t untaken;   /* bytes that the client had not taken when the pace began */
    size_t running;   /* bytes of the request that was handed on */
    size_t sending;   /* bytes of responses that are not completely in the kernel */
} cb_http_connection;

/* The listener's `own`. */
typedef struct cb_http_port {
    cb_tcp_port tcp; /* first, so that a pointer to one is a pointer to the other */
    cb_http_limits limits;
    cb_op *last_look;
    bool port_closed;
    bool over; /* only the requests that wait in `input` may still begin */
} cb_http_port;

extern const cb_tcp_framing cb_http_connection_framing;

/* For a cb_listener_kind. */
void cb_http_respond(cb_connection *connection, cb_buffer *response, bool final);
void cb_http_refuse(cb_connection *connection, cb_job_status status);

/* Closes a connection that is WAITING: no response is owed. */
void cb_http_close_quietly(cb_http_connection *connection);
/* The listener ends: a connection between two requests still has to serve the request that has
 * come. */
void cb_http_hold(cb_http_connection *connection);

/* -- http_port.c ------------------------------------------------------------------------------ */

/* For the framing. */
void cb_http_port_closed(cb_listener *listener);

#endif
