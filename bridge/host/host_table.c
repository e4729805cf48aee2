/* The table of functions that plugins are given: values by the machine, actors by the runtime's
 * calls on behalf of the thread that runs the verb. */
#include <string.h>

#include "bridge/host/output.h"
#include "bridge/host/script_internal.h"
#include "callboard/tls.h"

static cb_status print(cb_call *call, const void *bytes, size_t size)
{
    cb_error error = {0};
    cb_status status = cb_output_print(bytes, size, &error);
    if (status != CB_OK)
        return call->host->fail(call, status, "%s", error.text);
    cb_vm_charge(cb_call_vm(call), size);
    return CB_OK;
}

/* Who asks the actors something may wait for the answer: what it printed shall be seen by then. A
 * failure is remembered and told to the next print. */
static cb_asker *asker_of(cb_call *call)
{
    (void)cb_output_flush(NULL);
    return cb_script_thread_of(call)->asker;
}

static cb_status route_open(cb_call *call, const cb_route_options *options, int64_t *route_id,
                            cb_error *error)
{
    cb_script *script = cb_script_thread_of(call)->script;
    cb_route_options chosen = *options;
    bool inherits = cb_inherited_choose(script->inherited, &chosen);
    cb_status status =
        cb_route_open(asker_of(call), cb_call_name_space(call), &chosen, route_id, error);
    if (status == CB_OK)
        atomic_store(&script->has_routes, true);
    else if (inherits)
        cb_inherited_give_back(script->inherited, &chosen);
    return status;
}

static cb_status route_close(cb_call *call, int64_t route_id, int64_t *canceled)
{
    return cb_route_close(asker_of(call), cb_call_name_space(call), route_id, canceled);
}

static cb_status route_close_once(cb_call *call, int64_t route_id, bool waits, int *first)
{
    return cb_route_close_once(asker_of(call), cb_call_name_space(call), route_id, waits, first);
}

static cb_status ask(cb_call *call, cb_question *questions, size_t count)
{
    return cb_ask(asker_of(call), cb_call_name_space(call), questions, count);
}

static cb_status wait_for(cb_call *call, cb_wait_kind what, int64_t id, int32_t timeout_ms,
                          int *happened)
{
    const cb_script_thread *thread = cb_script_thread_of(call);
    /* A main that sleeps has opened what it wants to open. */
    if (what == CB_WAIT_TIME && thread->runs_main && atomic_load(&thread->script->has_routes))
        cb_script_tell(thread->script, CB_SCRIPT_READY);
    return cb_wait(asker_of(call), cb_call_name_space(call), what, id, timeout_ms, happened);
}

static cb_status job_begin(cb_call *call, const cb_job_options *options, int64_t *job_id)
{
    return cb_job_begin(asker_of(call), cb_call_name_space(call), options, job_id);
}

static cb_status job_take(cb_call *call, int64_t job_id, bool as_text, cb_buffer **result,
                          int *status)
{
    return cb_job_take(asker_of(call), cb_call_name_space(call), job_id, as_text, result, status);
}

static cb_status route_command(cb_call *call, const cb_command *command, cb_reply *reply)
{
    return cb_route_command(asker_of(call), cb_call_name_space(call), command, reply);
}

static cb_status route_set_tls(cb_call *call, int64_t route_id, const cb_tls_provider *provider,
                               cb_tls_context *context, cb_error *error)
{
    return cb_route_set_tls(asker_of(call), cb_call_name_space(call), route_id, provider, context,
                            error);
}

static cb_status job_start(cb_call *call, const cb_start_options *options, int64_t *job_id)
{
    return cb_job_start(asker_of(call), cb_call_name_space(call), options, job_id);
}

static cb_status job_cancel(cb_call *call, int64_t job_id, int *canceled)
{
    return cb_job_cancel(asker_of(call), cb_call_name_space(call), job_id, canceled);
}

static cb_status jobs_close(cb_call *call, int64_t *canceled)
{
    return cb_jobs_close(asker_of(call), cb_call_name_space(call), canceled);
}

static const void *service(cb_call *call, const char *name, cb_error *error)
{
    return cb_services_find(cb_script_thread_of(call)->script->services, name, error);
}

static void *run_memory(cb_call *call, size_t size, void (*end)(void *memory))
{
    return cb_run_memory_of(&cb_script_thread_of(call)->kept, cb_call_name_space(call), size, end);
}

static int64_t limit(cb_call *call, const char *name)
{
    const cb_limits *limits = &cb_script_thread_of(call)->script->limits;
#define FIND_LIMIT(field, value, least, most, variable, reason)                                    \
    if (strcmp(name, variable) == 0)                                                               \
        return limits->field;
    CB_LIMITS(FIND_LIMIT)
#undef FIND_LIMIT
    return -1;
}

const cb_host cb_script_host = {
    .abi = CB_PLUGIN_ABI,
    .size = sizeof(cb_host),
    .fail = cb_vm_host_fail,
    .return_bytes = cb_vm_host_return_bytes,
    .return_buffer = cb_vm_host_return_buffer,
    .argument_buffer = cb_vm_host_argument_buffer,
    .resize_argument = cb_vm_host_resize_argument,
    .format = cb_vm_host_format,
    .print = print,
    .route_open = route_open,
    .route_close = route_close,
    .ask = ask,
    .wait = wait_for,
    .job_begin = job_begin,
    .job_take = job_take,
    .status_text = cb_status_text,
    .job_status_text = cb_job_status_text,
    .buffer_new = cb_buffer_new,
    .buffer_release = cb_buffer_release,
    .service = service,
    .route_command = route_command,
    .route_set_tls = route_set_tls,
    .job_start = job_start,
    .job_cancel = job_cancel,
    .jobs_close = jobs_close,
    .run_memory = run_memory,
    .limit = limit,
    .buffer_holding = cb_buffer_holding,
    .route_close_once = route_close_once,
};
