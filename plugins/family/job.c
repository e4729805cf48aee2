/* The verbs about jobs: waiting, taking, asking. */
#include <string.h>

#include "callboard/asyncmeta.h"
#include "plugins/family/family.h"

/* -- waiting and taking -- */

cb_status cb_family_wait_complete(cb_call *call)
{
    int32_t timeout_ms = 0;
    cb_status status = cb_family_timeout(call, 1, &timeout_ms);
    if (status != CB_OK)
        return status;
    int happened = 0;
    status =
        call->host->wait(call, CB_WAIT_JOB_COMPLETE, call->args[0].integer, timeout_ms, &happened);
    if (status == CB_LIMIT)
        return cb_family_too_many_waits(call);
    if (status != CB_OK)
        return cb_family_job_error(call, status);
    call->result.integer = happened;
    return CB_OK;
}

enum {
    CAUSE_MAX = 4096 /* bytes of a cause that a runtime error repeats */
};

cb_status cb_family_fail_with_cause(cb_call *call, const char *subject, int64_t id, int job_status,
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

cb_status cb_family_take_if_complete(cb_call *call, bool as_text)
{
    int64_t id = call->args[0].integer;
    cb_buffer *result = NULL;
    int job_status = CB_JOB_SUCCESS;
    cb_status status = call->host->job_take(call, id, as_text, &result, &job_status);
    if (status == CB_OK)
        return call->host->return_buffer(call, result);
    if (status == CB_NO_RESULT)
        status = cb_family_fail_with_cause(call, cb_family_here.job, id, job_status, result);
    else if (status == CB_FORMAT)
        status = call->host->fail(call, status, "the %s of %s %lld holds a NUL byte; %s takes it",
                                  cb_family_here.result, cb_family_here.job, (long long)id,
                                  cb_family_here.take_blob);
    else if (status != CB_NOT_COMPLETE)
        status = cb_family_job_error(call, status);
    call->host->buffer_release(result);
    return status;
}

static cb_status take(cb_call *call, bool as_text)
{
    cb_status status = cb_family_take_if_complete(call, as_text);
    return status == CB_NOT_COMPLETE ? cb_family_job_error(call, status) : status;
}

cb_status cb_family_take_text(cb_call *call)
{
    return take(call, true);
}

cb_status cb_family_take_blob(cb_call *call)
{
    return take(call, false);
}

/* -- asking -- */

/* One handler for each question whose answer is the verb's value. */
#define DEFINE_QUESTION(function, what)                                                            \
    cb_status cb_family_##function(cb_call *call)                                                  \
    {                                                                                              \
        return cb_family_ask_job(call, CB_ASK_JOB_##what, &call->result.integer);                  \
    }
DEFINE_QUESTION(phase, PHASE)
DEFINE_QUESTION(status, STATUS)
DEFINE_QUESTION(job_route, ROUTE)
DEFINE_QUESTION(job_timeout, TIMEOUT)
DEFINE_QUESTION(job_known, KNOWN)
DEFINE_QUESTION(has_blob_result, HAS_RESULT)
DEFINE_QUESTION(blob_result_size, RESULT_SIZE)

cb_status cb_family_phase_text(cb_call *call)
{
    static const char *const texts[] = {
        [CB_PHASE_QUEUED] = "queued",
        [CB_PHASE_RUNNING] = "running",
        [CB_PHASE_COMPLETED] = "completed",
    };
    int64_t phase = 0;
    cb_status status = cb_family_ask_job(call, CB_ASK_JOB_PHASE, &phase);
    if (status != CB_OK)
        return status;
    const char *text = phase >= 0 && phase <= CB_PHASE_COMPLETED ? texts[phase] : "unknown";
    return call->host->return_bytes(call, text, strlen(text));
}

cb_status cb_family_status_text(cb_call *call)
{
    int64_t job_status = 0;
    cb_status status = cb_family_ask_job(call, CB_ASK_JOB_STATUS, &job_status);
    if (status != CB_OK)
        return status;
    const char *text = call->host->job_status_text((int)job_status);
    return call->host->return_bytes(call, text, strlen(text));
}

cb_status cb_family_error_text(cb_call *call)
{
    return cb_family_return_bytes_of_job(call, CB_ASK_JOB_ERROR_TEXT);
}

cb_status cb_family_job_meta(cb_call *call)
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
    return cb_family_ask_job(call, questions[key], &call->result.integer);
}
