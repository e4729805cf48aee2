/* The verbs that make a new text out of others. */
#include <string.h>

#include "plugins/str/str.h"

cb_status cb_str_new(cb_call *call, size_t size, cb_buffer **result)
{
    if (size > CB_STR_RESULT_MAX)
        return call->host->fail(call, CB_LIMIT, "the result would have %zu bytes; the limit is %u",
                                size, CB_STR_RESULT_MAX);
    *result = call->host->buffer_new(size, size + 1); /* room for the NUL that ends a string */
    return *result == NULL ? CB_NO_MEMORY : CB_OK;
}

cb_status cb_str_sub(cb_call *call)
{
    const cb_value *text = &call->args[0];
    int64_t start = call->args[1].integer;
    if (start < 0 || (uint64_t)start > text->size)
        return call->host->fail(call, CB_INVALID, "start is %lld; the text has %zu bytes",
                                (long long)start, text->size);
    size_t size = text->size - (size_t)start;
    if (call->argc > 2) {
        int64_t count = call->args[2].integer;
        if (count < 0)
            return call->host->fail(call, CB_INVALID, "count is %lld; it must not be negative",
                                    (long long)count);
        if ((uint64_t)count < size)
            size = (size_t)count;
    }
    return call->host->return_bytes(call, text->data + start, size);
}

/* Every byte of `from`..`from` + 25 is moved by `distance`. */
static cb_status shift_letters(cb_call *call, uint8_t from, int distance)
{
    const cb_value *text = &call->args[0];
    cb_buffer *result = NULL;
    cb_status status = cb_str_new(call, text->size, &result);
    if (status != CB_OK)
        return status;
    for (size_t i = 0; i < text->size; i++) {
        uint8_t byte = text->data[i];
        bool is_letter = byte >= from && byte < from + 26;
        result->data[i] = is_letter ? (uint8_t)(byte + distance) : byte;
    }
    return call->host->return_buffer(call, result);
}

cb_status cb_str_upper(cb_call *call)
{
    return shift_letters(call, 'a', 'A' - 'a');
}

cb_status cb_str_lower(cb_call *call)
{
    return shift_letters(call, 'A', 'a' - 'A');
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

cb_status cb_str_trim(cb_call *call)
{
    const uint8_t *text = call->args[0].data;
    size_t begin = 0;
    size_t end = call->args[0].size;
    while (begin < end && is_blank(text[begin]))
        begin++;
    while (end > begin && is_blank(text[end - 1]))
        end--;
    return call->host->return_bytes(call, text + begin, end - begin);
}

static uint8_t *put(uint8_t *out, const uint8_t *bytes, size_t size)
{
    if (size > 0)
        memcpy(out, bytes, size);
    return out + size;
}

/* How often a needle that is not empty occurs, counted from the left without overlap. */
static size_t count_occurrences(const cb_value *text, const cb_value *needle)
{
    size_t count = 0;
    int64_t at = cb_str_find(text, needle, 0);
    for (; at >= 0; at = cb_str_find(text, needle, (size_t)at + needle->size))
        count++;
    return count;
}

cb_status cb_str_replace(cb_call *call)
{
    const cb_value *text = &call->args[0];
    const cb_value *needle = &call->args[1];
    const cb_value *by = &call->args[2];
    if (needle->size == 0)
        return call->host->fail(call, CB_INVALID, "the needle is empty");

    /* A size past 64 bits is past every limit too. */
    size_t count = count_occurrences(text, needle);
    size_t size = text->size - count * needle->size;
    if (by->size > 0 && count > (SIZE_MAX - size) / by->size)
        size = SIZE_MAX;
    else
        size += count * by->size;

    cb_buffer *result = NULL;
    cb_status status = cb_str_new(call, size, &result);
    if (status != CB_OK)
        return status;
    uint8_t *out = result->data;
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)cb_str_find(text, needle, done);
        out = put(out, text->data + done, at - done);
        out = put(out, by->data, by->size);
        done = at + needle->size;
    }
    (void)put(out, text->data + done, text->size - done);
    return call->host->return_buffer(call, result);
}

cb_status cb_str_repeat(cb_call *call)
{
    const cb_value *text = &call->args[0];
    int64_t times = call->args[1].integer;
    if (times < 0)
        return call->host->fail(call, CB_INVALID, "times is %lld; it must not be negative",
                                (long long)times);
    if (text->size == 0 || times == 0)
        return CB_OK;
    if ((uint64_t)times > CB_STR_RESULT_MAX / text->size)
        return call->host->fail(call, CB_LIMIT,
                                "%lld times %zu bytes is too much; the limit is %u bytes",
                                (long long)times, text->size, CB_STR_RESULT_MAX);

    cb_buffer *result = NULL;
    cb_status status = cb_str_new(call, text->size * (size_t)times, &result);
    if (status != CB_OK)
        return status;
    uint8_t *out = result->data;
    for (int64_t i = 0; i < times; i++)
        out = put(out, text->data, text->size);
    return call->host->return_buffer(call, result);
}

cb_status cb_str_concat(cb_call *call)
{
    size_t size = 0; /* eight sizes of things in memory cannot overflow 64 bits */
    for (uint32_t i = 0; i < call->argc; i++)
        size += call->args[i].size;
    cb_buffer *result = NULL;
    cb_status status = cb_str_new(call, size, &result);
    if (status != CB_OK)
        return status;
    uint8_t *out = result->data;
    for (uint32_t i = 0; i < call->argc; i++)
        out = put(out, call->args[i].data, call->args[i].size);
    return call->host->return_buffer(call, result);
}

static cb_status check_separator(cb_call *call)
{
    if (call->args[1].size == 0)
        return call->host->fail(call, CB_INVALID, "the separator is empty");
    return CB_OK;
}

cb_status cb_str_split_count(cb_call *call)
{
    cb_status status = check_separator(call);
    if (status != CB_OK)
        return status;
    return cb_str_return_count(call, count_occurrences(&call->args[0], &call->args[1]) + 1);
}

cb_status cb_str_split(cb_call *call)
{
    const cb_value *text = &call->args[0];
    const cb_value *separator = &call->args[1];
    int64_t part = call->args[2].integer;
    cb_status status = check_separator(call);
    if (status != CB_OK)
        return status;

    size_t begin = 0;
    int64_t end = cb_str_find(text, separator, 0);
    int64_t index = 0;
    for (; index < part && end >= 0; index++) {
        begin = (size_t)end + separator->size;
        end = cb_str_find(text, separator, begin);
    }
    if (index != part)
        return call->host->fail(call, CB_INVALID, "there is no part %lld; there are %lld",
                                (long long)part, (long long)count_occurrences(text, separator) + 1);
    size_t size = (end < 0 ? text->size : (size_t)end) - begin;
    return call->host->return_bytes(call, text->data + begin, size);
}
