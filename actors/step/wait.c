/* Waits: questions that are answered later, each exactly once. */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

static const size_t link_offset = offsetof(cb_step_wait, link);

uint32_t cb_step_wait_add(cb_step *step, uint32_t kind, cb_list *list, uint32_t owner)
{
    uint32_t slot;
    cb_status status = cb_step_add(step, &step->waits, &slot);
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return CB_NONE;
    }
    cb_step_wait *wait = cb_step_wait_at(step, slot);
    wait->kind = kind;
    wait->asker = step->in.from;
    wait->cause = step->in.cause;
    wait->owner = owner;
    if (list != NULL) {
        cb_list_append(list, &step->waits, link_offset, slot);
    }
    return slot;
}

cb_message *cb_step_wait_answer(cb_step *step, cb_list *list, uint32_t slot, cb_status status,
                                int64_t value)
{
    cb_step_wait *wait = cb_step_wait_at(step, slot);
    assert(wait->payload == 0);
    cb_message *answer = cb_step_answer_to(step, wait->asker, wait->cause, status, value);
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
        return &cb_step_job_at(step, wait->owner)->waits;
    case CB_WAIT_ROUTE_DRAINED:
        return &cb_step_route_at(step, wait->owner)->waits;
    default:
        assert(wait->kind == CB_WAIT_TIME);
        return NULL;
    }
}

void cb_step_wait_due(cb_step *step, uint32_t slot)
{
    cb_step_wait_answer(step, list_of(step, cb_step_wait_at(step, slot)), slot, CB_OK, 0);
}

/* What the input waits for: its object, the object's list, whether it is true already. */
static cb_status find_subject(cb_step *step, uint32_t *owner, cb_list **list, bool *happened)
{
    const cb_message *in = &step->in;
    *owner = CB_NONE;
    *list = NULL;
    *happened = false;
    switch (in->status) {
    case CB_WAIT_TIME:
        return CB_OK;
    case CB_WAIT_JOB_COMPLETE:
        *owner = cb_step_find_job(step, in->name_space, in->job);
        if (*owner == CB_NONE) {
            return CB_UNKNOWN;
        }
        *list = &cb_step_job_at(step, *owner)->waits;
        *happened = cb_step_job_at(step, *owner)->state == CB_JOB_ENDED;
        return CB_OK;
    case CB_WAIT_ROUTE_DRAINED:
        *owner = cb_step_find_route(step, in->name_space, in->job);
        if (*owner == CB_NONE) {
            return CB_UNKNOWN;
        }
        *list = &cb_step_route_at(step, *owner)->waits;
        *happened = cb_step_drained(cb_step_route_at(step, *owner));
        return CB_OK;
    default:
        return CB_INVALID;
    }
}

void cb_step_wait_input(cb_step *step)
{
    uint32_t owner;
    cb_list *list;
    bool happened;
    int64_t timeout_ms = step->in.value;
    cb_status status = cb_step_timeout_valid(timeout_ms)
                           ? find_subject(step, &owner, &list, &happened)
                           : CB_INVALID;
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return;
    }
    if (happened || timeout_ms == 0 || step->shutdown != CB_SERVING) {
        cb_step_answer(step, CB_OK, happened ? 1 : 0);
        return;
    }
    uint32_t slot = cb_step_wait_add(step, (uint32_t)step->in.status, list, owner);
    if (slot != CB_NONE && timeout_ms > 0) {
        cb_step_wait_at(step, slot)->deadline =
            cb_heap_push(&step->deadlines, cb_step_after_ms(step, timeout_ms), CB_DUE_WAIT, slot);
    }
}
