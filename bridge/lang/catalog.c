#include "bridge/lang/catalog.h"

#include <string.h>

const cb_catalog_verb *cb_namespace_find(const cb_namespace *name_space, const char *verb)
{
    for (size_t i = 0; i < name_space->verb_count; i++) {
        if (strcmp(name_space->verbs[i].verb->name, verb) == 0)
            return &name_space->verbs[i];
    }
    return NULL;
}
