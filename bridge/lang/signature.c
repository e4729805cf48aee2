#include "bridge/lang/signature.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[CB_TYPE_COUNT] = {
#define TYPE_NAME(name, spelling, size) [CB_TYPE_##name] = spelling,
    CB_TYPES(TYPE_NAME)
#undef TYPE_NAME
};

const char *cb_type_name(cb_type type)
{
    return (unsigned)type < CB_TYPE_COUNT ? type_names[type] : "?";
}

cb_type cb_type_find(const char *name, size_t length)
{
    for (unsigned i = 0; i < CB_TYPE_COUNT; i++) {
        if (strlen(type_names[i]) == length && memcmp(type_names[i], name, length) == 0)
            return (cb_type)i;
    }
    return CB_TYPE_COUNT;
}

typedef struct reader {
    const char *text;
    const char *at;
    cb_error *error;
} reader;

static cb_status wrong(const reader *in, const char *what)
{
    return cb_fail(in->error, CB_FORMAT, "signature \"%.200s\": %s at column %u", in->text, what,
                   (unsigned)(in->at - in->text) + 1);
}

static void skip_spaces(reader *in)
{
    while (*in->at == ' ')
        in->at++;
}

static bool take(reader *in, const char *word)
{
    skip_spaces(in);
    size_t length = strlen(word);
    if (strncmp(in->at, word, length) != 0)
        return false;
    in->at += length;
    return true;
}

/* The letters, digits and underscores from here on. */
static size_t take_name(reader *in, const char **name)
{
    skip_spaces(in);
    *name = in->at;
    while (isalnum((unsigned char)*in->at) || *in->at == '_')
        in->at++;
    return (size_t)(in->at - *name);
}

static cb_status read_parameter(reader *in, cb_signature *signature)
{
    if (signature->parameter_count == CB_SIGNATURE_MAX_PARAMETERS)
        return wrong(in, "too many parameters");
    cb_signature_parameter *parameter = &signature->parameters[signature->parameter_count];
    const char *name;
    size_t length = take_name(in, &name);
    if (length == 3 && memcmp(name, "ref", 3) == 0) {
        parameter->is_ref = true;
        length = take_name(in, &name);
    }
    parameter->type = cb_type_find(name, length);
    if (parameter->type == CB_TYPE_COUNT || parameter->type == CB_TYPE_VOID)
        return cb_fail(in->error, CB_FORMAT,
                       "signature \"%.200s\": \"%.*s\" is no parameter's type; the types are i8 to "
                       "i64, u8 to u64, float, double, string, blob and callback",
                       in->text, length < 40 ? (int)length : 40, name);
    if (parameter->is_ref && parameter->type != CB_TYPE_BLOB && parameter->type != CB_TYPE_STRING)
        return wrong(in, "only blob and string can be ref before this place");
    length = take_name(in, &name);
    if (length == 0 || length >= CB_SIGNATURE_NAME_SIZE || isdigit((unsigned char)*name))
        return wrong(in, "no parameter name, or one too long, before this place");
    memcpy(parameter->name, name, length);
    parameter->name[length] = '\0';
    signature->parameter_count++;
    if (take(in, "?"))
        return CB_OK;
    if (signature->required_count + 1 != signature->parameter_count)
        return wrong(in, "a required parameter after an optional one");
    signature->required_count++;
    return CB_OK;
}

static cb_status read_parameters(reader *in, cb_signature *signature)
{
    if (take(in, ")"))
        return CB_OK;
    for (;;) {
        if (take(in, "...")) {
            signature->is_variadic = true;
            if (signature->required_count != signature->parameter_count)
                return wrong(in, "an optional parameter before \"...\"");
            return take(in, ")") ? CB_OK : wrong(in, "no \")\" after \"...\"");
        }
        cb_status status = read_parameter(in, signature);
        if (status != CB_OK)
            return status;
        if (take(in, ")"))
            return CB_OK;
        if (!take(in, ","))
            return wrong(in, "neither \",\" nor \")\"");
    }
}

cb_status cb_signature_parse(const char *text, cb_signature *signature, cb_error *error)
{
    *signature = (cb_signature){0};
    if (text == NULL)
        return cb_fail(error, CB_FORMAT, "a verb without a signature");
    reader in = {text, text, error};
    const char *name;
    size_t length = take_name(&in, &name);
    signature->result = cb_type_find(name, length);
    if (signature->result == CB_TYPE_COUNT || signature->result == CB_TYPE_CALLBACK)
        return wrong(&in, "no result type before this place");
    if (!take(&in, "("))
        return wrong(&in, "no \"(\"");
    cb_status status = read_parameters(&in, signature);
    if (status != CB_OK)
        return status;
    skip_spaces(&in);
    return *in.at == '\0' ? CB_OK : wrong(&in, "more text after the end");
}

/* Appends what fits; the text always ends with a NUL. */
static void append(char *text, size_t size, const char *more)
{
    size_t used = strlen(text);
    if (used < size)
        (void)snprintf(text + used, size - used, "%s", more);
}

static void print_parameters(const cb_signature *signature, bool with_names, char *text,
                             size_t size)
{
    append(text, size, "(");
    for (uint32_t i = 0; i < signature->parameter_count; i++) {
        const cb_signature_parameter *parameter = &signature->parameters[i];
        bool is_optional = i >= signature->required_count;
        append(text, size, i > 0 ? ", " : "");
        append(text, size, is_optional && !with_names ? "[" : "");
        append(text, size, parameter->is_ref ? "ref " : "");
        append(text, size, cb_type_name(parameter->type));
        if (with_names) {
            append(text, size, " ");
            append(text, size, parameter->name);
        }
        append(text, size, is_optional ? (with_names ? "?" : "]") : "");
    }
    if (signature->is_variadic)
        append(text, size, signature->parameter_count > 0 ? ", ..." : "...");
    append(text, size, ")");
}

void cb_signature_print(const cb_signature *signature, char *text, size_t size)
{
    if (size == 0)
        return;
    text[0] = '\0';
    append(text, size, cb_type_name(signature->result));
    print_parameters(signature, true, text, size);
}

void cb_signature_print_types(const cb_signature *signature, char *text, size_t size)
{
    if (size == 0)
        return;
    text[0] = '\0';
    print_parameters(signature, false, text, size);
}
