/* The actor that runs client exchanges: connect, send, half-close, receive to the end. Many at a
 * time on one loop, so that a waiting exchange costs no thread.
 *
 *     connecting -> sending -> receiving -> closing, with JobCompleted at the step to closing
 *         ^  `-> parked (JobStale) --.
 *         `------- Redial -----------'
 *
 * The TCP layer does the work; what is kept here says which of the steps a failure met. A route
 * that is pinned is reached over TLS, and only with the certificate it is known by. If the peer
 * shows another one, nothing was sent yet: it may be that the route has a new one by now, so the
 * exchange waits for the supervisor to say.
 *
 * Threads: the actor is a thread, and all of this belongs to it.
 */
#ifndef CALLBOARD_ACTORS_CLIENTS_CLIENT_H
#define CALLBOARD_ACTORS_CLIENTS_CLIENT_H

#include "actors/core/core.h"

cb_actor_function cb_client_thread;

#endif
