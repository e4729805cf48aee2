/* The namespaces that the host itself contains. */
#ifndef CALLBOARD_BRIDGE_HOST_BUILTINS_H
#define CALLBOARD_BRIDGE_HOST_BUILTINS_H

#include <stddef.h>

#include "callboard/plugin.h"

extern const cb_plugin cb_builtin_os;
extern const cb_plugin cb_builtin_plugin;

/* The builtin with this number, 0..; NULL after the last. */
const cb_plugin *cb_host_builtin_at(size_t index);
/* The builtin of a namespace; NULL if there is none. */
const cb_plugin *cb_host_builtin_find(const char *name_space);

#endif
