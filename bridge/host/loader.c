#include "bridge/host/loader.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/builtins.h"
#include "bridge/host/plugin_file.h"
#include "bridge/host/plugin_list.h"

#define MAX_LOADED 255u /* the actors number namespaces with one byte; 0 is none */

typedef struct loaded {
    cb_plugin_file file; /* all zero for a builtin */
    const cb_plugin *plugin;
    char *origin;
    cb_catalog_verb *verbs;
    cb_namespace name_space;
} loaded;

struct cb_loader {
    loaded *items[MAX_LOADED];
    /* Items below it are complete and stay as they are: written with release, read with acquire by
     * the threads that do not load. */
    _Atomic size_t count;
    cb_catalog catalog;
    char *suggestion; /* the last one given */
};

static void loaded_free(loaded *item)
{
    if (item == NULL)
        return;
    free(item->verbs);
    free(item->origin);
    cb_plugin_file_close(&item->file);
    free(item);
}

static bool is_builtin(const loaded *item)
{
    return item->file.plugin == NULL;
}

static loaded *find_plugin(const cb_loader *loader, const cb_plugin *plugin)
{
    for (size_t i = 0; i < loader->count; i++)
        if (loader->items[i]->plugin == plugin)
            return loader->items[i];
    return NULL;
}

/* The builtin whose verbs a file plugin's namespace holds as well, or NULL. */
static const cb_plugin *extended_builtin(const loaded *item)
{
    return is_builtin(item) ? NULL : cb_host_builtin_find(item->plugin->name_space);
}

static cb_status parse_verbs(loaded *item, const cb_plugin *from, cb_error *error)
{
    for (size_t i = 0; i < from->verb_count; i++) {
        const cb_verb *verb = &from->verbs[i];
        if (from == item->plugin && cb_namespace_find(&item->name_space, verb->name) != NULL)
            return cb_fail(error, CB_INVALID,
                           "plugin %s: the verb %s.%s is one of the runtime's own", item->origin,
                           from->name_space, verb->name);
        cb_error cause = {0};
        cb_catalog_verb *out = &item->verbs[item->name_space.verb_count];
        cb_status status = cb_signature_parse(verb->signature, &out->signature, &cause);
        if (status != CB_OK)
            return cb_fail(error, status, "plugin %s: the signature of %s: %.300s", item->origin,
                           verb->name, cause.text);
        out->verb = verb;
        item->name_space.verb_count++;
    }
    return CB_OK;
}

/* Fills the namespace of an item that has its plugin and origin. */
static cb_status make_namespace(loaded *item, uint8_t id, cb_error *error)
{
    const cb_plugin *builtin = extended_builtin(item);
    size_t count = item->plugin->verb_count + (builtin != NULL ? builtin->verb_count : 0);
    item->verbs = calloc(count > 0 ? count : 1, sizeof(*item->verbs));
    if (item->verbs == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    item->name_space =
        (cb_namespace){.name = item->plugin->name_space, .id = id, .verbs = item->verbs};
    if (builtin != NULL) {
        cb_status status = parse_verbs(item, builtin, error);
        if (status != CB_OK)
            return status;
    }
    return parse_verbs(item, item->plugin, error);
}

/* A namespace belongs to one file; bare verbs may come from several, each name once. */
static cb_status check_conflicts(const cb_loader *loader, const loaded *item, cb_error *error)
{
    const char *name_space = item->plugin->name_space;
    for (size_t i = 0; i < loader->count; i++) {
        const loaded *other = loader->items[i];
        if (is_builtin(other) || strcmp(other->plugin->name_space, name_space) != 0)
            continue;
        if (name_space[0] != '\0')
            return cb_fail(error, CB_INVALID, "two plugins have the namespace %s: %s and %s",
                           name_space, other->origin, item->origin);
        for (size_t j = 0; j < item->plugin->verb_count; j++) {
            const char *verb = item->plugin->verbs[j].name;
            if (cb_namespace_find(&other->name_space, verb) != NULL)
                return cb_fail(error, CB_INVALID, "two plugins have the bare verb %s: %s and %s",
                               verb, other->origin, item->origin);
        }
    }
    return CB_OK;
}

/* Adds a plugin whose file (all zero for a builtin) is taken over, also on failure. */
static cb_status add(cb_loader *loader, cb_plugin_file file, const cb_plugin *plugin,
                     const char *origin, const cb_namespace **out, cb_error *error)
{
    loaded *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        cb_plugin_file_close(&file);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    item->file = file;
    item->plugin = plugin;
    item->origin = strdup(origin);
    cb_status status = CB_OK;
    if (item->origin == NULL)
        status = cb_fail(error, CB_NO_MEMORY, "out of memory");
    else if (loader->count == MAX_LOADED)
        status = cb_fail(error, CB_LIMIT, "a script may load %u plugins", MAX_LOADED);
    if (status == CB_OK && !is_builtin(item))
        status = check_conflicts(loader, item, error);
    if (status == CB_OK)
        status = make_namespace(item, (uint8_t)(loader->count + 1), error);
    if (status != CB_OK) {
        loaded_free(item);
        return status;
    }
    size_t count = atomic_load_explicit(&loader->count, memory_order_relaxed);
    loader->items[count] = item;
    atomic_store_explicit(&loader->count, count + 1, memory_order_release);
    *out = &item->name_space;
    return CB_OK;
}

static cb_status load_builtin(cb_loader *loader, const char *path, const cb_namespace **out,
                              cb_error *error)
{
    const char *name = path + strlen(CB_BUILTIN_PREFIX);
    const cb_plugin *plugin = cb_host_builtin_find(name);
    if (plugin == NULL) {
        char names[128] = "";
        size_t used = 0;
        for (size_t i = 0; cb_host_builtin_at(i) != NULL && used < sizeof(names); i++)
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                                     cb_host_builtin_at(i)->name_space);
        return cb_fail(error, CB_UNKNOWN, "no builtin namespace \"%.80s\"; there are %s", name,
                       names);
    }
    loaded *item = find_plugin(loader, plugin);
    if (item != NULL) {
        *out = &item->name_space;
        return CB_OK;
    }
    return add(loader, (cb_plugin_file){0}, plugin, path, out, error);
}

static cb_status load_file(cb_loader *loader, const char *path, const char *script_folder,
                           const cb_namespace **out, cb_error *error)
{
    char *found = NULL;
    cb_status status = cb_plugin_file_find(script_folder, path, &found, error);
    if (status != CB_OK)
        return status;
    cb_plugin_file file;
    status = cb_plugin_file_open(found, &file, error);
    if (status != CB_OK)
        return status;
    loaded *item = find_plugin(loader, file.plugin);
    if (item != NULL) {
        cb_plugin_file_close(&file); /* the first handle keeps the library */
        *out = &item->name_space;
        return CB_OK;
    }
    return add(loader, file, file.plugin, file.path, out, error);
}

static cb_status load(void *user, const char *path, const char *script_folder,
                      const cb_namespace **out, cb_error *error)
{
    if (strncmp(path, CB_BUILTIN_PREFIX, strlen(CB_BUILTIN_PREFIX)) == 0)
        return load_builtin(user, path, out, error);
    return load_file(user, path, script_folder, out, error);
}

/* The path of the first plugin found whose namespace is this one; the caller's to free. */
static char *suggest_file(const char *name_space)
{
    cb_plugin_listing listing = {0};
    char *path = NULL;
    if (cb_plugin_list(&listing, NULL) != CB_OK)
        return NULL;
    for (size_t i = 0; i < listing.count && path == NULL; i++) {
        cb_plugin_file file = {0};
        char *copy = strdup(listing.items[i].path);
        if (copy == NULL || cb_plugin_file_open(copy, &file, NULL) != CB_OK)
            continue;
        if (strcmp(file.plugin->name_space, name_space) == 0 &&
            asprintf(&path, "../plugins/%s", listing.items[i].name) < 0)
            path = NULL;
        cb_plugin_file_close(&file);
    }
    cb_plugin_listing_free(&listing);
    return path;
}

static const char *suggest(void *user, const char *name_space)
{
    cb_loader *loader = user;
    free(loader->suggestion);
    loader->suggestion = NULL;
    if (cb_host_builtin_find(name_space) == NULL)
        loader->suggestion = suggest_file(name_space);
    else if (asprintf(&loader->suggestion, CB_BUILTIN_PREFIX "%s", name_space) < 0)
        loader->suggestion = NULL;
    return loader->suggestion;
}

cb_status cb_loader_new(cb_loader **result, cb_error *error)
{
    cb_loader *loader = calloc(1, sizeof(*loader));
    if (loader == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    loader->catalog = (cb_catalog){.user = loader, .load = load, .suggest = suggest};
    *result = loader;
    return CB_OK;
}

void cb_loader_free(cb_loader **result)
{
    cb_loader *loader = *result;
    if (loader == NULL)
        return;
    for (size_t i = 0; i < loader->count; i++)
        loaded_free(loader->items[i]);
    free(loader->suggestion);
    free(loader);
    *result = NULL;
}

const cb_catalog *cb_loader_catalog(const cb_loader *loader)
{
    return &loader->catalog;
}

size_t cb_loader_count(const cb_loader *loader)
{
    return atomic_load_explicit(&loader->count, memory_order_acquire);
}

cb_loaded_plugin cb_loader_at(const cb_loader *loader, size_t index)
{
    assert(index < loader->count);
    const loaded *item = loader->items[index];
    return (cb_loaded_plugin){.name_space = &item->name_space,
                              .plugin = item->plugin,
                              .services = item->file.services,
                              .origin = item->origin};
}

const cb_catalog_verb *cb_loader_find_verb(const cb_loader *loader, const char *name_space,
                                           const char *verb)
{
    for (size_t i = 0; i < loader->count; i++) {
        const loaded *item = loader->items[i];
        if (strcmp(item->name_space.name, name_space) != 0)
            continue;
        const cb_catalog_verb *found = cb_namespace_find(&item->name_space, verb);
        if (found != NULL)
            return found;
    }
    return NULL;
}
