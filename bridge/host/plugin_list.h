/* All plugin files that can be found: `<folder>/<Name>.so` in each of the plugin folders. */
#ifndef CALLBOARD_BRIDGE_HOST_PLUGIN_LIST_H
#define CALLBOARD_BRIDGE_HOST_PLUGIN_LIST_H

#include <stddef.h>

#include "callboard/status.h"

typedef struct cb_plugin_listed {
    char *name; /* "print/PrintPlugin": the end of a `plugin` line */
    char *path; /* the file */
} cb_plugin_listed;

typedef struct cb_plugin_listing {
    cb_plugin_listed *items; /* sorted by name; for each name only the file that would be loaded */
    size_t count;
} cb_plugin_listing;

/* Free it with cb_plugin_listing_free. A folder that does not exist counts as empty. */
cb_status cb_plugin_list(cb_plugin_listing *listing, cb_error *error);
void cb_plugin_listing_free(cb_plugin_listing *listing);

#endif
