/* The heart: the supervisor's state as a pure function of the messages that it received.
 *
 *     state, message -> state', effects
 *
 * No I/O, no clock, no globals, no thread. Time is the stamp on each message; it never goes back,
 * and a smaller stamp counts as the newest one so far. Two states that get the same inputs emit the
 * same effects and have the same hash, on any machine. Memory is the only resource that it takes,
 * and running out of memory is a status.
 *
 * It promises the following. tests/unit/step_*_test.c checks each promise (message by message,
 * under every order, in random worlds with faults):
 * 1. any message is defined in any state; a message about something that is gone is only counted;
 * 2. an accepted request ends once: it is answered, or dropped for a stated reason;
 * 3. one answer to each question, and one to each wait, at the latest when its asker is gone;
 * 4. counters equal a recount of the jobs; no counter goes below 0; Drained means that all four are
 *    0;
 * 5. a closed route hands out no more jobs, and no job runs twice;
 * 6. determinism, as above;
 * 7. each table has its limit (cb_limits); crossing it is a status, never growth;
 * 8. any message takes O(log n), and a Tick works only on due deadlines.
 */
#ifndef CALLBOARD_ACTORS_STEP_H
#define CALLBOARD_ACTORS_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "actors/base/message.h"
#include "actors/step/note.h"
#include "callboard/kinds.h"
#include "callboard/limits.h"

typedef struct cb_step cb_step;

/* The effects of one input, in order; owned by the state, valid until the next input. */
typedef struct cb_effects {
    const cb_message *items;
    size_t count;
} cb_effects;

/* NULL when out of memory. */
cb_step *cb_step_new(const cb_limits *limits);
/* Frees the state. Payload handles that it still holds are passed to `drop` (may be NULL). */
void cb_step_free(cb_step **step, void (*drop)(void *user, uint64_t payload), void *user);

/* Takes one input. message->time_ns must be set. Deadlines that are due at this time are handled
 * first. The payload's reference moves into the state. Each effect carries one reference out,
 * except SHARED ones. */
cb_effects cb_step_input(cb_step *step, const cb_message *message);

/* From now on inputs leave notes. A note without memory is left out. */
void cb_step_take_notes(cb_step *step);
/* The notes of the last input. */
cb_notes cb_step_notes(const cb_step *step);

/* The time of the next deadline in ns, INT64_MAX for none; the same as in the last TICK_AT
 * effect. */
int64_t cb_step_next_deadline(const cb_step *step);

/* A hash over everything that decides later effects, without payload handles; O(size of the
 * state). */
uint64_t cb_step_hash(const cb_step *step);
/* Objects in the tables, which is the cost of a hash. */
size_t cb_step_size(const cb_step *step);

/* How many inputs since the start were about something gone, or out of place. */
uint64_t cb_step_ignored(const cb_step *step);

/* Recounts everything and compares it with the state. Returns NULL, or a sentence about the first
 * fault. For tests and debug builds. */
const char *cb_step_check(const cb_step *step);

#endif
