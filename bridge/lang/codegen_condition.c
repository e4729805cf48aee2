/* Comparisons and conditions. A condition is never made a value where a jump can carry it. */
#include "bridge/lang/codegen.h"
#include "bridge/lang/types.h"

static cb_operator opposite(cb_operator op)
{
    switch (op) {
    case CB_OP_EQUAL:
        return CB_OP_NOT_EQUAL;
    case CB_OP_NOT_EQUAL:
        return CB_OP_EQUAL;
    case CB_OP_LESS:
        return CB_OP_GREATER_EQUAL;
    case CB_OP_LESS_EQUAL:
        return CB_OP_GREATER;
    case CB_OP_GREATER:
        return CB_OP_LESS_EQUAL;
    default:
        return CB_OP_LESS;
    }
}

/* The operator after its operands changed sides. */
static cb_operator mirrored(cb_operator op)
{
    switch (op) {
    case CB_OP_LESS:
        return CB_OP_GREATER;
    case CB_OP_LESS_EQUAL:
        return CB_OP_GREATER_EQUAL;
    case CB_OP_GREATER:
        return CB_OP_LESS;
    case CB_OP_GREATER_EQUAL:
        return CB_OP_LESS_EQUAL;
    default:
        return op;
    }
}

/* -- as values -- */

static void set_integer(cb_gen *gen, cb_operator op, bool is_u64, uint16_t to, uint16_t left,
                        uint16_t right)
{
    if (op == CB_OP_GREATER || op == CB_OP_GREATER_EQUAL) {
        uint16_t other = left;
        left = right;
        right = other;
        op = mirrored(op);
    }
    switch (op) {
    case CB_OP_EQUAL:
        cb_gen_emit(gen, CB_OPC_EQ, to, left, right);
        return;
    case CB_OP_NOT_EQUAL:
        cb_gen_emit(gen, CB_OPC_NE, to, left, right);
        return;
    case CB_OP_LESS:
        cb_gen_emit(gen, is_u64 ? CB_OPC_LT_U : CB_OPC_LT, to, left, right);
        return;
    default:
        cb_gen_emit(gen, is_u64 ? CB_OPC_LE_U : CB_OPC_LE, to, left, right);
        return;
    }
}

static void set_real(cb_gen *gen, cb_operator op, uint16_t to, uint16_t left, uint16_t right)
{
    switch (op) {
    case CB_OP_EQUAL:
        cb_gen_emit(gen, CB_OPC_EQ_F, to, left, right);
        return;
    case CB_OP_NOT_EQUAL:
        cb_gen_emit(gen, CB_OPC_NE_F, to, left, right);
        return;
    case CB_OP_LESS:
        cb_gen_emit(gen, CB_OPC_LT_F, to, left, right);
        return;
    case CB_OP_LESS_EQUAL:
        cb_gen_emit(gen, CB_OPC_LE_F, to, left, right);
        return;
    case CB_OP_GREATER:
        cb_gen_emit(gen, CB_OPC_LT_F, to, right, left);
        return;
    default:
        cb_gen_emit(gen, CB_OPC_LE_F, to, right, left);
        return;
    }
}

/* to = -1, 0 or 1 */
static void compare_objects(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    uint32_t mark = gen->objects.top;
    uint16_t left = cb_gen_object_kept(gen, expr->binary.left, expr->binary.right);
    uint16_t right = cb_gen_object(gen, expr->binary.right);
    cb_gen_emit(gen, CB_OPC_COMPARE, to, left, right);
    cb_gen_drop_objects(gen, mark);
}

void cb_gen_compare(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    cb_type type = expr->binary.left->type;
    cb_operator op = expr->binary.op;
    uint32_t mark = gen->scalars.top;
    if (cb_gen_is_object(type)) {
        uint16_t order = cb_gen_new(gen, &gen->scalars, CB_KIND_INT);
        compare_objects(gen, expr, order);
        uint16_t zero = cb_gen_integer(gen, 0, CB_GEN_ANY);
        set_integer(gen, op, false, to, order, zero);
    } else {
        uint16_t left = cb_gen_kept(gen, expr->binary.left, expr->binary.right);
        uint16_t right = cb_gen_scalar(gen, expr->binary.right, CB_GEN_ANY);
        if (cb_type_is_real(type)) {
            set_real(gen, op, to, left, right);
        } else {
            set_integer(gen, op, type == CB_TYPE_U64, to, left, right);
        }
    }
    gen->scalars.top = mark;
}

/* -- as jumps -- */

static void jump_if_value(cb_gen *gen, const cb_ast_expr *expr, bool sense, uint32_t label)
{
    uint32_t mark = gen->scalars.top;
    uint16_t value = cb_gen_scalar(gen, expr, CB_GEN_ANY);
    gen->scalars.top = mark;
    cb_gen_jump(gen, sense ? CB_OPC_JUMP_T : CB_OPC_JUMP_F, value, 0, label);
}

/* Compares with a number that fits the instruction; false if none of them says it. */
static bool jump_if_number(cb_gen *gen, cb_operator op, uint16_t left, int64_t number,
                           uint32_t label)
{
    cb_opcode opcode;
    switch (op) {
    case CB_OP_EQUAL:
        opcode = CB_OPC_JUMP_EQ_N;
        break;
    case CB_OP_NOT_EQUAL:
        opcode = CB_OPC_JUMP_NE_N;
        break;
    case CB_OP_LESS:
        opcode = CB_OPC_JUMP_LT_N;
        break;
    case CB_OP_GREATER_EQUAL:
        opcode = CB_OPC_JUMP_GE_N;
        break;
    case CB_OP_LESS_EQUAL: /* <= n is < n + 1 */
        opcode = CB_OPC_JUMP_LT_N;
        number++;
        break;
    default:
        opcode = CB_OPC_JUMP_GE_N;
        number++;
        break;
    }
    if (number > INT16_MAX) {
        return false;
    }
    cb_gen_jump(gen, opcode, left, (uint16_t)(int16_t)number, label);
    return true;
}

/* A loop that ends in `$i++` and `$i < $n` does both in one instruction. */
static bool fuse_step(cb_gen *gen, cb_operator op, uint16_t left, uint16_t right, uint32_t label)
{
    if (gen->status != CB_OK || gen->count == 0 || gen->labels[label].at < 0 ||
        gen->last_label == (int64_t)gen->count || left == right ||
        (op != CB_OP_LESS && op != CB_OP_LESS_EQUAL)) {
        return false;
    }
    const cb_insn *last = &gen->code[gen->count - 1];
    bool is_w = last->op == CB_OPC_ADD_WN;
    if ((!is_w && last->op != CB_OPC_ADD_N) || last->a != left || last->b != left || last->c != 1 ||
        gen->labels[label].at >= (int64_t)gen->count) {
        return false;
    }
    gen->count--;
    bool is_less = op == CB_OP_LESS;
    cb_opcode wide = is_less ? CB_OPC_STEP_LT : CB_OPC_STEP_LE;
    cb_opcode narrow = is_less ? CB_OPC_STEP_LT_W : CB_OPC_STEP_LE_W;
    cb_gen_jump(gen, is_w ? narrow : wide, left, right, label);
    return true;
}

static void jump_if_integers(cb_gen *gen, cb_operator op, uint16_t left, uint16_t right,
                             uint32_t label)
{
    switch (op) {
    case CB_OP_EQUAL:
        cb_gen_jump(gen, CB_OPC_JUMP_EQ, left, right, label);
        return;
    case CB_OP_NOT_EQUAL:
        cb_gen_jump(gen, CB_OPC_JUMP_NE, left, right, label);
        return;
    case CB_OP_LESS:
        cb_gen_jump(gen, CB_OPC_JUMP_LT, left, right, label);
        return;
    case CB_OP_LESS_EQUAL:
        cb_gen_jump(gen, CB_OPC_JUMP_LE, left, right, label);
        return;
    case CB_OP_GREATER:
        cb_gen_jump(gen, CB_OPC_JUMP_LT, right, left, label);
        return;
    default:
        cb_gen_jump(gen, CB_OPC_JUMP_LE, right, left, label);
        return;
    }
}

static bool is_stepped(const cb_gen *gen, uint16_t reg)
{
    const cb_insn *last = gen->count > 0 ? &gen->code[gen->count - 1] : NULL;
    return last != NULL && gen->last_label != (int64_t)gen->count &&
           (last->op == CB_OPC_ADD_WN || last->op == CB_OPC_ADD_N) && last->a == reg &&
           last->b == reg && last->c == 1;
}

static void integer_condition(cb_gen *gen, const cb_ast_expr *expr, cb_operator op, uint32_t label)
{
    const cb_ast_expr *left_expr = expr->binary.left;
    const cb_ast_expr *right_expr = expr->binary.right;
    int64_t number;
    if (cb_gen_is_short(left_expr, &number)) {
        const cb_ast_expr *other = left_expr;
        left_expr = right_expr;
        right_expr = other;
        op = mirrored(op);
    }
    uint16_t left = cb_gen_kept(gen, left_expr, right_expr);
    bool is_back = gen->status == CB_OK && gen->labels[label].at >= 0;
    bool may_fuse = is_back && is_stepped(gen, left);
    if (!may_fuse && cb_gen_is_short(right_expr, &number) &&
        jump_if_number(gen, op, left, number, label)) {
        return;
    }
    uint16_t right = cb_gen_scalar(gen, right_expr, CB_GEN_ANY);
    if (!fuse_step(gen, op, left, right, label)) {
        jump_if_integers(gen, op, left, right, label);
    }
}

/* Not-a-number makes every comparison but != false, so `not <` is no `>=`. */
static void real_condition(cb_gen *gen, const cb_ast_expr *expr, bool sense, uint32_t label)
{
    uint16_t left = cb_gen_kept(gen, expr->binary.left, expr->binary.right);
    uint16_t right = cb_gen_scalar(gen, expr->binary.right, CB_GEN_ANY);
    cb_operator op = expr->binary.op;
    if (op == CB_OP_GREATER || op == CB_OP_GREATER_EQUAL) {
        uint16_t other = left;
        left = right;
        right = other;
        op = mirrored(op);
    }
    cb_opcode opcode;
    if (op == CB_OP_LESS) {
        opcode = sense ? CB_OPC_JUMP_LT_F : CB_OPC_JUMP_NLT_F;
    } else {
        opcode = sense ? CB_OPC_JUMP_LE_F : CB_OPC_JUMP_NLE_F;
    }
    cb_gen_jump(gen, opcode, left, right, label);
}

static void compare_condition(cb_gen *gen, const cb_ast_expr *expr, bool sense, uint32_t label)
{
    cb_type type = expr->binary.left->type;
    cb_operator op = expr->binary.op;
    bool is_order = op != CB_OP_EQUAL && op != CB_OP_NOT_EQUAL;
    if (gen->far || (type == CB_TYPE_U64 && is_order) || (cb_type_is_real(type) && !is_order)) {
        jump_if_value(gen, expr, sense, label);
        return;
    }
    uint32_t mark = gen->scalars.top;
    if (cb_type_is_real(type)) {
        real_condition(gen, expr, sense, label);
    } else if (cb_gen_is_object(type)) {
        uint16_t order = cb_gen_new(gen, &gen->scalars, CB_KIND_INT);
        compare_objects(gen, expr, order);
        jump_if_number(gen, sense ? op : opposite(op), order, 0, label);
    } else {
        integer_condition(gen, expr, sense ? op : opposite(op), label);
    }
    gen->scalars.top = mark;
}

/* `and` with sense false, and `or` with sense true: either part alone decides for the jump. */
static void both_condition(cb_gen *gen, const cb_ast_expr *expr, bool sense, uint32_t label)
{
    bool is_and = expr->kind == CB_EXPR_AND;
    if (is_and != sense) {
        cb_gen_condition(gen, expr->binary.left, sense, label);
        cb_gen_condition(gen, expr->binary.right, sense, label);
        return;
    }
    uint32_t on = cb_gen_label_new(gen);
    cb_gen_condition(gen, expr->binary.left, !sense, on);
    cb_gen_condition(gen, expr->binary.right, sense, label);
    cb_gen_bind(gen, on);
}

static void condition(cb_gen *gen, const cb_ast_expr *expr, bool sense, uint32_t label)
{
    switch (expr->kind) {
    case CB_EXPR_INT:
        if ((expr->integer != 0) == sense) {
            cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, label);
        }
        return;
    case CB_EXPR_NOT:
        cb_gen_condition(gen, expr->unary.operand, !sense, label);
        return;
    case CB_EXPR_AND:
    case CB_EXPR_OR:
        both_condition(gen, expr, sense, label);
        return;
    case CB_EXPR_COMPARE:
        compare_condition(gen, expr, sense, label);
        return;
    default:
        jump_if_value(gen, expr, sense, label);
        return;
    }
}

void cb_gen_condition(cb_gen *gen, const cb_ast_expr *expr, bool sense, uint32_t label)
{
    if (gen->status != CB_OK) {
        return;
    }
    cb_place outer = gen->place;
    gen->place = expr->place;
    if (++gen->depth > CB_GEN_DEPTH) {
        cb_gen_fail(gen, CB_LIMIT, "this expression is nested too deep");
    } else {
        condition(gen, expr, sense, label);
    }
    gen->depth--;
    gen->place = outer;
}
