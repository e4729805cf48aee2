/* Routes of kind TCP: a connection is one request and its response. The client's half-close ends
 * the request, or a short silence after the first byte.
 *
 *     reading -> whole: REQUEST_READY -> the response -> closed
 */
#ifndef CALLBOARD_ACTORS_LISTENERS_TCP_CONNECTION_H
#define CALLBOARD_ACTORS_LISTENERS_TCP_CONNECTION_H

#include "actors/listeners/listener.h"

extern const cb_listener_kind cb_tcp_connection_kind;

#endif
