/* Adds a verb to one of the runtime's own namespaces. */
#include "bad.h"

static const cb_verb verbs[] = {{"Extra", "i32()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "os");
