/* The verbs that look into a text. */
#include <string.h>

#include "plugins/str/str.h"

cb_status cb_str_return_count(cb_call *call, size_t count)
{
    if (count > INT32_MAX)
        return call->host->fail(call, CB_LIMIT, "%zu does not fit an i32", count);
    call->result.integer = (int64_t)count;
    return CB_OK;
}

int64_t cb_str_find(const cb_value *text, const cb_value *needle, size_t from)
{
    if (needle->size == 0)
        return (int64_t)from;
    if (needle->size > text->size - from)
        return -1;
    const uint8_t *at = memmem(text->data + from, text->size - from, needle->data, needle->size);
    return at == NULL ? -1 : at - text->data;
}

static bool has_at(const cb_value *text, const cb_value *part, size_t position)
{
    return part->size == 0 || memcmp(text->data + position, part->data, part->size) == 0;
}

cb_status cb_str_len(cb_call *call)
{
    return cb_str_return_count(call, call->args[0].size);
}

cb_status cb_str_char_at(cb_call *call)
{
    const cb_value *text = &call->args[0];
    int64_t position = call->args[1].integer;
    if (position < 0 || (uint64_t)position >= text->size)
        return call->host->fail(call, CB_INVALID, "position %lld is not in a text of %zu bytes",
                                (long long)position, text->size);
    call->result.integer = text->data[position];
    return CB_OK;
}

static cb_status return_position(cb_call *call, int64_t position)
{
    if (position >= 0)
        return cb_str_return_count(call, (size_t)position);
    call->result.integer = -1;
    return CB_OK;
}

cb_status cb_str_find_first(cb_call *call)
{
    return return_position(call, cb_str_find(&call->args[0], &call->args[1], 0));
}

cb_status cb_str_find_from(cb_call *call)
{
    const cb_value *text = &call->args[0];
    int64_t from = call->args[2].integer;
    if (from < 0)
        return call->host->fail(call, CB_INVALID, "from is %lld; it must not be negative",
                                (long long)from);
    if ((uint64_t)from > text->size)
        return return_position(call, -1);
    return return_position(call, cb_str_find(text, &call->args[1], (size_t)from));
}

cb_status cb_str_starts_with(cb_call *call)
{
    const cb_value *text = &call->args[0];
    const cb_value *start = &call->args[1];
    call->result.integer = start->size <= text->size && has_at(text, start, 0);
    return CB_OK;
}

cb_status cb_str_ends_with(cb_call *call)
{
    const cb_value *text = &call->args[0];
    const cb_value *end = &call->args[1];
    call->result.integer = end->size <= text->size && has_at(text, end, text->size - end->size);
    return CB_OK;
}

cb_status cb_str_contains(cb_call *call)
{
    call->result.integer = cb_str_find(&call->args[0], &call->args[1], 0) >= 0;
    return CB_OK;
}

cb_status cb_str_compare(cb_call *call)
{
    const cb_value *a = &call->args[0];
    const cb_value *b = &call->args[1];
    size_t common = a->size < b->size ? a->size : b->size;
    int order = common == 0 ? 0 : memcmp(a->data, b->data, common);
    if (order == 0)
        order = (a->size > b->size) - (a->size < b->size);
    call->result.integer = (order > 0) - (order < 0);
    return CB_OK;
}
