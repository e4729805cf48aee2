/* Actors that have said good-bye and whose threads have not ended yet: some clear up, and some run
 * destructors of libraries that we know nothing of. Whoever is in charge of the supervisor does not
 * wait for them, but joins them once they have ended.
 *
 * Threads: one at a time.
 */
#ifndef CALLBOARD_ACTORS_CORE_LEAVING_H
#define CALLBOARD_ACTORS_CORE_LEAVING_H

#include <stddef.h>

#include "actors/core/exchange.h"
#include "actors/core/receiver.h"

/* All zero is empty. */
typedef struct cb_leaving {
    cb_receiver *first; /* linked by `next` */
    size_t count;
    int64_t pause_ns; /* until the next look, if nothing else gives cause for one */
} cb_leaving;

/* Takes over a receiver whose thread has said good-bye. */
void cb_leaving_add(cb_leaving *leaving, cb_receiver *receiver);
/* Joins those threads that have ended, and drops their receivers. How many. Never waits. */
size_t cb_leaving_join(cb_leaving *leaving, cb_exchange *exchange);
/* In how many ns to look again: longer each time, as there may be a thread that never ends. There
 * must be one. */
int64_t cb_leaving_pause(cb_leaving *leaving);
/* Waits for all of them. */
void cb_leaving_await(cb_leaving *leaving, cb_exchange *exchange);

#endif
