/* Jobs begun in this process, run by workers, their results kept until they are taken; on a route
 * without an actor, or without a route. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

static const size_t family = offsetof(cb_step_job, family);

/* The route that BEGIN_JOB means; CB_NONE is none, which is right for CB_ROUTE_NONE alone. */
static cb_status find_route(const cb_step *step, uint32_t *slot)
{
    const cb_message *in = &step->in;
    const cb_step_space *space = cb_step_space_of(step, in->name_space);
    *slot = CB_NONE;
    if (in->route == CB_ROUTE_NONE) {
        return space->jobs_closed || step->shutdown != CB_SERVING ? CB_CLOSED : CB_OK;
    }
    if (in->route == CB_ROUTE_ONLY) {
        *slot = (uint32_t)space->local_sum;
        return space->local_open == 1 ? CB_OK : CB_MISMATCH;
    }
    *slot = cb_step_find_route(step, in->name_space, in->route);
    if (*slot == CB_NONE) {
        return CB_UNKNOWN;
    }
    const cb_step_route *route = cb_step_route_at(step, *slot);
    if (cb_step_route_traits(route)->has_actor) {
        return CB_UNSUPPORTED;
    }
    return route->state == CB_ROUTE_OPEN ? CB_OK : CB_CLOSED;
}

static cb_status may_begin(const cb_step *step, uint32_t *slot)
{
    *slot = CB_NONE;
    cb_status status =
        cb_step_timeout_valid(step->in.value) ? find_route(step, slot) : (cb_status)CB_INVALID;
    if (status == CB_OK && *slot != CB_NONE &&
        cb_step_route_at(step, *slot)->waiting >= step->limits.max_queued) {
        status = CB_LIMIT;
    }
    return status;
}

void cb_step_begin_local(cb_step *step)
{
    uint32_t route_slot;
    cb_status status = may_begin(step, &route_slot);
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return;
    }
    uint32_t slot = cb_step_add_taken(step, CB_JOB_LOCAL);
    if (slot == CB_NONE) {
        return;
    }
    cb_step_job *job = cb_step_job_at(step, slot);
    job->route = route_slot;
    job->entry = (int64_t)step->in.job;
    if (route_slot != CB_NONE) {
        cb_step_route *route = cb_step_route_at(step, route_slot);
        job->port = route->id;
        job->entry = route->entry;
        if (route->timeout_ms >= 0 &&
            (job->timeout_ms < 0 || job->timeout_ms > route->timeout_ms)) {
            job->timeout_ms = route->timeout_ms;
        }
        route->accepted++;
        cb_list_append(&route->jobs, &step->jobs, family, slot);
    } else {
        cb_list_append(&cb_step_space_at(step, job->name_space)->alone, &step->jobs, family, slot);
    }
    job->payload = cb_step_take_payload(step);
    job->number = ++step->last_number;
    cb_step_tally_ready(step, slot);
    step->server_jobs++;
    cb_step_job_move(step, slot, CB_JOB_QUEUED);
    cb_step_queue_add(step, slot);
    cb_step_dispatch(step, true);
}

void cb_step_local_done(cb_step *step, uint32_t slot, int32_t status, uint64_t payload,
                        int64_t size_bytes, bool has_nul)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_list *list = &cb_step_space_at(step, job->name_space)->alone;
    assert(job->kind == CB_JOB_LOCAL && job->payload == 0 && job->cancelers.count == 0);
    cb_step_job_move(step, slot, CB_JOB_ENDED);
    if (job->route != CB_NONE) {
        cb_step_route *route = cb_step_route_at(step, job->route);
        list = &route->jobs;
        route->completed += status == CB_JOB_SUCCESS;
    }
    cb_list_remove(list, &step->jobs, family, slot);
    step->server_jobs--;
    job->route = CB_NONE;
    job->status = status;
    job->payload = payload;
    job->size_bytes = size_bytes;
    job->has_nul = has_nul;
    cb_step_waits_answer(step, &job->waits, CB_OK, 1);
}

void cb_step_cancel_decided(cb_step *step, uint32_t slot, bool canceled)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    job->cancel = 0;
    cb_step_waits_answer(step, &job->cancelers, CB_OK, canceled ? 1 : 0);
}

void cb_step_cancel_job(cb_step *step)
{
    uint32_t slot = cb_step_find_job(step, step->in.name_space, step->in.job);
    if (slot == CB_NONE) {
        cb_step_answer(step, CB_UNKNOWN, 0);
        return;
    }
    cb_step_job *job = cb_step_job_at(step, slot);
    if (job->kind == CB_JOB_LOCAL && job->state == CB_JOB_HANDED) {
        /* Whether it has begun, its worker knows. */
        if (cb_step_wait_add(step, CB_WAIT_CANCELER, &job->cancelers, slot) != CB_NONE) {
            job->cancel = 1;
            cb_step_take_back(step, job->worker);
        }
        return;
    }
    bool cancels = job->kind == CB_JOB_LOCAL && job->state == CB_JOB_QUEUED;
    if (cancels) {
        uint32_t route = job->route;
        cb_step_queue_remove(step, slot);
        cb_step_job_drop(step, slot, CB_JOB_CANCELED, 0);
        cb_step_settle_route(step, route);
    }
    cb_step_answer(step, CB_OK, cancels ? 1 : 0);
}

void cb_step_settle_alone(cb_step *step, uint8_t name_space)
{
    cb_step_space *space = cb_step_space_at(step, name_space);
    while (space->closers.count > 0 && space->alone_handed == 0) {
        uint32_t first = space->closers.first;
        bool counts = cb_step_wait_at(step, first)->counts != 0;
        cb_step_wait_answer(step, &space->closers, first, CB_OK, counts ? space->canceled : 0);
    }
}

void cb_step_close_jobs(cb_step *step)
{
    uint8_t name_space = step->in.name_space;
    cb_status status = cb_step_space_make(step, name_space);
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return;
    }
    cb_step_space *space = cb_step_space_at(step, name_space);
    uint32_t wait = cb_step_wait_add(step, CB_WAIT_JOBS_CLOSER, &space->closers, name_space);
    if (wait == CB_NONE) {
        return;
    }
    cb_step_wait_at(step, wait)->counts = space->jobs_closed ? 0 : 1;
    space->jobs_closed = 1;
    uint32_t next;
    for (uint32_t slot = space->alone.first; slot != CB_NONE; slot = next) {
        const cb_step_job *job = cb_step_job_at(step, slot);
        next = job->family.next;
        if (job->state == CB_JOB_QUEUED) {
            cb_step_queue_remove(step, slot);
            space->canceled++;
            cb_step_job_drop(step, slot, CB_JOB_CANCELED, 0);
        } else if (job->state == CB_JOB_HANDED) {
            cb_step_take_back(step, job->worker);
        }
    }
    cb_step_settle_alone(step, name_space);
}
