/* A signature with a type that is none. */
#include "bad.h"

static const cb_verb verbs[] = {{"Fine", "void()", nothing, 0, "does nothing"},
                                {"Wrong", "i32(i33 n)", nothing, 0, "does nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "badsignature");
