/* Questions to the supervisor, and the runtime errors that its answers can mean. */
#include "plugins/family/family.h"

cb_status cb_family_timeout(cb_call *call, uint32_t index, int32_t *timeout_ms)
{
    int64_t value = call->args[index].integer;
    if (value < -1 || value > INT32_MAX)
        return call->host->fail(call, CB_INVALID,
                                "timeoutMs is %lld; it must be -1 or 0..2147483647",
                                (long long)value);
    *timeout_ms = (int32_t)value;
    return CB_OK;
}

cb_status cb_family_port_argument(cb_call *call, uint32_t index, uint16_t *port)
{
    int64_t value = call->argc > index ? call->args[index].integer : 0;
    if (value < 0 || value > UINT16_MAX)
        return call->host->fail(call, CB_INVALID, "port is %lld; it must be 0..65535",
                                (long long)value);
    *port = (uint16_t)value;
    return CB_OK;
}

cb_status cb_family_route_error(cb_call *call, cb_status status)
{
    long long id = (long long)call->args[0].integer;
    if (status == CB_UNKNOWN)
        return call->host->fail(call, status, "no %s %lld", cb_family_here.route, id);
    if (status == CB_CLOSED)
        return call->host->fail(call, status, "%s %lld is closed", cb_family_here.route, id);
    return status;
}

cb_status cb_family_job_error(cb_call *call, cb_status status)
{
    long long id = (long long)call->args[0].integer;
    if (status == CB_UNKNOWN)
        return call->host->fail(call, status, "no %s %lld", cb_family_here.job, id);
    if (status == CB_NOT_COMPLETE)
        return call->host->fail(call, status, "%s %lld has not completed", cb_family_here.job, id);
    return status;
}

cb_status cb_family_too_many_waits(cb_call *call)
{
    return call->host->fail(call, CB_LIMIT, "too many waits are open (CALLBOARD_MAX_WAITS)");
}

static cb_status ask(cb_call *call, cb_question *question)
{
    cb_status status = call->host->ask(call, question, 1);
    return status == CB_OK ? question->status : status;
}

cb_status cb_family_ask_route(cb_call *call, cb_question_kind what, int64_t *value)
{
    cb_question question = {.what = what, .id = call->args[0].integer};
    cb_status status = ask(call, &question);
    if (status != CB_OK)
        return cb_family_route_error(call, status);
    *value = question.value;
    return CB_OK;
}

cb_status cb_family_ask_job(cb_call *call, cb_question_kind what, int64_t *value)
{
    cb_question question = {.what = what, .id = call->args[0].integer};
    cb_status status = ask(call, &question);
    if (status != CB_OK)
        return cb_family_job_error(call, status);
    *value = question.value;
    return CB_OK;
}

cb_status cb_family_return_bytes_of_route(cb_call *call, cb_question_kind what)
{
    cb_question question = {.what = what, .id = call->args[0].integer};
    cb_status status = ask(call, &question);
    if (status != CB_OK)
        return cb_family_route_error(call, status);
    return call->host->return_buffer(call, question.bytes);
}

cb_status cb_family_return_bytes_of_job(cb_call *call, cb_question_kind what)
{
    cb_question question = {.what = what, .id = call->args[0].integer};
    cb_status status = ask(call, &question);
    if (status != CB_OK)
        return cb_family_job_error(call, status);
    return call->host->return_buffer(call, question.bytes);
}
