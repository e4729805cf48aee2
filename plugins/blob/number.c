/* The verbs that read and write unsigned numbers of 2, 4 and 8 bytes inside a blob, in either order
 * of bytes, at any offset. */
#include "plugins/blob/blob.h"

typedef enum byte_order { LEAST_FIRST, GREATEST_FIRST } byte_order;

/* How far the byte at `index` of `width` is shifted in the number. */
static unsigned shift_of(byte_order order, unsigned width, unsigned index)
{
    return 8 * (order == LEAST_FIRST ? index : width - 1 - index);
}

static cb_status check_offset(cb_call *call, unsigned width)
{
    int64_t offset = call->args[1].integer;
    size_t size = call->args[0].size;
    if (offset < 0 || size < width || (uint64_t)offset > size - width)
        return call->host->fail(call, CB_INVALID,
                                "%u bytes at offset %lld are not in a blob of %zu bytes", width,
                                (long long)offset, size);
    return CB_OK;
}

static cb_status read_number(cb_call *call, unsigned width, byte_order order)
{
    cb_status status = check_offset(call, width);
    if (status != CB_OK)
        return status;
    const uint8_t *bytes = call->args[0].data + call->args[1].integer;
    uint64_t number = 0;
    for (unsigned i = 0; i < width; i++)
        number |= (uint64_t)bytes[i] << shift_of(order, width, i);
    call->result.integer = (int64_t)number;
    return CB_OK;
}

/* The values of narrower numbers come as i64, so that no script needs a cast; what does not fit is
 * an error here. Any 64 bits fit 8 bytes. */
static cb_status write_number(cb_call *call, unsigned width, byte_order order)
{
    int64_t value = call->args[2].integer;
    if (width < 8 && (value < 0 || value >> (8 * width) != 0))
        return call->host->fail(call, CB_INVALID, "%lld does not fit %u bytes (0..%lld)",
                                (long long)value, width, (1LL << (8 * width)) - 1);
    cb_status status = check_offset(call, width);
    if (status != CB_OK)
        return status;
    size_t offset = (size_t)call->args[1].integer;
    uint8_t *data = NULL;
    status = call->host->resize_argument(call, 0, call->args[0].size, &data);
    if (status != CB_OK)
        return status;
    for (unsigned i = 0; i < width; i++)
        data[offset + i] = (uint8_t)((uint64_t)value >> shift_of(order, width, i));
    return CB_OK;
}

#define DEFINE_NUMBER(bits, suffix, order)                                                         \
    cb_status cb_blob_read_u##bits##_##suffix(cb_call *call)                                       \
    {                                                                                              \
        return read_number(call, (bits) / 8, order);                                               \
    }                                                                                              \
    cb_status cb_blob_write_u##bits##_##suffix(cb_call *call)                                      \
    {                                                                                              \
        return write_number(call, (bits) / 8, order);                                              \
    }
DEFINE_NUMBER(16, le, LEAST_FIRST)
DEFINE_NUMBER(16, be, GREATEST_FIRST)
DEFINE_NUMBER(32, le, LEAST_FIRST)
DEFINE_NUMBER(32, be, GREATEST_FIRST)
DEFINE_NUMBER(64, le, LEAST_FIRST)
DEFINE_NUMBER(64, be, GREATEST_FIRST)
