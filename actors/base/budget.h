/* The memory budget: how many bytes the process holds, and how many it may hold (CALLBOARD_MEMORY).
 *
 * Counted are: every cb_buffer by its capacity, no matter which code made it and where it is; the
 * sockets' memory and queues; and memory that is made once and stays, such as the trace's ring. A
 * thread counts in a variable of its own, and adds it to the common count when it has gathered
 * CB_BUDGET_SLACK bytes, so that no request touches memory that all processors share. So the count
 * may be wrong by this much for each thread.
 *
 * Code that wants memory asks first. Larger blocks are refused earlier. The table gives the limit
 * in eighths of the budget without the fixed queues:
 *
 *     a block of         to read what outsiders send     for anything else
 *     up to 4 KiB                   8                    always: an error is said in something
 *     up to 16 KiB                  6                              7
 *     up to 64 KiB                  5                              7
 *     more                          4                              6
 *
 * So clients that fill the memory reach their limit while small requests of other clients still
 * pass, and received requests find memory for the work on them.
 *
 * Threads: any.
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

/* Sets the budget. Without one (at first, or after INT64_MAX) everything is granted, and still
 * counted. `fixed`: the part that is made once and stays; its maker counts it. 0 <= fixed <= bytes.
 * It also sets how much freed memory is kept for later use (actors/base/spare.h), which is not
 * counted. */
void cb_budget_set(int64_t bytes, int64_t fixed);
int64_t cb_budget_limit(void);
/* Bytes that are held now; never less than 0. */
int64_t cb_budget_bytes(void);
/* How often memory was refused. */
uint64_t cb_budget_refused(void);
/* Counts a refusal by a part of this budget: a route's. */
void cb_budget_count_refusal(void);

/* The calling thread's part of the count. */
typedef struct cb_budget_own {
    int64_t delta;
    int64_t slack; /* 0: the thread is not known yet, so each change is handed on */
    bool refused;
} cb_budget_own;

extern _Thread_local cb_budget_own cb_budget_here __attribute__((tls_model("initial-exec")));

void cb_budget_hand_on(void);
bool cb_budget_take_checked(size_t whole, size_t more);

/* Counts bytes that were allocated or, if negative, freed; without asking. */
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

/* True if `more` bytes may be read from an outsider into a block that then has `whole` bytes. Only
 * a refusal is counted. */
bool cb_budget_may_read(size_t whole, size_t more);
/* The same for code that asks again and again: no refusal is counted. */
bool cb_budget_could_read(size_t whole, size_t more);

/* The part of a budget, in eighths, up to which outsiders get blocks of this size. */
static inline unsigned cb_budget_eighths(size_t whole)
{
    return whole <= CB_BUDGET_TINY     ? 8
           : whole <= CB_BUDGET_SMALL  ? 6
           : whole <= CB_BUDGET_MIDDLE ? 5
                                       : 4;
}

/* True if at most so many eighths are used; for memory that will be kept for an unknown time. The
 * beginning of a job needs CB_BUDGET_TO_BEGIN, its result CB_BUDGET_TO_KEEP, the response to a
 * received request CB_BUDGET_TO_ANSWER. */
bool cb_budget_has_room(unsigned eighths);
/* After this thread got no memory: true if a budget refused it. */
bool cb_budget_was_it(void);
/* Call it when the budget granted memory that the system then did not have. */
void cb_budget_was_not_it(void);

/* Replaces limits->memory and limits->route_memory where they are 0, according to the machine's
 * memory. CB_INVALID: the fixed queues alone would use up the budget. */
cb_status cb_budget_choose(cb_limits *limits, cb_error *error);
/* The same for a machine with `machine_bytes` (0: unknown). */
cb_status cb_budget_choose_of(cb_limits *limits, uint64_t machine_bytes, cb_error *error);
/* The bytes of the trace's ring and the log's queues. */
int64_t cb_budget_fixed(const cb_limits *limits);

#endif
