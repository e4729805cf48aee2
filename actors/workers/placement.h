/* On which processor a thread runs whose jobs are very short: the one where they come from.
 *
 * A callback may take less time than it costs to wake its thread on another processor, which a
 * kernel does that sees an idle one. So when nearly all of CB_PLACED_JOBS jobs in a row took at
 * most `most_us`, the thread keeps to the processor of the one that handed it jobs last, and
 * follows it. It may run anywhere again when that is no longer so, at once with the first job that
 * takes long. Longer jobs gain more by running beside the other threads than they lose by a
 * wake-up.
 *
 * "Anywhere" is where the thread `like` may run, one that is never kept. Actors begin there, too
 * (actors/base/affinity.h).
 *
 * Threads: all of it is for the calling thread. Errors: a kernel that refuses leaves everything as
 * it is, and is not asked again.
 */
#ifndef CALLBOARD_ACTORS_WORKERS_PLACEMENT_H
#define CALLBOARD_ACTORS_WORKERS_PLACEMENT_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "actors/base/affinity.h"

#define CB_PLACED_JOBS    64u
/* Of these, so many may take longer: they lost their processor in between. */
#define CB_PLACED_LONGER  8u
/* One that takes so long counts at once. */
#define CB_PLACED_MOST_NS 100000

/* All zeros, and `most_us` and `like`. */
typedef struct cb_placement {
    int64_t most_us; /* 0: it is never kept */
    pid_t like;      /* 0: it is not known where it may run */
    uint32_t jobs;   /* counted since the last time that was decided */
    uint32_t longer; /* of these, jobs that took more than most_us */
    bool near;       /* it is to be kept near */
    bool moved;      /* since the last time that was decided */
    bool kept;
    int kept_on; /* if it is kept */
} cb_placement;

/* A job is over. */
void cb_placement_count(cb_placement *placement, int64_t took_ns);
/* Jobs have come, after a wait, from a thread on this processor (CB_PROCESSOR_UNKNOWN: who knows).
 */
void cb_placement_follow(cb_placement *placement, int processor);
/* Before something that takes long. */
void cb_placement_release(cb_placement *placement);

#endif
