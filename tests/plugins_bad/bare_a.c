/* Bare verbs, one of which bare_b has too. */
#include "bad.h"

static const cb_verb verbs[] = {{"first", "void()", nothing, 0, "does nothing"},
                                {"shared", "void()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "");
