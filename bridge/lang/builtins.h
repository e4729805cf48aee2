/* The namespaces that the language itself holds: builtin:string, builtin:blob, builtin:struct. (os
 * and plugin are the host's: they know the process and what is loaded.) */
#ifndef CALLBOARD_LANG_BUILTINS_H
#define CALLBOARD_LANG_BUILTINS_H

#include "callboard/plugin.h"

extern const cb_plugin cb_builtin_string;
extern const cb_plugin cb_builtin_blob;
/* Has no verbs: `struct`, `assign` and `structsize` are the language's own. */
extern const cb_plugin cb_builtin_struct;

#endif
