/* Effects, payloads, answers and the memory behind the objects. */
#include <assert.h>
#include <string.h>

#include "actors/step/state.h"

/* Effects of one input: so many for each object that lives, and some for the input itself. A job
 * that is dropped costs most: its drop, its request, its outcome, one that the outcome displaced.
 */
#define EFFECTS_EACH 4u

bool cb_step_reserve_effects(cb_step *step, uint64_t capacity)
{
    if (capacity <= step->effect_capacity) {
        return true;
    }
    void *effects = step->resize(step->effects, (size_t)capacity * sizeof *step->effects);
    if (effects == NULL) {
        return false;
    }
    step->effects = effects;
    step->effect_capacity = (size_t)capacity;
    return true;
}

/* So that nothing after the birth of an object can fail for want of memory. */
static bool back_objects(cb_step *step)
{
    uint64_t objects = (uint64_t)step->routes.capacity + step->jobs.capacity +
                       step->waits.capacity + step->workers.capacity + step->askers.capacity;
    if (objects == step->backed) {
        return true;
    }
    if (!cb_step_reserve_effects(step, CB_STEP_EFFECTS_LEAST + EFFECTS_EACH * objects) ||
        !cb_heap_reserve(&step->deadlines, (uint32_t)objects + 2u, step->resize) ||
        !cb_heap_reserve(&step->returned, step->jobs.capacity, step->resize)) {
        return false;
    }
    step->backed = objects;
    return true;
}

cb_status cb_step_add(cb_step *step, cb_slots *table, uint32_t *index)
{
    if (cb_slots_at_limit(table)) {
        return CB_LIMIT;
    }
    if (cb_slots_full(table) && !cb_slots_grow(table, step->resize)) {
        return CB_NO_MEMORY;
    }
    if (!back_objects(step)) {
        return CB_NO_MEMORY;
    }
    *index = cb_slots_add(table);
    return CB_OK;
}

cb_step_space *cb_step_space_at(const cb_step *step, uint8_t name_space)
{
    assert(step->space_slots[name_space] != 0);
    return cb_slots_item(&step->spaces, step->space_slots[name_space] - 1u);
}

const cb_step_space *cb_step_space_of(const cb_step *step, uint8_t name_space)
{
    static const cb_step_space none = {.alone = {CB_NONE, CB_NONE, 0},
                                       .closers = {CB_NONE, CB_NONE, 0}};
    return step->space_slots[name_space] == 0 ? &none : cb_step_space_at(step, name_space);
}

cb_status cb_step_space_make(cb_step *step, uint8_t name_space)
{
    uint32_t slot;
    if (step->space_slots[name_space] != 0) {
        return CB_OK;
    }
    cb_status status = cb_step_add(step, &step->spaces, &slot);
    if (status == CB_OK) {
        cb_step_space *space = cb_slots_item(&step->spaces, slot);
        space->name_space = name_space;
        space->alone = space->closers = CB_LIST_EMPTY;
        for (unsigned i = 0; i < CB_TALLY_KINDS; i++) {
            space->tallies[i] = CB_NONE;
        }
        step->space_slots[name_space] = (uint16_t)(slot + 1u);
    }
    return status;
}

cb_message *cb_step_emit(cb_step *step, cb_message_kind kind, uint32_t to)
{
    if (step->effect_count == step->effect_capacity) {
        bool grown =
            cb_step_reserve_effects(step, step->effect_capacity * 2u + CB_STEP_EFFECTS_LEAST);
        assert(grown); /* back_objects has reserved more than one input can cause */
    }
    cb_message *effect = &step->effects[step->effect_count++];
    memset(effect, 0, sizeof *effect);
    effect->kind = (uint16_t)kind;
    effect->from = CB_ADDRESS_SUPERVISOR;
    effect->to = to;
    effect->cause = step->inputs;
    effect->time_ns = step->now_ns;
    return effect;
}

cb_message *cb_step_answer_to(cb_step *step, uint32_t asker, uint64_t cause, cb_status status,
                              int64_t value)
{
    cb_message *answer = cb_step_emit(step, CB_MSG_ANSWER, asker);
    answer->cause = cause;
    answer->status = status;
    answer->value = value;
    return answer;
}

cb_message *cb_step_answer(cb_step *step, cb_status status, int64_t value)
{
    return cb_step_answer_to(step, step->in.from, step->in.cause, status, value);
}

uint64_t cb_step_take_payload(cb_step *step)
{
    uint64_t payload = step->in.payload;
    step->in.payload = 0;
    return payload;
}

void cb_step_release(cb_step *step, uint64_t *payload)
{
    if (*payload != 0) {
        cb_step_emit(step, CB_MSG_RELEASE, CB_ADDRESS_SUPERVISOR)->payload = *payload;
        *payload = 0;
    }
}

void cb_step_ignore(cb_step *step)
{
    step->ignored++;
}

int64_t cb_step_after_ms(const cb_step *step, int64_t milliseconds)
{
    const int64_t ns_each = 1000000;
    if (milliseconds > (INT64_MAX - 1) / ns_each ||
        step->now_ns > INT64_MAX - 1 - milliseconds * ns_each) {
        return INT64_MAX - 1;
    }
    return step->now_ns + milliseconds * ns_each;
}
