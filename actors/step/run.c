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
    if (job->kind != CB_JOB_CLIENT) {
        cb_step_worker_heard(step, job->worker);
        cb_step_worker_at(step, job->worker)->running++;
    }
}

/* What follows for the route, or for a namespace's jobs without one. */
static void settle(cb_step *step, uint32_t route, uint8_t name_space)
{
    if (route != CB_NONE) {
        cb_step_settle_route(step, route);
    } else {
        cb_step_settle_alone(step, name_space);
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
    if (step->shutdown == CB_CUTTING_OFF) {
        step->cut = 1;
        cb_step_interrupt(step, slot, CB_JOB_CANCELED);
    } else if (job->timeout_ms >= 0) {
        job->deadline = cb_heap_push(&step->deadlines, cb_step_after_ms(step, job->timeout_ms),
                                     CB_DUE_JOB, slot);
    }
    cb_step_cancel_decided(step, slot, false);
    settle(step, job->route, job->name_space);
    cb_step_dispatch(step, true); /* its worker may be known again to have nothing to give back */
}

/* A status that a finished job may have; others are taken as `otherwise`. */
static int32_t final_status(int32_t status, cb_job_status otherwise)
{
    return status >= CB_JOB_SUCCESS && status <= CB_JOB_ROUTE_CLOSED ? status : (int32_t)otherwise;
}

/* The callback succeeded: its result goes where its request came from. `payload` is taken over. */
static void respond(cb_step *step, uint32_t slot, uint64_t payload, int64_t size_bytes)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_route *route = cb_step_route_at(step, job->route);
    if (!job->connected) {
        cb_step_release(step, &payload);
        route->unsent++;
        cb_step_tally_end(step, slot, CB_TALLY_UNSENT);
        cb_step_job_forget(step, slot);
        return;
    }
    uint32_t kind = cb_route_word_base(route->connection);
    if (!cb_step_kind_traits(kind)->answers) {
        cb_step_release(step, &payload);
    }
    cb_message *effect = cb_step_order(step, route, CB_MSG_RESPOND);
    effect->flags = kind == CB_ROUTE_TCP ? CB_FLAG_FINAL : 0;
    effect->connection = job->connection;
    effect->payload = payload;
    if (job->kind == CB_JOB_EVENT) {
        route->completed++;
        cb_step_tally_bytes(step, job->route, 0, payload != 0 ? size_bytes : 0);
        cb_step_tally_end(step, slot, CB_JOB_SUCCESS);
        cb_step_job_forget(step, slot);
    } else {
        job->status = CB_JOB_SUCCESS;
        cb_step_job_move(step, slot, CB_JOB_ENDED);
    }
}

void cb_step_work_done(cb_step *step, uint32_t slot, int32_t status, uint64_t payload,
                       int64_t size_bytes, bool has_nul)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    uint32_t route = job->route;
    uint8_t name_space = job->name_space;
    if (job->state == CB_JOB_HANDED) {
        start(step, slot); /* a fast job's start and end come together */
    }
    cb_step_abandon(step, &job->asked);
    cb_step_cancel_decided(step, slot, false);
    cb_step_worker_let_go(step, slot, true);
    if (job->kind == CB_JOB_EVENT && status == CB_JOB_CALLBACK_REFUSED) {
        /* Nobody asked, so nobody is refused: it was worked on, and has nothing to say. */
        cb_step_release(step, &payload);
        respond(step, slot, 0, 0);
    } else if (status != CB_JOB_SUCCESS) {
        cb_step_job_drop(step, slot, (cb_job_status)status, payload);
    } else if (job->kind == CB_JOB_LOCAL) {
        cb_step_tally_end(step, slot, CB_JOB_SUCCESS);
        cb_step_local_done(step, slot, status, payload, size_bytes, has_nul);
    } else {
        respond(step, slot, payload, size_bytes);
    }
    settle(step, route, name_space);
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
    uint32_t lane = cb_step_job_at(step, slot)->lane;
    cb_step_tally_ran(step, slot, step->in.connection);
    cb_step_work_done(step, slot, final_status(step->in.status, CB_JOB_CALLBACK_FAILED),
                      cb_step_take_payload(step), step->in.value,
                      (step->in.flags & CB_FLAG_HAS_NUL) != 0);
    cb_step_dispatch(step, true);
    cb_step_lane_feed(step, lane);
}

/* Why a job that came back is not to be handed out again; PENDING if it is. */
static cb_job_status fate_of_returned(cb_step *step, const cb_step_job *job)
{
    cb_step_space *space = cb_step_space_at(step, job->name_space);
    bool alone = job->route == CB_NONE;
    if (job->cancel) {
        return CB_JOB_CANCELED;
    }
    if (!alone && cb_step_route_at(step, job->route)->state == CB_ROUTE_CLOSING) {
        return CB_JOB_ROUTE_CLOSED;
    }
    if (step->shutdown == CB_CUTTING_OFF) {
        step->cut = 1;
        return CB_JOB_CANCELED;
    }
    if (alone && space->jobs_closed) {
        space->canceled++;
        return CB_JOB_CANCELED;
    }
    return CB_JOB_PENDING;
}

static void take_returned(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    if (!job->connected && job->kind != CB_JOB_LOCAL) {
        cb_step_route_at(step, job->route)->dropped++;
        cb_step_tally_end(step, slot, CB_TALLY_DISCONNECTED);
        cb_step_job_forget(step, slot);
        return;
    }
    cb_job_status fate = fate_of_returned(step, job);
    if (fate != CB_JOB_PENDING) {
        cb_step_cancel_decided(step, slot, true);
        cb_step_job_drop(step, slot, fate, 0);
        return;
    }
    job->payload = cb_step_take_payload(step);
    cb_step_job_move(step, slot, CB_JOB_QUEUED);
    cb_step_queue_return(step, slot);
}

void cb_step_job_returned(cb_step *step)
{
    uint32_t slot = find_held(step);
    if (slot == CB_NONE || cb_step_job_at(step, slot)->state != CB_JOB_HANDED) {
        cb_step_ignore(step);
        return;
    }
    const cb_step_job *job = cb_step_job_at(step, slot);
    if (job->kind == CB_JOB_CLIENT) {
        cb_step_client_returned(step, slot);
        return;
    }
    uint32_t route = job->route;
    uint8_t name_space = job->name_space;
    uint32_t worker = job->worker;
    bool asked = cb_step_worker_at(step, worker)->unsure > 0;
    cb_step_worker_let_go(step, slot, false);
    take_returned(step, slot);
    /* Unasked, it gives back what crosses this, too, until it hears that we know: so nothing that
     * was handed later runs before what came back. Asked, there is nothing that could cross. */
    if (cb_step_worker_at(step, worker)->state != CB_WORKER_RETIRED && !asked) {
        cb_step_take_back(step, worker);
    }
    settle(step, route, name_space);
    cb_step_dispatch(step, true);
}

void cb_step_job_due(cb_step *step, uint32_t slot)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    if (job->kind != CB_JOB_CLIENT) {
        cb_step_interrupt(step, slot, CB_JOB_CALLBACK_TIMEOUT);
    } else if (job->state == CB_JOB_QUEUED) {
        cb_step_client_done(step, slot, CB_JOB_TIMEOUT, 0, 0, false);
    } else {
        cb_step_interrupt(step, slot, CB_JOB_TIMEOUT);
    }
}
