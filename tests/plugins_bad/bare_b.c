/* Bare verbs, one of which bare_a has too. */
#include "bad.h"

static const cb_verb verbs[] = {{"shared", "void()", nothing, 0, "does nothing"},
                                {"second", "void()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "");
