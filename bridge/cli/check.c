/* callboard check: the parser's and the binder's errors of scripts that are not run. */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/cli/commands.h"
#include "bridge/host/complain.h"
#include "bridge/host/loader.h"
#include "bridge/host/script_source.h"
#include "bridge/lang/front.h"

static int help(void)
{
    puts("usage: callboard check [--json] FILE...\n\n"
         "Prints the errors of the scripts (- for standard input) and runs nothing. Plugins are\n"
         "loaded, as their verbs are checked too.\n\n"
         "  -j, --json   one list on standard output, an object for each error with the members\n"
         "               file, line, column, severity and message; line 0: the whole file\n"
         "  -h, --help   this text\n\n"
         "Exit status: 0 if there are no errors, otherwise 1.");
    return cb_command_finish(CB_EXIT_OK);
}

/* JSON is UTF-8; a script's bytes need not be. Changes the text in place. */
static void make_utf8(char *text)
{
    unsigned char *at = (unsigned char *)text;
    while (*at != '\0') {
        size_t more = *at < 0x80                  ? 0
                      : *at >= 0xC2 && *at < 0xE0 ? 1
                      : *at >= 0xE0 && *at < 0xF0 ? 2
                      : *at >= 0xF0 && *at < 0xF5 ? 3
                                                  : 9;
        size_t good = 0;
        while (more < 9 && good < more && (at[good + 1] & 0xC0u) == 0x80u)
            good++;
        if (good == more)
            at += more + 1;
        else
            *at++ = '?';
    }
}

/* Adds one object to the list; false when out of memory. */
static bool add_json(cJSON *list, const char *file, cb_place place, const char *message)
{
    char *name = strdup(file);
    char *text = strdup(message);
    cJSON *item = cJSON_CreateObject();
    bool done = name != NULL && text != NULL && item != NULL;
    if (done) {
        make_utf8(name);
        make_utf8(text);
        done = cJSON_AddStringToObject(item, "file", name) != NULL &&
               cJSON_AddNumberToObject(item, "line", place.line) != NULL &&
               cJSON_AddNumberToObject(item, "column", place.column) != NULL &&
               cJSON_AddStringToObject(item, "severity", "error") != NULL &&
               cJSON_AddStringToObject(item, "message", text) != NULL &&
               cJSON_AddItemToArray(list, item);
    }
    if (!done)
        cJSON_Delete(item);
    free(name);
    free(text);
    return done;
}

static cb_status report(cJSON *list, const cb_diagnostics *diagnostics, const cb_source *source)
{
    if (list == NULL) {
        cb_complain_diagnostics(NULL, diagnostics, source);
        return CB_OK;
    }
    for (size_t i = 0; i < diagnostics->count; i++) {
        const cb_diagnostic *item = &diagnostics->items[i];
        if (!add_json(list, source->path, item->place, item->text))
            return CB_NO_MEMORY;
    }
    return CB_OK;
}

static cb_status analyze(const cb_source *source, cJSON *list, cb_error *error)
{
    cb_loader *loader = NULL;
    cb_status status = cb_loader_new(&loader, error);
    if (status != CB_OK)
        return status;
    cb_diagnostics *diagnostics = calloc(1, sizeof(*diagnostics));
    cb_ast_program *program = NULL;
    status = diagnostics == NULL
                 ? CB_NO_MEMORY
                 : cb_front_analyze(source, cb_loader_catalog(loader), &program, diagnostics);
    if (status == CB_SCRIPT && report(list, diagnostics, source) != CB_OK)
        status = CB_NO_MEMORY;
    if (status != CB_OK && status != CB_SCRIPT)
        (void)cb_fail(error, status, "%s: %s", source->path, cb_status_text(status));
    cb_ast_free(program);
    free(diagnostics);
    cb_loader_free(&loader);
    return status;
}

/* Checks one file; with a list, its errors are added there, otherwise they are printed. */
static int check_file(const char *path, cJSON *list)
{
    cb_error error = {0};
    cb_source source = {0};
    cb_status status = cb_script_source(path, &source, &error);
    if (status == CB_OK)
        status = analyze(&source, list, &error);
    cb_source_free(&source);
    if (status == CB_OK)
        return CB_EXIT_OK;
    if (status != CB_SCRIPT) {
        (void)cb_command_failed(&error);
        if (list != NULL)
            (void)add_json(list, path, (cb_place){0}, error.text);
    }
    return CB_EXIT_FAILED;
}

static int print_json(cJSON *list, int exit_status)
{
    char *text = cJSON_Print(list);
    cJSON_Delete(list);
    if (text == NULL)
        return cb_command_failed(&(cb_error){.status = CB_NO_MEMORY});
    puts(text);
    cJSON_free(text);
    return cb_command_finish(exit_status);
}

int cb_command_check(int argc, char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool as_json = false;
    opterr = 0;
    optind = 0;
    int letter;
    while ((letter = getopt_long(argc, argv, ":jh", known, NULL)) != -1) {
        if (letter == 'j')
            as_json = true;
        else if (letter == 'h')
            return help();
        else
            return cb_usage_option("check", letter, argc, argv);
    }
    if (optind == argc)
        return cb_usage_error("check", "no file to check");
    cJSON *list = as_json ? cJSON_CreateArray() : NULL;
    if (as_json && list == NULL)
        return cb_command_failed(&(cb_error){.status = CB_NO_MEMORY});
    int exit_status = CB_EXIT_OK;
    for (int i = optind; i < argc; i++)
        if (check_file(argv[i], list) != CB_EXIT_OK)
            exit_status = CB_EXIT_FAILED;
    return as_json ? print_json(list, exit_status) : exit_status;
}
