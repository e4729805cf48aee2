#include "bridge/lang/binder_internal.h"

/* Literal integers are computed exactly while they are literals, and have to fit where they land.
 */

static cb_type own_type(int64_t value, bool is_big)
{
    if (is_big)
        return CB_TYPE_U64;
    return cb_type_fits(CB_TYPE_I32, value, false) ? CB_TYPE_I32 : CB_TYPE_I64;
}

static cb_ast_expr *make(cb_binder *binder, int64_t value, bool is_big, cb_place place)
{
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_INT, own_type(value, is_big), place);
    if (node != NULL) {
        node->integer = value;
        node->is_flexible = true;
    }
    return node;
}

cb_ast_expr *cb_bind_integer(cb_binder *binder, uint64_t value, cb_place place)
{
    return make(binder, (int64_t)value, value > INT64_MAX, place);
}

cb_ast_expr *cb_bind_signed(cb_binder *binder, int64_t value, cb_place place)
{
    return make(binder, value, false, place);
}

bool cb_bind_is_constant(const cb_ast_expr *expression)
{
    return expression->kind == CB_EXPR_INT && expression->is_flexible &&
           !cb_bind_is_big(expression);
}

static void *too_large(cb_binder *binder, cb_place place)
{
    return cb_bind_fail(binder, place, "this constant does not fit 64 bits");
}

cb_ast_expr *cb_bind_fold_unary(cb_binder *binder, cb_token_kind op, cb_ast_expr *operand,
                                cb_place place)
{
    uint64_t bits = (uint64_t)operand->integer;
    if (cb_bind_is_big(operand)) {
        /* Only -9223372036854775808 comes back into the signed range. */
        if (op != CB_TOKEN_MINUS || bits != UINT64_C(1) << 63)
            return too_large(binder, place);
        return cb_bind_signed(binder, INT64_MIN, place);
    }
    if (op == CB_TOKEN_TILDE)
        return cb_bind_signed(binder, (int64_t)~bits, place);
    if (operand->integer == INT64_MIN)
        return too_large(binder, place);
    return cb_bind_signed(binder, -operand->integer, place);
}

static bool add_fits(int64_t a, int64_t b)
{
    return b >= 0 ? a <= INT64_MAX - b : a >= INT64_MIN - b;
}

static bool multiply_fits(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return true;
    if (a == -1 || b == -1)
        return a != INT64_MIN && b != INT64_MIN;
    if ((a > 0) == (b > 0))
        return a > 0 ? a <= INT64_MAX / b : a >= INT64_MAX / b;
    return a > 0 ? b >= INT64_MIN / a : a >= INT64_MIN / b;
}

/* `count` is 0..63; by 63, only 0 and -1 fit. */
static bool shift_left_fits(int64_t a, int64_t count)
{
    int64_t most = INT64_MAX >> count;
    return a >= -most - 1 && a <= most;
}

static cb_ast_expr *fold_shift(cb_binder *binder, cb_operator op, int64_t a, int64_t count,
                               cb_place place)
{
    if (count < 0 || count > 63)
        return cb_bind_fail(binder, place, "a constant can be shifted by 0..63, not by %lld",
                            (long long)count);
    if (op == CB_OP_SHIFT_LEFT) {
        if (!shift_left_fits(a, count))
            return too_large(binder, place);
        return cb_bind_signed(binder, (int64_t)((uint64_t)a << count), place);
    }
    uint64_t bits = (uint64_t)a >> count;
    if (a < 0 && count > 0)
        bits |= ~(UINT64_MAX >> count);
    return cb_bind_signed(binder, (int64_t)bits, place);
}

cb_ast_expr *cb_bind_fold_binary(cb_binder *binder, cb_operator op, const cb_ast_expr *left,
                                 const cb_ast_expr *right, cb_place place)
{
    int64_t a = left->integer;
    int64_t b = right->integer;
    bool divides = op == CB_OP_DIVIDE || op == CB_OP_REMAINDER;
    if (divides && b == 0)
        return cb_bind_fail(binder, place, "division by zero");
    switch (op) {
    case CB_OP_ADD:
        return add_fits(a, b) ? cb_bind_signed(binder, a + b, place) : too_large(binder, place);
    case CB_OP_SUBTRACT:
        if (b == INT64_MIN ? a >= 0 : !add_fits(a, -b))
            return too_large(binder, place);
        return cb_bind_signed(binder, (int64_t)((uint64_t)a - (uint64_t)b), place);
    case CB_OP_MULTIPLY:
        return multiply_fits(a, b) ? cb_bind_signed(binder, a * b, place)
                                   : too_large(binder, place);
    case CB_OP_DIVIDE:
        if (a == INT64_MIN && b == -1)
            return too_large(binder, place);
        return cb_bind_signed(binder, a / b, place);
    case CB_OP_REMAINDER:
        return cb_bind_signed(binder, b == -1 ? 0 : a % b, place);
    case CB_OP_BIT_AND:
        return cb_bind_signed(binder, (int64_t)((uint64_t)a & (uint64_t)b), place);
    case CB_OP_BIT_OR:
        return cb_bind_signed(binder, (int64_t)((uint64_t)a | (uint64_t)b), place);
    case CB_OP_BIT_XOR:
        return cb_bind_signed(binder, (int64_t)((uint64_t)a ^ (uint64_t)b), place);
    default:
        return fold_shift(binder, op, a, b, place);
    }
}
