/* Built for a later version of the interface. */
#include "bad.h"

static const cb_verb verbs[] = {{"One", "void()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI + 1, "wrongabi");
