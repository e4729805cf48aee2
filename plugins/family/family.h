/* The verbs about routes and jobs that the callback families (callbacktcp and similar plugins)
 * share. Every verb turns its arguments into one message to the supervisor, and the answer into a
 * value. Nothing is kept here between two calls.
 *
 * A plugin of a family is a table of verbs. Most handlers are from here, a few are its own; it also
 * defines one cb_family_here. It is listed in cmake/plugins.cmake and links this folder as an
 * archive, so it takes in only the functions that its table names.
 */
#ifndef CALLBOARD_PLUGINS_FAMILY_H
#define CALLBOARD_PLUGINS_FAMILY_H

#include "callboard/plugin.h"

/* The differences between families. Each plugin defines one. */
typedef struct cb_family {
    uint32_t route_kind;            /* a cb_route_kind: the kind that Open opens */
    int32_t capabilities;           /* the result of Capabilities */
    cb_question_kind closed_queued; /* the question of RouteClosedQueued; CB_ASK_NONE without it */
    const char *route;  /* the name of routes in errors: "no <route> 7", "<route> 7 is closed"; NULL
                           in a family that has none */
    const char *job;    /* the name of jobs: "no <job> 7", "<job> 7 has not completed" */
    const char *result; /* the name of results: "the <result> of <job> 7 ..." */
    const char *take_blob; /* the verb that takes results of any bytes, as written in scripts */
} cb_family;
extern const cb_family cb_family_here;

/* Reads args[index] as a time limit: -1, or 0..2147483647 ms; otherwise a runtime error. */
cb_status cb_family_timeout(cb_call *call, uint32_t index, int32_t *timeout_ms);

/* Reads args[index] as a port: 0..65535, or 0 if it was left out; otherwise a runtime error. */
cb_status cb_family_port_argument(cb_call *call, uint32_t index, uint16_t *port);

/* Raise the runtime error for a host function's status about args[0], the id of a route or a job.
 * Codes that are not about the id are returned unchanged. */
cb_status cb_family_route_error(cb_call *call, cb_status status);
cb_status cb_family_job_error(cb_call *call, cb_status status);

/* Raises the runtime error for a wait that the supervisor has no room for. */
cb_status cb_family_too_many_waits(cb_call *call);

/* Raises the runtime error of a job that failed and is gone: `subject` and its id, the status's
 * text, and the cause, which may be NULL. */
cb_status cb_family_fail_with_cause(cb_call *call, const char *subject, int64_t id, int job_status,
                                    const cb_buffer *cause);

/* Opens a route for args (callback, timeoutMs) and makes its id the verb's result. `kind` is a
 * cb_route_kind, perhaps with flags. */
cb_status cb_family_open_at(cb_call *call, uint32_t kind, uint16_t port);

/* Takes the job of args[0] and makes its result the verb's. Every failure is a runtime error,
 * except CB_NOT_COMPLETE, which is returned. */
cb_status cb_family_take_if_complete(cb_call *call, bool as_text);

/* start.c. Starts a job with the bytes of args[request] and makes its id the verb's result.
 * `options` has the rest; its request is ignored. The status of cb_job_start is returned, so that
 * the family can word the error. */
cb_status cb_family_start(cb_call *call, const cb_start_options *options, uint32_t request);

/* Asks one question about args[0]. An unknown id is a runtime error. */
cb_status cb_family_ask_route(cb_call *call, cb_question_kind what, int64_t *value);
cb_status cb_family_ask_job(cb_call *call, cb_question_kind what, int64_t *value);
/* The same for the two questions whose answers are bytes, which become the verb's result. */
cb_status cb_family_return_bytes_of_route(cb_call *call, cb_question_kind what);
cb_status cb_family_return_bytes_of_job(cb_call *call, cb_question_kind what);

/* One pair of an info text. */
typedef enum cb_family_format {
    CB_FAMILY_AS_NUMBER,
    CB_FAMILY_AS_BYTES,      /* the answer's bytes */
    CB_FAMILY_AS_STATE,      /* a route's state in words */
    CB_FAMILY_AS_BIND_MODE,  /* where a route listens, in words */
    CB_FAMILY_AS_PHASE,      /* a job's phase in words */
    CB_FAMILY_AS_JOB_STATUS, /* a job's status in words */
} cb_family_format;

typedef struct cb_family_field {
    const char *key;
    cb_question_kind what; /* CB_ASK_NONE: the id itself */
    cb_family_format format;
} cb_family_field;

enum { CB_FAMILY_FIELDS_MAX = 16 };

/* Makes `key=value` pairs about args[0] the verb's result, all from the same state. For families
 * whose pairs differ from the verbs below; at most CB_FAMILY_FIELDS_MAX. */
cb_status cb_family_info_of_route(cb_call *call, const cb_family_field *fields, size_t count);
cb_status cb_family_info_of_job(cb_call *call, const cb_family_field *fields, size_t count);

/* X(function): the verbs' handlers, by file. Arguments are (id), unless a comment says
 * otherwise. */
/* route.c. capabilities and open_count: none; open: (callback, timeoutMs); route_meta: (id, key);
 * wait_drained: (id, timeoutMs). close gives the number of queued requests that it canceled.
 * close_once and begin_close give 1 if this was the first close, otherwise 0; begin_close does not
 * wait for running callbacks */
#define CB_FAMILY_ROUTE_HANDLERS(X)                                                                \
    X(capabilities)                                                                                \
    X(open)                                                                                        \
    X(open_count)                                                                                  \
    X(close)                                                                                       \
    X(close_once)                                                                                  \
    X(begin_close)                                                                                 \
    X(port)                                                                                        \
    X(bind_mode)                                                                                   \
    X(bind_mode_text)                                                                              \
    X(state)                                                                                       \
    X(state_text)                                                                                  \
    X(route_callback)                                                                              \
    X(route_timeout)                                                                               \
    X(route_known)                                                                                 \
    X(route_meta)                                                                                  \
    X(active)                                                                                      \
    X(pending)                                                                                     \
    X(queued)                                                                                      \
    X(running)                                                                                     \
    X(drained)                                                                                     \
    X(wait_drained)                                                                                \
    X(close_accepted)                                                                              \
    X(closed_queued)
/* job.c. wait_complete: (id, timeoutMs); job_meta: (id, key) */
#define CB_FAMILY_JOB_HANDLERS(X)                                                                  \
    X(wait_complete)                                                                               \
    X(take_text)                                                                                   \
    X(take_blob)                                                                                   \
    X(phase)                                                                                       \
    X(phase_text)                                                                                  \
    X(status)                                                                                      \
    X(status_text)                                                                                 \
    X(error_text)                                                                                  \
    X(job_route)                                                                                   \
    X(job_timeout)                                                                                 \
    X(job_known)                                                                                   \
    X(job_meta)                                                                                    \
    X(has_blob_result)                                                                             \
    X(blob_result_size)
/* info.c */
#define CB_FAMILY_INFO_HANDLERS(X)                                                                 \
    X(route_info)                                                                                  \
    X(job_info)                                                                                    \
    X(close_info)

/* datagram.c: routes whose requests are datagrams. open_datagrams: (callback, timeoutMs, port?) */
#define CB_FAMILY_DATAGRAM_HANDLERS(X)                                                             \
    X(open_datagrams)                                                                              \
    X(handled)                                                                                     \
    X(dropped)

/* tls.c. (id, certFile, keyFile) */
#define CB_FAMILY_TLS_HANDLERS(X) X(enable_tls)

#define CB_FAMILY_DECLARE(function) cb_verb_fn cb_family_##function;
CB_FAMILY_ROUTE_HANDLERS(CB_FAMILY_DECLARE)
CB_FAMILY_JOB_HANDLERS(CB_FAMILY_DECLARE)
CB_FAMILY_INFO_HANDLERS(CB_FAMILY_DECLARE)
CB_FAMILY_DATAGRAM_HANDLERS(CB_FAMILY_DECLARE)
CB_FAMILY_TLS_HANDLERS(CB_FAMILY_DECLARE)
#undef CB_FAMILY_DECLARE

#endif
