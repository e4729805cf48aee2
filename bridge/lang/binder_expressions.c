#include <string.h>

#include "bridge/lang/binder_internal.h"

cb_symbol *cb_bind_find_variable(cb_binder *binder, const char *name, cb_place place)
{
    cb_symbol *symbol = cb_scope_find(&binder->scope, name);
    if (symbol != NULL && symbol->kind == CB_SYMBOL_VARIABLE)
        return symbol;
    if (symbol != NULL && symbol->kind == CB_SYMBOL_UNKNOWN)
        return NULL;
    if (symbol != NULL)
        return cb_bind_fail(binder, place, "%s is not a variable", name);
    if (binder->is_function_broken)
        return NULL;
    const char *near = cb_scope_suggest(&binder->scope, 1u << CB_SYMBOL_VARIABLE, name);
    /* Kept as unknown to the end of its block, so that it is reported once. */
    (void)cb_scope_add(&binder->scope, name, CB_SYMBOL_UNKNOWN, place);
    if (near != NULL)
        return cb_bind_fail(binder, place, "%s is not declared; did you mean %s?", name, near);
    return cb_bind_fail(binder, place, "%s is not declared", name);
}

static cb_ast_expr *bind_local(cb_binder *binder, const cb_symbol *symbol, cb_place place)
{
    cb_type type = binder->locals[symbol->index].type;
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_LOCAL, type, place);
    if (node != NULL)
        node->local = symbol->index;
    return node;
}

bool cb_bind_check_read(cb_binder *binder, const cb_ast_expr *target)
{
    if (target->kind != CB_EXPR_LOCAL || !cb_type_is_scalar(target->type) ||
        cb_flow_has(binder, target->local))
        return true;
    if (!binder->is_function_broken)
        cb_bind_fail(binder, target->place,
                     "$%s is read, but not every path before has assigned it",
                     binder->locals[target->local].name);
    /* Once is enough. */
    cb_flow_assign(binder, target->local);
    return false;
}

static cb_ast_expr *bind_name(cb_binder *binder, const cb_syntax *syntax)
{
    const cb_symbol *symbol = cb_scope_find(&binder->scope, syntax->text);
    if (symbol != NULL && symbol->kind == CB_SYMBOL_CONSTANT) {
        cb_ast_expr *constant = cb_bind_expression(binder, symbol->constant);
        if (constant != NULL)
            constant->place = syntax->place;
        return constant;
    }
    if (symbol != NULL && symbol->kind == CB_SYMBOL_FUNCTION)
        return cb_bind_fail(binder, syntax->place, "%s is a function: call it with ()",
                            syntax->text);
    if (symbol == NULL && syntax->text[0] != '$') {
        if (binder->is_file_broken || binder->is_function_broken)
            return NULL;
        const char *near = cb_scope_suggest(
            &binder->scope, 1u << CB_SYMBOL_CONSTANT | 1u << CB_SYMBOL_VARIABLE, syntax->text);
        return cb_bind_fail(binder, syntax->place, "no constant named %s%s%s%s", syntax->text,
                            near != NULL ? "; did you mean " : " (variables carry '$')",
                            near != NULL ? near : "", near != NULL ? "?" : "");
    }
    symbol = cb_bind_find_variable(binder, syntax->text, syntax->place);
    return symbol != NULL ? bind_local(binder, symbol, syntax->place) : NULL;
}

/* The string or blob variable that an index or a field is taken of. */
static cb_symbol *find_object(cb_binder *binder, const cb_syntax *object, const char *what)
{
    if (object->kind != CB_SYNTAX_NAME)
        return cb_bind_fail(binder, object->place, "%s is taken of a variable, not of a value",
                            what);
    cb_symbol *symbol = cb_bind_find_variable(binder, object->text, object->place);
    if (symbol == NULL)
        return NULL;
    cb_type type = binder->locals[symbol->index].type;
    if (type != CB_TYPE_STRING && type != CB_TYPE_BLOB)
        return cb_bind_fail(binder, object->place, "%s is taken of a string or blob; %s is %s",
                            what, object->text, cb_type_name(type));
    return symbol;
}

static cb_ast_expr *bind_index(cb_binder *binder, const cb_syntax *syntax)
{
    const cb_symbol *symbol = find_object(binder, syntax->a, "[]");
    cb_ast_expr *at = cb_bind_value(binder, syntax->b);
    if (symbol == NULL || at == NULL)
        return NULL;
    if (cb_bind_is_constant(at) && at->integer < 0)
        return cb_bind_fail(binder, at->place, "an index is not negative");
    at = cb_bind_give(binder, at, CB_TYPE_I64, "an index");
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_INDEX, CB_TYPE_I32, syntax->place);
    if (at == NULL || node == NULL)
        return NULL;
    node->index.local = symbol->index;
    node->index.at = at;
    return node;
}

static const cb_ast_field *find_field(const cb_ast_struct *layout, const char *name)
{
    for (const cb_ast_field *field = layout->fields; field != NULL; field = field->next) {
        if (strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

static cb_ast_expr *bind_length(cb_binder *binder, const cb_symbol *symbol, cb_place place)
{
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_LENGTH, CB_TYPE_I32, place);
    if (node != NULL)
        node->local = symbol->index;
    return node;
}

static void *no_field(cb_binder *binder, const cb_symbol *symbol, const cb_syntax *syntax)
{
    const char *name = symbol->name;
    if (binder->is_function_broken || binder->is_file_broken)
        return NULL;
    if (symbol->layout != NULL)
        return cb_bind_fail(binder, syntax->detail_place, "struct %s has no field %s",
                            symbol->layout->name, syntax->detail);
    if (binder->locals[symbol->index].type == CB_TYPE_BLOB)
        return cb_bind_fail(binder, syntax->detail_place,
                            "%s has no fields before '%s assign STRUCT;' lays a struct over it",
                            name, name);
    return cb_bind_fail(binder, syntax->detail_place, "a string has Length and no field %s",
                        syntax->detail);
}

static cb_ast_expr *bind_member(cb_binder *binder, const cb_syntax *syntax)
{
    const cb_symbol *symbol = find_object(binder, syntax->a, "a field");
    if (symbol == NULL)
        return NULL;
    const cb_ast_field *field =
        symbol->layout != NULL ? find_field(symbol->layout, syntax->detail) : NULL;
    if (field == NULL && strcmp(syntax->detail, "Length") == 0)
        return bind_length(binder, symbol, syntax->place);
    if (field == NULL)
        return no_field(binder, symbol, syntax);
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_FIELD, field->type, syntax->place);
    if (node == NULL)
        return NULL;
    node->field.local = symbol->index;
    node->field.offset = field->offset;
    node->field.name = field->name;
    return node;
}

static cb_ast_expr *bind_structsize(cb_binder *binder, const cb_syntax *syntax)
{
    const cb_symbol *symbol = cb_scope_find(&binder->scope, syntax->text);
    if (symbol != NULL && symbol->kind == CB_SYMBOL_STRUCT)
        return cb_bind_integer(binder, symbol->layout->size, syntax->place);
    if (symbol == NULL && binder->is_file_broken)
        return NULL;
    return cb_bind_fail(binder, syntax->detail_place, "no struct named %s", syntax->text);
}

static cb_ast_expr *bind_string(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_STRING, CB_TYPE_STRING, syntax->place);
    if (node != NULL) {
        node->string.bytes = syntax->text;
        node->string.size = syntax->size;
    }
    return node;
}

static cb_ast_expr *bind_real(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_REAL, CB_TYPE_DOUBLE, syntax->place);
    if (node != NULL) {
        node->real = syntax->real;
        node->is_flexible = true;
    }
    return node;
}

static cb_ast_expr *bind_cast(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *operand = cb_bind_value(binder, syntax->a);
    return operand != NULL ? cb_bind_cast(binder, operand, syntax->type, syntax->place) : NULL;
}

cb_ast_expr *cb_bind_target(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *target = NULL;
    switch (syntax->kind) {
    case CB_SYNTAX_NAME:
        target = bind_name(binder, syntax);
        break;
    case CB_SYNTAX_INDEX:
        target = bind_index(binder, syntax);
        break;
    case CB_SYNTAX_MEMBER:
        target = bind_member(binder, syntax);
        break;
    default:
        return cb_bind_fail(binder, syntax->place,
                            "only a variable, a byte or a field can be assigned to");
    }
    if (target == NULL)
        return NULL;
    if (target->kind == CB_EXPR_INDEX && binder->locals[target->index.local].type == CB_TYPE_STRING)
        return cb_bind_fail(binder, syntax->place,
                            "a string's bytes can be read, not assigned: use a blob");
    if (target->kind == CB_EXPR_LENGTH)
        return cb_bind_fail(binder, syntax->place, "Length can be read, not assigned");
    if (target->kind != CB_EXPR_LOCAL && target->kind != CB_EXPR_INDEX &&
        target->kind != CB_EXPR_FIELD)
        return cb_bind_fail(binder, syntax->place, "%s is a constant", syntax->text);
    if (target->kind == CB_EXPR_LOCAL && binder->locals[target->local].kind == CB_LOCAL_ALIAS)
        return cb_bind_fail(binder, syntax->place,
                            "%s stands for memory and can't be assigned as a whole", syntax->text);
    return target;
}

static cb_ast_expr *bind_read(cb_binder *binder, cb_ast_expr *node)
{
    return node != NULL && cb_bind_check_read(binder, node) ? node : NULL;
}

cb_ast_expr *cb_bind_expression(cb_binder *binder, const cb_syntax *syntax)
{
    switch (syntax->kind) {
    case CB_SYNTAX_INTEGER:
        return cb_bind_integer(binder, syntax->integer, syntax->place);
    case CB_SYNTAX_REAL:
        return bind_real(binder, syntax);
    case CB_SYNTAX_STRING:
        return bind_string(binder, syntax);
    case CB_SYNTAX_NAME:
        return bind_read(binder, bind_name(binder, syntax));
    case CB_SYNTAX_STRUCTSIZE:
        return bind_structsize(binder, syntax);
    case CB_SYNTAX_UNARY:
        return cb_bind_unary(binder, syntax);
    case CB_SYNTAX_CAST:
        return bind_cast(binder, syntax);
    case CB_SYNTAX_BINARY:
        return cb_bind_binary(binder, syntax);
    case CB_SYNTAX_CHOOSE:
        return cb_bind_choose(binder, syntax);
    case CB_SYNTAX_ASSIGN:
        return cb_bind_assign(binder, syntax);
    case CB_SYNTAX_STEP:
        return cb_bind_step(binder, syntax);
    case CB_SYNTAX_INDEX:
        return bind_index(binder, syntax);
    case CB_SYNTAX_MEMBER:
        return bind_member(binder, syntax);
    case CB_SYNTAX_CALL:
        return cb_bind_call(binder, syntax);
    default:
        return cb_bind_fail(binder, syntax->place, "this is no expression");
    }
}

cb_ast_expr *cb_bind_value(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *value = cb_bind_expression(binder, syntax);
    if (value == NULL || value->type != CB_TYPE_VOID)
        return value;
    return cb_bind_fail(binder, value->place, "%s",
                        value->kind == CB_EXPR_ASSIGN_BOUNDED
                            ? "':=' is a statement and gives no value"
                            : "this call gives no value: its result is void");
}
