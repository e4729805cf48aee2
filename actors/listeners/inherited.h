/* The sockets of callboard/inherited.h as listeners take them. */
#ifndef CALLBOARD_ACTORS_LISTENERS_INHERITED_H
#define CALLBOARD_ACTORS_LISTENERS_INHERITED_H

#include "actors/listeners/listener.h"
#include "callboard/inherited.h"

/* Gives the listener the socket that its route was chosen for; it is the caller's from here on.
 * CB_UNKNOWN: there is none of that number, or it is no socket for such routes. */
cb_status cb_inherited_take(const cb_listener *listener, cb_socket *socket, cb_error *error);

#endif
