/* Recounts who waits for what: each wait has an owner that lives and can wait, and a subject whose
 * event can still come; each deadline belongs to an object that lives. */
#include <stddef.h>

#include "actors/step/check.h"

static const size_t mine_offset = offsetof(cb_step_wait, mine);
static const size_t link_offset = offsetof(cb_step_wait, link);

/* -- owners -- */

static bool asks(const cb_step *step, const cb_step_job *job, uint32_t address)
{
    if (job == NULL || job->kind == CB_JOB_CLIENT || job->state != CB_JOB_RUNNING) {
        return false;
    }
    const cb_step_worker *worker = cb_slots_live(&step->workers, job->worker);
    return worker != NULL && worker->address == address;
}

static const char *check_owner(const cb_step *step, const cb_step_wait *wait)
{
    if (wait->asker == CB_ADDRESS_NONE) {
        HOLDS(wait->kind == CB_WAIT_ORDER && wait->what == CB_ORDER_SET_TLS, "a wait has no owner");
        return NULL;
    }
    if (wait->asker < CB_ADDRESS_FIRST_ASKER) {
        HOLDS(asks(step, cb_slots_live(&step->jobs, wait->owner), wait->asker),
              "a wait outlived the job that asked");
        return NULL;
    }
    const cb_step_asker *asker = cb_slots_live(&step->askers, wait->owner);
    HOLDS(asker != NULL && asker->address == wait->asker, "a wait outlived its asker");
    return NULL;
}

/* Whether all of the list are the owner's; adds how many. */
static bool owns(const cb_step *step, const cb_list *asked, uint32_t owner, bool is_asker,
                 uint32_t *sum)
{
    if (!cb_step_list_holds(asked, &step->waits, mine_offset)) {
        return false;
    }
    for (uint32_t slot = asked->first; slot != CB_NONE;
         slot = cb_step_wait_at(step, slot)->mine.next) {
        const cb_step_wait *wait = cb_step_wait_at(step, slot);
        if (wait->owner != owner || (wait->asker >= CB_ADDRESS_FIRST_ASKER) != is_asker) {
            return false;
        }
    }
    *sum += asked->count;
    return true;
}

static const char *check_owned(const cb_step *step, uint32_t *owned)
{
    for (uint32_t slot = 0; slot < step->askers.high; slot++) {
        const cb_step_asker *asker = cb_slots_live(&step->askers, slot);
        if (asker != NULL) {
            HOLDS(cb_map_get(&step->asker_ids, asker->address) == slot,
                  "an asker's address leads elsewhere");
            HOLDS(owns(step, &asker->asked, slot, true, owned), "an asker's list is broken");
        }
    }
    HOLDS(step->askers.count == step->asker_ids.count, "an asker is not to be found");
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, slot);
        HOLDS(job == NULL || owns(step, &job->asked, slot, false, owned),
              "the list of what a job waits for is broken");
    }
    return NULL;
}

/* -- subjects -- */

static const char *check_subject(const cb_step *step, const cb_step_wait *wait)
{
    const cb_step_route *route = cb_slots_live(&step->routes, wait->subject);
    const cb_step_job *job = cb_slots_live(&step->jobs, wait->subject);
    switch (wait->kind) {
    case CB_WAIT_TIME:
        return NULL;
    case CB_WAIT_JOB_COMPLETE:
        HOLDS(job != NULL && job->state != CB_JOB_ENDED, "the end of no job is waited for");
        return NULL;
    case CB_WAIT_ROUTE_DRAINED:
        HOLDS(route != NULL && route->active > 0, "the end of no work is waited for");
        return NULL;
    case CB_WAIT_CLOSER:
        HOLDS(route != NULL && route->close_accepted && route->state != CB_ROUTE_CLOSED,
              "the end of no route is waited for");
        return NULL;
    case CB_WAIT_OPENER:
        HOLDS(route != NULL && route->state == CB_ROUTE_OPENING,
              "the opening of no route is waited for");
        return NULL;
    case CB_WAIT_ORDER:
        HOLDS(route != NULL && route->listener != CB_LISTENER_ENDED, "an order is nobody's");
        return NULL;
    case CB_WAIT_CANCELER:
        HOLDS(job != NULL && job->state == CB_JOB_HANDED, "the cancel of no job is waited for");
        return NULL;
    default:
        HOLDS(wait->kind == CB_WAIT_JOBS_CLOSER && wait->subject < CB_STEP_NAME_SPACES &&
                  step->space_slots[wait->subject] != 0,
              "a wait is of no kind");
        return NULL;
    }
}

/* Whether all of the list wait for that of this subject; adds how many. */
static bool awaits(const cb_step *step, const cb_list *list, uint32_t kind, uint32_t subject,
                   uint32_t *sum)
{
    if (!cb_step_list_holds(list, &step->waits, link_offset)) {
        return false;
    }
    for (uint32_t slot = list->first; slot != CB_NONE;
         slot = cb_step_wait_at(step, slot)->link.next) {
        const cb_step_wait *wait = cb_step_wait_at(step, slot);
        if (wait->kind != kind || wait->subject != subject) {
            return false;
        }
    }
    *sum += list->count;
    return true;
}

static const char *check_awaited(const cb_step *step, uint32_t *awaited)
{
    for (uint32_t slot = 0; slot < step->routes.high; slot++) {
        const cb_step_route *route = cb_slots_live(&step->routes, slot);
        HOLDS(route == NULL || (awaits(step, &route->closers, CB_WAIT_CLOSER, slot, awaited) &&
                                awaits(step, &route->waits, CB_WAIT_ROUTE_DRAINED, slot, awaited) &&
                                awaits(step, &route->openers, CB_WAIT_OPENER, slot, awaited) &&
                                awaits(step, &route->orders, CB_WAIT_ORDER, slot, awaited)),
              "a route's list of waits is broken");
    }
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, slot);
        HOLDS(job == NULL || (awaits(step, &job->waits, CB_WAIT_JOB_COMPLETE, slot, awaited) &&
                              awaits(step, &job->cancelers, CB_WAIT_CANCELER, slot, awaited)),
              "a job's list of waits is broken");
    }
    for (uint32_t slot = 0; slot < step->spaces.high; slot++) {
        const cb_step_space *space = cb_slots_item(&step->spaces, slot);
        HOLDS(awaits(step, &space->closers, CB_WAIT_JOBS_CLOSER, space->name_space, awaited),
              "a namespace's list of waits is broken");
    }
    return NULL;
}

/* -- all of them -- */

static const char *check_waits(const cb_step *step, uint32_t *deadlines)
{
    uint32_t owned = 0;
    uint32_t awaited = 0;
    const char *wrong = check_owned(step, &owned);
    wrong = wrong != NULL ? wrong : check_awaited(step, &awaited);
    HOLDS(wrong == NULL, wrong);
    for (uint32_t slot = 0; slot < step->waits.high; slot++) {
        const cb_step_wait *wait = cb_slots_live(&step->waits, slot);
        if (wait == NULL) {
            continue;
        }
        wrong = check_owner(step, wait);
        wrong = wrong != NULL ? wrong : check_subject(step, wait);
        HOLDS(wrong == NULL, wrong);
        HOLDS(step->shutdown == CB_SERVING || wait->kind >= CB_WAIT_CLOSER,
              "something waits though a shutdown began");
        owned += wait->asker == CB_ADDRESS_NONE;
        awaited += wait->kind == CB_WAIT_TIME;
        *deadlines += wait->deadline != 0;
    }
    HOLDS(owned == step->waits.count, "a wait is in no owner's list, or in two");
    HOLDS(awaited == step->waits.count, "a wait is in no subject's list, or in two");
    return NULL;
}

const char *cb_step_check_owners(const cb_step *step)
{
    uint32_t deadlines = step->grace_deadline != 0;
    deadlines += step->finish_deadline != 0;
    const char *wrong = check_waits(step, &deadlines);
    HOLDS(wrong == NULL, wrong);
    for (uint32_t slot = 0; slot < step->jobs.high; slot++) {
        const cb_step_job *job = cb_slots_live(&step->jobs, slot);
        deadlines += job != NULL && job->deadline != 0;
    }
    for (uint32_t slot = 0; slot < step->workers.high; slot++) {
        const cb_step_worker *worker = cb_slots_live(&step->workers, slot);
        deadlines += worker != NULL && worker->deadline != 0;
    }
    HOLDS(deadlines == step->deadlines.count, "a deadline is nobody's");
    return NULL;
}
