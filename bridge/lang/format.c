#include "bridge/lang/format.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SPEC_SIZE 64 /* percent sign, flags, two numbers, length, letter, NUL */

typedef struct writer {
    cb_buffer *text;
    size_t most_bytes;
    cb_error *error;
} writer;

/* One conversion, taken apart. */
typedef struct conversion {
    char flags[8];
    int width;     /* -1: none */
    int precision; /* -1: none */
    char letter;
} conversion;

static cb_status put(writer *out, const void *bytes, size_t size)
{
    size_t old = out->text->size;
    if (size > out->most_bytes - old) {
        return cb_fail(out->error, CB_LIMIT, "the text would be longer than %zu bytes",
                       out->most_bytes);
    }
    if (cb_buffer_writable(&out->text, old + size + 1) != CB_OK) {
        return cb_fail(out->error, CB_NO_MEMORY, "%s", cb_buffer_why_not());
    }
    if (size != 0) {
        memcpy(out->text->data + old, bytes, size);
    }
    out->text->size = old + size;
    out->text->data[old + size] = 0;
    return CB_OK;
}

static cb_status pad(writer *out, int count)
{
    static const char blanks[] = "                                                                ";
    while (count > 0) {
        size_t some = count < (int)sizeof blanks - 1 ? (size_t)count : sizeof blanks - 1;
        cb_status status = put(out, blanks, some);
        if (status != CB_OK) {
            return status;
        }
        count -= (int)some;
    }
    return CB_OK;
}

/* A number of at most 4 digits; -1 if it is larger than CB_FORMAT_MOST_WIDTH. */
static int read_number(const char **at, const char *end)
{
    int number = 0;
    while (*at < end && **at >= '0' && **at <= '9') {
        if (number <= CB_FORMAT_MOST_WIDTH) {
            number = number * 10 + (**at - '0');
        }
        (*at)++;
    }
    return number <= CB_FORMAT_MOST_WIDTH ? number : -1;
}

static cb_status read_conversion(const char **at, const char *end, conversion *one, cb_error *error)
{
    size_t flags = 0;
    memset(one, 0, sizeof *one);
    one->width = -1;
    one->precision = -1;
    while (*at < end && **at != 0 && strchr("-+ #0", **at) != NULL) {
        if (strchr(one->flags, **at) == NULL) {
            one->flags[flags++] = **at;
        }
        (*at)++;
    }
    if (*at < end && **at >= '0' && **at <= '9') {
        one->width = read_number(at, end);
        if (one->width < 0) {
            return cb_fail(error, CB_SCRIPT, "a width in the format is larger than %d",
                           CB_FORMAT_MOST_WIDTH);
        }
    }
    if (*at < end && **at == '.') {
        (*at)++;
        one->precision = read_number(at, end);
        if (one->precision < 0) {
            return cb_fail(error, CB_SCRIPT, "a precision in the format is larger than %d",
                           CB_FORMAT_MOST_WIDTH);
        }
    }
    while (*at < end && **at != 0 && strchr("hlzjt", **at) != NULL) {
        (*at)++;
    }
    if (*at == end) {
        return cb_fail(error, CB_SCRIPT, "the format ends inside a conversion");
    }
    one->letter = *(*at)++;
    return CB_OK;
}

static void make_spec(const conversion *one, const char *length, char *spec)
{
    char width[16] = "";
    char precision[16] = "";
    if (one->width >= 0) {
        snprintf(width, sizeof width, "%d", one->width);
    }
    if (one->precision >= 0) {
        snprintf(precision, sizeof precision, ".%d", one->precision);
    }
    snprintf(spec, SPEC_SIZE, "%%%s%s%s%s%c", one->flags, width, precision, length, one->letter);
}

/* The value as the unsigned number of its own width: -1 of an i32 is 4294967295 in %u and %x. */
static unsigned long long as_unsigned(const cb_value *value)
{
    switch (value->type) {
    case CB_TYPE_I8:
        return (uint8_t)value->integer;
    case CB_TYPE_I16:
        return (uint16_t)value->integer;
    case CB_TYPE_I32:
        return (uint32_t)value->integer;
    default:
        return (unsigned long long)value->integer;
    }
}

/* The format comes from make_spec, which lets through only what was checked. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif
static cb_status put_integer(writer *out, const conversion *one, const cb_value *value)
{
    char spec[SPEC_SIZE];
    char number[CB_FORMAT_MOST_WIDTH + 64];
    int length;
    make_spec(one, "ll", spec);
    if (one->letter != 'd' && one->letter != 'i') {
        length = snprintf(number, sizeof number, spec, as_unsigned(value));
    } else if (value->type == CB_TYPE_U64 && value->integer < 0) {
        conversion large = *one;
        large.letter = 'u'; /* past what %lld can show */
        make_spec(&large, "ll", spec);
        length = snprintf(number, sizeof number, spec, as_unsigned(value));
    } else {
        length = snprintf(number, sizeof number, spec, (long long)value->integer);
    }
    return put(out, number, (size_t)length);
}

static cb_status put_real(writer *out, const conversion *one, double value)
{
    char spec[SPEC_SIZE];
    char
        number[CB_FORMAT_MOST_WIDTH + 512]; /* the largest double has 309 digits before the point */
    make_spec(one, "", spec);
    int length = snprintf(number, sizeof number, spec, value);
    return put(out, number, (size_t)length);
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

static cb_status put_bytes(writer *out, const conversion *one, const uint8_t *data, size_t size)
{
    if (one->precision >= 0 && size > (size_t)one->precision) {
        size = (size_t)one->precision;
    }
    int blanks = one->width >= 0 && size < (size_t)one->width ? one->width - (int)size : 0;
    bool left = strchr(one->flags, '-') != NULL;
    cb_status status = left ? CB_OK : pad(out, blanks);
    if (status == CB_OK) {
        status = put(out, data, size);
    }
    return status == CB_OK && left ? pad(out, blanks) : status;
}

static bool is_integer(cb_type type)
{
    return type >= CB_TYPE_I8 && type <= CB_TYPE_U64;
}

static cb_status put_value(writer *out, const conversion *one, const cb_value *value)
{
    uint8_t byte;
    if (value == NULL) {
        return cb_fail(out->error, CB_SCRIPT, "the format wants more arguments than there are");
    }
    switch (one->letter) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        if (!is_integer(value->type)) {
            break;
        }
        return put_integer(out, one, value);
    case 'c':
        if (!is_integer(value->type)) {
            break;
        }
        byte = (uint8_t)value->integer;
        return put_bytes(out, one, &byte, 1);
    case 's':
        if (value->type != CB_TYPE_STRING && value->type != CB_TYPE_BLOB) {
            break;
        }
        return put_bytes(out, one, value->data, value->size);
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        if (value->type != CB_TYPE_FLOAT && value->type != CB_TYPE_DOUBLE) {
            break;
        }
        return put_real(out, one, value->real);
    default:
        return cb_fail(out->error, CB_SCRIPT, "the format has an unknown conversion %%%c",
                       one->letter >= 32 && one->letter < 127 ? one->letter : '?');
    }
    return cb_fail(out->error, CB_SCRIPT, "%%%c in the format does not fit its argument",
                   one->letter);
}

static cb_status format_all(writer *out, const char *format, size_t size, const cb_value *values,
                            uint32_t count)
{
    const char *at = format;
    const char *end = format + size;
    uint32_t used = 0;
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        size_t plain = (size_t)((percent != NULL ? percent : end) - at);
        cb_status status = put(out, at, plain);
        if (status != CB_OK || percent == NULL) {
            return status;
        }
        at = percent + 1;
        if (at < end && *at == '%') {
            status = put(out, at++, 1);
        } else {
            conversion one;
            status = read_conversion(&at, end, &one, out->error);
            if (status == CB_OK) {
                status = put_value(out, &one, used < count ? &values[used] : NULL);
                used++;
            }
        }
        if (status != CB_OK) {
            return status;
        }
    }
    return CB_OK;
}

cb_status cb_format(const char *format, size_t size, const cb_value *values, uint32_t count,
                    size_t most_bytes, cb_buffer **text, cb_error *error)
{
    writer out = {.text = cb_buffer_new(0, size + 32), .most_bytes = most_bytes, .error = error};
    *text = NULL;
    if (out.text == NULL) {
        return cb_fail(error, CB_NO_MEMORY, "%s", cb_buffer_why_not());
    }
    out.text->data[0] = 0;
    cb_status status = format_all(&out, format, size, values, count);
    if (status != CB_OK) {
        cb_buffer_release(out.text);
        return status;
    }
    *text = out.text;
    return CB_OK;
}
