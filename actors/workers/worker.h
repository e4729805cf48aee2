/* The actor that runs callbacks: parked until it is handed jobs, then one after the other.
 *
 * What it owes the supervisor it says before anything that may take long: before it parks, before a
 * question, and once a callback has run for ANNOUNCE_NS.
 *
 * Threads: the actor is a thread, and all of this belongs to it.
 */
#ifndef CALLBOARD_ACTORS_WORKERS_WORKER_H
#define CALLBOARD_ACTORS_WORKERS_WORKER_H

#include "actors/core/core.h"

cb_actor_function cb_worker_thread;

#endif
