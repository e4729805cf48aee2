#include <string.h>

#include "bridge/lang/binder_internal.h"
#include "bridge/lang/format.h"

typedef struct format_reader {
    cb_binder *binder;
    const char *callee;
    const cb_ast_expr *format;
    const char *at;
    const cb_ast_expr *argument; /* the next one; NULL past the last */
    uint32_t number;             /* of that argument in the call, from 1 */
} format_reader;

/* Skips digits; false if the number is larger than text is ever padded to. */
static bool skip_number(format_reader *in)
{
    int number = 0;
    for (; *in->at >= '0' && *in->at <= '9'; in->at++) {
        if (number <= CB_FORMAT_MOST_WIDTH)
            number = number * 10 + (*in->at - '0');
    }
    return number <= CB_FORMAT_MOST_WIDTH;
}

/* Flags, width, precision and length letters; false if it was reported. */
static bool skip_modifiers(format_reader *in)
{
    while (*in->at != '\0' && strchr("-+ #0", *in->at) != NULL)
        in->at++;
    bool is_good = skip_number(in);
    if (*in->at == '.') {
        in->at++;
        is_good = skip_number(in) && is_good;
    }
    while (*in->at != '\0' && strchr("hlzjt", *in->at) != NULL)
        in->at++;
    if (!is_good)
        cb_bind_fail(in->binder, in->format->place, "a width in the format is larger than %d",
                     CB_FORMAT_MOST_WIDTH);
    return is_good;
}

static bool check_argument(format_reader *in, char letter, bool fits, const char *wanted)
{
    if (in->argument == NULL) {
        cb_bind_fail(in->binder, in->format->place, "%s: the format's %%%c has no argument %u",
                     in->callee, letter, in->number);
        return false;
    }
    if (!fits)
        cb_bind_fail(in->binder, in->argument->place,
                     "%s: the format's %%%c takes %s, argument %u is %s%s", in->callee, letter,
                     wanted, in->number, cb_type_name(in->argument->type),
                     letter == 's' ? cb_bind_hint(in->argument->type, CB_TYPE_STRING) : "");
    in->argument = in->argument->next;
    in->number++;
    return true;
}

static bool check_conversion(format_reader *in)
{
    if (!skip_modifiers(in))
        return false;
    char letter = *in->at;
    cb_type type = in->argument != NULL ? in->argument->type : CB_TYPE_VOID;
    if (letter == '\0') {
        cb_bind_fail(in->binder, in->format->place, "%s: the format ends inside a conversion",
                     in->callee);
        return false;
    }
    in->at++;
    if (letter == '%')
        return true;
    if (strchr("diuxXoc", letter) != NULL)
        return check_argument(in, letter, cb_type_is_integer(type), "an integer");
    if (letter == 's')
        return check_argument(in, letter, type == CB_TYPE_STRING, "a string");
    if (strchr("fFeEgG", letter) != NULL)
        return check_argument(in, letter, cb_type_is_real(type), "a double");
    unsigned char byte = (unsigned char)letter;
    if (byte < 0x20 || byte >= 0x7F)
        cb_bind_fail(in->binder, in->format->place, "%s: a bare %% in the format; write %%%%",
                     in->callee);
    else
        cb_bind_fail(in->binder, in->format->place, "%s: the format has no conversion %%%c",
                     in->callee, letter);
    return false;
}

void cb_bind_check_format(cb_binder *binder, const char *callee, const cb_ast_expr *format,
                          uint32_t number)
{
    if (format->kind != CB_EXPR_STRING)
        return;
    uint32_t count = 0;
    for (const cb_ast_expr *one = format->next; one != NULL; one = one->next)
        count++;
    format_reader in = {binder, callee, format, format->string.bytes, format->next, number + 1};
    while (*in.at != '\0') {
        if (*in.at++ == '%' && !check_conversion(&in))
            return;
    }
    if (in.argument != NULL)
        cb_bind_fail(binder, in.argument->place, "%s: the format uses %u of %u arguments", callee,
                     in.number - number - 1, count);
}
