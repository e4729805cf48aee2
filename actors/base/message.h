/* The one record that actors, askers and the supervisor send each other, and that the trace keeps.
 *
 * It has 64 bytes and looks the same on the wire of a mailbox, as an effect of `step`, and in a
 * trace file. One ZeroMQ message carries 1..CB_BATCH_MAX of them. A payload travels as a handle:
 * the address of a cb_buffer. One reference to the buffer moves with the message, from its sender
 * to its receiver. Fields that a kind does not name are 0.
 */
#ifndef CALLBOARD_ACTORS_BASE_MESSAGE_H
#define CALLBOARD_ACTORS_BASE_MESSAGE_H

#include <stdint.h>

#include "callboard/buffer.h"
#include "callboard/job_status.h"
#include "callboard/kinds.h"

#define CB_BATCH_MAX 512u

/* Addresses. `step` numbers the workers and the listeners; the runtime numbers the askers. */
#define CB_ADDRESS_NONE        0u
#define CB_ADDRESS_SUPERVISOR  1u
#define CB_ADDRESS_CLIENT      2u /* the actor that runs client exchanges */
#define CB_ADDRESS_CLOCK       3u
#define CB_ADDRESS_FIRST_ACTOR 16u /* workers and listeners: 16.. */
#define CB_ADDRESS_FIRST_ASKER 0x80000000u

typedef struct cb_message {
    uint16_t kind;      /* cb_message_kind */
    uint8_t name_space; /* the namespace of `route` (and of `job`, where that is a user's id) */
    uint8_t flags;      /* CB_FLAG_* */
    int32_t status;     /* cb_job_status or cb_status, as the kind says */
    uint32_t from;
    uint32_t to;
    uint64_t cause; /* sequence number of the input that led to it; in an answer, the `cause` of the
                       question, by which the asker recognises it */
    int64_t time_ns;     /* monotonic; stamped by the supervisor's shell on receipt */
    uint32_t route;      /* the route's id */
    uint32_t connection; /* the listener's number of a connection: slot and generation */
    uint64_t job; /* a job's handle (slot and generation), or its id where the kind says so */
    int64_t value;
    uint64_t payload; /* a cb_buffer's address, or 0 */
} cb_message;

_Static_assert(sizeof(cb_message) == 64, "a message is 64 bytes");

enum {
    CB_FLAG_SHARED = 1,   /* effect: the payload stays with the sender too; the shell retains it.
                             OPEN_ROUTE: the one route of its kind, which all share; if it is open
                             already, the answer is that route */
    CB_FLAG_HAS_NUL = 2,  /* JOB_COMPLETED: the result holds a NUL byte; HAND: the report must say
                             whether it does */
    CB_FLAG_AS_TEXT = 4,  /* TAKE_JOB: a result with a NUL is refused */
    CB_FLAG_LOOPBACK = 8, /* ACCEPTED: the peer is on this machine and value is its port */
    CB_FLAG_AT_ONCE = 16, /* CLOSE_ROUTE: answered before running callbacks have finished */
    CB_FLAG_FINAL = 32,   /* RESPONSE_SENT and RESPOND: the connection ends with it */
    CB_FLAG_CLIENT = 64,  /* HAND, BEGIN_JOB: a client exchange */
    CB_FLAG_NEW = 128     /* REQUEST_READY: the request begins with this; no ACCEPTED came before;
                             ANSWER: the shell makes its payload, a cb_snapshot */
};

/* Values of `route` in BEGIN_JOB that are no id. */
#define CB_ROUTE_NONE 0u /* a job of its own; `job` is the entry */
#define CB_ROUTE_ONLY                                                                              \
    UINT32_MAX /* the namespace's one open route; CB_MISMATCH if not exactly one is open           \
                */

/* COMMAND and ORDER: numbers that all kinds of routes share. Each kind has more, from 16 on. */
enum {
    CB_ORDER_SET_TLS = 1 /* payload: a buffer that holds a cb_tls_setting */
};

/* X(NAME, number, name for people). Numbers are part of the trace format: never reuse one.
 * Below 64: inputs of `step`. From 64: its effects. A question that may be answered later also
 * carries the job that asks it: cb_message_asking_job. */
#define CB_MESSAGES(X)                                                                             \
    /* askers -> supervisor; each gets exactly one ANSWER, unless it says otherwise */             \
    X(OPEN_ROUTE, 1, "OpenRoute")   /* value entry, status timeout ms, connection kind<<16|port,   \
                                       payload callback's name */                                  \
    X(CLOSE_ROUTE, 2, "CloseRoute") /* route; answer: value how many canceled */                   \
    X(BEGIN_JOB, 3, "BeginJob")     /* route, value timeout ms, payload request, job entry */      \
    X(TAKE_JOB, 4, "TakeJob")       /* job id */                                                   \
    X(ASK, 5, "Ask")                /* value cb_question_kind; route id or job id in `job` */      \
    X(WAIT, 6, "Wait")              /* value timeout ms; status cb_wait_kind; id in `job` */       \
    X(SHUTDOWN, 7, "Shutdown")      /* no answer; routes drain, waits end */                       \
    X(FINISH, 8, "Finish")          /* answer when all is quiet: value 1, or 0 if cut off */       \
    X(HELLO, 9, "Hello")            /* an asker makes itself known */                              \
    X(GOODBYE, 10, "Goodbye")       /* no answer; made by the shell when the asker is gone */      \
    X(COMMAND, 11, "Command")      /* route, status what, value, payload: for the route's actor */ \
    X(CANCEL_JOB, 12, "CancelJob") /* job id; answer: value 1 if it had not started */             \
    X(CLOSE_JOBS, 13, "CloseJobs") /* no more jobs in the namespace; answer: value how many        \
                                      canceled */                                                  \
    /* listeners -> supervisor */                                                                  \
    X(ROUTE_LISTENING, 16, "RouteListening") /* route, value port */                               \
    X(ROUTE_FAILED, 17, "RouteFailed")       /* route, status cb_status, payload text */           \
    X(ACCEPTED, 18, "Accepted")              /* route, connection, value peer port if LOOPBACK */  \
    X(REQUEST_READY, 19, "RequestReady")     /* route, connection, value size, payload; with NEW   \
                                                job: its entry, 0: the route's */                  \
    X(RESPONSE_SENT, 20,                                                                           \
      "ResponseSent") /* route, connection, value size; sent before the peer sees its end */       \
    X(CONNECTION_CLOSED, 21, "ConnectionClosed") /* route, connection, status cb_close_reason;     \
                                                    ends an unanswered request */                  \
    X(ROUTE_STOPPED, 22, "RouteStopped") /* route; no connection is left, the actor ends */        \
    X(ORDER_DONE, 23, "OrderDone")       /* job of the ORDER, status cb_status, value, payload */  \
    X(REJECTED, 24, "Rejected") /* route, status cb_job_status, value how many requests became no  \
                                   job; FINAL: their callbacks ran, and they no longer count as    \
                                   completed */                                                    \
    X(CONNECTIONS, 25, "Connections") /* route, value how many are open now */                     \
    /* actors -> supervisor */                                                                     \
    X(ACTOR_READY, 32, "ActorReady")                                                               \
    X(JOB_STARTED, 33, "JobStarted")     /* job */                                                 \
    X(JOB_COMPLETED, 34, "JobCompleted") /* job, status cb_job_status, value size, payload result  \
                                            or error text; connection: a client's local port, or   \
                                            the callback's time in us */                           \
    X(JOB_RETURNED, 35, "JobReturned")   /* job, payload its request; it was not started */        \
    X(ACTOR_STOPPED, 36, "ActorStopped") /* status cb_status; if it could not start: not OK, and   \
                                            payload why */                                         \
    X(JOB_STALE, 37, "JobStale") /* job of a client; value version of the pin that the peer did    \
                                    not match; nothing was sent */                                 \
    /* the shell's clock */                                                                        \
    X(TICK, 48, "Tick")                                                                            \
    /* supervisor -> listeners */                                                                  \
    X(START_LISTENER, 64, "StartListener") /* route, connection kind<<16|port; makes actor `to` */ \
    X(STOP_ACCEPTING, 65, "StopAccepting") /* route */                                             \
    X(STOP_LISTENER, 66, "StopListener")   /* route; ends when the last connection is gone */      \
    X(RESPOND, 67, "Respond")              /* route, connection, payload response */               \
    X(DROP, 68, "Drop")                    /* route, connection to reset, status cb_job_status */  \
    X(ORDER, 69, "Order") /* route, job for ORDER_DONE, status what, value, payload */             \
    X(CANCEL_ORDER, 70, "CancelOrder") /* route, job of the ORDER: its asker is gone, its          \
                                          ORDER_DONE is not read */                                \
    /* supervisor -> actors */                                                                     \
    X(ADD_ACTOR, 72, "AddActor") /* the shell makes the actor `to`; value 1: the client actor */   \
    X(RETIRE_ACTOR, 73, "RetireActor")                                                             \
    X(HAND, 74, "Hand")           /* job, route, value entry (or port), payload request */         \
    X(TAKE_BACK, 75, "TakeBack")  /* return all jobs not started; also the answer to jobs that     \
                                     were returned unasked */                                      \
    X(INTERRUPT, 76, "Interrupt") /* job (0: to an asker), status cb_job_status to end with */     \
    X(PIN, 77, "Pin") /* to the client actor: route, value version, payload of SET_TLS; without a  \
                         payload: forget the pin */                                                \
    X(REDIAL, 78, "Redial") /* job, status cb_job_status: SUCCESS: dial again, else end with it */ \
    /* supervisor -> askers */                                                                     \
    X(ANSWER, 80, "Answer") /* status cb_status, value, payload; cause of the question;            \
                               connection on TAKE_JOB: job status, on CLOSE_ROUTE: 1 if it was     \
                               the first */                                                        \
    /* supervisor -> its shell */                                                                  \
    X(TICK_AT, 88, "TickAt")  /* value ns: next Tick, replaces the last one; INT64_MAX: none */    \
    X(RELEASE, 89, "Release") /* payload: drop one reference */

typedef enum cb_message_kind {
    CB_MSG_NONE = 0,
#define CB_MESSAGE_ENUM(name, number, text) CB_MSG_##name = (number),
    CB_MESSAGES(CB_MESSAGE_ENUM)
#undef CB_MESSAGE_ENUM
        CB_MSG_END = 96
} cb_message_kind;

/* An unknown number gives "?". Never NULL. */
const char *cb_message_name(unsigned kind);

/* X(NAME, number, text): why a connection ended before its response was sent. */
#define CB_CLOSE_REASONS(X)                                                                        \
    X(PEER_CLOSED, 1, "peer closed")                                                               \
    X(PEER_RESET, 2, "peer reset")                                                                 \
    X(IDLE, 3, "nothing sent in time")                                                             \
    X(TOO_SLOW, 4, "request not whole in time")                                                    \
    X(TOO_LARGE, 5, "request too large")                                                           \
    X(NOT_READ, 6, "response not read in time")                                                    \
    X(DROPPED, 7, "dropped by order")                                                              \
    X(NO_MEMORY, 8, "out of memory")                                                               \
    X(FAILED, 9, "input/output error")                                                             \
    X(TLS_FAILED, 10, "TLS failed")                                                                \
    X(MALFORMED, 11, "malformed request")                                                          \
    X(OVERLOADED, 12, "memory budget used up")

typedef enum cb_close_reason {
    CB_CLOSE_NONE = 0,
#define CB_CLOSE_ENUM(name, number, text) CB_CLOSE_##name = (number),
    CB_CLOSE_REASONS(CB_CLOSE_ENUM)
#undef CB_CLOSE_ENUM
} cb_close_reason;

/* Packs `connection` of OPEN_ROUTE and START_LISTENER: the kind with its flags, and the port. */
static inline uint32_t cb_route_word(uint32_t kind, uint16_t port)
{
    return kind << 16 | port;
}
/* Masks the flags out of a route's kind. */
#define CB_ROUTE_KIND_MASK (~(uint32_t)(CB_ROUTE_ANY_ADDRESS | CB_ROUTE_INHERITED))
/* The kind with its flags. */
static inline uint32_t cb_route_word_kind(uint32_t word)
{
    return word >> 16;
}
/* The kind without its flags: a cb_route_kind, or an unknown number. */
static inline uint32_t cb_route_word_base(uint32_t word)
{
    return (word >> 16) & CB_ROUTE_KIND_MASK;
}
static inline uint16_t cb_route_word_port(uint32_t word)
{
    return (uint16_t)(word & UINT16_MAX);
}

/* The handle of the running job that asks the question; 0: the asking thread runs no job. If the
 * question itself needs `job`, the halves of the handle are in `route` and `connection`. */
static inline uint64_t cb_message_asking_job(const cb_message *question)
{
    switch (question->kind) {
    case CB_MSG_OPEN_ROUTE:
    case CB_MSG_CLOSE_ROUTE:
    case CB_MSG_COMMAND:
    case CB_MSG_CLOSE_JOBS:
        return question->job;
    case CB_MSG_WAIT:
    case CB_MSG_CANCEL_JOB:
        return ((uint64_t)question->connection << 32) | question->route;
    default:
        return 0;
    }
}

/* Sets the handle; does nothing for a question that is answered at once. */
static inline void cb_message_set_asking_job(cb_message *question, uint64_t job)
{
    switch (question->kind) {
    case CB_MSG_OPEN_ROUTE:
    case CB_MSG_CLOSE_ROUTE:
    case CB_MSG_COMMAND:
    case CB_MSG_CLOSE_JOBS:
        question->job = job;
        break;
    case CB_MSG_WAIT:
    case CB_MSG_CANCEL_JOB:
        question->route = (uint32_t)job;
        question->connection = (uint32_t)(job >> 32);
        break;
    default:
        break;
    }
}

static inline cb_buffer *cb_message_payload(const cb_message *message)
{
    return (cb_buffer *)(uintptr_t)message->payload;
}

static inline uint64_t cb_payload_handle(cb_buffer *buffer)
{
    return (uint64_t)(uintptr_t)buffer;
}

#endif
