/* A verb without a name. */
#include "bad.h"

static const cb_verb verbs[] = {{NULL, "void()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "noname");
