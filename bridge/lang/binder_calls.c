#include <stdio.h>
#include <string.h>

#include "bridge/lang/binder_internal.h"
#include "bridge/lang/lexer.h"

#define CALLEE_NAME_SIZE (2 * CB_NAME_MAX_BYTES + 2)

/* What is called: a script function or a verb. */
typedef struct callee {
    char name[CALLEE_NAME_SIZE]; /* as errors show it */
    const cb_ast_function *function;
    const cb_catalog_verb *verb;
    const cb_namespace *name_space;
    uint32_t name_space_index;
} callee;

static uint32_t parameter_count(const callee *to)
{
    return to->function != NULL ? to->function->parameter_count
                                : to->verb->signature.parameter_count;
}

static cb_type parameter_type(const callee *to, uint32_t index)
{
    return to->function != NULL ? to->function->locals[index].type
                                : to->verb->signature.parameters[index].type;
}

static bool parameter_is_ref(const callee *to, uint32_t index)
{
    return to->function != NULL ? to->function->locals[index].kind == CB_LOCAL_REF
                                : to->verb->signature.parameters[index].is_ref;
}

static void print_takes(const callee *to, char *text, size_t size)
{
    if (to->verb != NULL) {
        cb_signature_print_types(&to->verb->signature, text, size);
        return;
    }
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < parameter_count(to) && used + 16 < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", i == 0 ? "(" : ", ",
                                 parameter_is_ref(to, i) ? "ref " : "",
                                 cb_type_name(parameter_type(to, i)));
    (void)snprintf(text + used, size - used, "%s", used == 0 ? "()" : ")");
}

static void print_got(const cb_ast_expr *arguments, char *text, size_t size)
{
    size_t used = 0;
    for (const cb_ast_expr *one = arguments; one != NULL && used + 16 < size; one = one->next)
        used += (size_t)snprintf(text + used, size - used, "%s%s", one == arguments ? "(" : ", ",
                                 cb_type_name(one->type));
    (void)snprintf(text + used, size - used, "%s", used == 0 ? "()" : ")");
}

/* "X takes (callback, i32), got (callback, string)", and what may help. */
static void *wrong_arguments(cb_binder *binder, const callee *to, cb_place place,
                             const cb_ast_expr *arguments, const char *hint)
{
    char takes[160];
    char got[160];
    print_takes(to, takes, sizeof takes);
    print_got(arguments, got, sizeof got);
    return cb_bind_fail(binder, place, "%s takes %s, got %s%s", to->name, takes, got, hint);
}

/* ---- callbacks named by literals ---- */

static cb_ast_expr *bind_callback(cb_binder *binder, const cb_syntax *syntax, const char *name)
{
    const cb_symbol *symbol = cb_scope_find(&binder->scope, name);
    bool is_function = symbol != NULL && symbol->kind == CB_SYMBOL_FUNCTION;
    if (!is_function && binder->is_file_broken)
        return NULL;
    if (!is_function) {
        const char *near = cb_scope_suggest(&binder->scope, 1u << CB_SYMBOL_FUNCTION, name);
        return cb_bind_fail(binder, syntax->place, "no callback named \"%.63s\" in this file%s%s%s",
                            name, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                            near != NULL ? "\"?" : "");
    }
    if (!binder->program->functions[symbol->index].is_callback)
        return cb_bind_fail(binder, syntax->place,
                            "%s is not a callback; the plugin needs: callback i32 %s(ref blob $X)",
                            name, name);
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_CALLBACK, CB_TYPE_CALLBACK, syntax->place);
    if (node != NULL)
        node->function = symbol->index;
    return node;
}

/* A string literal, or a constant that stands for one; NULL if it is neither. */
static const char *literal_text(const cb_binder *binder, const cb_syntax *syntax)
{
    if (syntax->kind == CB_SYNTAX_NAME) {
        const cb_symbol *symbol = cb_scope_find(&binder->scope, syntax->text);
        if (symbol == NULL || symbol->kind != CB_SYMBOL_CONSTANT)
            return NULL;
        syntax = symbol->constant;
    }
    return syntax->kind == CB_SYNTAX_STRING ? syntax->text : NULL;
}

/* ---- arguments ---- */

/* A variable for a `ref` parameter: itself, not its value. NULL where the syntax names none. */
static cb_ast_expr *bind_ref(cb_binder *binder, const cb_syntax *syntax)
{
    cb_symbol *symbol = cb_bind_find_variable(binder, syntax->text, syntax->place);
    if (symbol == NULL)
        return NULL;
    cb_type type = binder->locals[symbol->index].type;
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_LOCAL, type, syntax->place);
    if (node == NULL)
        return NULL;
    node->local = symbol->index;
    if (!cb_bind_check_read(binder, node))
        return NULL;
    node->kind = CB_EXPR_REF;
    return node;
}

static cb_ast_expr *bind_argument(cb_binder *binder, const callee *to, uint32_t index,
                                  const cb_syntax *syntax)
{
    if (index < parameter_count(to)) {
        const char *text = literal_text(binder, syntax);
        if (parameter_type(to, index) == CB_TYPE_CALLBACK && text != NULL)
            return bind_callback(binder, syntax, text);
        bool is_variable = syntax->kind == CB_SYNTAX_NAME;
        const cb_symbol *symbol = is_variable ? cb_scope_find(&binder->scope, syntax->text) : NULL;
        if (parameter_is_ref(to, index) && is_variable &&
            (symbol == NULL || symbol->kind == CB_SYMBOL_VARIABLE))
            return bind_ref(binder, syntax);
    }
    return cb_bind_value(binder, syntax);
}

/* All arguments bound as they stand; false if one was wrong in itself. */
static bool bind_arguments(cb_binder *binder, const callee *to, const cb_syntax *syntax,
                           cb_ast_expr **first, uint32_t *count)
{
    bool is_good = true;
    cb_ast_expr **end = first;
    *first = NULL;
    *count = 0;
    for (const cb_syntax *one = syntax->a; one != NULL; one = one->next) {
        if (*count == CB_MAX_ARGUMENTS) {
            cb_bind_fail(binder, one->place, "a call takes at most %u arguments", CB_MAX_ARGUMENTS);
            return false;
        }
        cb_ast_expr *argument = bind_argument(binder, to, *count, one);
        (*count)++;
        if (argument == NULL) {
            is_good = false;
            continue;
        }
        *end = argument;
        end = &argument->next;
    }
    return is_good;
}

/* Why the argument doesn't fit its parameter; NULL if it does, then converted. */
static const char *fit_argument(cb_binder *binder, const callee *to, uint32_t index,
                                cb_ast_expr **argument)
{
    cb_type type = parameter_type(to, index);
    cb_ast_expr *value = *argument;
    if (parameter_is_ref(to, index)) {
        if (value->kind == CB_EXPR_REF && value->type == type)
            return NULL;
        return value->kind == CB_EXPR_REF ? ": a ref takes a variable of exactly its type"
                                          : ": a ref takes a variable";
    }
    cb_type from = value->type;
    if (cb_bind_convert(binder, argument, type))
        return NULL;
    bool is_literal = value->is_flexible;
    return is_literal ? "" : cb_bind_hint(from, type);
}

static bool fit_arguments(cb_binder *binder, const callee *to, cb_place place,
                          cb_ast_expr **arguments, uint32_t count)
{
    uint32_t most = parameter_count(to);
    uint32_t least = to->verb != NULL ? to->verb->signature.required_count : most;
    bool is_variadic = to->verb != NULL && to->verb->signature.is_variadic;
    if (count < least || (count > most && !is_variadic)) {
        wrong_arguments(binder, to, place, *arguments, "");
        return false;
    }
    uint32_t index = 0;
    for (cb_ast_expr **at = arguments; *at != NULL; at = &(*at)->next, index++) {
        cb_ast_expr *next = (*at)->next;
        if (index >= most) {
            cb_bind_settle(*at);
            continue;
        }
        const char *hint = fit_argument(binder, to, index, at);
        if (hint != NULL) {
            wrong_arguments(binder, to, place, *arguments, hint);
            return false;
        }
        if (*at == NULL)
            return false; /* out of memory */
        (*at)->next = next;
    }
    return true;
}

/* ---- what the language itself does with a variable ---- */

static const struct {
    const char *name_space;
    const char *name;
    cb_expr_kind kind;
    cb_type type;
} intrinsics[] = {
    {"string", "Overflow", CB_EXPR_OVERFLOW, CB_TYPE_STRING},
    {"string", "Capacity", CB_EXPR_CAPACITY, CB_TYPE_STRING},
    {"blob", "Overflow", CB_EXPR_OVERFLOW, CB_TYPE_BLOB},
};

/* True if the call is one of them; *out is then its node, or NULL after an error. */
static bool bind_intrinsic(cb_binder *binder, const cb_syntax *syntax, cb_ast_expr **out)
{
    *out = NULL;
    for (size_t i = 0; i < sizeof intrinsics / sizeof intrinsics[0]; i++) {
        if (strcmp(syntax->detail, intrinsics[i].name_space) != 0 ||
            strcmp(syntax->text, intrinsics[i].name) != 0)
            continue;
        const cb_syntax *argument = syntax->a;
        const char *type = cb_type_name(intrinsics[i].type);
        bool is_one =
            argument != NULL && argument->next == NULL && argument->kind == CB_SYNTAX_NAME;
        if (!is_one) {
            cb_bind_fail(binder, syntax->place, "%s.%s takes one %s variable", syntax->detail,
                         syntax->text, type);
            return true;
        }
        const cb_symbol *symbol = cb_bind_find_variable(binder, argument->text, argument->place);
        if (symbol == NULL)
            return true;
        if (binder->locals[symbol->index].type != intrinsics[i].type) {
            cb_bind_fail(binder, syntax->place, "%s.%s takes one %s variable, %s is %s",
                         syntax->detail, syntax->text, type, argument->text,
                         cb_type_name(binder->locals[symbol->index].type));
            return true;
        }
        *out = cb_bind_node(binder, intrinsics[i].kind, CB_TYPE_I32, syntax->place);
        if (*out != NULL)
            (*out)->local = symbol->index;
        return true;
    }
    return false;
}

/* ---- finding the callee ---- */

/* The verb's name nearest to a mistyped one; NULL if none is near. */
static const char *suggest_verb(const cb_namespace *name_space, const char *name)
{
    const char *best = NULL;
    unsigned best_distance = 100;
    for (size_t i = 0; i < name_space->verb_count; i++) {
        unsigned distance = cb_name_distance(name_space->verbs[i].verb->name, name);
        if (distance < best_distance) {
            best = name_space->verbs[i].verb->name;
            best_distance = distance;
        }
    }
    return best;
}

static bool no_namespace(cb_binder *binder, const cb_syntax *syntax)
{
    if (binder->is_plugin_broken)
        return false;
    const cb_symbol *symbol = cb_scope_find(&binder->scope, syntax->detail);
    if (symbol != NULL) {
        cb_bind_fail(binder, syntax->place, "%s is no namespace and has no verb %s", syntax->detail,
                     syntax->text);
        return false;
    }
    const char *path = binder->catalog->suggest != NULL
                           ? binder->catalog->suggest(binder->catalog->user, syntax->detail)
                           : NULL;
    cb_bind_fail(binder, syntax->place, "no plugin line loads the namespace %s%s%s%s",
                 syntax->detail, path != NULL ? "; add: plugin \"" : "", path != NULL ? path : "",
                 path != NULL ? "\";" : "");
    return false;
}

static bool find_verb(cb_binder *binder, const cb_syntax *syntax, callee *to)
{
    (void)snprintf(to->name, sizeof to->name, "%s.%s", syntax->detail, syntax->text);
    to->name_space = cb_bind_find_namespace(binder, syntax->detail, &to->name_space_index);
    if (to->name_space == NULL)
        return no_namespace(binder, syntax);
    to->verb = cb_namespace_find(to->name_space, syntax->text);
    if (to->verb != NULL)
        return true;
    const char *near = suggest_verb(to->name_space, syntax->text);
    cb_bind_fail(binder, syntax->place, "%s has no verb %s%s%s%s", syntax->detail, syntax->text,
                 near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                 near != NULL ? "?" : "");
    return false;
}

static bool no_function(cb_binder *binder, const cb_syntax *syntax)
{
    if (binder->is_file_broken || binder->is_plugin_broken)
        return false;
    const char *path = strcmp(syntax->text, "printf") == 0 && binder->catalog->suggest != NULL
                           ? binder->catalog->suggest(binder->catalog->user, "")
                           : NULL;
    if (path != NULL) {
        cb_bind_fail(binder, syntax->place, "no plugin line loads printf; add: plugin \"%s\";",
                     path);
        return false;
    }
    const cb_namespace *bare = cb_bind_find_namespace(binder, "", NULL);
    const char *near = cb_scope_suggest(&binder->scope, 1u << CB_SYMBOL_FUNCTION, syntax->text);
    if (near == NULL && bare != NULL)
        near = suggest_verb(bare, syntax->text);
    cb_bind_fail(binder, syntax->place, "no function named %s%s%s%s", syntax->text,
                 near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                 near != NULL ? "?" : "");
    return false;
}

static bool find_bare(cb_binder *binder, const cb_syntax *syntax, callee *to)
{
    (void)snprintf(to->name, sizeof to->name, "%s", syntax->text);
    const cb_symbol *symbol = cb_scope_find(&binder->scope, syntax->text);
    if (symbol != NULL && symbol->kind == CB_SYMBOL_FUNCTION) {
        to->function = &binder->program->functions[symbol->index];
        return !to->function->is_broken;
    }
    if (symbol != NULL) {
        cb_bind_fail(binder, syntax->place, "%s is not a function", syntax->text);
        return false;
    }
    to->name_space = cb_bind_find_namespace(binder, "", &to->name_space_index);
    if (to->name_space != NULL)
        to->verb = cb_namespace_find(to->name_space, syntax->text);
    return to->verb != NULL || no_function(binder, syntax);
}

static cb_ast_expr *make_call(cb_binder *binder, const callee *to, cb_place place,
                              cb_ast_expr *arguments, uint32_t count)
{
    bool is_function = to->function != NULL;
    cb_ast_expr *node =
        cb_bind_node(binder, is_function ? CB_EXPR_CALL : CB_EXPR_VERB,
                     is_function ? to->function->result : to->verb->signature.result, place);
    if (node == NULL)
        return NULL;
    if (is_function) {
        node->call.function = to->function->index;
        node->call.count = count;
        node->call.arguments = arguments;
        return node;
    }
    node->verb.name_space = to->name_space;
    node->verb.verb = to->verb;
    node->verb.name_space_index = to->name_space_index;
    node->verb.verb_index = (uint32_t)(to->verb - to->name_space->verbs);
    node->verb.count = count;
    node->verb.arguments = arguments;
    return node;
}

static void check_format(cb_binder *binder, const callee *to, const cb_ast_expr *arguments)
{
    const cb_signature *signature = &to->verb->signature;
    if ((to->verb->verb->flags & CB_VERB_FORMAT) == 0 || !signature->is_variadic ||
        signature->parameter_count == 0)
        return;
    const cb_ast_expr *format = arguments;
    for (uint32_t i = 1; i < signature->parameter_count; i++)
        format = format->next;
    cb_bind_check_format(binder, to->name, format, signature->parameter_count);
}

cb_ast_expr *cb_bind_call(cb_binder *binder, const cb_syntax *syntax)
{
    callee to = {0};
    cb_ast_expr *arguments;
    uint32_t count;
    if (syntax->detail != NULL && cb_bind_find_namespace(binder, syntax->detail, NULL) != NULL &&
        bind_intrinsic(binder, syntax, &arguments))
        return arguments;
    bool is_found =
        syntax->detail != NULL ? find_verb(binder, syntax, &to) : find_bare(binder, syntax, &to);
    if (!is_found) {
        /* The arguments may hold mistakes of their own. */
        for (const cb_syntax *one = syntax->a; one != NULL; one = one->next)
            (void)cb_bind_expression(binder, one);
        return NULL;
    }
    if (!bind_arguments(binder, &to, syntax, &arguments, &count) ||
        !fit_arguments(binder, &to, syntax->place, &arguments, count))
        return NULL;
    if (to.verb != NULL)
        check_format(binder, &to, arguments);
    return make_call(binder, &to, syntax->place, arguments, count);
}
