/* The calls of an asker about jobs: beginning, canceling and taking them. */
#include "actors/base/budget.h"
#include "actors/core/asker.h"

cb_status cb_job_begin(cb_asker *asker, uint8_t name_space, const cb_job_options *options,
                       int64_t *job_id)
{
    if (!cb_is_timeout(options->timeout_ms) || options->route_id < 1 ||
        options->route_id > UINT32_MAX) {
        cb_buffer_release(options->request);
        return cb_is_timeout(options->timeout_ms) ? CB_UNKNOWN : CB_INVALID;
    }
    if (!cb_budget_has_room(CB_BUDGET_TO_BEGIN)) {
        cb_buffer_release(options->request);
        return CB_NO_MEMORY;
    }
    cb_message message = {.kind = CB_MSG_BEGIN_JOB,
                          .name_space = name_space,
                          .flags = CB_FLAG_CLIENT,
                          .route = (uint32_t)options->route_id,
                          .value = options->timeout_ms,
                          .payload = cb_payload_handle(options->request)};
    cb_status status = cb_asker_ask(asker, &message, 1, false);
    if (status != CB_OK)
        return status;
    *job_id = message.value;
    return message.status;
}

cb_status cb_job_take(cb_asker *asker, uint8_t name_space, int64_t job_id, bool as_text,
                      cb_buffer **result, int *job_status)
{
    *result = NULL;
    *job_status = CB_JOB_PENDING;
    if (job_id < 1)
        return CB_UNKNOWN;
    cb_message message = {.kind = CB_MSG_TAKE_JOB,
                          .name_space = name_space,
                          .flags = as_text ? CB_FLAG_AS_TEXT : 0,
                          .job = (uint64_t)job_id};
    cb_status status = cb_asker_ask(asker, &message, 1, false);
    if (status != CB_OK)
        return status;
    *result = cb_message_payload(&message);
    *job_status = (int)message.connection;
    return message.status;
}

cb_status cb_job_start(cb_asker *asker, uint8_t name_space, const cb_start_options *options,
                       int64_t *job_id)
{
    bool only = options->route_id == CB_START_ONLY;
    if (!cb_is_timeout(options->timeout_ms) ||
        (!only && (options->route_id < 0 || options->route_id >= CB_ROUTE_ONLY))) {
        cb_buffer_release(options->request);
        return cb_is_timeout(options->timeout_ms) ? CB_UNKNOWN : CB_INVALID;
    }
    if (!cb_budget_has_room(CB_BUDGET_TO_BEGIN)) {
        cb_buffer_release(options->request);
        return CB_NO_MEMORY;
    }
    cb_message message = {.kind = CB_MSG_BEGIN_JOB,
                          .name_space = name_space,
                          .route = only ? CB_ROUTE_ONLY : (uint32_t)options->route_id,
                          .job = (uint64_t)options->entry,
                          .value = options->timeout_ms,
                          .payload = cb_payload_handle(options->request)};
    cb_status status = cb_asker_ask(asker, &message, 1, false);
    if (status != CB_OK)
        return status;
    *job_id = message.value;
    return message.status;
}

cb_status cb_job_cancel(cb_asker *asker, uint8_t name_space, int64_t job_id, int *canceled)
{
    *canceled = 0;
    if (job_id < 1)
        return CB_UNKNOWN;
    cb_message message = {
        .kind = CB_MSG_CANCEL_JOB, .name_space = name_space, .job = (uint64_t)job_id};
    cb_status status = cb_asker_ask(asker, &message, 1, true);
    if (status != CB_OK)
        return status;
    *canceled = message.value != 0;
    return message.status;
}

cb_status cb_jobs_close(cb_asker *asker, uint8_t name_space, int64_t *canceled)
{
    *canceled = 0;
    cb_message message = {.kind = CB_MSG_CLOSE_JOBS, .name_space = name_space};
    cb_status status = cb_asker_ask(asker, &message, 1, true);
    if (status != CB_OK)
        return status;
    *canceled = message.value;
    return message.status;
}
