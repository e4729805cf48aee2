/* Has a verb that one of the runtime's own namespaces has already. */
#include "bad.h"

static const cb_verb verbs[] = {{"Args", "i32()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "os");
