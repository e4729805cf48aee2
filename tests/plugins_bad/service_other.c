/* Offers a service of its own, and one that the runtime knows in a version it does not. */
#include "bad.h"

static const cb_verb verbs[] = {{"One", "void()", nothing, 0, "nothing"}};

BAD_PLUGIN(CB_PLUGIN_ABI, "offers");

static const int table = 42;

CB_PLUGIN_EXPORT const cb_service callboard_services[] = {
    {"offers.number", 7, &table}, {"tls.provider", 99, &table}, {NULL, 0, NULL}};
