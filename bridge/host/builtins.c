#include "bridge/host/builtins.h"

#include <string.h>

#include "bridge/lang/builtins.h"

static const char *const names[] = {"blob", "os", "plugin", "string", "struct"};

const cb_plugin *cb_host_builtin_at(size_t index)
{
    return index < sizeof(names) / sizeof(*names) ? cb_host_builtin_find(names[index]) : NULL;
}

const cb_plugin *cb_host_builtin_find(const char *name_space)
{
    if (strcmp(name_space, cb_builtin_os.name_space) == 0)
        return &cb_builtin_os;
    if (strcmp(name_space, cb_builtin_plugin.name_space) == 0)
        return &cb_builtin_plugin;
    return cb_builtin_find(name_space); /* those that need nothing but the language */
}
