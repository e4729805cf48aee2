#include "script_double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/builtins.h"
#include "bridge/lang/catalog.h"
#include "bridge/lang/source.h"
#include "callboard/plugin.h"

/* -- verbs -- */

static cb_status do_print(cb_call *call)
{
    cb_buffer *text = NULL;
    cb_status status = call->host->format(call, 0, &text);
    if (status != CB_OK) {
        return status;
    }
    script_run *run = cb_vm_user(cb_call_vm(call));
    size_t room = sizeof run->output - 1 - run->output_size;
    size_t size = text->size < room ? text->size : room;
    memcpy(run->output + run->output_size, text->data, size);
    run->output_size += size;
    run->output[run->output_size] = 0;
    cb_buffer_release(text);
    return CB_OK;
}

static cb_status do_same(cb_call *call)
{
    return call->host->return_bytes(call, call->args[0].data, call->args[0].size);
}

static cb_status do_twice(cb_call *call)
{
    call->result.integer = call->args[0].integer * 2;
    return CB_OK;
}

static cb_status do_half(cb_call *call)
{
    call->result.real = call->args[0].real / 2;
    return CB_OK;
}

static cb_status do_grow(cb_call *call)
{
    uint8_t *data = NULL;
    size_t old = call->args[0].size;
    cb_status status =
        call->host->resize_argument(call, 0, old + (size_t)call->args[1].integer, &data);
    if (status == CB_OK) {
        memset(data + old, 'x', (size_t)call->args[1].integer);
        call->result.integer = (int64_t)call->args[0].size;
    }
    return status;
}

static cb_status do_entry(cb_call *call)
{
    call->result.integer = call->args[0].integer * 100 + (int64_t)call->args[0].size;
    return CB_OK;
}

static cb_status do_fail(cb_call *call)
{
    return call->host->fail(call, CB_UNKNOWN, "no listener %d", (int)call->args[0].integer);
}

static cb_status do_status(cb_call *call)
{
    (void)call;
    return CB_STOPPED;
}

static cb_status do_keep(cb_call *call)
{
    cb_buffer *bytes = call->host->argument_buffer(call, 0);
    return bytes == NULL ? CB_NO_MEMORY : call->host->return_buffer(call, bytes);
}

static cb_status do_space(cb_call *call)
{
    call->result.integer = cb_call_name_space(call);
    return CB_OK;
}

/* ref a, then b by value: writes over a, then answers b as it was. */
static cb_status do_swap(cb_call *call)
{
    uint8_t *data = NULL;
    cb_status status = call->host->resize_argument(call, 0, 100, &data);
    if (status != CB_OK) {
        return status;
    }
    memset(data, 'z', 100);
    return call->host->return_bytes(call, call->args[1].data, call->args[1].size);
}

static const cb_verb print_verbs[] = {
    {"printf", "void(string format, ...)", do_print, CB_VERB_FORMAT, "prints"},
};

static const cb_verb test_verbs[] = {
    {"Same", "string(string text)", do_same, 0, "the text"},
    {"Twice", "i64(i64 n)", do_twice, 0, "n times two"},
    {"Twice8", "i8(i64 n)", do_twice, 0, "n times two, too wide"},
    {"Half", "double(double x)", do_half, 0, "x by two"},
    {"Grow", "i64(ref blob b, i32 more)", do_grow, 0, "appends x"},
    {"GrowText", "i64(ref string s, i32 more)", do_grow, 0, "appends x"},
    {"Entry", "i64(callback name)", do_entry, 0, "entry times 100 and the name's length"},
    {"Fail", "void(i32 id)", do_fail, 0, "fails"},
    {"Stop", "void()", do_status, 0, "is stopped"},
    {"Keep", "blob(blob b)", do_keep, 0, "the same bytes, shared"},
    {"Space", "i32()", do_space, 0, "the namespace's number"},
    {"Swap", "blob(ref blob a, blob b)", do_swap, 0, "b as it was before a changed"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* -- catalog -- */

typedef struct table {
    const char *path;
    const char *name;
    uint8_t id;
    const cb_verb *verbs;
    size_t count;
    const cb_plugin *builtin;
    cb_namespace space;
    cb_catalog_verb parsed[32];
} table;

static table tables[] = {
    {.path = "print", .name = "", .id = 1, .verbs = print_verbs, .count = COUNT_OF(print_verbs)},
    {.path = "test", .name = "test", .id = 7, .verbs = test_verbs, .count = COUNT_OF(test_verbs)},
    {.path = "builtin:string", .name = "string", .id = 8, .builtin = &cb_builtin_string},
    {.path = "builtin:blob", .name = "blob", .id = 9, .builtin = &cb_builtin_blob},
    {.path = "builtin:struct", .name = "struct", .id = 10, .builtin = &cb_builtin_struct},
};

static cb_status load(void *user, const char *path, const char *script_folder,
                      const cb_namespace **out, cb_error *error)
{
    (void)user;
    (void)script_folder;
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        table *one = &tables[i];
        if (strcmp(one->path, path) != 0) {
            continue;
        }
        if (one->builtin != NULL) {
            one->verbs = one->builtin->verbs;
            one->count = one->builtin->verb_count;
        }
        for (size_t k = 0; k < one->count; k++) {
            one->parsed[k].verb = &one->verbs[k];
            cb_status status =
                cb_signature_parse(one->verbs[k].signature, &one->parsed[k].signature, error);
            if (status != CB_OK) {
                return status;
            }
        }
        one->space = (cb_namespace){one->name, one->id, one->parsed, one->count};
        *out = &one->space;
        return CB_OK;
    }
    return cb_fail(error, CB_UNKNOWN, "no plugin \"%s\"", path);
}

const cb_catalog script_catalog = {.load = load};

/* -- host -- */

static const cb_host host = {
    .abi = CB_PLUGIN_ABI,
    .size = sizeof(cb_host),
    .fail = cb_vm_host_fail,
    .return_bytes = cb_vm_host_return_bytes,
    .return_buffer = cb_vm_host_return_buffer,
    .argument_buffer = cb_vm_host_argument_buffer,
    .resize_argument = cb_vm_host_resize_argument,
    .format = cb_vm_host_format,
    .status_text = cb_status_text,
    .buffer_new = cb_buffer_new,
    .buffer_release = cb_buffer_release,
};

static cb_status check(void *user)
{
    script_run *run = user;
    run->checks++;
    return run->stop_after != 0 && run->checks >= run->stop_after ? CB_STOPPED : CB_OK;
}

cb_status script_vm_new(script_run *run, const cb_limits *limits, cb_vm **vm)
{
    const cb_vm_options options = {
        .limits = limits != NULL ? *limits : cb_limits_default(),
        .check = check,
        .user = run,
        .host = &host,
    };
    return cb_vm_new(&options, vm);
}

cb_vm *script_vm(script_run *run, const cb_limits *limits)
{
    cb_vm *vm = NULL;
    if (script_vm_new(run, limits, &vm) != CB_OK) {
        abort();
    }
    return vm;
}

const char script_prologue[] = "plugin \"print\"; plugin \"test\"; plugin \"builtin:string\"; "
                               "plugin \"builtin:blob\"; plugin \"builtin:struct\";";

cb_program *script_compile(script_run *run, const char *text)
{
    cb_source source;
    cb_error error;
    cb_diagnostics *diagnostics = calloc(1, sizeof *diagnostics);
    size_t size = sizeof script_prologue + strlen(text);
    char *whole = malloc(size + 1);
    cb_program *program = NULL;
    run->errors[0] = 0;
    if (whole == NULL || diagnostics == NULL) {
        abort();
    }
    snprintf(whole, size + 1, "%s%s", script_prologue, text);
    if (cb_source_from_bytes("t.dom", whole, strlen(whole), &source, &error) != CB_OK) {
        abort();
    }
    run->status = cb_program_compile(&source, &script_catalog, &program, diagnostics);
    if (run->status != CB_OK) {
        FILE *out = fmemopen(run->errors, sizeof run->errors, "w");
        if (out != NULL) {
            cb_diagnostics_print(diagnostics, &source, out);
            fclose(out);
        }
    }
    cb_source_free(&source);
    free(diagnostics);
    free(whole);
    return program;
}

void script_main_with(script_run *run, const char *text, const cb_limits *limits)
{
    int stop_after = run->stop_after;
    memset(run, 0, sizeof *run);
    run->stop_after = stop_after;
    cb_program *program = script_compile(run, text);
    if (program == NULL) {
        return;
    }
    cb_vm *vm = script_vm(run, limits);
    run->status = cb_vm_run_main(vm, program, &run->exit_status, &run->error);
    cb_vm_free(&vm);
    cb_program_release(program);
}

void script_main(script_run *run, const char *text)
{
    script_main_with(run, text, NULL);
}
