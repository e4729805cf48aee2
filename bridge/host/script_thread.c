/* The script on one thread: its machine, and a callback as an actor's job. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/complain.h"
#include "bridge/host/output.h"
#include "bridge/host/script_internal.h"

static cb_status check(void *user)
{
    const cb_script_thread *thread = user;
    (void)cb_output_flush(NULL);
    return cb_asker_check(thread->asker);
}

static void before_block(void *user)
{
    const cb_script_thread *thread = user;
    (void)cb_output_flush(NULL);
    cb_asker_before_block(thread->asker);
}

cb_status cb_script_thread_new(cb_script *script, cb_script_thread **result, cb_error *error)
{
    cb_script_thread *thread = calloc(1, sizeof(*thread));
    if (thread == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    thread->script = script;
    cb_vm_options options = {
        .limits = script->limits,
        .check = check,
        .before_block = before_block,
        .user = thread,
        .host = &cb_script_host,
    };
    cb_status status = cb_vm_new(&options, &thread->vm);
    if (status != CB_OK) {
        free(thread);
        return cb_fail(error, status, "cannot make a machine: %s", cb_status_text(status));
    }
    *result = thread;
    return CB_OK;
}

void cb_script_thread_free(cb_script_thread **result)
{
    cb_script_thread *thread = *result;
    if (thread == NULL)
        return;
    cb_vm_free(&thread->vm);
    free(thread);
    *result = NULL;
}

void cb_script_say_why_stopped(const cb_script_thread *thread, cb_vm_error *error)
{
    if (error->status != CB_STOPPED)
        return;
    bool is_limit = cb_asker_stop_reason(thread->asker) == CB_JOB_CALLBACK_TIMEOUT;
    (void)snprintf(error->message, sizeof(error->message), "stopped by %s",
                   is_limit ? "its time limit" : "the shutdown, whose grace time is over");
}

void *cb_script_thread_begin(void *user)
{
    cb_script_thread *thread = NULL;
    return cb_script_thread_new(user, &thread, NULL) == CB_OK ? thread : NULL;
}

void cb_script_thread_end(void *user, void *thread_state)
{
    (void)user;
    cb_script_thread *thread = thread_state;
    cb_script_thread_free(&thread);
}

/* A job that failed: its error's first line is the job's result, all of it goes to stderr. One that
 * the memory budget stopped is no fault of the script, but overload, and there may be many. */
static void fail_job(const cb_script_thread *thread, const cb_edition *edition, cb_job *job,
                     cb_vm_error *error)
{
    char text[CB_ERROR_TEXT_SIZE];
    cb_script_say_why_stopped(thread, error);
    cb_vm_error_text(error, text, sizeof(text));
    bool overloaded = error->status == CB_NO_MEMORY && cb_buffer_was_refused();
    if (!overloaded)
        cb_complain_error(thread->script->log, error, &edition->source, job);
    job->status = overloaded ? CB_JOB_OVERLOADED : CB_JOB_CALLBACK_FAILED;
    job->result = cb_buffer_copy(text, strlen(text)); /* without memory: a failure without text */
}

/* A route outlives the text that opened it, and its callback need not be in the newest one. */
static void fail_lost(cb_job *job, const char *name)
{
    char text[CB_ERROR_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "the callback %.200s is no longer in the script",
                   name != NULL ? name : "?");
    job->status = CB_JOB_CALLBACK_FAILED;
    job->result = cb_buffer_copy(text, strlen(text));
}

static void run_callback(cb_script_thread *thread, const cb_edition *edition, int64_t callback,
                         cb_job *job)
{
    /* The request's bytes become the callback's blob itself; no copy is made on the way. */
    cb_buffer *blob = job->request;
    job->request = NULL;
    bool written = false;
    int32_t returned = 0;
    cb_vm_error error = {0};
    cb_status status = cb_vm_run_callback(thread->vm, edition->program, callback, &blob, &written,
                                          &returned, &error);
    cb_run_memory_end(&thread->kept); /* before anybody can learn how the job went */
    if (status != CB_OK) {
        fail_job(thread, edition, job, &error);
    } else if (returned == 0) {
        job->status = CB_JOB_CALLBACK_REFUSED;
        cb_buffer_release(blob);
    } else {
        job->status = CB_JOB_SUCCESS;
        if (written)
            job->result = blob;
        else
            cb_buffer_release(blob);
    }
}

void cb_script_run_job(void *user, cb_job *job)
{
    cb_script *script = user;
    cb_script_thread *thread = job->thread_state;
    if (thread == NULL) {
        static const char text[] = "out of memory when the actor's thread began";
        job->status = CB_JOB_CALLBACK_FAILED;
        job->result = cb_buffer_copy(text, sizeof(text) - 1);
        return;
    }
    cb_edition *edition = NULL;
    int64_t callback = -1;
    const char *name = NULL;
    thread->asker = job->asker;
    if (cb_editions_find(script->editions, job->entry, &edition, &callback, &name))
        run_callback(thread, edition, callback, job);
    else
        fail_lost(job, name);
    cb_edition_release(edition);
    thread->asker = NULL;
    (void)cb_output_flush(NULL);
}
