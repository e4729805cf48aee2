/* Puts the parts together; the only file that knows them all. */
#include "actors/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "actors/base/budget.h"
#include "actors/base/clock.h"
#include "actors/base/sink.h"
#include "actors/base/thread.h"
#include "actors/clients/client.h"
#include "actors/core/asker.h"
#include "actors/core/supervisor.h"
#include "actors/listeners/listener.h"
#include "actors/loop_service/service.h"
#include "actors/metrics/server.h"
#include "actors/sockets/sockets.h"
#include "actors/workers/worker.h"

/* How long the supervisor may take to say its first word. */
#define ANSWERED_WITHIN_MS 10000
#define NS_A_MS            1000000

struct cb_runtime {
    cb_core core;
    /* Set before the first actor starts. */
    cb_recorder *recorder;
    int64_t fixed_bytes; /* counted in the budget: what is made once, and stays */
    cb_supervisor *supervisor;
    pthread_t supervisor_thread;
    cb_metrics *metrics; /* NULL: not served */
    /* The owner's own way to the supervisor: opened at the start, so that the end does not depend
     * on descriptors that may be gone by then. Used by who set `shut_down`, and by the stop. */
    cb_mailbox *control;
    atomic_int_least64_t end_began_ns; /* 0: it has not. Any thread */
};

/* What the supervisor can start. */
static const cb_actor_kinds actor_kinds = {
    .worker = cb_worker_thread,
    .client = cb_client_thread,
    .routes = {[CB_ROUTE_TCP] = cb_listener_thread,
               [CB_ROUTE_HTTP] = cb_listener_thread,
               [CB_ROUTE_UDP] = cb_listener_thread,
               [CB_ROUTE_UDP_CLIENT] = cb_listener_thread,
               [CB_ROUTE_SOCKETS] = cb_sockets_thread,
               [CB_ROUTE_LOOP] = cb_loop_service_thread},
};

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
    cb_status status = cb_exchange_open(runtime->core.office, &exchange, error);
    if (status != CB_OK)
        return status;
    status = cb_supervisor_new(&runtime->core, exchange, runtime->recorder, cb_start_actor,
                               &runtime->supervisor, error);
    if (status == CB_OK) {
        const cb_attendant attendant = {attend, ring, runtime->supervisor};
        cb_post_office_set_attendant(runtime->core.office, &attendant);
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
    if (!runtime->core.options.serves_metrics)
        return CB_OK;
    cb_status status = cb_metrics_start(&runtime->core, runtime->core.options.metrics_port,
                                        &runtime->metrics, error);
    if (status != CB_OK)
        (void)dismiss(runtime, false, NULL);
    return status;
}

/* The process has one budget: a second runtime in it changes the first one's. */
static cb_status begin_budget(cb_runtime *runtime, cb_error *error)
{
    cb_limits *limits = &runtime->core.options.limits;
    cb_status status = cb_budget_choose(limits, error);
    if (status != CB_OK)
        return status;
    int64_t log_bytes = runtime->core.options.log != NULL ? 2 * limits->log_queue : 0;
    runtime->fixed_bytes = limits->trace_buffer + log_bytes;
    cb_budget_add(runtime->fixed_bytes);
    cb_budget_set(limits->memory, cb_budget_fixed(limits));
    /* A trace that nobody reads must leave room to serve. */
    if (limits->trace_queue > limits->memory / 8)
        limits->trace_queue = limits->memory / 8;
    return CB_OK;
}

static cb_status open_parts(cb_runtime *runtime, const char *trace_path, cb_error *error)
{
    const cb_limits *limits = &runtime->core.options.limits;
    cb_status status = begin_budget(runtime, error);
    if (status == CB_OK)
        status = cb_recorder_open(limits, trace_path, &runtime->recorder, error);
    if (status == CB_OK)
        status = cb_post_office_open(limits, &runtime->core.office, error);
    if (status == CB_OK)
        status = open_supervisor(runtime, error);
    if (status == CB_OK)
        status = cb_mailbox_open(runtime->core.office, cb_core_asker_address(&runtime->core),
                                 &runtime->control, error);
    if (status == CB_OK)
        status = cb_thread_start(&runtime->supervisor_thread, cb_supervisor_thread,
                                 runtime->supervisor, 0, "supervisor", error);
    if (status == CB_OK)
        status = greet(runtime, error);
    return status == CB_OK ? serve_metrics(runtime, error) : status;
}

/* The trace's file has until the grace is over, and some time at least. */
static cb_status close_recorder(cb_runtime *runtime, cb_error *error)
{
    int64_t least_ns = cb_now_ns() + CB_SINK_PATIENCE_NS;
    int64_t until_ns =
        atomic_load(&runtime->end_began_ns) + runtime->core.options.limits.grace_ms * NS_A_MS;
    return cb_recorder_close_until(&runtime->recorder, until_ns > least_ns ? until_ns : least_ns,
                                   error);
}

static cb_status close_parts(cb_runtime *runtime, cb_error *error)
{
    cb_mailbox_close(&runtime->control);
    cb_supervisor_free(&runtime->supervisor);
    cb_post_office_close(&runtime->core.office);
    cb_budget_add(-runtime->fixed_bytes);
    runtime->fixed_bytes = 0;
    return close_recorder(runtime, error);
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
    cb_core_init(&started->core, options, &actor_kinds);
    atomic_init(&started->end_began_ns, 0);
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

/* The first time counts. */
static void begin_end(cb_runtime *runtime)
{
    int_least64_t not_yet = 0;
    (void)atomic_compare_exchange_strong(&runtime->end_began_ns, &not_yet, cb_now_ns());
}

void cb_runtime_shutdown(cb_runtime *runtime)
{
    /* Relaxed would do: the flag only keeps a second message from being sent. */
    if (atomic_exchange(&runtime->core.shut_down, true))
        return;
    begin_end(runtime);
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
                         (long long)runtime->core.options.limits.grace_ms);
    return status;
}

/* Of two things that may have gone wrong, both are told, as the first one. */
static cb_status both(cb_status first, cb_error *error, cb_status second, const cb_error *why)
{
    cb_error before;
    if (second == CB_OK)
        return first;
    if (error == NULL)
        return first != CB_OK ? first : second;
    if (first == CB_OK)
        return cb_fail(error, second, "%s", why->text);
    before = *error;
    return cb_fail(error, first, "%.250s; %.250s", before.text, why->text);
}

cb_status cb_runtime_stop(cb_runtime **runtime, cb_error *error)
{
    cb_error trace_error = {.text = ""};
    cb_runtime *stopping = *runtime;
    if (stopping == NULL)
        return CB_OK;
    bool stuck = false;
    begin_end(stopping);
    cb_status status = finish(stopping, &stuck, error);
    cb_metrics_stop(&stopping->metrics);
    cb_status dismissed = dismiss(stopping, stuck, error);
    if (dismissed != CB_OK)
        return dismissed;
    *runtime = NULL;
    if (cb_supervisor_abandoned(stopping->supervisor) > 0) {
        if (status == CB_OK)
            status = cb_fail(error, CB_TIMEOUT, "left threads behind that do not end");
        /* A thread that does not end still uses the runtime: it is left to the process's end. The
         * trace is whole all the same. */
        return both(status, error, close_recorder(stopping, &trace_error), &trace_error);
    }
    cb_status closed = close_parts(stopping, &trace_error);
    free(stopping);
    return both(status, error, closed, &trace_error);
}

cb_status cb_asker_open(cb_runtime *runtime, cb_asker **asker, cb_error *error)
{
    return cb_asker_open_in(&runtime->core, asker, error);
}

cb_core *cb_runtime_core(cb_runtime *runtime)
{
    return &runtime->core;
}
