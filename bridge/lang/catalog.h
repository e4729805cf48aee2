/* The catalog: how the binder finds plugins and verbs. A table of functions, which the host (by
 * dlopen) or a test (by tables) implements.
 *
 * Lifetime: namespaces, verbs and all their texts outlive every program that was analysed with
 * them.
 * Threads: the binder calls only from the thread of cb_front_analyze; the catalog is responsible
 * for other threads.
 */
#ifndef CALLBOARD_LANG_CATALOG_H
#define CALLBOARD_LANG_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/lang/signature.h"
#include "callboard/plugin.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `plugin "builtin:NAME";` names a plugin inside the runtime itself. */
#define CB_BUILTIN_PREFIX "builtin:"

/* A verb with its signature already parsed. */
typedef struct cb_catalog_verb {
    const cb_verb *verb;
    cb_signature signature;
} cb_catalog_verb;

/* A namespace as one `plugin` line makes it known. A file plugin whose namespace has a builtin's
 * name also gives the builtin's verbs; `builtin:blob` alone gives only its own. */
typedef struct cb_namespace {
    const char *name; /* "": its verbs are bare names, such as printf */
    uint8_t id;       /* the actors' number for it */
    const cb_catalog_verb *verbs;
    size_t verb_count;
} cb_namespace;

typedef struct cb_catalog {
    void *user;
    /* Loads the plugin that a `plugin "PATH";` line names: PATH as written (relative to
     * `script_folder`, without ending), or "builtin:NAME". Loading the same plugin again gives the
     * same namespace. Two file plugins with one namespace are an error (CB_INVALID). The sentence
     * in *error becomes the diagnostic at the line. */
    cb_status (*load)(void *user, const char *path, const char *script_folder,
                      const cb_namespace **out, cb_error *error);
    /* The path of a `plugin` line that would make a namespace known (for "add plugin ..." in
     * errors), or NULL if no known plugin would. The function itself may be NULL too. */
    const char *(*suggest)(void *user, const char *name_space);
} cb_catalog;

/* The verb with this name in the namespace, or NULL. */
CB_PUBLIC const cb_catalog_verb *cb_namespace_find(const cb_namespace *name_space,
                                                   const char *verb);

#ifdef __cplusplus
}
#endif
#endif
