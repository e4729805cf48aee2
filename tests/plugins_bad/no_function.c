/* A verb that nothing runs. */
#include "bad.h"

static const cb_verb verbs[] = {{"Fine", "void()", nothing, 0, "does nothing"},
                                {"One", "void()", NULL, 0, "does less than nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "nofunction");
