#include "bridge/host/builtins.h"

#include <string.h>

#include "bridge/lang/builtins.h"

static const cb_plugin *const builtins[] = {
    &cb_builtin_blob, &cb_builtin_os, &cb_builtin_plugin, &cb_builtin_string, &cb_builtin_struct,
};

const cb_plugin *cb_host_builtin_at(size_t index)
{
    return index < sizeof(builtins) / sizeof(*builtins) ? builtins[index] : NULL;
}

const cb_plugin *cb_host_builtin_find(const char *name_space)
{
    for (size_t i = 0; cb_host_builtin_at(i) != NULL; i++)
        if (strcmp(builtins[i]->name_space, name_space) == 0)
            return builtins[i];
    return NULL;
}
