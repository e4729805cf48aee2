/* printf: the one bare verb. The host formats, so that string.Format and printf cannot differ. */
#include "callboard/plugin.h"

static cb_status print_formatted(cb_call *call)
{
    cb_buffer *text = NULL;
    cb_status status = call->host->format(call, 0, &text);
    if (status == CB_OK && text != NULL && text->size > 0)
        status = call->host->print(call, text->data, text->size);
    call->host->buffer_release(text);
    return status;
}

static const cb_verb verbs[] = {
    {"printf", "void(string format, ...)", print_formatted, CB_VERB_FORMAT,
     "writes formatted text to standard output"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "",
    .version = "0.1.0",
    .summary = "formatted output",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
