#include "callboard/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

typedef struct limit {
    size_t offset; /* of the field in cb_limits */
    int64_t standard;
    int64_t least;
    int64_t most;
    const char *variable;
} limit;

static const limit limits_table[] = {
#define LIMIT_ROW(field, value, least, most, variable, reason)                                     \
    {offsetof(cb_limits, field), value, least, most, variable},
    CB_LIMITS(LIMIT_ROW)
#undef LIMIT_ROW
};

#define LIMITS_COUNT (sizeof limits_table / sizeof limits_table[0])

static int64_t *field_of(cb_limits *limits, const limit *row)
{
    return (int64_t *)(void *)((char *)limits + row->offset);
}

cb_limits cb_limits_default(void)
{
    cb_limits limits;
    for (size_t i = 0; i < LIMITS_COUNT; i++) {
        *field_of(&limits, &limits_table[i]) = limits_table[i].standard;
    }
    return limits;
}

/* Decimal digits with an optional minus, nothing before or after. */
static int parse_number(const char *text, int64_t *number)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (digits[0] < '0' || digits[0] > '9') {
        return 0;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return 0;
    }
    *number = value;
    return 1;
}

cb_status cb_limits_from_environment(cb_limits *limits, cb_error *error)
{
    cb_limits read = cb_limits_default();
    for (size_t i = 0; i < LIMITS_COUNT; i++) {
        const limit *row = &limits_table[i];
        const char *text = getenv(row->variable);
        if (text == NULL) {
            continue;
        }
        int64_t number = 0;
        if (!parse_number(text, &number) || number < row->least || number > row->most) {
            return cb_fail(error, CB_INVALID,
                           "%s must be a whole number from %" PRId64 " to %" PRId64
                           ", but it is \"%.64s\"",
                           row->variable, row->least, row->most, text);
        }
        *field_of(&read, row) = number;
    }
    *limits = read;
    return CB_OK;
}
