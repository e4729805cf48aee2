/* The verbs that callbacktcp has in addition to its family's: the client's side, over the wire. See
 * request.c. */
#ifndef CALLBOARD_PLUGINS_CALLBACKTCP_REQUEST_H
#define CALLBOARD_PLUGINS_CALLBACKTCP_REQUEST_H

#include "callboard/plugin.h"

cb_verb_fn cb_ctcp_request_text;
cb_verb_fn cb_ctcp_request_blob;
cb_verb_fn cb_ctcp_begin_request;

#endif
