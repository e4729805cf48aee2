/* The actors as seen from outside: routes, jobs, questions and waits.
 *
 * A runtime owns the supervisor and every actor. Each thread that wants something of it holds one
 * cb_asker (a pair of queues to the supervisor); main opens its own, an actor that runs a job is
 * given one with the job. Every call below is one message to the supervisor and one answer;
 * the answer reflects every message sent before the question, by whatever way the asker could have
 * learned of it. The caller's thread does the supervisor's work meanwhile, if nobody else does: its
 * own message's and what other threads sent, some thousand messages at the most.
 *
 * Ids: positive, counting up from 1 in each namespace (a small number the host gives each plugin),
 * never used twice in a process.
 * Threads: a cb_asker belongs to one thread at a time; the runtime itself may be used by all. An
 * actor's thread is begun by whichever thread runs the supervisor then, and takes over its
 * priority. Errors: CB_UNKNOWN (no such id), CB_CLOSED, CB_LIMIT, CB_STOPPED (the caller's own job
 * was interrupted: return at once), CB_NOT_COMPLETE, CB_NO_RESULT, CB_FORMAT, CB_IO, CB_NO_MEMORY.
 * A call that waits ends with its job, and with its asker: nothing is kept for a caller that is
 * gone. What it has begun, a close or a cancel, goes on.
 */
#ifndef CALLBOARD_RUNTIME_H
#define CALLBOARD_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/buffer.h"
#include "callboard/limits.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a job ended, as users see it: X(name, code, text). */
#define CB_JOB_STATUSES(X)                                                                         \
    X(PENDING, -1, "pending")                                                                      \
    X(SUCCESS, 0, "success")                                                                       \
    X(CONNECT_FAILED, 1, "connect failed")                                                         \
    X(SEND_FAILED, 2, "send failed")                                                               \
    X(RECEIVE_FAILED, 3, "receive failed")                                                         \
    X(TIMEOUT, 4, "timeout")                                                                       \
    X(CANCELED, 5, "canceled")                                                                     \
    X(CALLBACK_REFUSED, 6, "callback refused")                                                     \
    X(CALLBACK_FAILED, 7, "callback failed")                                                       \
    X(CALLBACK_TIMEOUT, 8, "callback timeout")                                                     \
    X(TLS_FAILED, 9, "tls failed")                                                                 \
    X(OVERLOADED, 10, "overloaded")                                                                \
    X(ROUTE_CLOSED, 11, "route closed")

typedef enum cb_job_status {
#define CB_JOB_STATUS_ENUM(name, code, text) CB_JOB_##name = (code),
    CB_JOB_STATUSES(CB_JOB_STATUS_ENUM)
#undef CB_JOB_STATUS_ENUM
} cb_job_status;

/* "unknown" for a number that is none. Never NULL. */
CB_PUBLIC const char *cb_job_status_text(int status);

typedef enum cb_phase {
    CB_PHASE_QUEUED = 0,
    CB_PHASE_RUNNING = 1,
    CB_PHASE_COMPLETED = 2
} cb_phase;

/* What stands behind a route. */
typedef enum cb_route_kind {
    CB_ROUTE_TCP = 1,        /* a listener: one request a connection */
    CB_ROUTE_HTTP = 2,       /* a listener: requests framed as HTTP/1.1 */
    CB_ROUTE_UDP = 3,        /* a port whose datagrams are requests, one at a time */
    CB_ROUTE_UDP_CLIENT = 4, /* a port that sends, and whose datagrams are replies */
    CB_ROUTE_LOCAL = 5,      /* no port: requests come from this process */
    CB_ROUTE_SOCKETS = 6,    /* long-lived connections; each event is a request */
    CB_ROUTE_LOOP = 7,       /* an event loop; each completion is a request */
    CB_ROUTE_KINDS
} cb_route_kind;

/* Added to a route's kind. */
enum {
    CB_ROUTE_ANY_ADDRESS = 0x40, /* every interface and not only loopback */
    CB_ROUTE_INHERITED = 0x80    /* `port` is the number of an inherited socket, 0 the first; see
                                    callboard/inherited.h */
};

/* What can be asked: X(name, about, text). `about` is ROUTE, JOB or NONE: what the id names.
 * All answers are numbers, but ROUTE_CALLBACK and JOB_ERROR_TEXT, which are bytes, and SNAPSHOT,
 * which is an object of the actors' own. */
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

/* One question and its answer. `bytes` (one reference, yours to release) is set only by the two
 * questions that give bytes; an empty answer is NULL. */
typedef struct cb_question {
    cb_question_kind what;
    int64_t id;
    cb_status status; /* out: CB_OK or CB_UNKNOWN */
    int64_t value;    /* out */
    cb_buffer *bytes; /* out */
} cb_question;

typedef enum cb_wait_kind {
    CB_WAIT_TIME = 0,         /* nothing but the time; the id is ignored */
    CB_WAIT_JOB_COMPLETE = 1, /* id: a job */
    CB_WAIT_ROUTE_DRAINED = 2 /* id: a route, open or closed */
} cb_wait_kind;

typedef struct cb_route_options {
    uint32_t kind;        /* a cb_route_kind and what is added to it */
    const char *callback; /* its name, as Route callback answers it; copied */
    int64_t entry;        /* what the job function is given to find the callback */
    int32_t timeout_ms;   /* the callback's limit: -1 none, otherwise 0.. */
    uint16_t port;        /* 0: the system picks one */
    bool shared;          /* one such route serves the namespace: if it is open its id is given */
} cb_route_options;

typedef struct cb_job_options {
    int64_t route_id;   /* the route whose port is dialled */
    cb_buffer *request; /* taken over, also on failure; NULL is empty */
    int32_t timeout_ms; /* for connect, send and receive together: -1 none, otherwise 0.. */
} cb_job_options;

/* Where cb_job_start is to find its callback. */
#define CB_START_ALONE INT64_C(0)  /* no route: the job has its own entry */
#define CB_START_ONLY  INT64_C(-1) /* the namespace's one open route */

typedef struct cb_start_options {
    int64_t route_id;   /* a route of kind LOCAL, or one of the two above */
    int64_t entry;      /* without a route: what the job function is given */
    cb_buffer *request; /* taken over, also on failure; NULL is empty */
    int32_t timeout_ms; /* the callback's limit: -1 none, otherwise 0..; with a route: the lesser of
                           this and the route's */
} cb_start_options;

/* What a route's actor is asked to do. The numbers and what goes with them are the kind's own. */
typedef struct cb_command {
    int64_t route_id;
    int32_t what;
    int64_t value;
    cb_buffer *payload; /* taken over, also on failure; NULL is empty */
} cb_command;

typedef struct cb_reply {
    int64_t value;
    cb_buffer *payload; /* yours to release, or NULL; after a failure the error's text */
} cb_reply;

struct cb_log; /* callboard/log.h */
typedef struct cb_runtime cb_runtime;
typedef struct cb_asker cb_asker;
typedef struct cb_inherited cb_inherited;

/* One callback on its actor's thread. */
typedef struct cb_job {
    cb_asker *asker;    /* for questions, waits and cb_asker_check; valid until the function ends */
    void *thread_state; /* what `thread_begin` gave on this thread */
    int64_t entry;      /* as given at the route's opening, or with the request */
    cb_buffer *request; /* the job's own reference; the function may take it by setting NULL */
    /* As messages in a trace have them. */
    uint64_t handle;    /* slot and generation */
    uint64_t cause;     /* the input that handed it out */
    uint32_t route_id;  /* 0: none */
    uint8_t name_space; /* whose the route is */
    /* out */
    cb_job_status status; /* SUCCESS, CALLBACK_REFUSED or CALLBACK_FAILED; ignored if interrupted */
    cb_buffer *result;    /* the response, or the error's text; NULL is empty; taken over */
} cb_job;

typedef struct cb_runtime_options {
    cb_limits limits;
    /* Runs one callback to its end. Must call cb_asker_check at least every 500 us of its own work
     * and return soon when that is not CB_OK. */
    void (*run_job)(void *user, cb_job *job);
    /* Called once on each actor thread that runs jobs; both may be NULL. */
    void *(*thread_begin)(void *user);
    void (*thread_end)(void *user, void *thread_state);
    void *user;
    const char *trace_path; /* record everything to this file, or NULL */
    struct cb_log *log;     /* what happens is told there, or NULL; must outlive the runtime */
    bool serves_metrics;    /* as text for Prometheus, at http://127.0.0.1:<metrics_port>/metrics */
    uint16_t metrics_port;  /* 0: the system picks one */
    cb_inherited *inherited; /* sockets that routes may take over, or NULL; outlives the runtime */
} cb_runtime_options;

/* Starts the supervisor. Owns copies of all options. */
CB_PUBLIC cb_status cb_runtime_start(const cb_runtime_options *options, cb_runtime **runtime,
                                     cb_error *error);
/* Where metrics are served; 0: nowhere. */
CB_PUBLIC uint16_t cb_runtime_metrics_port(const cb_runtime *runtime);
/* Names a namespace for traces and messages; 1..255. The name is copied. */
CB_PUBLIC cb_status cb_runtime_name_space(cb_runtime *runtime, uint8_t name_space, const char *name,
                                          cb_error *error);
/* Begins the shutdown that SIGTERM asks for: routes stop accepting and answer State 0, what was
 * accepted is finished, waits end at once as if their time were up. Idempotent; from any thread,
 * not from a signal handler. */
CB_PUBLIC void cb_runtime_shutdown(cb_runtime *runtime);
/* Shuts down if that has not begun, lets accepted requests finish for limits.grace_ms, interrupts
 * what still runs, joins every thread and frees the runtime (*runtime becomes NULL). All askers
 * must be closed. CB_TIMEOUT if something had to be cut off, CB_IO if the trace could not be
 * written. */
CB_PUBLIC cb_status cb_runtime_stop(cb_runtime **runtime, cb_error *error);

CB_PUBLIC cb_status cb_asker_open(cb_runtime *runtime, cb_asker **asker, cb_error *error);
/* What was asked and is not answered is forgotten. */
CB_PUBLIC void cb_asker_close(cb_asker **asker);

/* Sends what this thread owes, and tells whether to stop: CB_OK, or CB_STOPPED once the thread's
 * job was interrupted (time limit, shutdown). Costs a clock read when there is nothing to do. */
CB_PUBLIC cb_status cb_asker_check(cb_asker *asker);
/* Why the check says CB_STOPPED: what the job will complete with (its time limit: CALLBACK_TIMEOUT,
 * the end of the shutdown's grace: CANCELED); PENDING while it does not. */
CB_PUBLIC cb_job_status cb_asker_stop_reason(const cb_asker *asker);
/* To be called before foreign code that may block without calling back: jobs that wait behind the
 * running one are given back, so that another actor takes them. */
CB_PUBLIC void cb_asker_before_block(cb_asker *asker);

CB_PUBLIC cb_status cb_route_open(cb_asker *asker, uint8_t name_space,
                                  const cb_route_options *options, int64_t *route_id,
                                  cb_error *error);
/* Closes a route and waits until what runs has finished; asked from inside a callback it does not
 * wait. *canceled = queued requests canceled now; 0 for a route that is closed already. */
CB_PUBLIC cb_status cb_route_close(cb_asker *asker, uint8_t name_space, int64_t route_id,
                                   int64_t *canceled);

/* The same, but tells whether this was the close: *first = 1, or 0 if one came before it; of
 * several at once exactly one is the first. It waits only if `waits`. */
CB_PUBLIC cb_status cb_route_close_once(cb_asker *asker, uint8_t name_space, int64_t route_id,
                                        bool waits, int *first);

/* Has the route's actor carry out a command, and waits for what it says. The supervisor passes both
 * on, so they are in the trace and in order with all else. CB_UNKNOWN (no such route), CB_CLOSED
 * (it closed before the actor answered), CB_UNSUPPORTED (not this kind), CB_LIMIT, CB_STOPPED, or
 * what the actor answers. */
CB_PUBLIC cb_status cb_route_command(cb_asker *asker, uint8_t name_space, const cb_command *command,
                                     cb_reply *reply);

struct cb_tls_provider;
struct cb_tls_context;
/* Has a route's connections speak TLS from now on, with the context of a server; client exchanges
 * to the route do so too, and take no other certificate. Takes over one reference to the context,
 * also on failure; the provider must outlive the runtime. Again with another context: connections
 * accepted from now on use that one. */
CB_PUBLIC cb_status cb_route_set_tls(cb_asker *asker, uint8_t name_space, int64_t route_id,
                                     const struct cb_tls_provider *provider,
                                     struct cb_tls_context *context, cb_error *error);

/* Answers all `count` questions (1..64) from one and the same state. CB_OK if all were asked: look
 * at each one's status. CB_STOPPED, CB_IO or CB_NO_MEMORY leave them unanswered. */
CB_PUBLIC cb_status cb_ask(cb_asker *asker, uint8_t name_space, cb_question *questions,
                           size_t count);
/* timeout_ms: -1 none. *happened = 1, or 0 when the time passed or a shutdown began. */
CB_PUBLIC cb_status cb_wait(cb_asker *asker, uint8_t name_space, cb_wait_kind what, int64_t id,
                            int32_t timeout_ms, int *happened);

/* Begins a client exchange. On a route that is closed the job completes at once (connect failed).
 */
CB_PUBLIC cb_status cb_job_begin(cb_asker *asker, uint8_t name_space, const cb_job_options *options,
                                 int64_t *job_id);
/* Begins a job that runs a callback here: in the order of the calls, beside other jobs. Its result
 * is what the callback left, and waits to be taken. CB_CLOSED (the route, or the namespace's jobs,
 * are closed), CB_MISMATCH (CB_START_ONLY, and not exactly one route is open), CB_LIMIT (too many
 * jobs wait to be taken, or too many wait to run on the route). */
CB_PUBLIC cb_status cb_job_start(cb_asker *asker, uint8_t name_space,
                                 const cb_start_options *options, int64_t *job_id);
/* Cancels a job that was started by cb_job_start and whose callback has not begun: *canceled = 1,
 * and it completes with CANCELED. Otherwise 0, and nothing changes. */
CB_PUBLIC cb_status cb_job_cancel(cb_asker *asker, uint8_t name_space, int64_t job_id,
                                  int *canceled);
/* From now on cb_job_start without a route says CB_CLOSED in this namespace; such jobs that have
 * not begun are canceled (*canceled: how many). Those that run go on; what has completed can be
 * taken.
 */
CB_PUBLIC cb_status cb_jobs_close(cb_asker *asker, uint8_t name_space, int64_t *canceled);

/* Takes a completed job's result and forgets the job. With `as_text`, a result that holds a NUL
 * byte is CB_FORMAT and the job stays. A job that failed: CB_NO_RESULT, *result is its error's
 * text, *status its status, and the job is gone. Otherwise *result may be NULL: empty. */
CB_PUBLIC cb_status cb_job_take(cb_asker *asker, uint8_t name_space, int64_t job_id, bool as_text,
                                cb_buffer **result, int *status);

#ifdef __cplusplus
}
#endif
#endif
