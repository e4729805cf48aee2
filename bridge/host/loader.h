/* The plugins of one script: loads what its `plugin` lines name, builtin or file, and gives the
 * binder their verbs with parsed signatures.
 *
 * Namespaces are numbered 1..255 in the order of loading. A builtin and a file plugin may share a
 * namespace's name: the file's then holds the builtin's verbs as well. Several plugins may have
 * bare verbs (namespace ""), as long as no verb's name is there twice.
 * Threads: loading from one thread at a time; others may read meanwhile, and see what was loaded
 * whole before they looked.
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
    const cb_service *services; /* up to a NULL name; NULL without any */
    const char *origin;
} cb_loaded_plugin;

cb_status cb_loader_new(cb_loader **loader, cb_error *error);
/* Unloads everything: no program that was compiled with it may live. *loader becomes NULL. */
void cb_loader_free(cb_loader **loader);

/* What the binder asks; lives as long as the loader. */
const cb_catalog *cb_loader_catalog(const cb_loader *loader);

/* How many are loaded, and one of them, 0.., in load order. */
size_t cb_loader_count(const cb_loader *loader);
cb_loaded_plugin cb_loader_at(const cb_loader *loader, size_t index);
/* The verb of a namespace by their names, in whatever plugin; NULL if there is none. */
const cb_catalog_verb *cb_loader_find_verb(const cb_loader *loader, const char *name_space,
                                           const char *verb);

#endif
