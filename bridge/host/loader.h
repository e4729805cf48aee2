/* The plugins of one script: loads the plugins that its `plugin` lines name, builtin or file, and
 * gives their verbs to the binder, with parsed signatures.
 *
 * Namespaces are numbered 1..255 in the order of loading. A builtin and a file plugin may have the
 * same namespace name; the file's namespace then also holds the builtin's verbs. Several plugins
 * may have bare verbs (namespace ""), as long as each verb's name is there only once.
 * Threads: one thread at a time may load. Other threads may read meanwhile, and see all plugins
 * whose loading had ended before they looked.
 */
#ifndef CALLBOARD_BRIDGE_HOST_LOADER_H
#define CALLBOARD_BRIDGE_HOST_LOADER_H

#include <stddef.h>

#include "bridge/lang/catalog.h"
#include "callboard/plugin.h"
#include "callboard/status.h"

typedef struct cb_loader cb_loader;

/* One loaded plugin. `origin` is its file, or "builtin:NAME". All live as long as the loader. */
typedef struct cb_loaded_plugin {
    const cb_namespace *name_space;
    const cb_plugin *plugin;
    const cb_service *services; /* ends with a NULL name; NULL without any */
    const char *origin;
} cb_loaded_plugin;

cb_status cb_loader_new(cb_loader **loader, cb_error *error);
/* Unloads everything. No program that was compiled with it may exist any more. *loader becomes
 * NULL. */
void cb_loader_free(cb_loader **loader);

/* The catalog for the binder; lives as long as the loader. */
const cb_catalog *cb_loader_catalog(const cb_loader *loader);

/* How many plugins are loaded, and one of them (0..) in the order of loading. */
size_t cb_loader_count(const cb_loader *loader);
cb_loaded_plugin cb_loader_at(const cb_loader *loader, size_t index);
/* Finds a verb by the names of its namespace and itself, in any plugin; NULL if there is none. */
const cb_catalog_verb *cb_loader_find_verb(const cb_loader *loader, const char *name_space,
                                           const char *verb);

#endif
