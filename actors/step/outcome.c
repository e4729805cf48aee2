/* How the newest requests from this machine ended that were not answered, by the peer's port: so
 * that a client job of this process learns why it got no response. */
#include <string.h>

#include "actors/step/state.h"

#define FIRST_CAPACITY 16u

static uint64_t key_of(uint8_t name_space, uint32_t route, uint16_t port)
{
    return ((uint64_t)name_space << 56) | ((uint64_t)route << 16) | port;
}

/* The next place of the ring, or CB_NONE when out of memory. */
static uint32_t next_place(cb_step *step)
{
    cb_step_outcomes *outcomes = &step->outcomes;
    if (!cb_map_reserve(&outcomes->places, step->resize)) {
        return CB_NONE;
    }
    if (outcomes->next == outcomes->capacity && outcomes->capacity < CB_STEP_OUTCOMES_MAX) {
        uint32_t wanted = outcomes->capacity == 0 ? FIRST_CAPACITY : outcomes->capacity * 2u;
        void *ring = step->resize(outcomes->ring, wanted * sizeof *outcomes->ring);
        if (ring == NULL) {
            return CB_NONE;
        }
        outcomes->ring = ring;
        outcomes->capacity = wanted;
    }
    if (outcomes->next == outcomes->capacity) {
        outcomes->next = 0;
    }
    uint32_t place = outcomes->next++;
    if (place == outcomes->high) {
        memset(&outcomes->ring[place], 0, sizeof *outcomes->ring);
        outcomes->high++;
    }
    return place;
}

/* Empties a place; gives its payload. */
static uint64_t empty(cb_step *step, uint32_t place)
{
    cb_step_outcome *outcome = &step->outcomes.ring[place];
    uint64_t payload = outcome->payload;
    cb_map_remove(&step->outcomes.places, outcome->key);
    memset(outcome, 0, sizeof *outcome);
    return payload;
}

void cb_step_outcome_clear(cb_step *step, uint8_t name_space, uint32_t route, uint16_t port)
{
    uint32_t place = cb_map_get(&step->outcomes.places, key_of(name_space, route, port));
    if (place != CB_NONE) {
        uint64_t payload = empty(step, place);
        cb_step_release(step, &payload);
    }
}

void cb_step_outcome_put(cb_step *step, uint8_t name_space, uint32_t route, uint16_t port,
                         int32_t status, uint64_t text)
{
    uint32_t place = CB_NONE;
    if (port != 0) {
        cb_step_outcome_clear(step, name_space, route, port);
        place = next_place(step);
    }
    if (place == CB_NONE) {
        cb_step_release(step, &text);
        return;
    }
    if (step->outcomes.ring[place].key != 0) {
        uint64_t oldest = empty(step, place);
        cb_step_release(step, &oldest);
    }
    uint64_t key = key_of(name_space, route, port);
    step->outcomes.ring[place] = (cb_step_outcome){key, text, status, 0};
    cb_map_put(&step->outcomes.places, key, place);
}

bool cb_step_outcome_take(cb_step *step, uint8_t name_space, uint32_t route, uint16_t port,
                          int32_t *status, uint64_t *text)
{
    uint32_t place = cb_map_get(&step->outcomes.places, key_of(name_space, route, port));
    if (port == 0 || place == CB_NONE) {
        return false;
    }
    *status = step->outcomes.ring[place].status;
    *text = empty(step, place);
    return true;
}
