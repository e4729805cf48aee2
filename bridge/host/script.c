#include "callboard/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/complain.h"
#include "bridge/host/output.h"
#include "bridge/host/script_internal.h"
#include "bridge/host/watch.h"

#define STATUS_FAILED 1 /* exit status of whatever went wrong but usage */

static cb_status no_memory(cb_error *error)
{
    return cb_fail(error, CB_NO_MEMORY, "out of memory");
}

static cb_status copy_arguments(cb_script *script, const cb_script_options *options,
                                cb_error *error)
{
    script->arguments = calloc(options->argument_count + 1, sizeof(*script->arguments));
    if (script->arguments == NULL)
        return no_memory(error);
    for (size_t i = 0; i < options->argument_count; i++) {
        script->arguments[i] = strdup(options->arguments[i]);
        if (script->arguments[i] == NULL)
            return no_memory(error);
        script->argument_count++;
    }
    script->path = strdup(options->path);
    if (script->path == NULL)
        return no_memory(error);
    script->is_watched = options->watch;
    script->inherited = options->inherited;
    script->moment = options->moment;
    script->moment_user = options->user;
    script->log = options->log;
    script->serves_metrics = options->serves_metrics;
    script->metrics_port = options->metrics_port;
    if (options->trace_path != NULL)
        script->trace_path = strdup(options->trace_path);
    if (options->metrics_hosts != NULL)
        script->metrics_hosts = strdup(options->metrics_hosts);
    bool has_all = (options->trace_path == NULL || script->trace_path != NULL) &&
                   (options->metrics_hosts == NULL || script->metrics_hosts != NULL);
    return has_all ? CB_OK : no_memory(error);
}

cb_status cb_script_load(const cb_script_options *options, cb_script **result, cb_error *error)
{
    *result = NULL;
    cb_script *script = calloc(1, sizeof(*script));
    if (script == NULL)
        return no_memory(error);
    int code = pthread_mutex_init(&script->lock, NULL);
    if (code != 0) {
        free(script);
        return cb_fail_errno(error, CB_NO_MEMORY, code, "cannot make a lock");
    }
    cb_status status = cb_limits_from_environment(&script->limits, error);
    if (status == CB_OK)
        status = copy_arguments(script, options, error);
    if (status == CB_OK)
        status = cb_loader_new(&script->loader, error);
    if (status == CB_OK)
        status = cb_services_new(script->loader, &script->services, error);
    if (status == CB_OK)
        status = cb_editions_new(script->log, &script->editions, error);
    if (status == CB_OK)
        status = cb_editions_load(script->editions, script->path, script->loader, error);
    if (status == CB_OK)
        *result = script;
    else
        cb_script_free(&script);
    return status;
}

/* Scripts whose threads could not all be stopped keep their memory to the process's end; the list
 * is where leak checkers find them. */
static cb_script *_Atomic abandoned;

void cb_script_free(cb_script **result)
{
    cb_script *script = *result;
    *result = NULL;
    if (script == NULL)
        return;
    if (script->is_abandoned) {
        script->next_abandoned = atomic_exchange(&abandoned, script);
        return;
    }
    cb_editions_free(&script->editions);
    cb_services_free(&script->services);
    cb_loader_free(&script->loader);
    for (size_t i = 0; i < script->argument_count; i++)
        free(script->arguments[i]);
    free(script->arguments);
    free(script->trace_path);
    free(script->metrics_hosts);
    free(script->path);
    pthread_mutex_destroy(&script->lock);
    free(script);
}

/* The calls that a shutdown from another thread may meet go through the lock: the runtime it finds
 * is there, and is not freed under it. */
static void publish_runtime(cb_script *script, cb_runtime *runtime)
{
    pthread_mutex_lock(&script->lock);
    script->runtime = runtime;
    if (runtime != NULL && script->is_shutdown_wanted)
        cb_runtime_shutdown(runtime);
    pthread_mutex_unlock(&script->lock);
}

void cb_script_tell(cb_script *script, cb_script_moment moment)
{
    pthread_mutex_lock(&script->lock);
    bool *told = moment == CB_SCRIPT_READY ? &script->is_ready : &script->is_ending;
    bool news = !*told && !script->is_ending;
    *told = true;
    /* Under the lock, so that they are told in this order. */
    if (news && script->moment != NULL)
        script->moment(script->moment_user, moment);
    pthread_mutex_unlock(&script->lock);
}

void cb_script_shutdown(cb_script *script)
{
    cb_script_tell(script, CB_SCRIPT_ENDING);
    pthread_mutex_lock(&script->lock);
    script->is_shutdown_wanted = true;
    if (script->runtime != NULL)
        cb_runtime_shutdown(script->runtime);
    pthread_mutex_unlock(&script->lock);
}

/* Tells the runtime the names of namespaces that it has not been told. */
static cb_status name_spaces(cb_script *script, cb_runtime *runtime, cb_error *error)
{
    cb_status status = CB_OK;
    while (status == CB_OK && script->named < cb_loader_count(script->loader)) {
        const cb_namespace *next = cb_loader_at(script->loader, script->named).name_space;
        if (next->name[0] != '\0')
            status = cb_runtime_name_space(runtime, next->id, next->name, error);
        script->named++;
    }
    return status;
}

static cb_status start(cb_script *script, cb_runtime **runtime, cb_error *error)
{
    cb_runtime_options options = {
        .limits = script->limits,
        .run_job = cb_script_run_job,
        .thread_begin = cb_script_thread_begin,
        .thread_end = cb_script_thread_end,
        .user = script,
        .trace_path = script->trace_path,
        .inherited = script->inherited,
        .log = script->log,
        .serves_metrics = script->serves_metrics,
        .metrics_port = script->metrics_port,
        .metrics_hosts = script->metrics_hosts,
    };
    cb_status status = cb_runtime_start(&options, runtime, error);
    if (status != CB_OK)
        return status;
    status = name_spaces(script, *runtime, error);
    if (status != CB_OK)
        (void)cb_runtime_stop(runtime, NULL);
    return status;
}

/* -- reloading -- */

/* The file has changed: jobs that run go on in the old text, the next ones take the new one. */
static void reload(void *user)
{
    cb_script *script = user;
    cb_error error = {0};
    if (cb_editions_load(script->editions, script->path, script->loader, &error) != CB_OK) {
        cb_complain_say(script->log, CB_LOG_ERROR, "not_reloaded",
                        "%s: not reloaded, the text before it goes on (%.300s)", script->path,
                        error.text);
        return;
    }
    pthread_mutex_lock(&script->lock);
    if (script->runtime != NULL)
        (void)name_spaces(script, script->runtime, NULL);
    pthread_mutex_unlock(&script->lock);
    const char *name = NULL;
    size_t lost = cb_editions_lost(script->editions, &name);
    if (lost > 0)
        cb_complain_say(script->log, CB_LOG_WARNING, "reloaded",
                        "%s: reloaded; without the callback %.100s%s, whose requests fail now",
                        script->path, name, lost > 1 ? " and others" : "");
    else
        cb_complain_say(script->log, CB_LOG_INFO, "reloaded", "%s: reloaded", script->path);
}

static cb_status run_main(cb_script *script, cb_runtime *runtime, int *exit_status, cb_error *error)
{
    cb_edition *edition = cb_editions_newest(script->editions);
    cb_script_thread *thread = NULL;
    cb_status status = cb_script_thread_new(script, &thread, error);
    if (status == CB_OK)
        status = cb_asker_open(runtime, &thread->asker, error);
    if (status == CB_OK) {
        cb_vm_error failure = {0};
        thread->runs_main = true;
        status = cb_vm_run_main(thread->vm, edition->program, exit_status, &failure);
        cb_run_memory_end(&thread->kept);
        if (status != CB_OK) {
            cb_script_say_why_stopped(thread, &failure);
            cb_complain_error(script->log, &failure, &edition->source, NULL);
            status = cb_fail(error, CB_SCRIPT, "%s: main ended in a runtime error", script->path);
        }
    }
    if (thread != NULL)
        cb_asker_close(&thread->asker);
    cb_script_thread_free(&thread);
    cb_edition_release(edition);
    return status;
}

cb_status cb_script_run(cb_script *script, int *exit_status, cb_error *error)
{
    *exit_status = STATUS_FAILED;
    if (script->has_run)
        return cb_fail(error, CB_INVALID, "%s: a script runs once", script->path);
    script->has_run = true;
    cb_runtime *runtime = NULL;
    cb_status status = start(script, &runtime, error);
    if (status != CB_OK)
        return status;
    publish_runtime(script, runtime);
    if (script->serves_metrics && script->metrics_port == 0)
        cb_complain_say(script->log, CB_LOG_INFO, "metrics",
                        "metrics at http://127.0.0.1:%u/metrics", cb_runtime_metrics_port(runtime));

    int returned = 0;
    cb_watch *watch = NULL;
    if (script->is_watched)
        status = cb_watch_start(script->path, reload, script, &watch, error);
    if (status == CB_OK)
        status = run_main(script, runtime, &returned, error);

    cb_watch_stop(&watch);
    cb_script_tell(script, CB_SCRIPT_ENDING);
    publish_runtime(script, NULL);
    cb_error stop_error = {0};
    cb_status stopped = cb_runtime_stop(&runtime, &stop_error);
    script->is_abandoned = stopped == CB_TIMEOUT;
    if (status == CB_OK && stopped != CB_OK) {
        status = stopped;
        if (error != NULL)
            *error = stop_error;
    } else if (stopped != CB_OK) {
        cb_complain_say(script->log, CB_LOG_ERROR, "failed", "%s", stop_error.text);
    }
    cb_status flushed = cb_output_flush(status == CB_OK ? error : NULL);
    if (status == CB_OK)
        status = flushed;
    if (status == CB_OK)
        *exit_status = returned != 0 ? returned : atomic_load(&script->exit_code);
    return status;
}
