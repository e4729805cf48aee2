/* One name for two verbs. */
#include "bad.h"

static const cb_verb verbs[] = {{"One", "void()", nothing, 0, "does nothing"},
                                {"Two", "void()", nothing, 0, "does nothing"},
                                {"One", "i32()", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "duplicate");
