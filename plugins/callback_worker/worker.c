/* The verbs of callbackworker that its family does not share: starting, awaiting and ending jobs.
 */
#include "plugins/callback_worker/worker.h"

#include "plugins/family/family.h"

/* Args (callback, bytes, timeoutMs); the bytes go along as they are, text or blob. */
cb_status cb_worker_start(cb_call *call)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_family_timeout(call, 2, &timeout_ms);
    if (status != CB_OK)
        return status;
    const cb_start_options options = {
        .route_id = CB_START_ALONE,
        .entry = call->args[0].integer,
        .timeout_ms = timeout_ms,
    };
    status = cb_family_start(call, &options, 1);
    if (status == CB_CLOSED)
        return call->host->fail(call, status, "callbackworker is closed");
    if (status == CB_LIMIT)
        return call->host->fail(call, status,
                                "too many jobs are started and not taken "
                                "(CALLBOARD_MAX_UNTAKEN)");
    return status;
}

/* Waiting and taking in one. With many jobs in flight the oldest one has mostly completed already:
 * taking first then saves a question. A job that does not complete in time goes on, and stays. */
cb_status cb_worker_wait(cb_call *call)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_family_timeout(call, 1, &timeout_ms);
    if (status == CB_OK)
        status = cb_family_take_if_complete(call, false);
    if (status != CB_NOT_COMPLETE)
        return status;
    status = cb_family_wait_complete(call);
    if (status != CB_OK)
        return status;
    if (call->result.integer != 0)
        return cb_family_take_blob(call);
    long long id = (long long)call->args[0].integer;
    if (call->args[1].integer < 0)
        return call->host->fail(call, CB_TIMEOUT, "the shutdown began before job %lld completed",
                                id);
    return call->host->fail(call, CB_TIMEOUT, "job %lld has not completed after %lld ms", id,
                            (long long)call->args[1].integer);
}

cb_status cb_worker_cancel(cb_call *call)
{
    int canceled = 0;
    cb_status status = call->host->job_cancel(call, call->args[0].integer, &canceled);
    if (status == CB_LIMIT)
        return cb_family_too_many_waits(call);
    call->result.integer = canceled;
    return cb_family_job_error(call, status);
}

cb_status cb_worker_close(cb_call *call)
{
    cb_status status = call->host->jobs_close(call, &call->result.integer);
    return status == CB_LIMIT ? cb_family_too_many_waits(call) : status;
}

cb_status cb_worker_job_info(cb_call *call)
{
    static const cb_family_field fields[] = {
        {"id", CB_ASK_NONE, CB_FAMILY_AS_NUMBER},
        {"phase", CB_ASK_JOB_PHASE, CB_FAMILY_AS_PHASE},
        {"status", CB_ASK_JOB_STATUS, CB_FAMILY_AS_NUMBER},
        {"statusText", CB_ASK_JOB_STATUS, CB_FAMILY_AS_JOB_STATUS},
        {"timeoutMs", CB_ASK_JOB_TIMEOUT, CB_FAMILY_AS_NUMBER},
        {"hasBlobResult", CB_ASK_JOB_HAS_RESULT, CB_FAMILY_AS_NUMBER},
        {"blobResultSize", CB_ASK_JOB_RESULT_SIZE, CB_FAMILY_AS_NUMBER},
        {"error", CB_ASK_JOB_ERROR_TEXT, CB_FAMILY_AS_BYTES},
    };
    return cb_family_info_of_job(call, fields, sizeof fields / sizeof fields[0]);
}
