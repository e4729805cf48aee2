/* The other of two plugins that claim the same namespace. */
#include "bad.h"

static const cb_verb verbs[] = {{"Two", "void()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "twin");
