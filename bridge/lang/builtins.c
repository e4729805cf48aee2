#include "bridge/lang/builtins.h"

#include <stdint.h>

/* The flags and capacities of variables are instructions, not verbs: a verb sees values only. They
 * stand in the tables so that they are listed with all others; a call never gets here. */
static cb_status is_instruction(cb_call *call)
{
    return call->host->fail(call, CB_UNSUPPORTED, "it takes a variable");
}

static cb_status format(cb_call *call)
{
    cb_buffer *text = NULL;
    cb_status status = call->host->format(call, 0, &text);
    return status == CB_OK ? call->host->return_buffer(call, text) : status;
}

/* The blob lies on the memory itself: what is written to it through `ref` reaches that memory.
 * Whoever gives a wrong address gets what a wrong address gives. */
static cb_status ref_from_pointer(cb_call *call)
{
    int64_t address = call->args[0].integer;
    int64_t size = call->args[1].integer;
    if (size < 0) {
        return call->host->fail(call, CB_INVALID, "size %lld is negative", (long long)size);
    }
    if (address == 0 && size != 0) {
        return call->host->fail(call, CB_INVALID, "the address is 0");
    }
    if (size == 0) {
        return call->host->return_bytes(call, NULL, 0);
    }
    cb_buffer *bytes = cb_buffer_foreign((void *)(uintptr_t)address, (size_t)size);
    if (bytes == NULL) {
        return call->host->fail(call, CB_NO_MEMORY, "%s", cb_buffer_why_not());
    }
    return call->host->return_buffer(call, bytes);
}

static const cb_verb string_verbs[] = {
    {"Format", "string(string format, ...)", format, CB_VERB_FORMAT,
     "the text that printf would print"},
    {"Overflow", "i32(ref string variable)", is_instruction, 0,
     "1 if the last := cut what the variable was given"},
    {"Capacity", "i32(ref string variable)", is_instruction, 0,
     "bytes that the variable takes by :="},
};

const cb_plugin cb_builtin_string = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "string",
    .version = "1.0",
    .summary = "formatting, and what := did to a string",
    .verbs = string_verbs,
    .verb_count = sizeof string_verbs / sizeof string_verbs[0],
};

static const cb_verb blob_verbs[] = {
    {"Overflow", "i32(ref blob variable)", is_instruction, 0,
     "1 if the last := cut what the variable was given"},
    {"RefFromPointer", "blob(i64 address, i64 size)", ref_from_pointer, 0,
     "a blob that lies on memory at an address, for ref blob &NAME"},
};

const cb_plugin cb_builtin_blob = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "blob",
    .version = "1.0",
    .summary = "blobs on memory, and what := did to a blob",
    .verbs = blob_verbs,
    .verb_count = sizeof blob_verbs / sizeof blob_verbs[0],
};

const cb_plugin cb_builtin_struct = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "struct",
    .version = "1.0",
    .summary = "overlays: struct, assign and structsize belong to the language",
    .verbs = NULL,
    .verb_count = 0,
};
