/* Listening on a port that may still be in use for a moment.
 *
 * A killed process that used io_uring is gone before the kernel frees its listening sockets. A
 * program that starts it again at once must still get the port.
 */
#ifndef CALLBOARD_ACTORS_CORE_PORT_LISTEN_H
#define CALLBOARD_ACTORS_CORE_PORT_LISTEN_H

#include "actors/core/loop_actor.h"
#include "callboard/tcp.h"

/* Like cb_tcp_server_open, but tries for CALLBOARD_PORT_WAIT_MS, or until the program is told to
 * end. Blocks the actor meanwhile. */
cb_status cb_port_listen(const cb_loop_actor *actor, const char *address, uint16_t port,
                         const cb_tcp_callbacks *callbacks, const cb_tcp_options *options,
                         void *user, cb_tcp_server **server, cb_error *error);

#endif
