/* Actors that have said good-bye and whose threads have not ended yet: some still clean up, and
 * some run destructors of libraries, about which nothing is known here. The thread in charge of the
 * supervisor does not wait for them; it joins them once they have ended.
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
    int64_t pause_ns; /* until the next look, if nothing else causes an earlier one */
} cb_leaving;

/* Takes over a receiver whose thread has said good-bye. */
void cb_leaving_add(cb_leaving *leaving, cb_receiver *receiver);
/* Joins the threads that have ended, and drops their receivers. Returns how many. Never waits. */
size_t cb_leaving_join(cb_leaving *leaving, cb_exchange *exchange);
/* Returns after how many ns to look again: longer each time, because a thread may never end. The
 * list must not be empty. */
int64_t cb_leaving_pause(cb_leaving *leaving);
/* Waits for all of them. */
void cb_leaving_await(cb_leaving *leaving, cb_exchange *exchange);

#endif
