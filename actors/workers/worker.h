/* The actor that runs callbacks: it is parked until it gets jobs, then runs one after the other.
 *
 * It sends its overdue reports to the supervisor before anything that may take long: before it
 * parks, before a question, and once a callback has run for ANNOUNCE_NS.
 *
 * Threads: the actor is a thread, and everything here belongs to it.
 */
#ifndef CALLBOARD_ACTORS_WORKERS_WORKER_H
#define CALLBOARD_ACTORS_WORKERS_WORKER_H

#include "actors/core/core.h"

cb_actor_function cb_worker_thread;

#endif
