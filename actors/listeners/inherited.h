/* The listeners' side of callboard/inherited.h. */
#ifndef CALLBOARD_ACTORS_LISTENERS_INHERITED_H
#define CALLBOARD_ACTORS_LISTENERS_INHERITED_H

#include "actors/listeners/listener.h"
#include "callboard/inherited.h"

/* Gives the listener the socket that was chosen for its route; the socket belongs to the caller
 * from then on. CB_UNKNOWN: there is no socket with this number, or it is not for such routes. */
cb_status cb_inherited_take(const cb_listener *listener, cb_socket *socket, cb_error *error);

#endif
