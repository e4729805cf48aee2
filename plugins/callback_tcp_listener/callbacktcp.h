/* callbacktcp: what its files share. Every verb turns its arguments into one message to the
 * supervisor, and the answer into a value; nothing is kept here between two calls.
 */
#ifndef CALLBOARD_PLUGINS_CALLBACKTCP_H
#define CALLBOARD_PLUGINS_CALLBACKTCP_H

#include "callboard/plugin.h"

/* Reads args[index] as a time limit: -1, or 0..2147483647 ms; otherwise a runtime error. */
cb_status cb_ctcp_timeout(cb_call *call, uint32_t index, int32_t *timeout_ms);

/* The runtime errors for what a host function answered about args[0], a listener's or a request's
 * id. Codes that are not about the id are handed on. */
cb_status cb_ctcp_route_error(cb_call *call, cb_status status);
cb_status cb_ctcp_job_error(cb_call *call, cb_status status);

/* The runtime error for a wait that the supervisor has no room for. */
cb_status cb_ctcp_too_many_waits(cb_call *call);

/* Asks one question about args[0]. An unknown id is a runtime error. */
cb_status cb_ctcp_ask_route(cb_call *call, cb_question_kind what, int64_t *value);
cb_status cb_ctcp_ask_job(cb_call *call, cb_question_kind what, int64_t *value);
/* The same for the two questions that give bytes, which become the verb's result. */
cb_status cb_ctcp_return_bytes_of_route(cb_call *call, cb_question_kind what);
cb_status cb_ctcp_return_bytes_of_job(cb_call *call, cb_question_kind what);

/* X(function): the verbs' handlers, by file. */
#define CB_CTCP_ROUTE_HANDLERS(X)                                                                  \
    X(capabilities)                                                                                \
    X(open)                                                                                        \
    X(enable_tls)                                                                                  \
    X(open_count)                                                                                  \
    X(close)                                                                                       \
    X(port)                                                                                        \
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
#define CB_CTCP_JOB_HANDLERS(X)                                                                    \
    X(request_text)                                                                                \
    X(request_blob)                                                                                \
    X(begin_request)                                                                               \
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
#define CB_CTCP_INFO_HANDLERS(X)                                                                   \
    X(route_info)                                                                                  \
    X(job_info)                                                                                    \
    X(close_info)

#define CB_CTCP_DECLARE(function) cb_verb_fn cb_ctcp_##function;
CB_CTCP_ROUTE_HANDLERS(CB_CTCP_DECLARE)
CB_CTCP_JOB_HANDLERS(CB_CTCP_DECLARE)
CB_CTCP_INFO_HANDLERS(CB_CTCP_DECLARE)
#undef CB_CTCP_DECLARE

#endif
