/* What the process holds in bytes, and what it may hold (CALLBOARD_MEMORY).
 *
 * Counted: every cb_buffer by its capacity, whoever makes it and wherever it is; the sockets' rooms
 * and queues; and what is made once for good, as the trace's ring. A thread counts in a variable of
 * its own and hands that on when it has gathered CB_BUDGET_SLACK bytes, so that no request touches
 * what all processors share. A count may therefore be wrong by that much for each thread.
 *
 * Who wants memory asks first. What is granted ends sooner for larger blocks, in eighths of what is
 * left of the budget beside the fixed queues:
 *
 *     a block of         to read what outsiders send     for anything else
 *     up to 4 KiB                   8                    always: an error is said in something
 *     up to 16 KiB                  6                              7
 *     up to 64 KiB                  5                              7
 *     more                          4                              6
 *
 * So those who fill the memory meet their mark while others' small requests still pass, and what
 * was read finds room to be worked on.
 *
 * Threads: any, for all of it.
 */
#ifndef CALLBOARD_ACTORS_BASE_BUDGET_H
#define CALLBOARD_ACTORS_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/limits.h"

#define CB_BUDGET_TINY   4096u
#define CB_BUDGET_SMALL  16384u
#define CB_BUDGET_MIDDLE 65536u
#define CB_BUDGET_SLACK  16384

enum { CB_BUDGET_TO_BEGIN = 6, CB_BUDGET_TO_KEEP = 7, CB_BUDGET_TO_ANSWER = 8 };

/* Without one (at first, or after INT64_MAX) all is granted and counted all the same. `fixed`: the
 * part that is made once and stays, counted by its maker. 0 <= fixed <= bytes. Also says how much
 * of what was freed is kept for the next (actors/base/spare.h), which does not count. */
void cb_budget_set(int64_t bytes, int64_t fixed);
int64_t cb_budget_limit(void);
/* Bytes that are held now, never less than 0. */
int64_t cb_budget_bytes(void);
/* How often something was not granted. */
uint64_t cb_budget_refused(void);
/* Of a budget that is a part of this one: a route's. */
void cb_budget_count_refusal(void);

/* The calling thread's part of the count. */
typedef struct cb_budget_own {
    int64_t delta;
    int64_t slack; /* 0: this thread is not known yet, and each change is handed on */
    bool refused;
} cb_budget_own;

extern _Thread_local cb_budget_own cb_budget_here __attribute__((tls_model("initial-exec")));

void cb_budget_hand_on(void);
bool cb_budget_take_checked(size_t whole, size_t more);

/* Counts what was made or, if negative, freed, without asking. */
static inline void cb_budget_add(int64_t bytes)
{
    int64_t delta = cb_budget_here.delta + bytes;
    cb_budget_here.delta = delta;
    if (delta > cb_budget_here.slack || -delta > cb_budget_here.slack)
        cb_budget_hand_on();
}

/* Counts `more` bytes by which a block will grow to `whole`, or refuses them. */
static inline bool cb_budget_take(size_t whole, size_t more)
{
    if (whole > CB_BUDGET_TINY)
        return cb_budget_take_checked(whole, more);
    cb_budget_add((int64_t)more);
    return true;
}

/* Whether `more` bytes may be read from an outsider into what is `whole` bytes with them. Nothing
 * is counted but the refusal. */
bool cb_budget_may_read(size_t whole, size_t more);
/* The same for one that asks again and again: no refusal is counted. */
bool cb_budget_could_read(size_t whole, size_t more);

/* The part of a budget, in eighths, up to which outsiders may have blocks of this size. */
static inline unsigned cb_budget_eighths(size_t whole)
{
    return whole <= CB_BUDGET_TINY     ? 8
           : whole <= CB_BUDGET_SMALL  ? 6
           : whole <= CB_BUDGET_MIDDLE ? 5
                                       : 4;
}

/* Whether not more than so many eighths are used: for what will be kept for a time that nobody
 * knows. A job that is begun needs CB_BUDGET_TO_BEGIN, its result CB_BUDGET_TO_KEEP, the response
 * to a request that has come CB_BUDGET_TO_ANSWER. */
bool cb_budget_has_room(unsigned eighths);
/* After this thread got no memory: whether a budget refused it. */
bool cb_budget_was_it(void);
/* For one that was granted memory which the system did not have then. */
void cb_budget_was_not_it(void);

/* Puts numbers into limits->memory and limits->route_memory where they are 0, after what the
 * machine has. CB_INVALID: a budget that the fixed queues alone would use up. */
cb_status cb_budget_choose(cb_limits *limits, cb_error *error);
/* The same with a machine of `machine_bytes` (0: nobody knows). */
cb_status cb_budget_choose_of(cb_limits *limits, uint64_t machine_bytes, cb_error *error);
/* What the trace's ring and the log's queues take. */
int64_t cb_budget_fixed(const cb_limits *limits);

#endif
