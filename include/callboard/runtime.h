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
 * priority.
 * Cancellation: no call is a cancellation point. A thread that is canceled (pthread_cancel) in a
 * call goes on to the call's end, with its answer, and is canceled at the next cancellation point
 * outside; a cleanup handler closes its asker. A wait is so not ended: cb_runtime_shutdown ends it.
 * Forbidden: asynchronous cancellation (PTHREAD_CANCEL_ASYNCHRONOUS), and to cancel an actor's
 * thread, or to end it (pthread_exit, longjmp) out of the job function.
 * Fork: any thread may, also in a callback. The child has none of the runtime's threads, and
 * perhaps locks that nobody will give back. So it calls nothing of this library, and ends by exec
 * or _exit; exit is forbidden, because destructors of plugins would wait for such locks. Every
 * descriptor of the runtime is closed by exec. posix_spawn, system and popen keep all of this.
 * Errors: CB_UNKNOWN (no such id), CB_CLOSED, CB_LIMIT, CB_STOPPED (the caller's own job
 * was interrupted: return at once), CB_NOT_COMPLETE, CB_NO_RESULT, CB_FORMAT, CB_IO, CB_NO_MEMORY.
 */
#ifndef CALLBOARD_RUNTIME_H
#define CALLBOARD_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/buffer.h"
#include "callboard/job_status.h"
#include "callboard/kinds.h"
#include "callboard/limits.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One question and its answer. `bytes` (one reference, yours to release) is set only by the two
 * questions that give bytes; an empty answer is NULL. */
typedef struct cb_question {
    cb_question_kind what;
    int64_t id;
    cb_status status; /* out: CB_OK or CB_UNKNOWN */
    int64_t value;    /* out */
    cb_buffer *bytes; /* out */
} cb_question;

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
