/* What the callback families (callbacktcp and those like it) share: the verbs about routes and
 * jobs. Every verb turns its arguments into one message to the supervisor, and the answer into a
 * value; nothing is kept here between two calls.
 *
 * A plugin of a family is a table of verbs whose handlers are mostly these, a few handlers of its
 * own, and one cb_family_here. It is listed in cmake/plugins.cmake, links this folder as an archive
 * and so takes in what its table names.
 */
#ifndef CALLBOARD_PLUGINS_FAMILY_H
#define CALLBOARD_PLUGINS_FAMILY_H

#include "callboard/plugin.h"

/* What differs between families: each plugin defines it once. */
typedef struct cb_family {
    uint32_t route_kind;            /* a cb_route_kind: what Open opens */
    int32_t capabilities;           /* what Capabilities answers */
    cb_question_kind closed_queued; /* what RouteClosedQueued asks; CB_ASK_NONE without that verb */
    const char *route;  /* how errors call a route: "no <route> 7", "<route> 7 is closed"; NULL in
                           a family that has none */
    const char *job;    /* and a job: "no <job> 7", "<job> 7 has not completed" */
    const char *result; /* and what a job leaves: "the <result> of <job> 7 ..." */
    const char *take_blob; /* the verb that takes results of any bytes, as scripts write it */
} cb_family;
extern const cb_family cb_family_here;

/* Reads args[index] as a time limit: -1, or 0..2147483647 ms; otherwise a runtime error. */
cb_status cb_family_timeout(cb_call *call, uint32_t index, int32_t *timeout_ms);

/* Reads args[index] as a port: 0..65535, and 0 where it was left out; otherwise a runtime error. */
cb_status cb_family_port_argument(cb_call *call, uint32_t index, uint16_t *port);

/* The runtime errors for what a host function answered about args[0], a route's or a job's id.
 * Codes that are not about the id are handed on. */
cb_status cb_family_route_error(cb_call *call, cb_status status);
cb_status cb_family_job_error(cb_call *call, cb_status status);

/* The runtime error for a wait that the supervisor has no room for. */
cb_status cb_family_too_many_waits(cb_call *call);

/* The runtime error of a job that failed and is gone: `subject` and its id, the status's text, and
 * the cause, which may be NULL. */
cb_status cb_family_fail_with_cause(cb_call *call, const char *subject, int64_t id, int job_status,
                                    const cb_buffer *cause);

/* Opens a route for args (callback, timeoutMs) and makes its id the verb's result. `kind` is a
 * cb_route_kind with what may be added to it. */
cb_status cb_family_open_at(cb_call *call, uint32_t kind, uint16_t port);

/* Takes the job of args[0] and makes its result the verb's, with a runtime error in all cases but
 * one: CB_NOT_COMPLETE is handed on. */
cb_status cb_family_take_if_complete(cb_call *call, bool as_text);

/* start.c. Starts a job with the bytes of args[request], the rest as `options` say (their request
 * is ignored), and makes its id the verb's result. What cb_job_start answers is handed on, for the
 * family to put in words. */
cb_status cb_family_start(cb_call *call, const cb_start_options *options, uint32_t request);

/* Asks one question about args[0]. An unknown id is a runtime error. */
cb_status cb_family_ask_route(cb_call *call, cb_question_kind what, int64_t *value);
cb_status cb_family_ask_job(cb_call *call, cb_question_kind what, int64_t *value);
/* The same for the two questions that give bytes, which become the verb's result. */
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

/* Makes `key=value` pairs about args[0] the verb's result, all from one and the same state. For
 * families that have other pairs than the verbs below; at most CB_FAMILY_FIELDS_MAX. */
cb_status cb_family_info_of_route(cb_call *call, const cb_family_field *fields, size_t count);
cb_status cb_family_info_of_job(cb_call *call, const cb_family_field *fields, size_t count);

/* X(function): the verbs' handlers, by file. Arguments: what the line says, otherwise (id). */
/* route.c. capabilities and open_count: none; open: (callback, timeoutMs); route_meta: (id, key);
 * wait_drained: (id, timeoutMs). close answers how many queued requests it canceled; close_once
 * and begin_close, which does not wait for what runs, 1 if this was the close and 0 if it was not
 * the first */
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

/* datagram.c, of routes whose requests are datagrams. open_datagrams: (callback, timeoutMs, port?)
 */
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
