/* The supervisor: the shell around `step`. It receives, stamps and records messages, calls step,
 * and sends the effects. No other code touches the state, or starts and joins actors.
 *
 * One thread at a time runs it, mostly the thread that has just sent it something, because waking
 * another thread costs more than the work. A thread that comes meanwhile goes away again, and the
 * thread in charge does the work that it brought (actors/base/charge.h). The supervisor's own
 * thread does the rest: deadlines, queues that were full, and work that is left when a visitor has
 * done its share.
 *
 * It never blocks on a send: records that a full queue does not take wait here, and are tried
 * again. Their number is bounded, because step bounds what an actor may be owed: a batch of jobs, a
 * listener's connections, one answer for each question.
 *
 * Memory: no message is lost for lack of memory. step reserves room for the effects of an input
 * before it changes anything. The shell gives it the next input only when each of these effects has
 * its place. Until then the effects stay in step's list, and new messages stay in the inbox. The
 * shell goes on sending, which frees records, and tries again each millisecond. If there is no
 * memory to hold a question, it is answered at once with CB_NO_MEMORY, in a record that its asker
 * brought. If there is no memory to start an actor, step gets the report that it failed. A new
 * asker brings all that the supervisor needs for it.
 *
 * Causality: a message of an asker is held back until the inbox has been seen empty after it came.
 * So every message that was sent before it, through any queue, has been taken in first.
 */
#ifndef CALLBOARD_ACTORS_CORE_SUPERVISOR_H
#define CALLBOARD_ACTORS_CORE_SUPERVISOR_H

#include "actors/base/bell.h"
#include "actors/core/core.h"
#include "actors/core/exchange.h"
#include "actors/trace/recorder.h"

typedef struct cb_supervisor cb_supervisor;

/* Starts the actor that an effect asks for: makes the receiver, with its thread. A test gives its
 * own function. Never blocks. */
typedef cb_status cb_actor_starter(cb_core *core, const cb_message *effect, cb_receiver **receiver,
                                   cb_error *error);
cb_actor_starter cb_start_actor;

/* Takes over the exchange, also on failure. The recorder still belongs to the caller and may be
 * NULL. */
cb_status cb_supervisor_new(cb_core *core, cb_exchange *exchange, cb_recorder *recorder,
                            cb_actor_starter *starter, cb_supervisor **supervisor, cb_error *error);
/* For a thread that has sent something: has it taken in, if possible here and now. Bounded: some
 * rounds, each with a limited number of records. It never waits for another thread. Any thread, at
 * any time until the supervisor is freed. */
void cb_supervisor_attend(cb_supervisor *supervisor);
/* The same, but the supervisor's own thread does it. */
void cb_supervisor_ring(cb_supervisor *supervisor);
/* The function of the supervisor's own thread; its argument is the supervisor. Ends after
 * CB_PLUMBING_STOP, when every actor has ended, or has said good-bye some time ago. A STOP with a
 * status other than 0 does not wait for stuck actors. From then on no thread can take charge any
 * more. */
void *cb_supervisor_thread(void *supervisor);
/* The bell that its own thread sleeps on; for tests. */
cb_bell *cb_supervisor_bell(cb_supervisor *supervisor);
/* How many actors' threads were left behind. */
size_t cb_supervisor_abandoned(const cb_supervisor *supervisor);
/* Waits for threads that have said good-bye. */
void cb_supervisor_free(cb_supervisor **supervisor);

#endif
