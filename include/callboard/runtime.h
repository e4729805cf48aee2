/* The actors as seen from outside: routes, jobs, questions and waits.
 *
 * A runtime owns the supervisor and every actor. Each thread that uses it holds one cb_asker (a
 * pair of queues to the supervisor). main opens its own; an actor that runs a job gets one with the
 * job. Every call below is one message to the supervisor and one answer. The answer reflects every
 * message that was sent before the question and that the asker could have learned of in any way.
 * Meanwhile the caller's thread does the supervisor's work, if no other thread does: for its own
 * message and for messages of other threads, some thousand at most.
 *
 * Ids: positive, counting up from 1 in each namespace (a small number that the host gives each
 * plugin), never used twice in a process.
 * Threads: a cb_asker belongs to one thread at a time; any thread may use the runtime itself. The
 * thread that runs the supervisor at that moment starts an actor's thread, which inherits its
 * priority.
 * Cancellation: no call is a cancellation point. A thread that is canceled (pthread_cancel) in a
 * call goes on to the call's end, with its answer. The next cancellation point outside ends it, and
 * a cleanup handler closes its asker. So a cancellation does not end a wait; cb_runtime_shutdown
 * does. Forbidden: asynchronous cancellation (PTHREAD_CANCEL_ASYNCHRONOUS); to cancel an actor's
 * thread; to leave the job function by pthread_exit or longjmp.
 * Fork: any thread may fork, also in a callback. The child has none of the runtime's threads, and
 * it may have locks that no thread will give back. So the child calls nothing of this library, and
 * ends by exec or _exit. It must not call exit, because destructors of plugins would wait for such
 * locks. Exec closes every descriptor of the runtime. posix_spawn, system and popen keep all this.
 * Errors: CB_UNKNOWN (no such id), CB_CLOSED, CB_LIMIT, CB_STOPPED (the caller's own job was
 * interrupted: return at once), CB_NOT_COMPLETE, CB_NO_RESULT, CB_FORMAT, CB_IO, CB_NO_MEMORY.
 * A waiting call ends with its job, and with its asker: nothing is kept for a caller that is gone.
 * A close or a cancel that it has begun goes on.
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
 * questions whose answers are bytes; an empty answer is NULL. */
typedef struct cb_question {
    cb_question_kind what;
    int64_t id;
    cb_status status; /* out: CB_OK or CB_UNKNOWN */
    int64_t value;    /* out */
    cb_buffer *bytes; /* out */
} cb_question;

typedef struct cb_route_options {
    uint32_t kind;        /* a cb_route_kind with its flags */
    const char *callback; /* its name, as the question ROUTE_CALLBACK answers it; copied */
    int64_t entry;        /* passed to the job function, which finds the callback by it */
    int32_t timeout_ms;   /* the callback's limit: -1 none, otherwise 0.. */
    uint16_t port;        /* 0: the system picks one */
    bool shared;          /* one such route serves the namespace; if one is open its id is given */
} cb_route_options;

typedef struct cb_job_options {
    int64_t route_id;   /* the route whose port is dialled */
    cb_buffer *request; /* taken over, also on failure; NULL is empty */
    int32_t timeout_ms; /* for connect, send and receive together: -1 none, otherwise 0.. */
} cb_job_options;

/* Special route ids for cb_job_start. */
#define CB_START_ALONE INT64_C(0)  /* no route: the job has its own entry */
#define CB_START_ONLY  INT64_C(-1) /* the namespace's one open route */

typedef struct cb_start_options {
    int64_t route_id;   /* a route of kind LOCAL, or one of the two above */
    int64_t entry;      /* without a route: passed to the job function */
    cb_buffer *request; /* taken over, also on failure; NULL is empty */
    int32_t timeout_ms; /* the callback's limit: -1 none, otherwise 0..; with a route: the smaller
                           of this and the route's limit */
} cb_start_options;

/* A command for a route's actor. Each kind of route defines its numbers, and the values and
 * payloads that go with them. */
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
    void *thread_state; /* the result of `thread_begin` on this thread */
    int64_t entry;      /* as given when the route was opened, or with the request */
    cb_buffer *request; /* the job's own reference; the function may take it and set NULL */
    /* As in the messages of a trace. */
    uint64_t handle;    /* slot and generation */
    uint64_t cause;     /* the input that handed it out */
    uint32_t route_id;  /* 0: none */
    uint8_t name_space; /* the namespace of the route */
    /* out */
    cb_job_status status; /* SUCCESS, CALLBACK_REFUSED or CALLBACK_FAILED; ignored if interrupted */
    cb_buffer *result;    /* the response, or the error's text; NULL is empty; taken over */
} cb_job;

typedef struct cb_runtime_options {
    cb_limits limits;
    /* Runs one callback to its end. Must call cb_asker_check at least every 500 us of its own work,
     * and return soon when the result is not CB_OK. */
    void (*run_job)(void *user, cb_job *job);
    /* Called once on each actor thread that runs jobs; both may be NULL. */
    void *(*thread_begin)(void *user);
    void (*thread_end)(void *user, void *thread_state);
    void *user;
    const char *trace_path; /* record everything to this file, or NULL */
    struct cb_log *log;     /* events are written there, or NULL; must outlive the runtime */
    bool serves_metrics;    /* as text for Prometheus, at http://127.0.0.1:<metrics_port>/metrics */
    uint16_t metrics_port;  /* 0: the system picks one */
    const char *metrics_hosts; /* host names under which metrics may be requested, beside addresses
                                  and localhost; separated by commas or blanks; or NULL. Copied.
                                  CB_INVALID if one is not a host name */
    cb_inherited *inherited; /* sockets that routes may take over, or NULL; outlives the runtime */
} cb_runtime_options;

/* Starts the supervisor. Copies all options. */
CB_PUBLIC cb_status cb_runtime_start(const cb_runtime_options *options, cb_runtime **runtime,
                                     cb_error *error);
/* The port where metrics are served; 0: nowhere. */
CB_PUBLIC uint16_t cb_runtime_metrics_port(const cb_runtime *runtime);
/* Names a namespace for traces and messages; 1..255. The name is copied. */
CB_PUBLIC cb_status cb_runtime_name_space(cb_runtime *runtime, uint8_t name_space, const char *name,
                                          cb_error *error);
/* Begins the shutdown that SIGTERM asks for: routes stop accepting and answer State 0, accepted
 * requests are finished, waits end at once as if their time were up. Idempotent; from any thread,
 * not from a signal handler. */
CB_PUBLIC void cb_runtime_shutdown(cb_runtime *runtime);
/* Shuts down if that has not begun, lets accepted requests finish for limits.grace_ms, interrupts
 * jobs that still run, joins every thread and frees the runtime (*runtime becomes NULL). All askers
 * must be closed. CB_TIMEOUT if something had to be cut off, CB_IO if the trace could not be
 * written. */
CB_PUBLIC cb_status cb_runtime_stop(cb_runtime **runtime, cb_error *error);

CB_PUBLIC cb_status cb_asker_open(cb_runtime *runtime, cb_asker **asker, cb_error *error);
/* Closes an asker. Questions that are not answered yet are forgotten. */
CB_PUBLIC void cb_asker_close(cb_asker **asker);

/* Sends this thread's overdue reports, and says whether to stop: CB_OK, or CB_STOPPED once the
 * thread's job was interrupted (time limit, shutdown). It costs a clock read when there is nothing
 * to do. */
CB_PUBLIC cb_status cb_asker_check(cb_asker *asker);
/* Why the check returns CB_STOPPED: the status that the job will complete with (its time limit:
 * CALLBACK_TIMEOUT, the end of the shutdown's grace: CANCELED); PENDING if it does not return
 * that. */
CB_PUBLIC cb_job_status cb_asker_stop_reason(const cb_asker *asker);
/* Call it before foreign code that may block without calling back: jobs that wait behind the
 * running one are given back, so that another actor takes them. */
CB_PUBLIC void cb_asker_before_block(cb_asker *asker);

CB_PUBLIC cb_status cb_route_open(cb_asker *asker, uint8_t name_space,
                                  const cb_route_options *options, int64_t *route_id,
                                  cb_error *error);
/* Closes a route and waits until running callbacks have finished; inside a callback it does not
 * wait. *canceled = queued requests canceled now; 0 for a route that is closed already. */
CB_PUBLIC cb_status cb_route_close(cb_asker *asker, uint8_t name_space, int64_t route_id,
                                   int64_t *canceled);

/* The same, but says whether this was the first close: *first = 1, or 0 if another came before it;
 * of several at once exactly one is the first. It waits only if `waits`. */
CB_PUBLIC cb_status cb_route_close_once(cb_asker *asker, uint8_t name_space, int64_t route_id,
                                        bool waits, int *first);

/* Has the route's actor carry out a command, and waits for its answer. The supervisor passes both
 * on, so they are in the trace and in order with all other messages. CB_UNKNOWN (no such route),
 * CB_CLOSED (it closed before the actor answered), CB_UNSUPPORTED (not for this kind), CB_LIMIT,
 * CB_STOPPED, or the actor's status. */
CB_PUBLIC cb_status cb_route_command(cb_asker *asker, uint8_t name_space, const cb_command *command,
                                     cb_reply *reply);

struct cb_tls_provider;
struct cb_tls_context;
/* From now on a route's connections speak TLS, with a server's context. Client exchanges to the
 * route do so too, and accept no other certificate. Takes over one reference to the context, also
 * on failure; the provider must outlive the runtime. After a later call, connections that are
 * accepted from then on use the new context. */
CB_PUBLIC cb_status cb_route_set_tls(cb_asker *asker, uint8_t name_space, int64_t route_id,
                                     const struct cb_tls_provider *provider,
                                     struct cb_tls_context *context, cb_error *error);

/* Answers all `count` questions (1..64) from the same state. CB_OK if all were asked: look at each
 * question's status. CB_STOPPED, CB_IO or CB_NO_MEMORY leave them unanswered. */
CB_PUBLIC cb_status cb_ask(cb_asker *asker, uint8_t name_space, cb_question *questions,
                           size_t count);
/* Waits. timeout_ms: -1 none. *happened = 1, or 0 when the time passed or a shutdown began. */
CB_PUBLIC cb_status cb_wait(cb_asker *asker, uint8_t name_space, cb_wait_kind what, int64_t id,
                            int32_t timeout_ms, int *happened);

/* Begins a client exchange. On a closed route the job completes at once (connect failed). CB_LIMIT
 * (too many jobs wait to be taken), CB_NO_MEMORY (also when three quarters of the memory budget are
 * used, because a job may keep its memory for long). */
CB_PUBLIC cb_status cb_job_begin(cb_asker *asker, uint8_t name_space, const cb_job_options *options,
                                 int64_t *job_id);
/* Begins a job that runs a callback in this process: in the order of the calls, at the same time as
 * other jobs. Its result is what the callback left, and waits to be taken. CB_CLOSED (the route, or
 * the namespace's jobs, are closed), CB_MISMATCH (CB_START_ONLY, and not exactly one route is
 * open), CB_LIMIT (too many jobs wait to be taken, or too many wait to run on the route),
 * CB_NO_MEMORY as for cb_job_begin. */
CB_PUBLIC cb_status cb_job_start(cb_asker *asker, uint8_t name_space,
                                 const cb_start_options *options, int64_t *job_id);
/* Cancels a job that was started by cb_job_start and whose callback has not begun: *canceled = 1,
 * and it completes with CANCELED. Otherwise *canceled = 0, and nothing changes. */
CB_PUBLIC cb_status cb_job_cancel(cb_asker *asker, uint8_t name_space, int64_t job_id,
                                  int *canceled);
/* From now on cb_job_start without a route returns CB_CLOSED in this namespace. Such jobs that have
 * not begun are canceled (*canceled: how many). Running jobs go on; results of completed jobs can
 * be taken. */
CB_PUBLIC cb_status cb_jobs_close(cb_asker *asker, uint8_t name_space, int64_t *canceled);

/* Takes a completed job's result and forgets the job. With `as_text`, a result that holds a NUL
 * byte is CB_FORMAT and the job stays. A failed job: CB_NO_RESULT, *result is its error's text,
 * *status its status, and the job is gone. Otherwise *result may be NULL: empty. */
CB_PUBLIC cb_status cb_job_take(cb_asker *asker, uint8_t name_space, int64_t job_id, bool as_text,
                                cb_buffer **result, int *status);

#ifdef __cplusplus
}
#endif
#endif
