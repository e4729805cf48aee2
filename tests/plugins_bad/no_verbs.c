/* A plugin without any verb. */
#include "callboard/plugin.h"

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI, .name_space = "noverbs", .version = "1", .summary = "empty"};
