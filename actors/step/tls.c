/* Routes that speak TLS: which certificate client exchanges are to expect, and what happens to
 * those that meet another one because the route's changed meanwhile.
 *
 *     SET_TLS done -> version + 1 -> PIN, before the next HAND to that route
 *     JOB_STALE: a newer one is known, or on its way -> PIN, REDIAL; else it has failed
 */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

static const size_t family = offsetof(cb_step_job, family);

void cb_step_pin(cb_step *step, cb_step_route *route)
{
    if (route->tls == 0 || route->tls_told == route->tls_version) {
        return;
    }
    route->tls_told = route->tls_version;
    cb_message *pin = cb_step_emit(step, CB_MSG_PIN, CB_ADDRESS_CLIENT);
    pin->flags = CB_FLAG_SHARED;
    pin->name_space = route->name_space;
    pin->route = route->id;
    pin->value = route->tls_version;
    pin->payload = route->tls;
}

void cb_step_unpin(cb_step *step, cb_step_route *route)
{
    if (route->tls_told != 0) {
        cb_message *pin = cb_step_emit(step, CB_MSG_PIN, CB_ADDRESS_CLIENT);
        pin->name_space = route->name_space;
        pin->route = route->id;
        pin->value = route->tls_version;
        route->tls_told = 0;
    }
    cb_step_release(step, &route->tls);
}

void cb_step_pins_lost(cb_step *step)
{
    for (uint32_t slot = 0; slot < step->routes.high; slot++) {
        cb_step_route *route = cb_slots_live(&step->routes, slot);
        if (route != NULL) {
            route->tls_told = 0;
        }
    }
}

static void redial(cb_step *step, uint32_t slot, cb_job_status status)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    cb_message *effect = cb_step_emit(step, CB_MSG_REDIAL, CB_ADDRESS_CLIENT);
    effect->name_space = job->name_space;
    effect->route = job->route;
    effect->job = cb_step_job_handle(job, slot);
    effect->status = status;
}

/* False as long as a SET_TLS that is on its way may still help. */
static bool decide(cb_step *step, cb_step_route *route, uint32_t slot, int64_t met)
{
    if (route->tls != 0 && (int64_t)route->tls_version > met) {
        cb_step_pin(step, route);
        redial(step, slot, CB_JOB_SUCCESS);
        return true;
    }
    if (route->tls_changing > 0) {
        return false;
    }
    redial(step, slot, CB_JOB_TLS_FAILED);
    return true;
}

void cb_step_job_stale(cb_step *step)
{
    uint32_t slot = cb_step_find_handle(step, step->in.job);
    cb_step_job *job = slot == CB_NONE ? NULL : cb_step_job_at(step, slot);
    bool held = job != NULL && job->kind == CB_JOB_CLIENT &&
                (job->state == CB_JOB_HANDED || job->state == CB_JOB_RUNNING);
    if (!held || job->stale || step->in.from != CB_ADDRESS_CLIENT) {
        cb_step_ignore(step);
        return;
    }
    uint32_t route_slot = cb_step_find_any_route(step, job->name_space, job->route);
    if (route_slot == CB_NONE) {
        redial(step, slot, CB_JOB_TLS_FAILED);
        return;
    }
    cb_step_route *route = cb_step_route_at(step, route_slot);
    int64_t met = step->in.value;
    if (met < 0 || met > UINT32_MAX) {
        met = UINT32_MAX; /* no such version: nothing is newer */
    }
    if (!decide(step, route, slot, met)) {
        job->stale = 1;
        job->connection = (uint32_t)met;
        cb_list_append(&route->stale, &step->jobs, family, slot);
    }
}

void cb_step_tls_changed(cb_step *step, cb_step_route *route, uint64_t payload)
{
    if (payload != 0) {
        cb_step_release(step, &route->tls);
        route->tls = payload;
        route->tls_version++;
    }
    uint32_t next;
    for (uint32_t slot = route->stale.first; slot != CB_NONE; slot = next) {
        cb_step_job *job = cb_step_job_at(step, slot);
        next = job->family.next;
        if (decide(step, route, slot, job->connection)) {
            cb_list_remove(&route->stale, &step->jobs, family, slot);
            job->stale = 0;
            job->connection = 0;
        }
    }
}
