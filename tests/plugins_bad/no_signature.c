/* A verb without a signature. */
#include "bad.h"

static const cb_verb verbs[] = {{"One", NULL, nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "nosignature");
