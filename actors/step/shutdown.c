/* The end: routes drain, waits end, the grace runs out, actors retire. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

#define TO(state) (1u << (state))

static const unsigned finish_allowed[CB_FINISH_STATES] = {
    [CB_FINISH_NOT_ASKED] = TO(CB_FINISH_QUIESCING),
    [CB_FINISH_QUIESCING] = TO(CB_FINISH_RETIRING),
    [CB_FINISH_RETIRING] = TO(CB_FINISH_ANSWERED),
};

static void move_finish(cb_step *step, cb_finish_state to)
{
    assert((finish_allowed[step->finish] & TO(to)) != 0);
    step->finish = to;
}

static void begin(cb_step *step)
{
    step->shutdown = CB_SHUTTING_DOWN;
    cb_note *note = cb_step_note(step, CB_NOTE_SHUTDOWN);
    if (note != NULL) {
        note->value = step->limits.grace_ms;
    }
    for (uint32_t slot = 0; slot < step->waits.high; slot++) {
        const cb_step_wait *wait = cb_slots_live(&step->waits, slot);
        if (wait != NULL && wait->kind < CB_WAIT_CLOSER) {
            cb_step_wait_due(step, slot);
        }
    }
    for (uint32_t slot = 0; slot < step->routes.high; slot++) {
        const cb_step_route *route = cb_slots_live(&step->routes, slot);
        if (route != NULL && route->state == CB_ROUTE_OPEN) {
            cb_step_drain_route(step, slot);
        }
    }
    step->grace_deadline = cb_heap_push(
        &step->deadlines, cb_step_after_ms(step, step->limits.grace_ms), CB_DUE_GRACE, 0);
}

void cb_step_shutdown(cb_step *step)
{
    if (step->shutdown != CB_SERVING) {
        cb_step_ignore(step);
        return;
    }
    begin(step);
}

/* The time that actors get to end, from now. */
static void limit_finish(cb_step *step)
{
    int64_t stop_ms = step->limits.grace_ms > CB_STEP_STOP_MS_LEAST ? step->limits.grace_ms
                                                                    : CB_STEP_STOP_MS_LEAST;
    cb_heap_remove(&step->deadlines, &step->finish_deadline);
    step->finish_deadline =
        cb_heap_push(&step->deadlines, cb_step_after_ms(step, stop_ms), CB_DUE_FINISH, 0);
}

void cb_step_finish(cb_step *step)
{
    if (step->finish != CB_FINISH_NOT_ASKED) {
        cb_step_answer(step, CB_INVALID, 0);
        return;
    }
    step->finisher = step->in.from;
    step->finish_cause = step->in.cause;
    move_finish(step, CB_FINISH_QUIESCING);
    if (step->shutdown == CB_SERVING) {
        begin(step);
    } else if (step->shutdown == CB_CUTTING_OFF) {
        limit_finish(step);
    }
}

static void cut_server_job(cb_step *step, uint32_t slot)
{
    const cb_step_job *job = cb_step_job_at(step, slot);
    switch ((cb_job_state)job->state) {
    case CB_JOB_QUEUED:
        cb_step_queue_remove(step, slot);
        cb_step_job_drop(step, slot, CB_JOB_CANCELED, 0);
        break;
    case CB_JOB_READING:
        cb_step_job_drop(step, slot, CB_JOB_CANCELED, 0);
        break;
    case CB_JOB_HANDED:
        cb_step_take_back(step, job->worker);
        break;
    case CB_JOB_RUNNING:
        cb_step_interrupt(step, slot, CB_JOB_CANCELED);
        break;
    default: /* its response is on its way, but the client does not read it */
        if (job->status == CB_JOB_SUCCESS) {
            cb_message *drop = cb_step_order(step, cb_step_route_at(step, job->route), CB_MSG_DROP);
            drop->connection = job->connection;
            drop->status = CB_JOB_CANCELED;
        }
    }
}

static void cut_family(cb_step *step, const cb_list *family)
{
    uint32_t next;
    step->cut |= family->count > 0;
    for (uint32_t index = family->first; index != CB_NONE; index = next) {
        next = cb_step_job_at(step, index)->family.next;
        cut_server_job(step, index);
    }
}

static void cut_server_jobs(cb_step *step)
{
    for (uint32_t slot = 0; slot < step->routes.high; slot++) {
        const cb_step_route *route = cb_slots_live(&step->routes, slot);
        if (route == NULL || route->jobs.count + route->orders.count == 0) {
            continue;
        }
        cb_step_orders_end(step, slot, CB_STOPPED);
        cut_family(step, &route->jobs);
        cb_step_settle_route(step, slot);
    }
    for (uint32_t slot = 0; slot < step->spaces.high; slot++) {
        const cb_step_space *space = cb_slots_item(&step->spaces, slot);
        cut_family(step, &space->alone);
    }
}

void cb_step_grace_over(cb_step *step)
{
    step->grace_deadline = 0;
    step->shutdown = CB_CUTTING_OFF;
    cb_note *note = cb_step_note(step, CB_NOTE_GRACE_OVER);
    if (note != NULL) {
        note->value =
            (int64_t)step->server_jobs + step->client_queue.count + step->client_held.count;
    }
    cut_server_jobs(step);
    if (step->client_queue.count + step->client_held.count > 0) {
        step->cut = 1;
    }
    while (step->client_queue.count > 0) {
        cb_step_client_done(step, step->client_queue.first, CB_JOB_CANCELED, 0, 0, false);
    }
    for (uint32_t slot = step->client_held.first; slot != CB_NONE;
         slot = cb_step_job_at(step, slot)->line.next) {
        cb_step_interrupt(step, slot, CB_JOB_CANCELED);
    }
    for (uint32_t slot = 0; slot < step->askers.high; slot++) {
        const cb_step_asker *asker = cb_slots_live(&step->askers, slot);
        if (asker == NULL) {
            continue;
        }
        if (step->finish == CB_FINISH_NOT_ASKED || asker->address != step->finisher) {
            cb_step_emit(step, CB_MSG_INTERRUPT, asker->address)->status = CB_JOB_CANCELED;
        }
    }
    if (step->finish == CB_FINISH_QUIESCING) {
        limit_finish(step);
    }
}

static void retire(cb_step *step)
{
    move_finish(step, CB_FINISH_RETIRING);
    for (uint32_t index = 0; index < step->workers.high; index++) {
        if (cb_slots_live(&step->workers, index) != NULL) {
            cb_step_worker_retire(step, index);
        }
    }
    cb_step_client_retire(step);
    limit_finish(step);
}

static void answer_finish(cb_step *step, cb_status status)
{
    move_finish(step, CB_FINISH_ANSWERED);
    cb_heap_remove(&step->deadlines, &step->finish_deadline);
    cb_heap_remove(&step->deadlines, &step->grace_deadline);
    int64_t whole = status == CB_OK && !step->cut ? 1 : 0;
    if (step->finisher != CB_ADDRESS_NONE) {
        cb_step_answer_to(step, step->finisher, step->finish_cause, status, whole);
    }
    cb_note *note = cb_step_note(step, CB_NOTE_FINISHED);
    if (note != NULL) {
        note->status = status;
        note->value = whole;
    }
}

void cb_step_settle_finish(cb_step *step)
{
    if (step->finish == CB_FINISH_QUIESCING && step->live_routes == 0 && step->server_jobs == 0 &&
        step->client_queue.count == 0 && step->client_held.count == 0) {
        retire(step);
    }
    if (step->finish == CB_FINISH_RETIRING && step->workers.count == 0 &&
        step->client == CB_CLIENT_NONE) {
        answer_finish(step, CB_OK);
    }
}

void cb_step_finish_abandon(cb_step *step, uint32_t asker)
{
    bool asked = step->finish == CB_FINISH_QUIESCING || step->finish == CB_FINISH_RETIRING;
    if (asked && step->finisher == asker) {
        cb_step_answer_to(step, asker, step->finish_cause, CB_STOPPED, 0);
        step->finisher = CB_ADDRESS_NONE;
    }
}

void cb_step_finish_due(cb_step *step)
{
    step->finish_deadline = 0;
    if (step->finish == CB_FINISH_QUIESCING) {
        retire(step); /* something hangs: the others shall end all the same */
    }
    /* Nobody else will be heard of any more: what is still asked is answered now. */
    for (uint32_t slot = 0; slot < step->routes.high; slot++) {
        cb_step_route *route = cb_slots_live(&step->routes, slot);
        if (route == NULL) {
            continue;
        }
        cb_step_orders_end(step, slot, CB_STOPPED);
        cb_step_waits_answer(step, &route->closers, CB_STOPPED, 0);
        cb_step_waits_answer(step, &route->openers, CB_STOPPED, 0);
    }
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        cb_step_job *job = cb_slots_live(&step->jobs, slot);
        if (job != NULL) {
            cb_step_waits_answer(step, &job->cancelers, CB_STOPPED, 0);
        }
    }
    for (uint32_t slot = 0; slot < step->spaces.high; slot++) {
        cb_step_space *space = cb_slots_item(&step->spaces, slot);
        cb_step_waits_answer(step, &space->closers, CB_STOPPED, 0);
    }
    answer_finish(step, CB_TIMEOUT);
}
