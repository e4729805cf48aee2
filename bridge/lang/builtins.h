/* The namespaces of the language itself: builtin:string, builtin:blob, builtin:struct. (The host
 * has os and plugin, because it knows the process and the loaded plugins.) */
#ifndef CALLBOARD_LANG_BUILTINS_H
#define CALLBOARD_LANG_BUILTINS_H

#include "callboard/plugin.h"

extern const cb_plugin cb_builtin_string;
extern const cb_plugin cb_builtin_blob;
/* It has no verbs, because `struct`, `assign` and `structsize` belong to the language. */
extern const cb_plugin cb_builtin_struct;

#endif
