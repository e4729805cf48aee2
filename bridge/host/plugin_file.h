/* The shared library of one plugin: where it is, and what it exports.
 *
 * The search for a path P, as the script writes it (without ending): P relative to the script's
 * folder; then P's last two parts in each folder of CALLBOARD_PLUGIN_PATH, beside the executable
 * (plugins/ and ../plugins/), and in the installed folder. The first file that exists is taken.
 * Threads: use from one thread at a time.
 */
#ifndef CALLBOARD_BRIDGE_HOST_PLUGIN_FILE_H
#define CALLBOARD_BRIDGE_HOST_PLUGIN_FILE_H

#include <stddef.h>

#include "callboard/plugin.h"
#include "callboard/status.h"

typedef struct cb_plugin_file {
    char *path;                 /* owned */
    void *library;              /* dlopen's handle, owned */
    const cb_plugin *plugin;    /* inside the library */
    const cb_service *services; /* inside the library; ends with a NULL name; NULL without any */
} cb_plugin_file;

/* The folders that hold `<folder>/<Name>Plugin.so`, in the order of the search, without the
 * script's own folder. *folders is an array of *count strings; free it with
 * cb_plugin_folders_free. */
cb_status cb_plugin_folders(char ***folders, size_t *count, cb_error *error);
void cb_plugin_folders_free(char **folders, size_t count);

/* Finds the file of `path` for a script in `script_folder` (NULL: the working directory). If there
 * is no file, the error names every place that was searched, as far as there is room. */
cb_status cb_plugin_file_find(const char *script_folder, const char *path, char **found,
                              cb_error *error);

/* The same, but only in the plugin folders: not in the script's folder and not in the working
 * directory. */
cb_status cb_plugin_file_find_installed(const char *path, char **found, cb_error *error);

/* Loads the library at `path` (taken over, also on failure) and checks everything that needs no
 * parsing of signatures: the exported symbol, the ABI version, the namespace, that each verb has a
 * name, a signature and a function, and that no name is there twice; the same for services. */
cb_status cb_plugin_file_open(char *path, cb_plugin_file *file, cb_error *error);
/* Unloads it; a file that was never opened (all zero) is fine. */
void cb_plugin_file_close(cb_plugin_file *file);

/* The same checks for a table that does not come from a file. Errors call it `name`. */
cb_status cb_plugin_check(const cb_plugin *plugin, const char *name, cb_error *error);

#endif
