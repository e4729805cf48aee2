/* The shell around `step`: receive, stamp, record, step, send. The only thread that touches the
 * state, and the only one that starts and joins actors.
 *
 * It never blocks on a send: what a full queue does not take waits here, and is tried again. Its
 * amount is bounded by what step lets an actor owe: a batch of jobs, a listener's connections, one
 * answer for each question.
 *
 * Causality: what an asker sends is held back until the inbox has been seen empty after it came, so
 * that every message sent before it, through whichever queue, has been taken in first.
 */
#ifndef CALLBOARD_ACTORS_SUPERVISOR_H
#define CALLBOARD_ACTORS_SUPERVISOR_H

#include "actors/runtime.h"

typedef struct cb_supervisor cb_supervisor;

/* Starting the actor that an effect asks for; a test gives its own. Never blocks. */
typedef cb_status cb_actor_starter(cb_runtime *runtime, const cb_message *effect,
                                   cb_exchange *exchange, pthread_t *thread, cb_error *error);
cb_actor_starter cb_start_actor;

/* Takes over the exchange, also on failure. The recorder stays the caller's and may be NULL. */
cb_status cb_supervisor_new(cb_runtime *runtime, cb_exchange *exchange, cb_recorder *recorder,
                            cb_actor_starter *starter, cb_supervisor **supervisor, cb_error *error);
/* The thread function; argument: the supervisor. Ends after CB_PLUMBING_STOP, when every actor has
 * ended; a STOP with a status other than 0 does not wait for those that are stuck. */
void *cb_supervisor_thread(void *supervisor);
/* Actors that were left behind. */
size_t cb_supervisor_abandoned(const cb_supervisor *supervisor);
void cb_supervisor_free(cb_supervisor **supervisor);

#endif
