/* What actors report of the jobs they hold: started, completed, given back; and time limits. */
#include <assert.h>

#include "actors/step/state.h"

static uint32_t holder(const cb_step *step, const cb_step_job *job)
{
    return job->kind == CB_JOB_CLIENT ? CB_ADDRESS_CLIENT
                                      : cb_step_worker_at(step, job->worker)->address;
}

/* The job that the input names, if its sender holds it; CB_NONE otherwise. */
static uint32_t find_held(const cb_step *step)
{
    uint32_t slot = cb_step_find_handle(step, step->in.job);
    if (slot == CB_NONE) {
        return CB_NONE;
    }
    const cb_step_job *job = cb_step_job_at(step, slot);
    bool held = job->state == CB_JOB_HANDED || job->state == CB_JOB_RUNNING;
    return held && holder(step, job) == step->in.from ? slot : CB_NONE;
}

void cb_step_interrupt(cb_step *step, uint32_t slot, cb_job_status status)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    if (job->interrupted) {
        return;
    }
    job->interrupted = 1;
    cb_message *effect = cb_step_emit(step, CB_MSG_INTERRUPT, holder(step, job));
    effect->job = cb_step_job_handle(job, slot);
    effect->status = status;
}

static void start(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_job_move(step, slot, CB_JOB_RUNNING);
    if (job->kind == CB_JOB_SERVER) {
        cb_step_worker_at(step, job->worker)->running++;
    }
}

void cb_step_job_started(cb_step *step)
{
    uint32_t slot = find_held(step);
    if (slot == CB_NONE || cb_step_job_at(step, slot)->state != CB_JOB_HANDED) {
        cb_step_ignore(step);
        return;
    }
    cb_step_job *job = cb_step_job_at(step, slot);
    start(step, slot);
    if (job->kind == CB_JOB_CLIENT) {
        return; /* its time counts from its beginning */
    }
    const cb_step_route *route = cb_step_route_at(step, job->route);
    if (step->shutdown == CB_CUTTING_OFF) {
        step->cut = 1;
        cb_step_interrupt(step, slot, CB_JOB_CANCELED);
    } else if (route->timeout_ms >= 0) {
        job->deadline = cb_heap_push(&step->deadlines, cb_step_after_ms(step, route->timeout_ms),
                                     CB_DUE_JOB, slot);
    }
}

/* A status that a finished job may have; others are taken as `otherwise`. */
static int32_t final_status(int32_t status, cb_job_status otherwise)
{
    return status >= CB_JOB_SUCCESS && status <= CB_JOB_ROUTE_CLOSED ? status : (int32_t)otherwise;
}

void cb_step_server_done(cb_step *step, uint32_t slot, int32_t status, uint64_t payload)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    uint32_t route_slot = job->route;
    cb_step_route *route = cb_step_route_at(step, route_slot);
    if (job->state == CB_JOB_HANDED) {
        start(step, slot); /* a fast job's start and end come together */
    }
    cb_step_worker_let_go(step, slot, true);
    if (status != CB_JOB_SUCCESS) {
        cb_step_job_drop(step, slot, (cb_job_status)status, payload);
    } else if (job->connected) {
        cb_message *respond = cb_step_emit(step, CB_MSG_RESPOND, route->address);
        respond->name_space = route->name_space;
        respond->flags = CB_FLAG_FINAL;
        respond->route = route->id;
        respond->connection = job->connection;
        respond->payload = payload;
        job->status = CB_JOB_SUCCESS;
        cb_step_job_move(step, slot, CB_JOB_ENDED);
    } else {
        cb_step_release(step, &payload);
        route->unsent++;
        cb_step_job_forget(step, slot);
    }
    cb_step_settle_route(step, route_slot);
}

static void client_completed(cb_step *step, uint32_t slot)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    int32_t status = final_status(step->in.status, CB_JOB_RECEIVE_FAILED);
    uint64_t payload = cb_step_take_payload(step);
    int64_t size_bytes = step->in.value;
    uint16_t port = step->in.connection <= UINT16_MAX ? (uint16_t)step->in.connection : 0;
    uint64_t text;
    if (cb_step_outcome_take(step, job->name_space, job->route, port, &status, &text)) {
        cb_step_release(step, &payload); /* the server side knows better why */
        payload = text;
        size_bytes = 0;
    }
    cb_step_client_done(step, slot, status, payload, size_bytes,
                        (step->in.flags & CB_FLAG_HAS_NUL) != 0);
    cb_step_client_dispatch(step);
}

void cb_step_job_completed(cb_step *step)
{
    uint32_t slot = find_held(step);
    if (slot == CB_NONE) {
        cb_step_ignore(step);
        return;
    }
    if (cb_step_job_at(step, slot)->kind == CB_JOB_CLIENT) {
        client_completed(step, slot);
        return;
    }
    cb_step_server_done(step, slot, final_status(step->in.status, CB_JOB_CALLBACK_FAILED),
                        cb_step_take_payload(step));
    cb_step_dispatch(step, true);
}

void cb_step_job_returned(cb_step *step)
{
    uint32_t slot = find_held(step);
    if (slot == CB_NONE || cb_step_job_at(step, slot)->state != CB_JOB_HANDED) {
        cb_step_ignore(step);
        return;
    }
    cb_step_job *job = cb_step_job_at(step, slot);
    if (job->kind == CB_JOB_CLIENT) {
        cb_step_client_returned(step, slot);
        return;
    }
    uint32_t route_slot = job->route;
    cb_step_route *route = cb_step_route_at(step, route_slot);
    cb_step_worker_let_go(step, slot, false);
    if (!job->connected) {
        route->dropped++;
        cb_step_job_forget(step, slot);
    } else if (route->state == CB_ROUTE_CLOSING) {
        cb_step_job_drop(step, slot, CB_JOB_ROUTE_CLOSED, 0);
    } else if (step->shutdown == CB_CUTTING_OFF) {
        step->cut = 1;
        cb_step_job_drop(step, slot, CB_JOB_CANCELED, 0);
    } else {
        job->payload = cb_step_take_payload(step);
        cb_step_job_move(step, slot, CB_JOB_QUEUED);
        job->returned = cb_heap_push(&step->returned, job->number, CB_DUE_JOB, slot);
    }
    cb_step_settle_route(step, route_slot);
    cb_step_dispatch(step, true);
}

void cb_step_job_due(cb_step *step, uint32_t slot)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    if (job->kind == CB_JOB_SERVER) {
        cb_step_interrupt(step, slot, CB_JOB_CALLBACK_TIMEOUT);
    } else if (job->state == CB_JOB_QUEUED) {
        cb_step_client_done(step, slot, CB_JOB_TIMEOUT, 0, 0, false);
    } else {
        cb_step_interrupt(step, slot, CB_JOB_TIMEOUT);
    }
}
