/* Helpers that the recounts of the step share. Internal to this folder. */
#ifndef CALLBOARD_ACTORS_STEP_CHECK_H
#define CALLBOARD_ACTORS_STEP_CHECK_H

#include "actors/step/state.h"

#define HOLDS(condition, sentence)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return (sentence);                                                                     \
        }                                                                                          \
    } while (0)

/* True if the list's links agree in both directions, with its count and with live objects. */
bool cb_step_list_holds(const cb_list *list, const cb_slots *slots, size_t offset);

/* check_owners.c: nothing outlives its owner or its subject. */
const char *cb_step_check_owners(const cb_step *step);

#endif
