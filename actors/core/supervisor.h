/* The shell around `step`: receive, stamp, record, step, send. Nothing else touches the state, or
 * starts and joins actors.
 *
 * One thread at a time runs it, mostly the one that has just sent it something: to wake another one
 * costs more than the work. Whoever comes while it runs goes away again, and what that one brought
 * is done by the thread in charge (actors/base/charge.h). A thread of its own is there for what
 * nobody brings: deadlines, queues that were full, and what is left when a visitor has done its
 * share.
 *
 * It never blocks on a send: what a full queue does not take waits here, and is tried again. Its
 * amount is bounded by what step lets an actor owe: a batch of jobs, a listener's connections, one
 * answer for each question.
 *
 * Memory: nothing is lost for want of it. step reserves room for the effects of an input before it
 * changes anything, and the shell gives it the next input only when each of those effects has its
 * place. Until then the effects stay in step's list, and what came meanwhile stays in the inbox;
 * the shell goes on sending, which frees records, and tries again each millisecond. A question that
 * there is no memory to hold is answered at once with CB_NO_MEMORY, in a record that its asker
 * brought. An actor that there is no memory to start is reported to step as one that failed. A new
 * asker brings all that the supervisor needs for it.
 *
 * Causality: what an asker sends is held back until the inbox has been seen empty after it came, so
 * that every message sent before it, through whichever queue, has been taken in first.
 */
#ifndef CALLBOARD_ACTORS_CORE_SUPERVISOR_H
#define CALLBOARD_ACTORS_CORE_SUPERVISOR_H

#include "actors/base/bell.h"
#include "actors/core/core.h"
#include "actors/core/exchange.h"
#include "actors/trace/recorder.h"

typedef struct cb_supervisor cb_supervisor;

/* Starts the actor that an effect asks for: the way to it, with its thread. A test gives its own.
 * Never blocks. */
typedef cb_status cb_actor_starter(cb_core *core, const cb_message *effect, cb_receiver **receiver,
                                   cb_error *error);
cb_actor_starter cb_start_actor;

/* Takes over the exchange, also on failure. The recorder stays the caller's and may be NULL. */
cb_status cb_supervisor_new(cb_core *core, cb_exchange *exchange, cb_recorder *recorder,
                            cb_actor_starter *starter, cb_supervisor **supervisor, cb_error *error);
/* For a thread that has sent something: has it taken in, at best here and now. Bounded: some
 * rounds, each of so many records. Never waits for another thread but one that said good-bye, so
 * whoever says good-bye rings instead. Any thread, at any time until the supervisor is freed. */
void cb_supervisor_attend(cb_supervisor *supervisor);
/* The same by the supervisor's own thread. */
void cb_supervisor_ring(cb_supervisor *supervisor);
/* The function of its own thread; argument: the supervisor. Ends after CB_PLUMBING_STOP, when every
 * actor has ended; a STOP with a status other than 0 does not wait for those that are stuck. From
 * then on nobody is in charge any more, whoever comes. */
void *cb_supervisor_thread(void *supervisor);
/* What its own thread sleeps by, for tests. */
cb_bell *cb_supervisor_bell(cb_supervisor *supervisor);
/* Actors that were left behind. */
size_t cb_supervisor_abandoned(const cb_supervisor *supervisor);
void cb_supervisor_free(cb_supervisor **supervisor);

#endif
