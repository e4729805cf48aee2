/* An event with a deadline, for one thread to sleep on: the thread wakes when another thread rings,
 * or at the deadline.
 *
 * Not every change of the deadline wakes the sleeper. An earlier deadline wakes it; the sleeper
 * finds out by itself about a later one.
 *
 * Threads: one thread waits; any thread may ring and set.
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
    int64_t waking_ns; /* when the sleeper wakes by itself; INT64_MIN: no thread sleeps */
} cb_bell;

/* Returns false without memory. */
bool cb_bell_open(cb_bell *bell);
void cb_bell_close(cb_bell *bell);

/* Ends the present wait, or else the next one. */
void cb_bell_ring(cb_bell *bell);
/* Sets the deadline: it rings once at this time of the monotonic clock, in ns. INT64_MAX: no
 * deadline. Replaces the earlier one. */
void cb_bell_set(cb_bell *bell, int64_t due_ns);
void cb_bell_wait(cb_bell *bell);

#endif
