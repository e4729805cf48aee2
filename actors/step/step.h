/* The heart: the supervisor's state as a pure function of the messages it received.
 *
 *     state, message -> state', effects
 *
 * No I/O, no clock, no globals, no thread: time is the stamp on each message (it never goes back; a
 * smaller stamp counts as the newest seen). Fed alike, two of them on whatever machines emit alike
 * and hash alike. Memory is the only resource it takes, and running out of it is a
 * status.
 *
 * What it promises, each checked by tests/unit/step_*_test.c (message by message, under every
 * order, in random worlds with faults):
 *  1. any message is defined in any state; what is about something gone is only counted;
 *  2. a request, once accepted, ends once: it is answered, or dropped for a stated reason;
 *  3. one answer to each question, and one to each wait, at the latest when who asked is gone;
 *  4. counters equal a recount of the jobs; nothing goes below 0; Drained = all four are 0;
 *  5. a closed route hands out nothing any more, and no job runs twice;
 *  6. determinism, as above;
 *  7. each table has its limit (cb_limits); crossing it is a status, never growth;
 *  8. any message is done in O(log n), and a Tick works on due deadlines alone.
 */
#ifndef CALLBOARD_ACTORS_STEP_H
#define CALLBOARD_ACTORS_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "actors/message.h"
#include "actors/step/note.h"
#include "callboard/limits.h"
#include "callboard/runtime.h"

typedef struct cb_step cb_step;

/* The effects of one input, in order; owned by the state, valid until the next input. */
typedef struct cb_effects {
    const cb_message *items;
    size_t count;
} cb_effects;

/* NULL when out of memory. */
cb_step *cb_step_new(const cb_limits *limits);
/* Frees the state. Payload handles it still holds are passed to `drop` (may be NULL). */
void cb_step_free(cb_step **step, void (*drop)(void *user, uint64_t payload), void *user);

/* Takes one input. message->time_ns must be set. Deadlines due at that time are handled first. The
 * payload's reference moves into the state; each effect carries one out, except SHARED ones. */
cb_effects cb_step_input(cb_step *step, const cb_message *message);

/* From now on, inputs leave notes. Without memory for one it is left out. */
void cb_step_take_notes(cb_step *step);
/* Those of the last input. */
cb_notes cb_step_notes(const cb_step *step);

/* When the next deadline is due (ns), INT64_MAX for none; the same as the last TICK_AT effect. */
int64_t cb_step_next_deadline(const cb_step *step);

/* A hash over everything that decides later effects, but no payload handle; O(size of the state).
 */
uint64_t cb_step_hash(const cb_step *step);
/* Objects in the tables: what a hash costs. */
size_t cb_step_size(const cb_step *step);

/* Inputs about something gone, or out of place, since the start. */
uint64_t cb_step_ignored(const cb_step *step);

/* Recounts everything and compares it with what is kept: NULL, or the sentence that does not hold.
 * For tests and debug builds. */
const char *cb_step_check(const cb_step *step);

#endif
