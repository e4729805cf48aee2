/* One of two plugins that claim the same namespace. */
#include "bad.h"

static const cb_verb verbs[] = {{"One", "i32(i32 n, i32 more?)", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "twin");
