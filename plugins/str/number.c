/* The verbs between texts and numbers. A text is a number only as a whole: rubbish after it, or
 * nothing at all, is a runtime error and never a silent 0. Blanks at both ends are fine. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/str/str.h"

enum {
    SHOWN_MAX = 40 /* bytes of a wrong text that the error repeats */
};

static const uint8_t *skip_blanks(const uint8_t *at)
{
    while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
        at++;
    return at;
}

static const uint8_t *skip_digits(const uint8_t *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

static const uint8_t *skip_sign(const uint8_t *at)
{
    return *at == '+' || *at == '-' ? at + 1 : at;
}

static cb_status fail_text(cb_call *call, cb_status status, const char *why)
{
    const cb_value *text = &call->args[0];
    int shown = text->size < SHOWN_MAX ? (int)text->size : SHOWN_MAX;
    return call->host->fail(call, status, "\"%.*s%s\" %s", shown, (const char *)text->data,
                            text->size > SHOWN_MAX ? "..." : "", why);
}

/* A string ends in a NUL, so scanning one needs no length. */
cb_status cb_str_to_int(cb_call *call)
{
    const uint8_t *at = skip_blanks(call->args[0].data);
    bool negative = *at == '-';
    const uint8_t *digits = skip_sign(at);
    const uint8_t *end = skip_digits(digits);
    if (end == digits || *skip_blanks(end) != '\0')
        return fail_text(call, CB_FORMAT, "is no integer");

    /* Counted downwards: the least i64 has no positive counterpart. */
    int64_t value = 0;
    for (; digits < end; digits++) {
        int digit = *digits - '0';
        if (value < (INT64_MIN + digit) / 10)
            return fail_text(call, CB_LIMIT, "does not fit an i64");
        value = value * 10 - digit;
    }
    if (!negative && value == INT64_MIN)
        return fail_text(call, CB_LIMIT, "does not fit an i64");
    call->result.integer = negative ? value : -value;
    return CB_OK;
}

/* The end of [sign] digits [. digits] [e [sign] digits], with a digit before or after the point;
 * NULL if there is no such number. strtod alone would take "inf", "nan" and hexadecimals as well.
 */
static const uint8_t *scan_decimal(const uint8_t *at)
{
    const uint8_t *whole = skip_sign(at);
    const uint8_t *end = skip_digits(whole);
    bool has_digits = end > whole;
    if (*end == '.') {
        const uint8_t *fraction = end + 1;
        end = skip_digits(fraction);
        has_digits = has_digits || end > fraction;
    }
    if (!has_digits)
        return NULL;
    if (*end == 'e' || *end == 'E') {
        const uint8_t *exponent = skip_sign(end + 1);
        end = skip_digits(exponent);
        if (end == exponent)
            return NULL;
    }
    return end;
}

cb_status cb_str_to_double(cb_call *call)
{
    const uint8_t *at = skip_blanks(call->args[0].data);
    const uint8_t *end = scan_decimal(at);
    if (end == NULL || *skip_blanks(end) != '\0')
        return fail_text(call, CB_FORMAT, "is no number");
    double value = strtod((const char *)at, NULL);
    if (isinf(value))
        return fail_text(call, CB_LIMIT, "does not fit a double");
    call->result.real = value;
    return CB_OK;
}

cb_status cb_str_from_int(cb_call *call)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, call->args[0].integer);
    return call->host->return_bytes(call, text, strlen(text));
}
