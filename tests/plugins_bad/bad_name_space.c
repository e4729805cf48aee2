/* A namespace that no script could write. */
#include "bad.h"

static const cb_verb verbs[] = {{"One", "void()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "bad-name");
