/* Client jobs: begun, handed to the one client actor, completed, taken. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

#define TO(state) (1u << (state))

static const unsigned allowed[CB_CLIENT_STATES] = {
    [CB_CLIENT_NONE] = TO(CB_CLIENT_STARTING),
    [CB_CLIENT_STARTING] = TO(CB_CLIENT_READY) | TO(CB_CLIENT_RETIRED) | TO(CB_CLIENT_NONE),
    [CB_CLIENT_READY] = TO(CB_CLIENT_RETIRED) | TO(CB_CLIENT_NONE),
    [CB_CLIENT_RETIRED] = TO(CB_CLIENT_NONE),
};

static const size_t line = offsetof(cb_step_job, line);

static void move(cb_step *step, cb_client_state to)
{
    assert((allowed[step->client] & TO(to)) != 0);
    step->client = to;
}

uint32_t cb_step_find_job(const cb_step *step, uint8_t name_space, uint64_t id)
{
    return id == 0 || id >> 56 != 0 ? CB_NONE
                                    : cb_map_get(&step->job_ids, cb_step_id_key(name_space, id));
}

static void hand(cb_step *step, uint32_t slot, cb_step_route *route)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    cb_step_pin(step, route);
    cb_list_remove(&step->client_queue, &step->jobs, line, slot);
    cb_list_append(&step->client_held, &step->jobs, line, slot);
    cb_step_job_move(step, slot, CB_JOB_HANDED);
    cb_message *effect = cb_step_emit(step, CB_MSG_HAND, CB_ADDRESS_CLIENT);
    effect->flags = CB_FLAG_CLIENT;
    effect->name_space = job->name_space;
    effect->route = job->route;
    effect->job = cb_step_job_handle(job, slot);
    effect->value = job->port;
    effect->payload = job->payload;
    job->payload = 0;
}

void cb_step_client_dispatch(cb_step *step)
{
    if (step->client == CB_CLIENT_NONE && step->client_queue.count > 0 &&
        step->finish < CB_FINISH_RETIRING) {
        move(step, CB_CLIENT_STARTING);
        cb_step_emit(step, CB_MSG_ADD_ACTOR, CB_ADDRESS_CLIENT)->value = 1;
    }
    while (step->client == CB_CLIENT_READY && step->client_queue.count > 0 &&
           step->client_held.count < step->limits.max_client_jobs) {
        uint32_t slot = step->client_queue.first;
        const cb_step_job *job = cb_step_job_at(step, slot);
        uint32_t route = cb_step_find_route(step, job->name_space, job->route);
        /* Once its route has closed, the port may be somebody else's. */
        if (route != CB_NONE && cb_step_route_at(step, route)->state == CB_ROUTE_OPEN) {
            hand(step, slot, cb_step_route_at(step, route));
        } else {
            cb_step_client_done(step, slot, CB_JOB_CONNECT_FAILED, 0, 0, false);
        }
    }
}

void cb_step_client_done(cb_step *step, uint32_t slot, int32_t status, uint64_t payload,
                         int64_t size_bytes, bool has_nul)
{
    cb_step_job *job = cb_step_job_at(step, slot);
    assert(job->kind == CB_JOB_CLIENT);
    if (job->state == CB_JOB_QUEUED) {
        cb_list_remove(&step->client_queue, &step->jobs, line, slot);
        cb_step_release(step, &job->payload);
    } else if (job->state == CB_JOB_HANDED || job->state == CB_JOB_RUNNING) {
        cb_list_remove(&step->client_held, &step->jobs, line, slot);
    }
    if (job->stale) {
        uint32_t route = cb_step_find_any_route(step, job->name_space, job->route);
        cb_list_remove(&cb_step_route_at(step, route)->stale, &step->jobs,
                       offsetof(cb_step_job, family), slot);
        job->stale = 0;
        job->connection = 0;
    }
    cb_heap_remove(&step->deadlines, &job->deadline);
    cb_step_tally_end(step, slot, (unsigned)status);
    cb_step_job_move(step, slot, CB_JOB_ENDED);
    job->status = status;
    job->payload = payload;
    job->size_bytes = size_bytes;
    job->has_nul = has_nul;
    cb_step_waits_answer(step, &job->waits, CB_OK, 1);
}

static cb_status may_add_taken(cb_step *step, cb_job_kind kind)
{
    const cb_step_space *space = cb_step_space_of(step, step->in.name_space);
    if (space->untaken >= (uint64_t)step->limits.max_untaken || (space->last_job + 1) >> 56 != 0) {
        return CB_LIMIT;
    }
    cb_status status = cb_map_reserve(&step->job_ids, step->resize)
                           ? cb_step_space_make(step, step->in.name_space)
                           : CB_NO_MEMORY;
    cb_tally_kind tally = kind == CB_JOB_CLIENT ? CB_TALLY_CLIENT : CB_TALLY_ALONE;
    if (status == CB_OK && !cb_step_tally_need(step, step->in.name_space, tally)) {
        status = CB_NO_MEMORY;
    }
    return status;
}

uint32_t cb_step_add_taken(cb_step *step, cb_job_kind kind)
{
    const cb_message *in = &step->in;
    uint32_t slot = CB_NONE;
    cb_status status = may_add_taken(step, kind);
    if (status == CB_OK) {
        status = cb_step_add(step, &step->jobs, &slot);
    }
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return CB_NONE;
    }
    cb_step_space *space = cb_step_space_at(step, in->name_space);
    cb_step_job *job = cb_step_job_at(step, slot);
    job->kind = (uint8_t)kind;
    job->name_space = in->name_space;
    job->status = CB_JOB_PENDING;
    job->worker = job->lane = CB_NONE;
    job->timeout_ms = (int32_t)in->value;
    job->id = ++space->last_job;
    job->waits = job->cancelers = job->asked = CB_LIST_EMPTY;
    space->untaken++;
    cb_map_put(&step->job_ids, cb_step_id_key(job->name_space, job->id), slot);
    cb_step_answer(step, CB_OK, (int64_t)job->id);
    return slot;
}

void cb_step_begin_job(cb_step *step)
{
    const cb_message *in = &step->in;
    if ((in->flags & CB_FLAG_CLIENT) == 0) {
        cb_step_begin_local(step);
        return;
    }
    uint32_t route_slot = cb_step_find_route(step, in->name_space, in->route);
    if (!cb_step_timeout_valid(in->value) || route_slot == CB_NONE) {
        bool valid = cb_step_timeout_valid(in->value);
        cb_step_answer(step, valid ? CB_UNKNOWN : CB_INVALID, 0);
        return;
    }
    uint32_t slot = cb_step_add_taken(step, CB_JOB_CLIENT);
    if (slot == CB_NONE) {
        return;
    }
    const cb_step_route *route = cb_step_route_at(step, route_slot);
    cb_step_job *job = cb_step_job_at(step, slot);
    job->route = route->id;
    job->port = route->port;
    cb_step_tally_ready(step, slot);
    if (route->state != CB_ROUTE_OPEN) {
        cb_step_client_done(step, slot, CB_JOB_CONNECT_FAILED, 0, 0, false);
        return;
    }
    cb_step_job_move(step, slot, CB_JOB_QUEUED);
    job->payload = cb_step_take_payload(step);
    cb_list_append(&step->client_queue, &step->jobs, line, slot);
    if (job->timeout_ms >= 0) {
        job->deadline = cb_heap_push(&step->deadlines, cb_step_after_ms(step, job->timeout_ms),
                                     CB_DUE_JOB, slot);
    }
    cb_step_client_dispatch(step);
}

void cb_step_take_job(cb_step *step)
{
    uint32_t slot = cb_step_find_job(step, step->in.name_space, step->in.job);
    if (slot == CB_NONE) {
        cb_step_answer(step, CB_UNKNOWN, 0);
        return;
    }
    cb_step_job *job = cb_step_job_at(step, slot);
    if (job->state != CB_JOB_ENDED) {
        cb_step_answer(step, CB_NOT_COMPLETE, 0);
        return;
    }
    bool success = job->status == CB_JOB_SUCCESS;
    if (success && job->has_nul && (step->in.flags & CB_FLAG_AS_TEXT) != 0) {
        cb_step_answer(step, CB_FORMAT, 0);
        return;
    }
    cb_message *answer =
        cb_step_answer(step, success ? CB_OK : CB_NO_RESULT, success ? job->size_bytes : 0);
    answer->connection = (uint32_t)job->status;
    answer->payload = job->payload;
    job->payload = 0;
    cb_step_job_forget(step, slot);
}

void cb_step_client_ready(cb_step *step)
{
    if (step->client != CB_CLIENT_STARTING) {
        cb_step_ignore(step);
        return;
    }
    move(step, CB_CLIENT_READY);
    cb_step_client_dispatch(step);
}

void cb_step_client_stopped(cb_step *step)
{
    if (step->client == CB_CLIENT_NONE) {
        cb_step_ignore(step);
        return;
    }
    bool was_starting = step->client == CB_CLIENT_STARTING;
    move(step, CB_CLIENT_NONE);
    cb_step_pins_lost(step);
    while (step->client_held.count > 0) {
        cb_step_client_done(step, step->client_held.first, CB_JOB_CANCELED, 0, 0, false);
    }
    while (was_starting && step->client_queue.count > 0) {
        cb_step_client_done(step, step->client_queue.first, CB_JOB_OVERLOADED, 0, 0, false);
    }
    cb_step_client_dispatch(step);
}

void cb_step_client_returned(cb_step *step, uint32_t slot)
{
    /* Nothing asks the client actor for its jobs; one that it cannot run is over. */
    cb_step_client_done(step, slot, CB_JOB_CANCELED, 0, 0, false);
    cb_step_client_dispatch(step);
}

void cb_step_client_retire(cb_step *step)
{
    if (step->client == CB_CLIENT_STARTING || step->client == CB_CLIENT_READY) {
        move(step, CB_CLIENT_RETIRED);
        cb_step_emit(step, CB_MSG_RETIRE_ACTOR, CB_ADDRESS_CLIENT);
    }
}
