/* Placement: a worker with very short jobs runs on the processor that its jobs come from.
 *
 * A callback may take less time than waking its thread on another processor, and the kernel wakes
 * it there if that processor is idle. So when nearly all of CB_PLACED_JOBS jobs in a row took at
 * most `most_us`, the thread stays on the processor of the thread that handed it jobs last, and
 * follows that thread. When this is no longer so, the thread may run anywhere again; a first long
 * job is enough. Longer jobs gain more by running beside the other threads than they lose by a
 * wake-up.
 *
 * "Anywhere" means where the thread `like` may run, which is never bound to one processor. Actors
 * start there too (actors/base/affinity.h).
 *
 * Threads: everything is about the calling thread.
 * Errors: if the kernel refuses, nothing changes, and it is not asked again.
 */
#ifndef CALLBOARD_ACTORS_WORKERS_PLACEMENT_H
#define CALLBOARD_ACTORS_WORKERS_PLACEMENT_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "actors/base/affinity.h"

#define CB_PLACED_JOBS    64u
/* How many of these jobs may take longer, because they lost their processor in between. */
#define CB_PLACED_LONGER  8u
/* A job that takes this long ends the placement at once. */
#define CB_PLACED_MOST_NS 100000

/* All zeros at first, except `most_us` and `like`. */
typedef struct cb_placement {
    int64_t most_us; /* 0: the thread is never bound */
    pid_t like;      /* 0: unknown where it may run */
    uint32_t jobs;   /* jobs counted since the last decision */
    uint32_t longer; /* of these, the jobs that took more than most_us */
    bool near;       /* the thread should stay near */
    bool moved;      /* it moved, or tried to, since the last decision */
    bool kept;
    int kept_on; /* the processor, if `kept` */
} cb_placement;

/* Counts a job that is over. */
void cb_placement_count(cb_placement *placement, int64_t took_ns);
/* Call it when jobs have come, after a wait, from a thread on this processor (CB_PROCESSOR_UNKNOWN:
 * unknown). */
void cb_placement_follow(cb_placement *placement, int processor);
/* Call it before something that takes long. */
void cb_placement_release(cb_placement *placement);

#endif
