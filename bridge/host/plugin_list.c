#include "bridge/host/plugin_list.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/plugin_file.h"

#define PATTERN "*/*.so"

static bool is_listed(const cb_plugin_listing *listing, const char *name, size_t length)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strlen(listing->items[i].name) == length &&
            memcmp(listing->items[i].name, name, length) == 0)
            return true;
    return false;
}

static cb_status add(cb_plugin_listing *listing, const char *path, const char *name, size_t length)
{
    cb_plugin_listed *items = realloc(listing->items, (listing->count + 1) * sizeof(*items));
    if (items == NULL)
        return CB_NO_MEMORY;
    listing->items = items;
    cb_plugin_listed item = {.name = strndup(name, length), .path = strdup(path)};
    if (item.name == NULL || item.path == NULL) {
        free(item.name);
        free(item.path);
        return CB_NO_MEMORY;
    }
    items[listing->count++] = item;
    return CB_OK;
}

static cb_status add_folder(cb_plugin_listing *listing, const char *folder)
{
    char *pattern = NULL;
    if (asprintf(&pattern, "%s/" PATTERN, folder) < 0)
        return CB_NO_MEMORY;
    glob_t found = {0};
    int code = glob(pattern, 0, NULL, &found);
    free(pattern);
    cb_status status = code == GLOB_NOSPACE ? CB_NO_MEMORY : CB_OK;
    for (size_t i = 0; code == 0 && i < found.gl_pathc && status == CB_OK; i++) {
        const char *path = found.gl_pathv[i];
        const char *name = path + strlen(folder) + 1;
        size_t length = strlen(name) - strlen(".so");
        if (!is_listed(listing, name, length))
            status = add(listing, path, name, length);
    }
    globfree(&found);
    return status;
}

static int by_name(const void *left, const void *right)
{
    const cb_plugin_listed *a = left;
    const cb_plugin_listed *b = right;
    return strcmp(a->name, b->name);
}

cb_status cb_plugin_list(cb_plugin_listing *listing, cb_error *error)
{
    *listing = (cb_plugin_listing){0};
    char **folders = NULL;
    size_t count = 0;
    cb_status status = cb_plugin_folders(&folders, &count, error);
    if (status != CB_OK)
        return status;
    for (size_t i = 0; i < count && status == CB_OK; i++)
        status = add_folder(listing, folders[i]);
    cb_plugin_folders_free(folders, count);
    if (status != CB_OK) {
        cb_plugin_listing_free(listing);
        return cb_fail(error, status, "out of memory while looking for plugins");
    }
    if (listing->count > 1)
        qsort(listing->items, listing->count, sizeof(*listing->items), by_name);
    return CB_OK;
}

void cb_plugin_listing_free(cb_plugin_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->items[i].name);
        free(listing->items[i].path);
    }
    free(listing->items);
    *listing = (cb_plugin_listing){0};
}
