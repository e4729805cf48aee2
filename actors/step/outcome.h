/* Outcomes: how the newest unanswered requests from this machine ended. Internal to this folder and
 * its tests.
 */
#ifndef CALLBOARD_ACTORS_STEP_OUTCOME_H
#define CALLBOARD_ACTORS_STEP_OUTCOME_H

#include "actors/step/step.h"
#include "actors/step/tables.h"

typedef struct cb_step_outcome {
    uint64_t key; /* 0: empty */
    uint64_t payload;
    int32_t status;
    uint32_t unused;
} cb_step_outcome;

typedef struct cb_step_outcomes {
    cb_step_outcome *ring;
    uint32_t capacity;
    uint32_t high; /* places that were ever used */
    uint32_t next; /* place of the next one */
    cb_map places;
} cb_step_outcomes;

void cb_step_outcome_put(cb_step *step, uint8_t name_space, uint32_t route, uint16_t port,
                         int32_t status, uint64_t text); /* text is taken over */
void cb_step_outcome_clear(cb_step *step, uint8_t name_space, uint32_t route, uint16_t port);
/* Moves the outcome out; false if there is none. */
bool cb_step_outcome_take(cb_step *step, uint8_t name_space, uint32_t route, uint16_t port,
                          int32_t *status, uint64_t *text);

#endif
