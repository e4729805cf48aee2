/* builtin:plugin, what a script learns of the plugins it has loaded. */
#include <string.h>

#include "bridge/host/builtins.h"
#include "bridge/host/script_internal.h"

static const cb_loader *loader_of(cb_call *call)
{
    return cb_script_thread_of(call)->script->loader;
}

static bool has_name(const cb_loader *loader, size_t index, const cb_value *name)
{
    return strcmp(cb_loader_at(loader, index).name_space->name, (const char *)name->data) == 0;
}

static cb_status is_loaded(cb_call *call)
{
    const cb_loader *loader = loader_of(call);
    for (size_t i = 0; i < cb_loader_count(loader); i++)
        if (has_name(loader, i, &call->args[0]))
            call->result.integer = 1;
    return CB_OK;
}

/* Appends the names of `name_space`'s verbs that are not those of an earlier one of that name. */
static void append_verbs(const cb_loader *loader, const cb_namespace *name_space, cb_buffer *text)
{
    for (size_t i = 0; i < name_space->verb_count; i++) {
        const cb_catalog_verb *verb = &name_space->verbs[i];
        if (cb_loader_find_verb(loader, name_space->name, verb->verb->name) != verb)
            continue;
        size_t length = strlen(verb->verb->name);
        if (text->size > 0)
            text->data[text->size++] = ' ';
        memcpy(text->data + text->size, verb->verb->name, length);
        text->size += length;
    }
}

static cb_status verbs_of(cb_call *call)
{
    const cb_loader *loader = loader_of(call);
    size_t room = 0;
    for (size_t i = 0; i < cb_loader_count(loader); i++) {
        const cb_namespace *name_space = cb_loader_at(loader, i).name_space;
        for (size_t j = 0; has_name(loader, i, &call->args[0]) && j < name_space->verb_count; j++)
            room += strlen(name_space->verbs[j].verb->name) + 1;
    }
    cb_buffer *text = cb_buffer_new(0, room);
    if (text == NULL)
        return call->host->fail(call, CB_NO_MEMORY, "%s", cb_buffer_why_not());
    for (size_t i = 0; i < cb_loader_count(loader); i++)
        if (has_name(loader, i, &call->args[0]))
            append_verbs(loader, cb_loader_at(loader, i).name_space, text);
    return call->host->return_buffer(call, text);
}

static cb_status has_verb(cb_call *call)
{
    call->result.integer = cb_loader_find_verb(loader_of(call), (const char *)call->args[0].data,
                                               (const char *)call->args[1].data) != NULL;
    return CB_OK;
}

static const cb_verb verbs[] = {
    {"Loaded", "i32(string name_space)", is_loaded, 0, "1 if the script has loaded that namespace"},
    {"Verbs", "string(string name_space)", verbs_of, 0,
     "the names of a namespace's verbs, one space between; empty if it is not loaded"},
    {"HasVerb", "i32(string name_space, string verb)", has_verb, 0,
     "1 if the namespace is loaded and has the verb"},
};

const cb_plugin cb_builtin_plugin = {.abi = CB_PLUGIN_ABI,
                                     .name_space = "plugin",
                                     .version = CB_VERSION,
                                     .summary = "the plugins that the script has loaded",
                                     .verbs = verbs,
                                     .verb_count = sizeof(verbs) / sizeof(*verbs)};
