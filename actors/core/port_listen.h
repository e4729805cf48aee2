/* Listening on a port that may be in use for a moment more.
 *
 * A process that was killed with io_uring is gone before the kernel frees what it listened on. Who
 * starts it again at once must find the port.
 */
#ifndef CALLBOARD_ACTORS_CORE_PORT_LISTEN_H
#define CALLBOARD_ACTORS_CORE_PORT_LISTEN_H

#include "actors/core/loop_actor.h"
#include "callboard/tcp.h"

/* As cb_tcp_server_open. Tries for CALLBOARD_PORT_WAIT_MS, or until the program is told to end, and
 * blocks the actor meanwhile. */
cb_status cb_port_listen(const cb_loop_actor *actor, const char *address, uint16_t port,
                         const cb_tcp_callbacks *callbacks, const cb_tcp_options *options,
                         void *user, cb_tcp_server **server, cb_error *error);

#endif
