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

void cb_step_job_move(cb_step *step, uint32_t slot, cb_job_state to)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    assert((allowed[job->state] & TO(to)) != 0);
    if (job->kind == CB_JOB_SERVER) {
        cb_step_route *route = cb_step_route_at(step, job->route);
        assert(to != CB_JOB_HANDED || route->state != CB_ROUTE_CLOSING);
        assert(route->state != CB_ROUTE_CLOSED);
        count_phase(route, (cb_job_state)job->state, false);
        count_phase(route, to, true);
    }
    if (to != CB_JOB_RUNNING && job->kind == CB_JOB_SERVER) {
        cb_heap_remove(&step->deadlines, &job->deadline);
    }
    job->state = (uint8_t)to;
}

uint32_t cb_step_find_handle(const cb_step *step, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle;
    const cb_step_job *job = cb_slots_live(&step->jobs, slot);
    return job != NULL && cb_step_job_handle(job, slot) == handle ? slot : CB_NONE;
}

void cb_step_job_forget(cb_step *step, uint32_t slot)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    assert(job->payload == 0 && job->waits.count == 0);
    cb_step_job_move(step, slot, CB_JOB_GONE);
    cb_heap_remove(&step->deadlines, &job->deadline);
    if (job->kind == CB_JOB_SERVER) {
        cb_step_route *route = cb_step_route_at(step, job->route);
        if (job->connected) {
            cb_map_remove(&step->connections, ((uint64_t)job->route << 32) | job->connection);
            route->connected--;
        }
        cb_list_remove(&route->jobs, &step->jobs, offsetof(cb_step_job, family), slot);
        step->server_jobs--;
    } else {
        cb_map_remove(&step->job_ids, cb_step_id_key(job->name_space, job->id));
        step->spaces[job->name_space].untaken--;
    }
    cb_slots_remove(&step->jobs, slot);
}

void cb_step_job_drop(cb_step *step, uint32_t slot, cb_job_status status, uint64_t text)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_route *route = cb_step_route_at(step, job->route);
    assert(job->kind == CB_JOB_SERVER && job->state != CB_JOB_ENDED);
    if (job->state == CB_JOB_RUNNING) {
        route->failed++;
    } else {
        route->dropped++;
        if (status == CB_JOB_ROUTE_CLOSED && job->state != CB_JOB_READING) {
            route->closed_queued++;
        }
    }
    if (job->connected) {
        cb_message *drop = cb_step_emit(step, CB_MSG_DROP, route->address);
        drop->name_space = route->name_space;
        drop->route = route->id;
        drop->connection = job->connection;
        drop->status = status;
    }
    cb_step_release(step, &job->payload);
    cb_step_outcome_put(step, route->name_space, route->id, job->peer_port, status, text);
    if (job->connected) {
        job->status = status;
        cb_step_job_move(step, slot, CB_JOB_ENDED);
    } else {
        cb_step_job_forget(step, slot);
    }
}
