#include "bad.h"

static const cb_verb verbs[] = {{"One", "void()", nothing, 0, "nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "offers");

CB_PLUGIN_EXPORT const cb_service callboard_services[] = {{"offers.nothing", 1, NULL},
                                                          {NULL, 0, NULL}};
