#include "actors/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "actors/metrics/server.h"
#include "actors/placement.h"
#include "actors/supervisor.h"

/* How long the supervisor may take to say its first word. */
#define ANSWERED_WITHIN_MS 10000

/* Each actor takes a few descriptors; the soft limit of many systems (1,024) is for programs that
 * use select. What cannot be had shows up as an error where it is missing. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void attend(void *supervisor)
{
    cb_supervisor_attend(supervisor);
}

static void ring(void *supervisor)
{
    cb_supervisor_ring(supervisor);
}

static cb_status open_supervisor(cb_runtime *runtime, cb_error *error)
{
    cb_exchange *exchange = NULL;
    cb_status status = cb_exchange_open(runtime->office, &exchange, error);
    if (status != CB_OK)
        return status;
    status = cb_supervisor_new(runtime, exchange, runtime->recorder, cb_start_actor,
                               &runtime->supervisor, error);
    if (status == CB_OK) {
        const cb_attendant attendant = {attend, ring, runtime->supervisor};
        cb_post_office_set_attendant(runtime->office, &attendant);
    }
    return status;
}

/* Tells the supervisor to leave, and waits until it has. */
static cb_status dismiss(cb_runtime *runtime, bool stuck, cb_error *error)
{
    cb_message stop = {.kind = CB_PLUMBING_STOP, .status = stuck ? 1 : 0};
    (void)cb_mailbox_post(runtime->control, &stop);
    cb_mailbox_close(&runtime->control);
    int problem = pthread_join(runtime->supervisor_thread, NULL);
    if (problem != 0)
        return cb_fail_errno(error, CB_IO, problem, "cannot join the supervisor");
    return CB_OK;
}

/* Makes sure that the supervisor can answer us, now and at the end. */
static cb_status greet(cb_runtime *runtime, cb_error *error)
{
    cb_message hello = {.kind = CB_MSG_HELLO};
    cb_status status = cb_mailbox_post(runtime->control, &hello);
    if (status == CB_OK)
        status = cb_mailbox_flush(runtime->control);
    if (status == CB_OK)
        status = cb_mailbox_receive(runtime->control, ANSWERED_WITHIN_MS, &hello);
    if (status == CB_OK)
        return CB_OK;
    (void)dismiss(runtime, false, NULL);
    return cb_fail(error, status, "the supervisor does not answer");
}

static cb_status serve_metrics(cb_runtime *runtime, cb_error *error)
{
    if (!runtime->options.serves_metrics)
        return CB_OK;
    cb_status status =
        cb_metrics_start(runtime, runtime->options.metrics_port, &runtime->metrics, error);
    if (status != CB_OK)
        (void)dismiss(runtime, false, NULL);
    return status;
}

static cb_status open_parts(cb_runtime *runtime, const char *trace_path, cb_error *error)
{
    const cb_limits *limits = &runtime->options.limits;
    cb_status status = cb_recorder_open(limits, trace_path, &runtime->recorder, error);
    if (status == CB_OK)
        status = cb_post_office_open(limits, &runtime->office, error);
    if (status == CB_OK)
        status = open_supervisor(runtime, error);
    if (status == CB_OK)
        status = cb_mailbox_open(runtime->office, cb_runtime_asker_address(runtime),
                                 &runtime->control, error);
    if (status == CB_OK)
        status = cb_thread_start(&runtime->supervisor_thread, cb_supervisor_thread,
                                 runtime->supervisor, 0, "supervisor", error);
    if (status == CB_OK)
        status = greet(runtime, error);
    return status == CB_OK ? serve_metrics(runtime, error) : status;
}

static cb_status close_parts(cb_runtime *runtime, cb_error *error)
{
    cb_mailbox_close(&runtime->control);
    cb_supervisor_free(&runtime->supervisor);
    cb_post_office_close(&runtime->office);
    return cb_recorder_close(&runtime->recorder, error);
}

cb_status cb_runtime_start(const cb_runtime_options *options, cb_runtime **runtime, cb_error *error)
{
    *runtime = NULL;
    if (options->run_job == NULL)
        return cb_fail(error, CB_INVALID, "a runtime needs a function that runs jobs");
    cb_runtime *started = calloc(1, sizeof *started);
    if (started == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    raise_descriptor_limit();
    started->options = *options;
    started->options.trace_path = NULL;
    atomic_init(&started->own_thread, 0);
    atomic_init(&started->hands_from, CB_PLACED_ANYWHERE);
    atomic_init(&started->next_asker, CB_ADDRESS_FIRST_ASKER);
    atomic_init(&started->shut_down, false);
    cb_status status = open_parts(started, options->trace_path, error);
    if (status != CB_OK) {
        (void)close_parts(started, NULL);
        free(started);
        return status;
    }
    *runtime = started;
    return CB_OK;
}

uint16_t cb_runtime_metrics_port(const cb_runtime *runtime)
{
    return runtime->metrics != NULL ? cb_metrics_port(runtime->metrics) : 0;
}

cb_status cb_runtime_name_space(cb_runtime *runtime, uint8_t name_space, const char *name,
                                cb_error *error)
{
    return cb_recorder_name(runtime->recorder, name_space, name, error);
}

void cb_runtime_shutdown(cb_runtime *runtime)
{
    /* Relaxed would do: the flag only keeps a second message from being sent. */
    if (atomic_exchange(&runtime->shut_down, true))
        return;
    cb_message message = {.kind = CB_MSG_SHUTDOWN};
    (void)cb_mailbox_post(runtime->control, &message);
    (void)cb_mailbox_flush_and_ring(runtime->control); /* a second one must find us free */
}

/* Asks for the end and waits for it. *stuck: some actor does not end. */
static cb_status finish(cb_runtime *runtime, bool *stuck, cb_error *error)
{
    cb_message message = {.kind = CB_MSG_FINISH};
    cb_status status = cb_mailbox_post(runtime->control, &message);
    if (status == CB_OK)
        status = cb_mailbox_flush(runtime->control);
    do
        status = status == CB_OK ? cb_mailbox_receive(runtime->control, -1, &message) : status;
    while (status == CB_OK && message.kind != CB_MSG_ANSWER);
    *stuck = status == CB_OK && message.status == CB_TIMEOUT;
    if (status == CB_OK && (*stuck || message.value == 0))
        status = cb_fail(error, CB_TIMEOUT, "cut off what was still running after %lld ms",
                         (long long)runtime->options.limits.grace_ms);
    return status;
}

cb_status cb_runtime_stop(cb_runtime **runtime, cb_error *error)
{
    cb_runtime *stopping = *runtime;
    if (stopping == NULL)
        return CB_OK;
    bool stuck = false;
    cb_status status = finish(stopping, &stuck, error);
    cb_metrics_stop(&stopping->metrics);
    cb_status dismissed = dismiss(stopping, stuck, error);
    if (dismissed != CB_OK)
        return dismissed;
    *runtime = NULL;
    if (cb_supervisor_abandoned(stopping->supervisor) > 0) {
        /* A thread that does not end still uses the runtime: it is left to the process's end. The
         * trace is whole all the same. */
        cb_status written = cb_recorder_close(&stopping->recorder, status == CB_OK ? error : NULL);
        return status != CB_OK ? status : written;
    }
    cb_status closed = close_parts(stopping, status == CB_OK ? error : NULL);
    free(stopping);
    return status != CB_OK ? status : closed;
}
