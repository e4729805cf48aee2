/* The verbs that callbacklistener has in addition to its family's; see send.c. */
#ifndef CALLBOARD_PLUGINS_CALLBACKLISTENER_H
#define CALLBOARD_PLUGINS_CALLBACKLISTENER_H

#include "callboard/plugin.h"

cb_verb_fn cb_listener_send;
cb_verb_fn cb_listener_send_to;
cb_verb_fn cb_listener_info;

#endif
