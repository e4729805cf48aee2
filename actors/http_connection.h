/* The kind of listener behind an HTTP route (CB_ROUTE_HTTP): requests framed as HTTP/1.1 and 1.0,
 * many on a connection, in order. */
#ifndef CALLBOARD_ACTORS_HTTP_CONNECTION_H
#define CALLBOARD_ACTORS_HTTP_CONNECTION_H

#include "actors/listener.h"

extern const cb_listener_kind cb_http_connection_kind;

#endif
