#include <float.h>
#include <stdio.h>

#include "bridge/lang/binder_internal.h"

/* Largest integers that float and double hold with all smaller ones. */
#define FLOAT_EXACT  (INT64_C(1) << 24)
#define DOUBLE_EXACT (INT64_C(1) << 53)

bool cb_bind_is_big(const cb_ast_expr *expression)
{
    return expression->is_flexible && expression->type == CB_TYPE_U64;
}

void cb_bind_settle(cb_ast_expr *expression)
{
    if (expression != NULL)
        expression->is_flexible = false;
}

static bool convert_literal(cb_ast_expr *literal, cb_type type)
{
    if (literal->kind == CB_EXPR_REAL) {
        if (type == CB_TYPE_FLOAT) {
            if (literal->real > (double)FLT_MAX || literal->real < -(double)FLT_MAX)
                return false;
            literal->real = (double)(float)literal->real;
        } else if (type != CB_TYPE_DOUBLE) {
            return false;
        }
    } else if (cb_type_is_integer(type)) {
        if (!cb_type_fits(type, literal->integer, cb_bind_is_big(literal)))
            return false;
    } else if (cb_type_is_real(type)) {
        int64_t most = type == CB_TYPE_FLOAT ? FLOAT_EXACT : DOUBLE_EXACT;
        if (cb_bind_is_big(literal) || literal->integer > most || literal->integer < -most)
            return false;
        literal->kind = CB_EXPR_REAL;
        literal->real = (double)literal->integer;
    } else {
        return false;
    }
    literal->type = type;
    literal->is_flexible = false;
    return true;
}

static cb_ast_expr *wrap(cb_binder *binder, cb_ast_expr *operand, cb_type type)
{
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_CONVERT, type, operand->place);
    if (node != NULL)
        node->unary.operand = operand;
    return node;
}

bool cb_bind_convert(cb_binder *binder, cb_ast_expr **expression, cb_type type)
{
    cb_ast_expr *value = *expression;
    if (value->is_flexible)
        return convert_literal(value, type);
    if (value->type == type)
        return true;
    bool is_name = value->type == CB_TYPE_STRING && type == CB_TYPE_CALLBACK;
    if (!is_name && !cb_type_widens(value->type, type))
        return false;
    *expression = wrap(binder, value, type);
    return true;
}

const char *cb_bind_hint(cb_type from, cb_type to)
{
    if (from == CB_TYPE_STRING && to == CB_TYPE_BLOB)
        return ": blob.FromText makes a blob of a string";
    if (from == CB_TYPE_BLOB && to == CB_TYPE_STRING)
        return ": blob.ToText makes a string of a blob";
    if (!cb_type_is_scalar(from) || !cb_type_is_scalar(to))
        return "";
    switch (to) {
#define CAST_HINT(name, spelling, size)                                                            \
    case CB_TYPE_##name:                                                                           \
        return ": a cast converts it, (" spelling ")";
        CB_TYPES(CAST_HINT)
#undef CAST_HINT
    default:
        return "";
    }
}

static void print_literal(const cb_ast_expr *literal, char *text, size_t size)
{
    if (literal->kind == CB_EXPR_REAL)
        (void)snprintf(text, size, "%.17g", literal->real);
    else if (cb_bind_is_big(literal))
        (void)snprintf(text, size, "%llu", (unsigned long long)literal->integer);
    else
        (void)snprintf(text, size, "%lld", (long long)literal->integer);
}

cb_ast_expr *cb_bind_give(cb_binder *binder, cb_ast_expr *expression, cb_type type,
                          const char *what)
{
    if (expression == NULL || cb_bind_convert(binder, &expression, type))
        return expression;
    bool is_number = cb_type_is_scalar(type) && expression->is_flexible;
    if (is_number && (expression->kind == CB_EXPR_INT || cb_type_is_real(type))) {
        char text[40];
        print_literal(expression, text, sizeof text);
        return cb_bind_fail(binder, expression->place, "%s is %s, which %s does not fit", what,
                            cb_type_name(type), text);
    }
    return cb_bind_fail(binder, expression->place, "%s is %s, but its value is %s%s", what,
                        cb_type_name(type), cb_type_name(expression->type),
                        cb_bind_hint(expression->type, type));
}

bool cb_bind_unify(cb_binder *binder, cb_place place, const char *op, cb_ast_expr **left,
                   cb_ast_expr **right)
{
    cb_ast_expr *a = *left;
    cb_ast_expr *b = *right;
    /* A literal beside a typed value takes its type where it fits, else its own. */
    if (a->is_flexible && !b->is_flexible && convert_literal(a, b->type))
        return true;
    if (b->is_flexible && !a->is_flexible && convert_literal(b, a->type))
        return true;
    cb_bind_settle(a);
    cb_bind_settle(b);
    cb_type type = cb_type_common(a->type, b->type);
    if (type == CB_TYPE_COUNT) {
        cb_bind_fail(binder, place, "no type holds both %s and %s at %s: cast one of them",
                     cb_type_name(a->type), cb_type_name(b->type), op);
        return false;
    }
    return cb_bind_convert(binder, left, type) && *left != NULL &&
           cb_bind_convert(binder, right, type) && *right != NULL;
}

static cb_ast_expr *cast_real_literal(cb_binder *binder, cb_ast_expr *literal, cb_type type,
                                      cb_place place)
{
    /* Powers of two are exact; what lies between the limits is cut toward zero. */
    double value = literal->real;
    double limit = cb_type_is_signed(type) ? 1.0 : 2.0;
    for (uint32_t bit = 1; bit < cb_type_bytes(type) * 8; bit++)
        limit *= 2.0;
    bool is_inside = cb_type_is_signed(type)
                         ? value < limit && (value > -limit - 1.0 || value >= -limit)
                         : value < limit && value > -1.0;
    if (!is_inside)
        return cb_bind_fail(binder, place, "%.17g does not fit %s", value, cb_type_name(type));
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_INT, type, place);
    if (node != NULL)
        node->integer = type == CB_TYPE_U64 ? (int64_t)(uint64_t)value : (int64_t)value;
    return node;
}

cb_ast_expr *cb_bind_cast(cb_binder *binder, cb_ast_expr *operand, cb_type type, cb_place place)
{
    if (!cb_type_is_scalar(type) || !cb_type_is_scalar(operand->type))
        return cb_bind_fail(binder, place, "only numbers can be cast, not %s to %s%s",
                            cb_type_name(operand->type), cb_type_name(type),
                            cb_bind_hint(operand->type, type));
    if (operand->is_flexible && operand->kind == CB_EXPR_INT && cb_type_is_integer(type)) {
        operand->integer = cb_type_wrap(type, operand->integer);
        operand->type = type;
        operand->is_flexible = false;
        return operand;
    }
    if (operand->is_flexible && operand->kind == CB_EXPR_REAL && cb_type_is_integer(type))
        return cast_real_literal(binder, operand, type, place);
    cb_bind_settle(operand);
    if (operand->type == type)
        return operand;
    cb_ast_expr *node = wrap(binder, operand, type);
    if (node != NULL)
        node->place = place;
    return node;
}

cb_ast_expr *cb_bind_truth(cb_binder *binder, cb_ast_expr *expression)
{
    if (expression == NULL)
        return NULL;
    cb_bind_settle(expression);
    if (!cb_type_is_scalar(expression->type))
        return cb_bind_fail(binder, expression->place,
                            "a condition is a number, but this is %s: compare it",
                            cb_type_name(expression->type));
    if (expression->type == CB_TYPE_I32)
        return expression;
    cb_ast_expr *zero = cb_bind_signed(binder, 0, expression->place);
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_COMPARE, CB_TYPE_I32, expression->place);
    if (zero == NULL || node == NULL || !cb_bind_convert(binder, &zero, expression->type))
        return NULL;
    node->binary.op = CB_OP_NOT_EQUAL;
    node->binary.left = expression;
    node->binary.right = zero;
    return node;
}
