/* The verbs about requests that the script itself sends: beginning, waiting, taking, asking. */
#include <string.h>

#include "callboard/asyncmeta.h"
#include "plugins/callback_tcp_listener/callbacktcp.h"

/* -- beginning -- */

/* Begins the exchange that args (listener, bytes, timeoutMs) ask for. */
static cb_status begin(cb_call *call, int64_t *job_id)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_ctcp_timeout(call, 2, &timeout_ms);
    if (status != CB_OK)
        return status;

    cb_buffer *request = NULL;
    if (call->args[1].size > 0) {
        request = call->host->argument_buffer(call, 1);
        if (request == NULL)
            return CB_NO_MEMORY;
    }
    const cb_job_options options = {
        .route_id = call->args[0].integer,
        .request = request,
        .timeout_ms = timeout_ms,
    };
    status = call->host->job_begin(call, &options, job_id);
    if (status == CB_LIMIT)
        return call->host->fail(call, status,
                                "too many requests are begun and not taken "
                                "(CALLBOARD_MAX_UNTAKEN)");
    return cb_ctcp_route_error(call, status);
}

cb_status cb_ctcp_begin_request(cb_call *call)
{
    int64_t job_id = 0;
    cb_status status = begin(call, &job_id);
    call->result.integer = job_id;
    return status;
}

/* -- taking -- */

enum {
    CAUSE_MAX = 4096 /* bytes of a cause that a runtime error repeats */
};

/* The error of a job that failed and is gone: `subject` and its id, the status's text, the cause.
 */
static cb_status fail_with_cause(cb_call *call, const char *subject, int64_t id, int job_status,
                                 const cb_buffer *cause)
{
    const cb_host *host = call->host;
    const char *text = host->job_status_text(job_status);
    if (cause == NULL || cause->size == 0)
        return host->fail(call, CB_NO_RESULT, "%s %lld failed: %s", subject, (long long)id, text);
    int size = cause->size < CAUSE_MAX ? (int)cause->size : CAUSE_MAX;
    return host->fail(call, CB_NO_RESULT, "%s %lld failed: %s: %.*s", subject, (long long)id, text,
                      size, (const char *)cause->data);
}

static cb_status take(cb_call *call, bool as_text)
{
    int64_t id = call->args[0].integer;
    cb_buffer *result = NULL;
    int job_status = CB_JOB_SUCCESS;
    cb_status status = call->host->job_take(call, id, as_text, &result, &job_status);
    if (status == CB_OK)
        return call->host->return_buffer(call, result);
    if (status == CB_NO_RESULT)
        status = fail_with_cause(call, "request", id, job_status, result);
    else if (status == CB_FORMAT)
        status = call->host->fail(call, status,
                                  "the response of request %lld holds a NUL byte; "
                                  "callbacktcp.TakeBlob takes it",
                                  (long long)id);
    else
        status = cb_ctcp_job_error(call, status);
    call->host->buffer_release(result);
    return status;
}

cb_status cb_ctcp_take_text(cb_call *call)
{
    return take(call, true);
}

cb_status cb_ctcp_take_blob(cb_call *call)
{
    return take(call, false);
}

/* -- beginning, waiting and taking in one -- */

/* Connect failed says little when the script's own listener is closed; say that instead. */
static cb_status fail_request(cb_call *call, int job_status, const cb_buffer *cause)
{
    if (job_status == CB_JOB_CONNECT_FAILED) {
        int64_t state = CB_META_RouteStateClosed;
        cb_status status = cb_ctcp_ask_route(call, CB_ASK_ROUTE_STATE, &state);
        if (status != CB_OK)
            return status;
        if (state == CB_META_RouteStateClosed)
            return cb_ctcp_route_error(call, CB_CLOSED);
    }
    return fail_with_cause(call, "the request to listener", call->args[0].integer, job_status,
                           cause);
}

/* Nobody else has the job's id, so whatever its end, it is taken here. */
static cb_status take_response(cb_call *call, int64_t job_id, bool as_text)
{
    const cb_host *host = call->host;
    cb_buffer *result = NULL;
    int job_status = CB_JOB_SUCCESS;
    cb_status status = host->job_take(call, job_id, as_text, &result, &job_status);
    if (status == CB_OK)
        return host->return_buffer(call, result);
    if (status == CB_FORMAT) {
        host->buffer_release(result);
        result = NULL;
        status = host->job_take(call, job_id, false, &result, &job_status);
        if (status == CB_OK)
            status = host->fail(call, CB_FORMAT,
                                "the response holds a NUL byte; callbacktcp.RequestBlob takes it");
    } else if (status == CB_NO_RESULT) {
        status = fail_request(call, job_status, result);
    }
    host->buffer_release(result);
    return status;
}

static cb_status request(cb_call *call, bool as_text)
{
    int64_t job_id = 0;
    cb_status status = begin(call, &job_id);
    if (status != CB_OK)
        return status;

    int happened = 0; /* the exchange has its own limit, so the wait needs none */
    status = call->host->wait(call, CB_WAIT_JOB_COMPLETE, job_id, -1, &happened);
    if (status == CB_LIMIT)
        return cb_ctcp_too_many_waits(call);
    if (status != CB_OK)
        return status;
    if (!happened)
        return call->host->fail(call, CB_TIMEOUT,
                                "the shutdown began before listener %lld answered",
                                (long long)call->args[0].integer);
    return take_response(call, job_id, as_text);
}

cb_status cb_ctcp_request_text(cb_call *call)
{
    return request(call, true);
}

cb_status cb_ctcp_request_blob(cb_call *call)
{
    return request(call, false);
}

cb_status cb_ctcp_wait_complete(cb_call *call)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_ctcp_timeout(call, 1, &timeout_ms);
    if (status != CB_OK)
        return status;
    int happened = 0;
    status =
        call->host->wait(call, CB_WAIT_JOB_COMPLETE, call->args[0].integer, timeout_ms, &happened);
    if (status == CB_LIMIT)
        return cb_ctcp_too_many_waits(call);
    if (status != CB_OK)
        return cb_ctcp_job_error(call, status);
    call->result.integer = happened;
    return CB_OK;
}

/* -- asking -- */

/* One handler for each question whose answer is the verb's value. */
#define DEFINE_QUESTION(function, what)                                                            \
    cb_status cb_ctcp_##function(cb_call *call)                                                    \
    {                                                                                              \
        return cb_ctcp_ask_job(call, CB_ASK_JOB_##what, &call->result.integer);                    \
    }
DEFINE_QUESTION(phase, PHASE)
DEFINE_QUESTION(status, STATUS)
DEFINE_QUESTION(job_route, ROUTE)
DEFINE_QUESTION(job_timeout, TIMEOUT)
DEFINE_QUESTION(job_known, KNOWN)
DEFINE_QUESTION(has_blob_result, HAS_RESULT)
DEFINE_QUESTION(blob_result_size, RESULT_SIZE)

cb_status cb_ctcp_phase_text(cb_call *call)
{
    static const char *const texts[] = {
        [CB_PHASE_QUEUED] = "queued",
        [CB_PHASE_RUNNING] = "running",
        [CB_PHASE_COMPLETED] = "completed",
    };
    int64_t phase = 0;
    cb_status status = cb_ctcp_ask_job(call, CB_ASK_JOB_PHASE, &phase);
    if (status != CB_OK)
        return status;
    const char *text = phase >= 0 && phase <= CB_PHASE_COMPLETED ? texts[phase] : "unknown";
    return call->host->return_bytes(call, text, strlen(text));
}

cb_status cb_ctcp_status_text(cb_call *call)
{
    int64_t job_status = 0;
    cb_status status = cb_ctcp_ask_job(call, CB_ASK_JOB_STATUS, &job_status);
    if (status != CB_OK)
        return status;
    const char *text = call->host->job_status_text((int)job_status);
    return call->host->return_bytes(call, text, strlen(text));
}

cb_status cb_ctcp_error_text(cb_call *call)
{
    return cb_ctcp_return_bytes_of_job(call, CB_ASK_JOB_ERROR_TEXT);
}

cb_status cb_ctcp_job_meta(cb_call *call)
{
    static const cb_question_kind questions[] = {
        [CB_META_JobMetaPhase] = CB_ASK_JOB_PHASE,
        [CB_META_JobMetaStatus] = CB_ASK_JOB_STATUS,
        [CB_META_JobMetaRoute] = CB_ASK_JOB_ROUTE,
        [CB_META_JobMetaTimeout] = CB_ASK_JOB_TIMEOUT,
        [CB_META_JobMetaKnown] = CB_ASK_JOB_KNOWN,
        [CB_META_JobMetaHasBlobResult] = CB_ASK_JOB_HAS_RESULT,
        [CB_META_JobMetaBlobResultSize] = CB_ASK_JOB_RESULT_SIZE,
    };
    int64_t key = call->args[1].integer;
    if (key < CB_META_JobMetaPhase || key > CB_META_JobMetaBlobResultSize)
        return call->host->fail(call, CB_INVALID, "no JobMeta key %lld; the keys are %d..%d",
                                (long long)key, CB_META_JobMetaPhase,
                                CB_META_JobMetaBlobResultSize);
    return cb_ctcp_ask_job(call, questions[key], &call->result.integer);
}
