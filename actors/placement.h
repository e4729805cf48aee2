/* On which processor an actor runs whose jobs are very short: the one where they come from.
 *
 * A callback may take less time than it costs to wake its thread on another processor, which a
 * kernel does that sees an idle one. So when nearly all of CB_PLACED_JOBS jobs in a row took at
 * most `most_us`, the actor is kept on the processor of the thread that hands it jobs, and follows
 * it. It may run anywhere again when that is no longer so, at once with the first job that is
 * reported as running. Longer jobs gain more by running beside the other threads than they lose by
 * a wake-up.
 *
 * "Anywhere" is where the thread `like` may run at that time: one that is never placed.
 *
 * Threads: one at a time, any; not the actor's own concern. Errors: a kernel that refuses leaves
 * everything as it is.
 */
#ifndef CALLBOARD_ACTORS_PLACEMENT_H
#define CALLBOARD_ACTORS_PLACEMENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "actors/message.h"

typedef struct cb_placement {
    pthread_t thread;
    int64_t most_us; /* 0: it is never kept */
    uint32_t jobs;   /* counted since the last time that was decided */
    uint32_t longer; /* of these, jobs that took more than most_us */
    bool near;       /* it is to be kept near */
    int kept_on;     /* a processor, or CB_PLACED_ANYWHERE */
} cb_placement;

#define CB_PLACED_ANYWHERE (-1)
#define CB_PLACED_JOBS     64u
/* Of these, so many may take longer: they lost their processor in between. */
#define CB_PLACED_LONGER   8u

/* For a thread that has just begun. Whatever it has of the thread that began it, it may run
 * anywhere.
 */
void cb_placement_begin(cb_placement *placement, pthread_t thread, int64_t most_us, pid_t like);
/* Takes into account what the actor has sent. */
void cb_placement_take_reports(cb_placement *placement, const cb_message *records, size_t count,
                               pid_t like);
/* The calling thread is about to hand it something. */
void cb_placement_follow(cb_placement *placement);

#endif
