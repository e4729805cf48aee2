/* Waits: questions that are answered later, each exactly once: by what they wait for, by their time
 * limit, or because who asked is gone. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

static const size_t link_offset = offsetof(cb_step_wait, link);
static const size_t mine_offset = offsetof(cb_step_wait, mine);

/* Who asks: the slot of the asker, or of the worker's job. The shell holds questions back until the
 * inbox was empty, and a worker does not wait for the answer once its job was interrupted: so the
 * end of the job may come first, and then there is nobody to wait for anything. */
static cb_status find_owner(const cb_step *step, uint32_t *owner)
{
    const cb_message *in = &step->in;
    if (in->from >= CB_ADDRESS_FIRST_ASKER) {
        bool full = cb_slots_at_limit(&step->askers);
        *owner = cb_map_get(&step->asker_ids, in->from);
        return *owner != CB_NONE ? CB_OK : full ? CB_LIMIT : CB_NO_MEMORY;
    }
    *owner = cb_step_find_handle(step, cb_message_asking_job(in));
    const cb_step_job *job = *owner == CB_NONE ? NULL : cb_step_job_at(step, *owner);
    bool asks = job != NULL && job->state == CB_JOB_RUNNING && job->kind != CB_JOB_CLIENT &&
                cb_step_worker_at(step, job->worker)->address == in->from;
    return asks ? CB_OK : CB_STOPPED;
}

static cb_list *asked_of(const cb_step *step, const cb_step_wait *wait)
{
    assert(wait->asker != CB_ADDRESS_NONE);
    if (wait->asker >= CB_ADDRESS_FIRST_ASKER) {
        return &((cb_step_asker *)cb_slots_item(&step->askers, wait->owner))->asked;
    }
    return &cb_step_job_at(step, wait->owner)->asked;
}

uint32_t cb_step_wait_add(cb_step *step, uint32_t kind, cb_list *list, uint32_t subject)
{
    uint32_t slot;
    uint32_t owner;
    cb_status status = find_owner(step, &owner);
    if (status == CB_OK) {
        status = cb_step_add(step, &step->waits, &slot);
    }
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return CB_NONE;
    }
    cb_step_wait *wait = cb_step_wait_at(step, slot);
    wait->kind = kind;
    wait->asker = step->in.from;
    wait->cause = step->in.cause;
    wait->owner = owner;
    cb_list_append(asked_of(step, wait), &step->waits, mine_offset, slot);
    cb_step_wait_attach(step, slot, list, subject);
    return slot;
}

void cb_step_wait_attach(cb_step *step, uint32_t slot, cb_list *list, uint32_t subject)
{
    cb_step_wait_at(step, slot)->subject = subject;
    if (list != NULL) {
        cb_list_append(list, &step->waits, link_offset, slot);
    }
}

cb_message *cb_step_wait_orphan(cb_step *step, uint32_t slot, cb_status status, int64_t value)
{
    cb_step_wait *wait = cb_step_wait_at(step, slot);
    if (wait->asker == CB_ADDRESS_NONE) {
        return NULL;
    }
    cb_message *answer = cb_step_answer_to(step, wait->asker, wait->cause, status, value);
    cb_list_remove(asked_of(step, wait), &step->waits, mine_offset, slot);
    wait->asker = CB_ADDRESS_NONE;
    wait->owner = CB_NONE;
    return answer;
}

cb_message *cb_step_wait_answer(cb_step *step, cb_list *list, uint32_t slot, cb_status status,
                                int64_t value)
{
    cb_step_wait *wait = cb_step_wait_at(step, slot);
    assert(wait->payload == 0);
    cb_message *answer = cb_step_wait_orphan(step, slot, status, value);
    cb_heap_remove(&step->deadlines, &wait->deadline);
    if (list != NULL) {
        cb_list_remove(list, &step->waits, link_offset, slot);
    }
    cb_slots_remove(&step->waits, slot);
    return answer;
}

void cb_step_waits_answer(cb_step *step, cb_list *list, cb_status status, int64_t value)
{
    while (list->count > 0) {
        cb_step_wait_answer(step, list, list->first, status, value);
    }
}

static cb_list *list_of(const cb_step *step, const cb_step_wait *wait)
{
    switch (wait->kind) {
    case CB_WAIT_JOB_COMPLETE:
        return &cb_step_job_at(step, wait->subject)->waits;
    case CB_WAIT_ROUTE_DRAINED:
        return &cb_step_route_at(step, wait->subject)->waits;
    case CB_WAIT_CLOSER:
        return &cb_step_route_at(step, wait->subject)->closers;
    case CB_WAIT_OPENER:
        return &cb_step_route_at(step, wait->subject)->openers;
    case CB_WAIT_CANCELER:
        return &cb_step_job_at(step, wait->subject)->cancelers;
    case CB_WAIT_JOBS_CLOSER:
        return &cb_step_space_at(step, (uint8_t)wait->subject)->closers;
    default:
        assert(wait->kind == CB_WAIT_TIME);
        return NULL;
    }
}

void cb_step_wait_due(cb_step *step, uint32_t slot)
{
    cb_step_wait_answer(step, list_of(step, cb_step_wait_at(step, slot)), slot, CB_OK, 0);
}

void cb_step_abandon(cb_step *step, const cb_list *asked)
{
    while (asked->count > 0) {
        uint32_t slot = asked->first;
        const cb_step_wait *wait = cb_step_wait_at(step, slot);
        if (wait->kind == CB_WAIT_ORDER) {
            cb_step_order_abandon(step, slot);
        } else {
            cb_step_wait_answer(step, list_of(step, wait), slot, CB_STOPPED, 0);
        }
    }
}

/* What the input waits for: its object, the object's list, whether it is true already. */
static cb_status find_subject(cb_step *step, uint32_t *subject, cb_list **list, bool *happened)
{
    const cb_message *in = &step->in;
    *subject = CB_NONE;
    *list = NULL;
    *happened = false;
    switch (in->status) {
    case CB_WAIT_TIME:
        return CB_OK;
    case CB_WAIT_JOB_COMPLETE:
        *subject = cb_step_find_job(step, in->name_space, in->job);
        if (*subject == CB_NONE) {
            return CB_UNKNOWN;
        }
        *list = &cb_step_job_at(step, *subject)->waits;
        *happened = cb_step_job_at(step, *subject)->state == CB_JOB_ENDED;
        return CB_OK;
    case CB_WAIT_ROUTE_DRAINED:
        *subject = cb_step_find_route(step, in->name_space, in->job);
        if (*subject == CB_NONE) {
            return CB_UNKNOWN;
        }
        *list = &cb_step_route_at(step, *subject)->waits;
        *happened = cb_step_drained(cb_step_route_at(step, *subject));
        return CB_OK;
    default:
        return CB_INVALID;
    }
}

void cb_step_wait_input(cb_step *step)
{
    uint32_t subject;
    cb_list *list;
    bool happened;
    int64_t timeout_ms = step->in.value;
    cb_status status = cb_step_timeout_valid(timeout_ms)
                           ? find_subject(step, &subject, &list, &happened)
                           : CB_INVALID;
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return;
    }
    if (happened || timeout_ms == 0 || step->shutdown != CB_SERVING) {
        cb_step_answer(step, CB_OK, happened ? 1 : 0);
        return;
    }
    uint32_t slot = cb_step_wait_add(step, (uint32_t)step->in.status, list, subject);
    if (slot != CB_NONE && timeout_ms > 0) {
        cb_step_wait_at(step, slot)->deadline =
            cb_heap_push(&step->deadlines, cb_step_after_ms(step, timeout_ms), CB_DUE_WAIT, slot);
    }
}
