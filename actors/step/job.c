/* Phases of jobs, and the counters of a route that follow from them. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

#define TO(state) (1u << (state))

/* Where a job may go from each state. */
static const unsigned allowed[CB_JOB_STATES] = {
    [CB_JOB_GONE] = TO(CB_JOB_READING) | TO(CB_JOB_QUEUED) | TO(CB_JOB_ENDED),
    [CB_JOB_READING] = TO(CB_JOB_QUEUED) | TO(CB_JOB_ENDED) | TO(CB_JOB_GONE),
    [CB_JOB_QUEUED] = TO(CB_JOB_HANDED) | TO(CB_JOB_ENDED) | TO(CB_JOB_GONE),
    [CB_JOB_HANDED] = TO(CB_JOB_QUEUED) | TO(CB_JOB_RUNNING) | TO(CB_JOB_ENDED) | TO(CB_JOB_GONE),
    [CB_JOB_RUNNING] = TO(CB_JOB_ENDED) | TO(CB_JOB_GONE),
    [CB_JOB_ENDED] = TO(CB_JOB_GONE),
};

static void count(uint32_t *counter, bool add)
{
    assert(add || *counter > 0);
    *counter = add ? *counter + 1u : *counter - 1u;
}

static void count_phase(cb_step_route *route, cb_job_state state, bool add)
{
    if (state == CB_JOB_GONE) {
        return;
    }
    count(&route->active, add);
    if (state == CB_JOB_READING) {
        count(&route->pending, add);
    } else if (state == CB_JOB_QUEUED || state == CB_JOB_HANDED) {
        count(&route->queued, add);
    } else if (state == CB_JOB_RUNNING) {
        count(&route->running, add);
    }
    if (state == CB_JOB_QUEUED) {
        count(&route->waiting, add);
    }
}

/* A local job without a route counts for its namespace alone. */
static void count_alone(cb_step *step, const cb_step_job *job, cb_job_state to)
{
    uint32_t *handed = &cb_step_space_at(step, job->name_space)->alone_handed;
    if (job->state == CB_JOB_HANDED) {
        count(handed, false);
    }
    if (to == CB_JOB_HANDED) {
        count(handed, true);
    }
}

static void count_on_route(cb_step *step, const cb_step_job *job, cb_job_state to)
{
    cb_step_route *route = cb_step_route_at(step, job->route);
    assert(to != CB_JOB_HANDED || route->state != CB_ROUTE_CLOSING);
    assert(route->state != CB_ROUTE_CLOSED);
    bool over = job->kind == CB_JOB_LOCAL && to == CB_JOB_ENDED; /* who takes it does not matter */
    count_phase(route, (cb_job_state)job->state, false);
    count_phase(route, over ? CB_JOB_GONE : to, true);
}

void cb_step_job_move(cb_step *step, uint32_t slot, cb_job_state to)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    assert((allowed[job->state] & TO(to)) != 0);
    cb_step_tally_move(step, slot, job->state, to);
    if (job->kind != CB_JOB_CLIENT) {
        if (job->route != CB_NONE) {
            count_on_route(step, job, to);
        } else if (job->kind == CB_JOB_LOCAL) {
            count_alone(step, job, to);
        }
        if (to != CB_JOB_RUNNING) {
            cb_heap_remove(&step->deadlines, &job->deadline);
        }
    }
    job->state = (uint8_t)to;
}

uint32_t cb_step_find_handle(const cb_step *step, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle;
    const cb_step_job *job = cb_slots_live(&step->jobs, slot);
    return job != NULL && cb_step_job_handle(job, slot) == handle ? slot : CB_NONE;
}

/* What was asked by a listener belongs to its route. */
static void leave_route(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_route *route = cb_step_route_at(step, job->route);
    if (job->kind == CB_JOB_SERVER && job->connected) {
        cb_map_remove(&step->connections, ((uint64_t)job->route << 32) | job->connection);
        route->connected--;
    }
    cb_list_remove(&route->jobs, &step->jobs, offsetof(cb_step_job, family), slot);
    step->server_jobs--;
}

void cb_step_job_forget(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    uint32_t lane = job->lane;
    assert(job->payload == 0 && job->waits.count == 0 && job->place == CB_PLACE_NONE);
    assert(!job->stale && job->cancelers.count == 0 && job->asked.count == 0);
    cb_step_job_move(step, slot, CB_JOB_GONE);
    cb_heap_remove(&step->deadlines, &job->deadline);
    if (job->kind == CB_JOB_SERVER || job->kind == CB_JOB_EVENT) {
        leave_route(step, slot);
    } else {
        cb_map_remove(&step->job_ids, cb_step_id_key(job->name_space, job->id));
        cb_step_space_at(step, job->name_space)->untaken--;
    }
    cb_slots_remove(&step->jobs, slot);
    if (lane != CB_NONE) {
        cb_step_lane_advance(step, lane);
    }
}

static void count_drop(cb_step_route *route, const cb_step_job *job, cb_job_status status)
{
    if (job->state == CB_JOB_RUNNING) {
        route->failed++;
        return;
    }
    route->dropped++;
    if (status == CB_JOB_ROUTE_CLOSED && job->state != CB_JOB_READING) {
        route->closed_queued++;
    }
}

void cb_step_job_drop(cb_step *step, uint32_t slot, cb_job_status status, uint64_t text)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    assert(job->kind != CB_JOB_CLIENT && job->state != CB_JOB_ENDED);
    if (job->route != CB_NONE) {
        count_drop(cb_step_route_at(step, job->route), job, status);
    }
    cb_step_tally_end(step, slot, (unsigned)status);
    cb_step_release(step, &job->payload);
    if (job->kind == CB_JOB_LOCAL) {
        cb_step_local_done(step, slot, status, text, 0, false);
        return;
    }
    const cb_step_route *route = cb_step_route_at(step, job->route);
    if (job->connected) {
        cb_message *drop = cb_step_order(step, route, CB_MSG_DROP);
        drop->connection = job->connection;
        drop->status = status;
    }
    cb_step_outcome_put(step, route->name_space, route->id, job->peer_port, status, text);
    if (job->connected && job->kind == CB_JOB_SERVER) {
        job->status = status;
        cb_step_job_move(step, slot, CB_JOB_ENDED);
    } else {
        cb_step_job_forget(step, slot);
    }
}
