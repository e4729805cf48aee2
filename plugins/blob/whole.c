/* The verbs over whole blobs: text, cutting, searching, filling, hexadecimals. */
#include <string.h>

#include "plugins/blob/blob.h"

cb_status cb_blob_new(cb_call *call, size_t size, cb_buffer **result)
{
    if (size > CB_BLOB_RESULT_MAX)
        return call->host->fail(call, CB_LIMIT, "the result would have %zu bytes; the limit is %u",
                                size, CB_BLOB_RESULT_MAX);
    *result = call->host->buffer_new(size, size + 1); /* room for the NUL that ends a string */
    return *result == NULL ? CB_NO_MEMORY : CB_OK;
}

cb_status cb_blob_from_text(cb_call *call)
{
    if (call->args[0].size == 0)
        return CB_OK;
    cb_buffer *bytes = call->host->argument_buffer(call, 0);
    if (bytes == NULL)
        return CB_NO_MEMORY;
    return call->host->return_buffer(call, bytes);
}

cb_status cb_blob_to_text(cb_call *call)
{
    const cb_value *bytes = &call->args[0];
    if (bytes->size == 0)
        return CB_OK;
    const uint8_t *nul = memchr(bytes->data, 0, bytes->size);
    size_t size = nul == NULL ? bytes->size : (size_t)(nul - bytes->data);
    return call->host->return_bytes(call, bytes->data, size);
}

/* Reads the optional start and count at args[first] and after it as a range of `size` bytes: a
 * start past the end or a negative number is a runtime error, a count that reaches past the end is
 * cut. */
static cb_status read_range(cb_call *call, uint32_t first, size_t size, size_t *start,
                            size_t *count)
{
    *start = 0;
    if (call->argc > first) {
        int64_t value = call->args[first].integer;
        if (value < 0 || (uint64_t)value > size)
            return call->host->fail(call, CB_INVALID, "start is %lld; the blob has %zu bytes",
                                    (long long)value, size);
        *start = (size_t)value;
    }
    *count = size - *start;
    if (call->argc > first + 1) {
        int64_t value = call->args[first + 1].integer;
        if (value < 0)
            return call->host->fail(call, CB_INVALID, "count is %lld; it must not be negative",
                                    (long long)value);
        if ((uint64_t)value < *count)
            *count = (size_t)value;
    }
    return CB_OK;
}

cb_status cb_blob_slice(cb_call *call)
{
    size_t start = 0;
    size_t count = 0;
    cb_status status = read_range(call, 1, call->args[0].size, &start, &count);
    if (status != CB_OK || count == 0)
        return status;
    return call->host->return_bytes(call, call->args[0].data + start, count);
}

cb_status cb_blob_concat(cb_call *call)
{
    size_t size = 0; /* eight sizes of things in memory cannot overflow 64 bits */
    for (uint32_t i = 0; i < call->argc; i++)
        size += call->args[i].size;
    cb_buffer *result = NULL;
    cb_status status = cb_blob_new(call, size, &result);
    if (status != CB_OK)
        return status;
    uint8_t *out = result->data;
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->args[i].size > 0)
            memcpy(out, call->args[i].data, call->args[i].size);
        out += call->args[i].size;
    }
    return call->host->return_buffer(call, result);
}

cb_status cb_blob_find(cb_call *call)
{
    const cb_value *bytes = &call->args[0];
    const cb_value *needle = &call->args[1];
    int64_t from = call->argc > 2 ? call->args[2].integer : 0;
    if (from < 0)
        return call->host->fail(call, CB_INVALID, "from is %lld; it must not be negative",
                                (long long)from);
    int64_t at = -1;
    if ((uint64_t)from <= bytes->size && needle->size <= bytes->size - (size_t)from) {
        at = from; /* where an empty needle is found */
        if (needle->size > 0) {
            const uint8_t *found =
                memmem(bytes->data + from, bytes->size - (size_t)from, needle->data, needle->size);
            at = found == NULL ? -1 : found - bytes->data;
        }
    }
    if (at > INT32_MAX)
        return call->host->fail(call, CB_LIMIT, "%lld does not fit an i32", (long long)at);
    call->result.integer = at;
    return CB_OK;
}

cb_status cb_blob_fill(cb_call *call)
{
    int64_t value = call->args[1].integer;
    if (value < 0 || value > UINT8_MAX)
        return call->host->fail(call, CB_INVALID, "%lld is no byte; it must be 0..255",
                                (long long)value);
    size_t size = call->args[0].size;
    size_t start = 0;
    size_t count = 0;
    cb_status status = read_range(call, 2, size, &start, &count);
    if (status != CB_OK || count == 0)
        return status;
    uint8_t *data = NULL;
    status = call->host->resize_argument(call, 0, size, &data);
    if (status == CB_OK)
        memset(data + start, (int)value, count);
    return status;
}

cb_status cb_blob_compare(cb_call *call)
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

cb_status cb_blob_to_hex(cb_call *call)
{
    static const char digits[] = "0123456789abcdef";
    const cb_value *bytes = &call->args[0];
    size_t size = bytes->size > CB_BLOB_RESULT_MAX ? SIZE_MAX : bytes->size * 2;
    cb_buffer *result = NULL;
    cb_status status = cb_blob_new(call, size, &result);
    if (status != CB_OK)
        return status;
    for (size_t i = 0; i < bytes->size; i++) {
        result->data[2 * i] = (uint8_t)digits[bytes->data[i] >> 4];
        result->data[2 * i + 1] = (uint8_t)digits[bytes->data[i] & 15];
    }
    return call->host->return_buffer(call, result);
}

/* -1 if it is no hexadecimal digit. */
static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

cb_status cb_blob_from_hex(cb_call *call)
{
    const cb_value *digits = &call->args[0];
    for (size_t i = 0; i < digits->size; i++)
        if (digit_value(digits->data[i]) < 0)
            return call->host->fail(call, CB_FORMAT, "byte %zu of the text is no hexadecimal digit",
                                    i);
    if (digits->size % 2 != 0)
        return call->host->fail(call, CB_FORMAT, "%zu digits; there must be two a byte",
                                digits->size);
    cb_buffer *result = NULL;
    cb_status status = cb_blob_new(call, digits->size / 2, &result);
    if (status != CB_OK)
        return status;
    for (size_t i = 0; i < result->size; i++) {
        int high = digit_value(digits->data[2 * i]);
        int low = digit_value(digits->data[2 * i + 1]);
        result->data[i] = (uint8_t)(high * 16 + low);
    }
    return call->host->return_buffer(call, result);
}
