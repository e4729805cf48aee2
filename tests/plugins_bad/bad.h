/* Helpers that the wrong plugins share: a verb that does nothing, and a plugin around a table of
 * verbs. */
#ifndef CALLBOARD_TESTS_BAD_H
#define CALLBOARD_TESTS_BAD_H

#include "callboard/plugin.h"

static cb_status nothing(cb_call *call)
{
    (void)call;
    return CB_OK;
}

#define BAD_PLUGIN(version_number, space)                                                          \
    CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {                                          \
        .abi = (version_number),                                                                   \
        .name_space = (space),                                                                     \
        .version = "1",                                                                            \
        .summary = "wrong on purpose",                                                             \
        .verbs = verbs,                                                                            \
        .verb_count = sizeof(verbs) / sizeof(*verbs),                                              \
    }

#endif
