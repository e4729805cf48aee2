/* The life of one connection of an HTTP route: requests framed as HTTP/1.1 and 1.0, one at a time
 * and in order; how long its client is waited for; and how it ends. For
 * actors/listeners/http_port.c. */
#ifndef CALLBOARD_ACTORS_LISTENERS_HTTP_CONNECTION_H
#define CALLBOARD_ACTORS_LISTENERS_HTTP_CONNECTION_H

#include "actors/io/http/input.h"
#include "actors/io/http/response.h"
#include "actors/listeners/pace.h"
#include "actors/listeners/tcp_port.h"

/* What a connection is at. What comes while a request is worked on waits in `input`, and from some
 * size on in the client.
 *
 *     WAITING --bytes--> READING --whole--> RUNNING --response--> SENDING --+--> WAITING
 *        '-----------whole in one piece--------^                     '--> STALLED --'
 *     any of them --its last response, or none--> ENDING
 */
typedef enum cb_http_state {
    CB_HTTP_WAITING, /* for a request to begin */
    CB_HTTP_READING, /* one that has begun and is not whole */
    CB_HTTP_RUNNING, /* it was handed on, and has no response yet */
    CB_HTTP_SENDING, /* the response */
    CB_HTTP_STALLED, /* the client has not taken the responses it has asked for */
    CB_HTTP_ENDING   /* nothing is read any more */
} cb_http_state;

typedef struct cb_http_connection {
    cb_tcp_guest guest; /* first, so that one is the other */
    cb_http_state state;
    bool served;      /* a request, so that it idles now */
    bool in_body;     /* READING: the head is whole */
    bool paused;      /* reading is */
    bool ended;       /* the client sends no more */
    bool keeps_alive; /* what the request that runs allows */
    bool holds;       /* the listener, until the next request has begun */
    bool overloaded;  /* what came ahead found no room: its turn is answered so */
    cb_http_asked asked;
    cb_http_input input;
    cb_buffer *first; /* empty; what comes first is received into it */
    int64_t since_ns; /* when that began for which there is a time limit */
    int64_t alarm_ns; /* the alarm that is set; 0: none */
    cb_pace pace;     /* of the body that comes, or of the response that goes */
    size_t untaken;   /* bytes that the client had not taken when the pace began */
    size_t running;   /* bytes of the request that was handed on */
    size_t sending;   /* bytes of responses that have not all gone to the kernel */
} cb_http_connection;

/* What a listener keeps: its `own`. */
typedef struct cb_http_port {
    cb_tcp_port tcp; /* first, so that one is the other */
    cb_http_limits limits;
    cb_op *last_look;
    bool port_closed;
    bool over; /* no request begins any more but those that wait in `input` */
} cb_http_port;

extern const cb_tcp_framing cb_http_connection_framing;

/* As in a cb_listener_kind. */
void cb_http_respond(cb_connection *connection, cb_buffer *response, bool final);
void cb_http_refuse(cb_connection *connection, cb_job_status status);

/* Closes a connection that is WAITING: nobody is owed anything. */
void cb_http_close_quietly(cb_http_connection *connection);
/* The listener ends: one that is between two requests is still to serve what has come. */
void cb_http_hold(cb_http_connection *connection);

/* -- http_port.c ------------------------------------------------------------------------------ */

/* For the framing. */
void cb_http_port_closed(cb_listener *listener);

#endif
