/* The verbs by which a script sends requests to its own listeners. */
#include <string.h>

#include "callboard/asyncmeta.h"
#include "plugins/callback_tcp_listener/request.h"
#include "plugins/family/family.h"

/* -- beginning -- */

/* Begins the exchange that args (listener, bytes, timeoutMs) ask for. */
static cb_status begin(cb_call *call, int64_t *job_id)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_family_timeout(call, 2, &timeout_ms);
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
    return cb_family_route_error(call, status);
}

cb_status cb_ctcp_begin_request(cb_call *call)
{
    int64_t job_id = 0;
    cb_status status = begin(call, &job_id);
    call->result.integer = job_id;
    return status;
}

/* -- beginning, waiting and taking in one -- */

/* Connect failed says little when the script's own listener is closed; say that instead. */
static cb_status fail_request(cb_call *call, int job_status, const cb_buffer *cause)
{
    if (job_status == CB_JOB_CONNECT_FAILED) {
        int64_t state = CB_META_RouteStateClosed;
        cb_status status = cb_family_ask_route(call, CB_ASK_ROUTE_STATE, &state);
        if (status != CB_OK)
            return status;
        if (state == CB_META_RouteStateClosed)
            return cb_family_route_error(call, CB_CLOSED);
    }
    return cb_family_fail_with_cause(call, "the request to listener", call->args[0].integer,
                                     job_status, cause);
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
        return cb_family_too_many_waits(call);
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
