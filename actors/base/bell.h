/* What one thread sleeps by: it wakes when it is rung for, or when a time comes.
 *
 * A bell is not rung for every change of the time: the sleeper is woken for an earlier one, and
 * finds out by itself about a later one.
 *
 * Threads: one waits; any rings and sets.
 */
#ifndef CALLBOARD_ACTORS_BASE_BELL_H
#define CALLBOARD_ACTORS_BASE_BELL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct cb_bell {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool rung;
    int64_t due_ns;
    int64_t waking_ns; /* when the sleeper looks again; INT64_MIN: nobody sleeps */
} cb_bell;

/* False without memory. */
bool cb_bell_open(cb_bell *bell);
void cb_bell_close(cb_bell *bell);

/* Ends the wait that there is, or the next one. */
void cb_bell_ring(cb_bell *bell);
/* Has it ring at a time of the monotonic clock, in ns, once; INT64_MAX: not. Takes the place of
 * what was set before. */
void cb_bell_set(cb_bell *bell, int64_t due_ns);
void cb_bell_wait(cb_bell *bell);

#endif
