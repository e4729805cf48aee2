/* The actor that runs client exchanges: connect, send, half-close, receive to the end. It runs many
 * at a time on one loop, so that a waiting exchange costs no thread.
 *
 *     connecting -> sending -> receiving -> closing, with JobCompleted at the step to closing
 *         ^  `-> parked (JobStale) --.
 *         `------- Redial -----------'
 *
 * The TCP layer does the work. This actor keeps the step of each exchange, so that it knows which
 * step failed. It reaches a pinned route over TLS, and accepts only the pinned certificate. If the
 * peer shows another certificate, nothing has been sent yet. The route may have a new certificate
 * by now, so the exchange waits for the supervisor's decision.
 *
 * Threads: the actor is a thread, and everything here belongs to it.
 */
#ifndef CALLBOARD_ACTORS_CLIENTS_CLIENT_H
#define CALLBOARD_ACTORS_CLIENTS_CLIENT_H

#include "actors/core/core.h"

cb_actor_function cb_client_thread;

#endif
