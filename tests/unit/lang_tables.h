/* A catalog of plugins made of tables, for tests of the language that load no files.
 *
 * It knows builtin:string, builtin:blob, print/PrintPlugin and demo/DemoPlugin; every other path is
 * an error. Its verbs have signatures and do nothing.
 */
#ifndef CALLBOARD_TESTS_LANG_TABLES_H
#define CALLBOARD_TESTS_LANG_TABLES_H

#include <string.h>

#include "bridge/lang/catalog.h"

#define LANG_TABLES_MOST_VERBS 16

static cb_status lang_tables_nothing(cb_call *call)
{
    (void)call;
    return CB_OK;
}

#define LANG_VERB(name, signature, flags)                                                          \
    {                                                                                              \
        name, signature, lang_tables_nothing, flags, "for tests"                                   \
    }

static const cb_verb lang_tables_string[] = {
    LANG_VERB("Format", "string(string format, ...)", CB_VERB_FORMAT),
};
static const cb_verb lang_tables_blob[] = {
    LANG_VERB("FromText", "blob(string text)", 0),
    LANG_VERB("ToText", "string(blob bytes)", 0),
    LANG_VERB("Fill", "void(ref blob target, i32 value)", 0),
    LANG_VERB("RefFromPointer", "blob(i64 address, i64 size)", 0),
};
static const cb_verb lang_tables_print[] = {
    LANG_VERB("printf", "i32(string format, ...)", CB_VERB_FORMAT),
};
static const cb_verb lang_tables_demo[] = {
    LANG_VERB("Open", "i64(callback name, i32 timeoutMs, i32 port?)", 0),
    LANG_VERB("Close", "i32(i64 id)", 0),
    LANG_VERB("Send", "i64(i64 id, blob bytes)", 0),
    LANG_VERB("Text", "string(i64 id)", 0),
    LANG_VERB("Half", "double(double value)", 0),
    LANG_VERB("Wide", "u64()", 0),
};

typedef struct lang_tables_space {
    const char *path;
    const cb_verb *verbs;
    cb_namespace name_space;
    cb_catalog_verb parsed[LANG_TABLES_MOST_VERBS];
} lang_tables_space;

#define LANG_SPACE(path, name, id, table)                                                          \
    {                                                                                              \
        path, table, {name, id, NULL, sizeof(table) / sizeof(table)[0]},                           \
        {                                                                                          \
            {                                                                                      \
                NULL,                                                                              \
                {                                                                                  \
                    0                                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

static lang_tables_space lang_tables[] = {
    LANG_SPACE("builtin:string", "string", 1, lang_tables_string),
    LANG_SPACE("builtin:blob", "blob", 2, lang_tables_blob),
    LANG_SPACE("print/PrintPlugin", "", 3, lang_tables_print),
    LANG_SPACE("demo/DemoPlugin", "demo", 4, lang_tables_demo),
};
#define LANG_TABLES_COUNT (sizeof lang_tables / sizeof lang_tables[0])

static inline cb_status lang_tables_load(void *user, const char *path, const char *script_folder,
                                         const cb_namespace **out, cb_error *error)
{
    (void)user;
    (void)script_folder;
    for (size_t i = 0; i < LANG_TABLES_COUNT; i++) {
        lang_tables_space *space = &lang_tables[i];
        if (strcmp(space->path, path) != 0)
            continue;
        for (size_t verb = 0; verb < space->name_space.verb_count; verb++) {
            space->parsed[verb].verb = &space->verbs[verb];
            cb_status status = cb_signature_parse(space->verbs[verb].signature,
                                                  &space->parsed[verb].signature, error);
            if (status != CB_OK)
                return status;
        }
        space->name_space.verbs = space->parsed;
        *out = &space->name_space;
        return CB_OK;
    }
    return cb_fail(error, CB_UNKNOWN, "no plugin \"%s\"", path);
}

static inline const char *lang_tables_suggest(void *user, const char *name_space)
{
    (void)user;
    for (size_t i = 0; i < LANG_TABLES_COUNT; i++) {
        if (strcmp(lang_tables[i].name_space.name, name_space) == 0)
            return lang_tables[i].path;
    }
    return NULL;
}

static const cb_catalog lang_tables_catalog = {NULL, lang_tables_load, lang_tables_suggest};

#endif
