/* The kind of listener behind an HTTP route (CB_ROUTE_HTTP): the port and all its connections. */
#ifndef CALLBOARD_ACTORS_LISTENERS_HTTP_PORT_H
#define CALLBOARD_ACTORS_LISTENERS_HTTP_PORT_H

#include "actors/listeners/listener.h"

extern const cb_listener_kind cb_http_kind;

#endif
