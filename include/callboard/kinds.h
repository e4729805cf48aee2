/* Kinds of routes, of questions and of waits. The calls of callboard/runtime.h and the messages
 * between actors share them.
 *
 * Traces hold the numbers: a new kind gets a new number.
 */
#ifndef CALLBOARD_KINDS_H
#define CALLBOARD_KINDS_H

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of routes, by the thing that serves them. */
typedef enum cb_route_kind {
    CB_ROUTE_TCP = 1,        /* a listener: one request for each connection */
    CB_ROUTE_HTTP = 2,       /* a listener: requests framed as HTTP/1.1 */
    CB_ROUTE_UDP = 3,        /* a port whose datagrams are requests, one at a time */
    CB_ROUTE_UDP_CLIENT = 4, /* a port that sends, and whose datagrams are replies */
    CB_ROUTE_LOCAL = 5,      /* no port: requests come from this process */
    CB_ROUTE_SOCKETS = 6,    /* long-lived connections; each event is a request */
    CB_ROUTE_LOOP = 7,       /* an event loop; each completion is a request */
    CB_ROUTE_KINDS
} cb_route_kind;

/* Flags that are added to a route's kind. */
enum {
    CB_ROUTE_ANY_ADDRESS = 0x40, /* listens on every interface, not only on loopback */
    CB_ROUTE_INHERITED = 0x80    /* `port` is the number of an inherited socket, counted from 0; see
                                    callboard/inherited.h */
};

/* X(name, about, text): what can be asked. `about` says what the id names: ROUTE, JOB or NONE.
 * Answers are numbers, with three exceptions: ROUTE_CALLBACK and JOB_ERROR_TEXT are bytes, and
 * SNAPSHOT is an object of the actors' own. */
#define CB_QUESTIONS(X)                                                                            \
    X(ROUTE_KNOWN, ROUTE, "1 while the route is open; 0 for every other id")                       \
    X(ROUTE_STATE, ROUTE, "1 open, 0 closed or closing")                                           \
    X(ROUTE_TIMEOUT, ROUTE, "the callback's limit in ms, or -1")                                   \
    X(ROUTE_PORT, ROUTE, "the bound port")                                                         \
    X(ROUTE_CALLBACK, ROUTE, "the callback's name")                                                \
    X(ROUTE_ACTIVE, ROUTE, "accepted and not yet finished with")                                   \
    X(ROUTE_PENDING, ROUTE, "accepted, the request still being read")                              \
    X(ROUTE_QUEUED, ROUTE, "read whole, waiting for an actor")                                     \
    X(ROUTE_RUNNING, ROUTE, "in the callback")                                                     \
    X(ROUTE_DRAINED, ROUTE, "1 if the four counters are 0")                                        \
    X(ROUTE_CLOSE_ACCEPTED, ROUTE, "1 for ever once a close was accepted")                         \
    X(ROUTE_CLOSED_QUEUED, ROUTE, "queued requests that the close canceled")                       \
    X(ROUTE_ACCEPTED, ROUTE, "requests accepted since the route opened")                           \
    X(ROUTE_COMPLETED, ROUTE, "requests answered")                                                 \
    X(ROUTE_FAILED, ROUTE, "requests whose callback failed, refused or ran out of time")           \
    X(ROUTE_DROPPED, ROUTE, "requests that ended before their callback could run")                 \
    X(OPEN_COUNT, NONE, "open routes of the namespace")                                            \
    X(JOB_KNOWN, JOB, "1 until the job is taken; 0 for every other id")                            \
    X(JOB_PHASE, JOB, "a cb_phase")                                                                \
    X(JOB_STATUS, JOB, "a cb_job_status")                                                          \
    X(JOB_ROUTE, JOB, "the id of the route it was sent to")                                        \
    X(JOB_TIMEOUT, JOB, "its limit in ms, or -1")                                                  \
    X(JOB_HAS_RESULT, JOB, "1 if it succeeded and its bytes wait to be taken")                     \
    X(JOB_RESULT_SIZE, JOB, "size of the result in bytes, 0 without one")                          \
    X(JOB_ERROR_TEXT, JOB, "why it failed; empty while pending and on success")                    \
    X(ROUTE_KIND, ROUTE, "a cb_route_kind with what was added to it")                              \
    X(ROUTE_TLS, ROUTE, "1 if its connections speak TLS")                                          \
    X(ROUTE_CONNECTIONS, ROUTE, "connections open now, busy or not")                               \
    X(CONNECTION_COUNT, NONE, "connections open now on all routes of the namespace")               \
    X(ROUTE_LOST, ROUTE, "requests that were dropped, and those whose callback did not succeed")   \
    X(ROUTE_CLOSE_BEGUN, ROUTE, "1 once its actor was told to stop, or stopped by itself")         \
    X(ROUTE_ANY_ADDRESS, ROUTE, "1 if it listens on every interface, 0 if only on loopback")       \
    X(SNAPSHOT, NONE, "the figures of everything, for the metrics")

typedef enum cb_question_kind {
    CB_ASK_NONE = 0,
#define CB_QUESTION_ENUM(name, about, text) CB_ASK_##name,
    CB_QUESTIONS(CB_QUESTION_ENUM)
#undef CB_QUESTION_ENUM
        CB_ASK_COUNT
} cb_question_kind;

typedef enum cb_wait_kind {
    CB_WAIT_TIME = 0,         /* only for the time to pass; the id is ignored */
    CB_WAIT_JOB_COMPLETE = 1, /* id: a job */
    CB_WAIT_ROUTE_DRAINED = 2 /* id: a route, open or closed */
} cb_wait_kind;

#ifdef __cplusplus
}
#endif
#endif
