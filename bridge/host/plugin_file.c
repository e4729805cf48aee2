#include "bridge/host/plugin_file.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CB_INSTALLED_PLUGINS
#define CB_INSTALLED_PLUGINS "/usr/local/lib/callboard/plugins"
#endif

#define MAX_NAME     64u   /* bytes of a namespace or a verb's name; long ones are mistakes */
#define MAX_VERBS    4096u /* verbs of one plugin; more means a table that was never meant */
#define MAX_SERVICES 64u   /* services of one plugin; more means an array without an end */
#define MAX_FOLDERS  64u   /* folders searched; the command line of nobody is longer */
#define ENDING       ".so"

typedef struct folder_list {
    char **items;
    size_t count;
} folder_list;

static cb_status no_memory(cb_error *error)
{
    return cb_fail(error, CB_NO_MEMORY, "out of memory while looking for plugins");
}

/* Adds a copy of `length` bytes of `folder` and, behind a slash, `below` ("" for none). */
static cb_status folder_add(folder_list *list, const char *folder, size_t length, const char *below,
                            cb_error *error)
{
    if (length == 0 || list->count == MAX_FOLDERS)
        return CB_OK;
    char *text = NULL;
    if (asprintf(&text, "%.*s%s%s", (int)length, folder, *below ? "/" : "", below) < 0)
        return no_memory(error);
    char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (items == NULL) {
        free(text);
        return no_memory(error);
    }
    items[list->count++] = text;
    list->items = items;
    return CB_OK;
}

static cb_status folders_of_environment(folder_list *list, cb_error *error)
{
    const char *at = getenv("CALLBOARD_PLUGIN_PATH");
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ":");
        if (length >= PATH_MAX)
            return cb_fail(error, CB_INVALID, "CALLBOARD_PLUGIN_PATH: a folder's name is too long");
        cb_status status = folder_add(list, at, length, "", error);
        if (status != CB_OK)
            return status;
        at += length + (at[length] == ':');
    }
    return CB_OK;
}

static cb_status folders_of_executable(folder_list *list, cb_error *error)
{
    static const char *const below[] = {"../plugins", "plugins", "../lib/callboard/plugins"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0)
        return CB_OK; /* without /proc the other folders remain */
    self[length] = '\0';
    const char *folder = dirname(self);
    for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++) {
        cb_status status = folder_add(list, folder, strlen(folder), below[i], error);
        if (status != CB_OK)
            return status;
    }
    return CB_OK;
}

cb_status cb_plugin_folders(char ***folders, size_t *count, cb_error *error)
{
    folder_list list = {0};
    cb_status status = folders_of_environment(&list, error);
    if (status == CB_OK)
        status = folders_of_executable(&list, error);
    if (status == CB_OK)
        status = folder_add(&list, CB_INSTALLED_PLUGINS, strlen(CB_INSTALLED_PLUGINS), "", error);
    if (status != CB_OK) {
        cb_plugin_folders_free(list.items, list.count);
        return status;
    }
    *folders = list.items;
    *count = list.count;
    return CB_OK;
}

void cb_plugin_folders_free(char **folders, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(folders[i]);
    free(folders);
}

static bool is_part_up(const char *part, size_t length)
{
    return (length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0);
}

/* The last two parts of a path, or the last one where the part before it only walks ("..", "."). */
static const char *last_two_parts(const char *path)
{
    const char *last = strrchr(path, '/');
    if (last == NULL)
        return path;
    const char *before = last;
    while (before > path && before[-1] != '/')
        before--;
    size_t length = (size_t)(last - before);
    return length == 0 || is_part_up(before, length) ? last + 1 : before;
}

static bool file_exists(const char *path)
{
    struct stat information;
    return stat(path, &information) == 0 && S_ISREG(information.st_mode); /* a pipe would block */
}

/* *found = FOLDER/PATH.so if that file exists, otherwise NULL. */
static cb_status try_folder(const char *folder, const char *path, char **found, cb_error *error)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s%s" ENDING, folder, *folder ? "/" : "", path) < 0) {
        *found = NULL;
        return no_memory(error);
    }
    *found = text;
    if (!file_exists(text)) {
        free(text);
        *found = NULL;
    }
    return CB_OK;
}

static cb_status not_found(const char *path, const char *script_folder, char **folders,
                           size_t count, cb_error *error)
{
    char places[CB_ERROR_TEXT_SIZE] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof(places); i++) {
        int written = snprintf(places + used, sizeof(places) - used, ", %s", folders[i]);
        used += written > 0 ? (size_t)written : 0;
    }
    const char *where = count > 0 ? places + 1 : " any plugin folder";
    if (script_folder == NULL)
        return cb_fail(error, CB_IO, "plugin \"%s\" not found: no %s" ENDING " in%s", path,
                       last_two_parts(path), where);
    return cb_fail(error, CB_IO,
                   "plugin \"%s\" not found: no file %s" ENDING
                   " in the script's folder %s, and no %s" ENDING " in%s",
                   path, path, *script_folder ? script_folder : ".", last_two_parts(path), where);
}

/* `script_folder`, for the error only, is where it was looked for before; NULL: nowhere. */
static cb_status find_in_folders(const char *script_folder, const char *path, char **found,
                                 cb_error *error)
{
    char **folders = NULL;
    size_t count = 0;
    cb_status status = cb_plugin_folders(&folders, &count, error);
    for (size_t i = 0; i < count && status == CB_OK && *found == NULL; i++)
        status = try_folder(folders[i], last_two_parts(path), found, error);
    if (status == CB_OK && *found == NULL)
        status = not_found(path, script_folder, folders, count, error);
    cb_plugin_folders_free(folders, count);
    return status;
}

cb_status cb_plugin_file_find(const char *script_folder, const char *path, char **found,
                              cb_error *error)
{
    *found = NULL;
    size_t length = strlen(path);
    if (length == 0 || length >= PATH_MAX || path[length - 1] == '/')
        return cb_fail(error, CB_INVALID, "\"%.80s\" is no path of a plugin", path);
    if (script_folder == NULL)
        script_folder = "";
    cb_status status = try_folder(path[0] == '/' ? "" : script_folder, path, found, error);
    if (status != CB_OK || *found != NULL)
        return status;

    return find_in_folders(script_folder, path, found, error);
}

cb_status cb_plugin_file_find_installed(const char *path, char **found, cb_error *error)
{
    *found = NULL;
    return find_in_folders(NULL, path, found, error);
}

static bool is_name(const char *text)
{
    size_t length = strnlen(text, MAX_NAME + 1);
    if (length == 0 || length > MAX_NAME || isdigit((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    return true;
}

static cb_status check_verbs(const cb_plugin *plugin, const char *name, cb_error *error)
{
    if (plugin->verb_count == 0 || plugin->verb_count > MAX_VERBS || plugin->verbs == NULL)
        return cb_fail(error, CB_FORMAT, "plugin %s: a table of %zu verbs (1..%u are allowed)",
                       name, plugin->verbs == NULL ? (size_t)0 : plugin->verb_count, MAX_VERBS);
    for (size_t i = 0; i < plugin->verb_count; i++) {
        const cb_verb *verb = &plugin->verbs[i];
        if (verb->name == NULL || !is_name(verb->name))
            return cb_fail(error, CB_FORMAT, "plugin %s: verb number %zu has no valid name", name,
                           i + 1);
        if (verb->signature == NULL)
            return cb_fail(error, CB_FORMAT, "plugin %s: verb %s has no signature", name,
                           verb->name);
        if (verb->run == NULL)
            return cb_fail(error, CB_FORMAT, "plugin %s: verb %s has no function", name,
                           verb->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(plugin->verbs[j].name, verb->name) == 0)
                return cb_fail(error, CB_FORMAT, "plugin %s: verb %s is there twice", name,
                               verb->name);
    }
    return CB_OK;
}

cb_status cb_plugin_check(const cb_plugin *plugin, const char *name, cb_error *error)
{
    if (plugin->abi != CB_PLUGIN_ABI)
        return cb_fail(error, CB_MISMATCH,
                       "plugin %s was built for plugin ABI %u, this callboard has ABI %u", name,
                       plugin->abi, CB_PLUGIN_ABI);
    if (plugin->name_space == NULL)
        return cb_fail(error, CB_FORMAT, "plugin %s has no namespace", name);
    if (plugin->name_space[0] != '\0' && !is_name(plugin->name_space))
        return cb_fail(error, CB_FORMAT, "plugin %s: \"%.80s\" is no name of a namespace", name,
                       plugin->name_space);
    return check_verbs(plugin, name, error);
}

/* Looks for the second symbol; a plugin may do without. */
static cb_status find_services(cb_plugin_file *file, cb_error *error)
{
    const cb_service *services = dlsym(file->library, CB_SERVICES_SYMBOL);
    for (size_t i = 0; services != NULL && services[i].name != NULL; i++) {
        if (i == MAX_SERVICES)
            return cb_fail(error, CB_FORMAT, "plugin %s: its list of services has no end",
                           file->path);
        if (services[i].pointer == NULL)
            return cb_fail(error, CB_FORMAT, "plugin %s: the service %.80s is nothing", file->path,
                           services[i].name);
    }
    file->services = services;
    return CB_OK;
}

cb_status cb_plugin_file_open(char *path, cb_plugin_file *file, cb_error *error)
{
    *file = (cb_plugin_file){.path = path};
    cb_status status = CB_OK;
    if (access(path, R_OK) != 0) {
        status = cb_fail_errno(error, CB_IO, errno, "plugin %s cannot be read", path);
    } else {
        /* A name without a slash would be looked for in the system's library folders. */
        char *whole = realpath(path, NULL);
        file->library = dlopen(whole != NULL ? whole : path, RTLD_NOW | RTLD_LOCAL);
        free(whole);
        if (file->library == NULL)
            status = cb_fail(error, CB_IO, "plugin %s cannot be loaded: %s", path, dlerror());
    }
    if (status == CB_OK) {
        file->plugin = dlsym(file->library, CB_PLUGIN_SYMBOL);
        if (file->plugin == NULL)
            status = cb_fail(error, CB_FORMAT, "%s is no plugin: it has no symbol %s", path,
                             CB_PLUGIN_SYMBOL);
        else
            status = cb_plugin_check(file->plugin, path, error);
    }
    if (status == CB_OK)
        status = find_services(file, error);
    if (status != CB_OK)
        cb_plugin_file_close(file);
    return status;
}

void cb_plugin_file_close(cb_plugin_file *file)
{
    if (file->library != NULL)
        dlclose(file->library);
    free(file->path);
    *file = (cb_plugin_file){0};
}
