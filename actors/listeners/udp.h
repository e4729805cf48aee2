/* The kind of listener behind UDP routes; callboard/udp_commands.h describes its commands and
 * bytes. */
#ifndef CALLBOARD_ACTORS_LISTENERS_UDP_H
#define CALLBOARD_ACTORS_LISTENERS_UDP_H

#include "actors/listeners/listener.h"

extern const cb_listener_kind cb_udp_kind;

#endif
