/* A whole plugin: two verbs, no library of the host's. */
#include "callboard/plugin.h"

static cb_status twice(cb_call *call)
{
    call->result.integer = call->args[0].integer * 2;
    return CB_OK;
}

/* Any bytes, turned round; an empty blob is an error, to show how one is made. */
static cb_status reverse(cb_call *call)
{
    const cb_value *bytes = &call->args[0];
    if (bytes->size == 0)
        return call->host->fail(call, CB_INVALID, "there is nothing to turn round");

    cb_buffer *turned = call->host->buffer_new(bytes->size, bytes->size);
    if (turned == NULL)
        return CB_NO_MEMORY;
    for (size_t i = 0; i < bytes->size; i++)
        turned->data[i] = bytes->data[bytes->size - 1 - i];
    return call->host->return_buffer(call, turned);
}

static const cb_verb verbs[] = {
    {"Twice", "i32(i32 number)", twice, 0, "twice the number"},
    {"Reverse", "blob(blob bytes)", reverse, 0, "the bytes in the opposite order"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "minimal",
    .version = "1.0.0",
    .summary = "the smallest plugin that does something",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
