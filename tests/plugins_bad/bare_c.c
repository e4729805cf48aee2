/* Bare verbs that nobody else has. */
#include "bad.h"

static const cb_verb verbs[] = {{"third", "void()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "");
