/* callboard plugins: what can be loaded, and the verbs of one plugin. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/cli/commands.h"
#include "bridge/host/builtins.h"
#include "bridge/host/loader.h"
#include "bridge/host/plugin_file.h"
#include "bridge/host/plugin_list.h"

#define ENDING         ".so"
#define CALL_TEXT_SIZE (CB_SIGNATURE_TEXT_SIZE + 160)
#define WIDEST_CALL    72 /* longer ones get their summary on a line of its own */

static int help(void)
{
    puts("usage: callboard plugins [NAME]\n\n"
         "Without NAME: every plugin that can be found, with its namespace, its number of verbs\n"
         "and the file. With the name of a namespace, a plugin (print/PrintPlugin) or a file:\n"
         "its verbs with their signatures; ? marks what may be left out.\n\n"
         "  -h, --help   this text");
    return cb_command_finish(CB_EXIT_OK);
}

static void print_row(const char *name, const cb_plugin *plugin, const char *path)
{
    const char *name_space = plugin->name_space[0] != '\0' ? plugin->name_space : "(bare)";
    printf("%-52s %-20s %5zu  %s%s%s\n", name, name_space, plugin->verb_count,
           plugin->summary != NULL ? plugin->summary : "", path != NULL ? "  " : "",
           path != NULL ? path : "");
}

/* Opens a copy of the path's file; a failure is printed. */
static bool open_listed(const char *path, cb_plugin_file *file)
{
    cb_error error = {0};
    char *copy = strdup(path);
    if (copy == NULL)
        (void)cb_fail(&error, CB_NO_MEMORY, "out of memory");
    else if (cb_plugin_file_open(copy, file, &error) == CB_OK)
        return true;
    (void)fflush(stdout);
    (void)cb_command_failed(&error);
    return false;
}

static int list_all(void)
{
    cb_plugin_listing listing = {0};
    cb_error error = {0};
    if (cb_plugin_list(&listing, &error) != CB_OK)
        return cb_command_failed(&error);
    int exit_status = CB_EXIT_OK;
    printf("%-52s %-20s %5s  %s\n", "PLUGIN", "NAMESPACE", "VERBS", "WHAT FOR");
    for (size_t i = 0; cb_host_builtin_at(i) != NULL; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), CB_BUILTIN_PREFIX "%s",
                       cb_host_builtin_at(i)->name_space);
        print_row(name, cb_host_builtin_at(i), NULL);
    }
    for (size_t i = 0; i < listing.count; i++) {
        cb_plugin_file file = {0};
        if (open_listed(listing.items[i].path, &file))
            print_row(listing.items[i].name, file.plugin, file.path);
        else
            exit_status = CB_EXIT_FAILED;
        cb_plugin_file_close(&file);
    }
    cb_plugin_listing_free(&listing);
    return cb_command_finish(exit_status);
}

/* "callbacktcp.Open(callback name, i32 timeoutMs) -> i64" */
static void call_text(const cb_namespace *name_space, const cb_catalog_verb *verb, char *text)
{
    char signature[CB_SIGNATURE_TEXT_SIZE];
    cb_signature_print(&verb->signature, signature, sizeof(signature));
    const char *parameters = strchr(signature, '(');
    (void)snprintf(text, CALL_TEXT_SIZE, "%s%s%s%s -> %s", name_space->name,
                   name_space->name[0] != '\0' ? "." : "", verb->verb->name,
                   parameters != NULL ? parameters : "()", cb_type_name(verb->signature.result));
}

static int print_verbs(const char *path)
{
    cb_loader *loader = NULL;
    cb_error error = {0};
    if (cb_loader_new(&loader, &error) != CB_OK)
        return cb_command_failed(&error);
    const cb_catalog *catalog = cb_loader_catalog(loader);
    const cb_namespace *name_space = NULL;
    int exit_status = CB_EXIT_OK;
    if (catalog->load(catalog->user, path, ".", &name_space, &error) != CB_OK) {
        exit_status = cb_command_failed(&error);
    } else {
        cb_loaded_plugin loaded = cb_loader_at(loader, 0);
        printf("%s %s: %s\n%s\n\n", name_space->name[0] != '\0' ? name_space->name : "(bare)",
               loaded.plugin->version != NULL ? loaded.plugin->version : "",
               loaded.plugin->summary != NULL ? loaded.plugin->summary : "", loaded.origin);
        for (size_t i = 0; i < name_space->verb_count; i++) {
            const cb_verb *verb = name_space->verbs[i].verb;
            char text[CALL_TEXT_SIZE];
            call_text(name_space, &name_space->verbs[i], text);
            const char *gap = strlen(text) > WIDEST_CALL ? "\n    " : "";
            printf("%-*s%s  %s\n", WIDEST_CALL, text, gap,
                   verb->summary != NULL ? verb->summary : "");
        }
    }
    cb_loader_free(&loader);
    return exit_status == CB_EXIT_OK ? cb_command_finish(exit_status) : exit_status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);
    size_t end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Whether a listed plugin is the one that `name` means: "print/PrintPlugin", "PrintPlugin", the
 * folder "print", or its namespace. */
static bool is_meant(const cb_plugin_listed *item, const char *name)
{
    const char *slash = strchr(item->name, '/');
    size_t folder_size = slash != NULL ? (size_t)(slash - item->name) : 0;
    if (strcmp(item->name, name) == 0 || (slash != NULL && strcmp(slash + 1, name) == 0) ||
        (strlen(name) == folder_size && strncmp(item->name, name, folder_size) == 0))
        return true;
    cb_plugin_file file = {0};
    char *copy = strdup(item->path);
    bool same = copy != NULL && cb_plugin_file_open(copy, &file, NULL) == CB_OK &&
                strcmp(file.plugin->name_space, name) == 0;
    cb_plugin_file_close(&file);
    return same;
}

/* The path, as a `plugin` line has it, of what `name` means; NULL if nothing. Caller's to free. */
static char *find_meant(const char *name, const cb_plugin_listing *listing)
{
    char *path = NULL;
    const char *end = ends_with(name, ENDING) ? name + strlen(name) - strlen(ENDING) : NULL;
    if (end != NULL)
        return strndup(name, (size_t)(end - name));
    for (size_t i = 0; i < listing->count; i++)
        if (is_meant(&listing->items[i], name))
            return strndup(listing->items[i].path, strlen(listing->items[i].path) - strlen(ENDING));
    if (strncmp(name, CB_BUILTIN_PREFIX, strlen(CB_BUILTIN_PREFIX)) == 0)
        return strdup(name);
    if (cb_host_builtin_find(name) != NULL && asprintf(&path, CB_BUILTIN_PREFIX "%s", name) >= 0)
        return path;
    return strchr(name, '/') != NULL ? strdup(name) : NULL; /* a path without its ending */
}

static int print_one(const char *name)
{
    cb_plugin_listing listing = {0};
    cb_error error = {0};
    if (cb_plugin_list(&listing, &error) != CB_OK)
        return cb_command_failed(&error);
    char *path = find_meant(name, &listing);
    cb_plugin_listing_free(&listing);
    if (path == NULL) {
        (void)cb_fail(&error, CB_UNKNOWN, "no plugin and no namespace '%s' found", name);
        return cb_command_failed(&error);
    }
    int exit_status = print_verbs(path);
    free(path);
    return exit_status;
}

int cb_command_plugins(int argc, char **argv)
{
    static const struct option known[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    opterr = 0;
    optind = 0;
    int letter = getopt_long(argc, argv, ":h", known, NULL);
    if (letter == 'h')
        return help();
    if (letter != -1)
        return cb_usage_option("plugins", letter, argc, argv);
    if (optind + 1 < argc)
        return cb_usage_error("plugins", "one name at a time");
    return optind == argc ? list_all() : print_one(argv[optind]);
}
