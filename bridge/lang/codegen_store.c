/* Arithmetic, and everything that stores a scalar: =, op=, ++ and -- on variables, bytes, fields.
 */
#include "bridge/lang/codegen.h"
#include "bridge/lang/types.h"

/* -- operators -- */

static void shift(cb_gen *gen, cb_operator op, cb_type type, uint16_t to, uint16_t left,
                  const cb_ast_expr *right)
{
    bool is_left = op == CB_OP_SHIFT_LEFT;
    bool is_u64 = type == CB_TYPE_U64;
    uint32_t width = cb_type_bytes(type) * 8;
    int64_t count;
    if (cb_gen_is_short(right, &count) && count >= 0 && count < (int64_t)width) {
        cb_gen_emit(gen,
                    is_left  ? CB_OPC_SHL_N
                    : is_u64 ? CB_OPC_SHR_UN
                             : CB_OPC_SHR_N,
                    to, left, (uint32_t)count);
    } else {
        uint16_t by = cb_gen_scalar(gen, right, CB_GEN_ANY);
        cb_gen_emit(gen, CB_OPC_SHIFT_CHECK, by, width, 0);
        cb_gen_emit(gen, is_left ? CB_OPC_SHL : is_u64 ? CB_OPC_SHR_U : CB_OPC_SHR, to, left, by);
    }
    if (is_left) {
        cb_gen_wrap(gen, type, to);
    }
}

/* With a constant inside the instruction; false if there is no such instruction. */
static bool with_number(cb_gen *gen, cb_operator op, cb_type type, uint16_t to, uint16_t left,
                        const cb_ast_expr *right)
{
    int64_t number;
    bool is_w = type == CB_TYPE_I32;
    cb_opcode opcode;
    if (!cb_gen_is_short(right, &number)) {
        return false;
    }
    switch (op) {
    case CB_OP_SUBTRACT:
        number = -number;
        if (number > INT16_MAX) {
            return false;
        }
        opcode = is_w ? CB_OPC_ADD_WN : CB_OPC_ADD_N;
        break;
    case CB_OP_ADD:
        opcode = is_w ? CB_OPC_ADD_WN : CB_OPC_ADD_N;
        break;
    case CB_OP_MULTIPLY:
        opcode = is_w ? CB_OPC_MUL_WN : CB_OPC_MUL_N;
        break;
    case CB_OP_BIT_AND:
        opcode = CB_OPC_AND_N;
        break;
    default:
        return false;
    }
    cb_gen_emit(gen, opcode, to, left, (uint16_t)(int16_t)number);
    if (!is_w && op != CB_OP_BIT_AND) {
        cb_gen_wrap(gen, type, to);
    }
    return true;
}

static cb_opcode integer_opcode(cb_operator op, cb_type type)
{
    bool is_w = type == CB_TYPE_I32;
    bool is_u64 = type == CB_TYPE_U64;
    switch (op) {
    case CB_OP_ADD:
        return is_w ? CB_OPC_ADD_W : CB_OPC_ADD;
    case CB_OP_SUBTRACT:
        return is_w ? CB_OPC_SUB_W : CB_OPC_SUB;
    case CB_OP_MULTIPLY:
        return is_w ? CB_OPC_MUL_W : CB_OPC_MUL;
    case CB_OP_DIVIDE:
        return is_w ? CB_OPC_DIV_W : is_u64 ? CB_OPC_DIV_U : CB_OPC_DIV;
    case CB_OP_REMAINDER:
        return is_w ? CB_OPC_MOD_W : is_u64 ? CB_OPC_MOD_U : CB_OPC_MOD;
    case CB_OP_BIT_AND:
        return CB_OPC_AND;
    case CB_OP_BIT_OR:
        return CB_OPC_OR;
    default:
        return CB_OPC_XOR;
    }
}

static cb_opcode real_opcode(cb_operator op)
{
    switch (op) {
    case CB_OP_ADD:
        return CB_OPC_ADD_F;
    case CB_OP_SUBTRACT:
        return CB_OPC_SUB_F;
    case CB_OP_MULTIPLY:
        return CB_OPC_MUL_F;
    default:
        return CB_OPC_DIV_F;
    }
}

/* Whether the 64-bit result may lie outside the type's range. i32 has opcodes of its own. */
static bool may_leave_range(cb_operator op, cb_type type)
{
    if (type == CB_TYPE_I32) {
        return false;
    }
    return op == CB_OP_ADD || op == CB_OP_SUBTRACT || op == CB_OP_MULTIPLY ||
           (op == CB_OP_DIVIDE && cb_type_is_signed(type));
}

void cb_gen_binary(cb_gen *gen, cb_operator op, cb_type type, uint16_t to, uint16_t left,
                   const cb_ast_expr *right)
{
    uint32_t mark = gen->scalars.top;
    if (op == CB_OP_SHIFT_LEFT || op == CB_OP_SHIFT_RIGHT) {
        shift(gen, op, type, to, left, right);
    } else if (cb_type_is_real(type)) {
        uint16_t with = cb_gen_scalar(gen, right, CB_GEN_ANY);
        cb_gen_emit(gen, real_opcode(op), to, left, with);
        cb_gen_wrap(gen, type, to);
    } else if (!with_number(gen, op, type, to, left, right)) {
        uint16_t with = cb_gen_scalar(gen, right, CB_GEN_ANY);
        cb_gen_emit(gen, integer_opcode(op, type), to, left, with);
        if (may_leave_range(op, type)) {
            cb_gen_wrap(gen, type, to);
        }
    }
    gen->scalars.top = mark;
}

/* -- targets -- */

void cb_gen_get_field(cb_gen *gen, const cb_ast_expr *field, uint16_t to)
{
    static const uint16_t gets[CB_TYPE_COUNT] = {
        [CB_TYPE_I8] = CB_OPC_GET_I8,       [CB_TYPE_I16] = CB_OPC_GET_I16,
        [CB_TYPE_I32] = CB_OPC_GET_I32,     [CB_TYPE_I64] = CB_OPC_GET_I64,
        [CB_TYPE_U8] = CB_OPC_GET_U8,       [CB_TYPE_U16] = CB_OPC_GET_U16,
        [CB_TYPE_U32] = CB_OPC_GET_U32,     [CB_TYPE_U64] = CB_OPC_GET_I64,
        [CB_TYPE_FLOAT] = CB_OPC_GET_FLOAT, [CB_TYPE_DOUBLE] = CB_OPC_GET_DOUBLE,
    };
    cb_gen_emit(gen, (cb_opcode)gets[field->type], to, gen->locals[field->field.local],
                field->field.offset);
}

static cb_opcode set_opcode(cb_type type)
{
    if (type == CB_TYPE_FLOAT) {
        return CB_OPC_SET_FLOAT;
    }
    if (type == CB_TYPE_DOUBLE) {
        return CB_OPC_SET_DOUBLE;
    }
    switch (cb_type_bytes(type)) {
    case 1:
        return CB_OPC_SET_8;
    case 2:
        return CB_OPC_SET_16;
    case 4:
        return CB_OPC_SET_32;
    default:
        return CB_OPC_SET_64;
    }
}

/* The register of a target that is a plain variable; -1 for all others. */
static int own_register(const cb_gen *gen, const cb_ast_expr *target)
{
    bool is_own =
        target->kind == CB_EXPR_LOCAL && cb_gen_local(gen, target->local)->kind != CB_LOCAL_REF;
    return is_own ? gen->locals[target->local] : -1;
}

/* Reads a target that is not a plain variable; `at` holds the index of a byte. */
static void read_target(cb_gen *gen, const cb_ast_expr *target, uint16_t to, uint16_t at)
{
    if (target->kind == CB_EXPR_INDEX) {
        cb_gen_emit(gen, CB_OPC_INDEX_GET, to, gen->locals[target->index.local], at);
    } else if (target->kind == CB_EXPR_FIELD) {
        cb_gen_get_field(gen, target, to);
    } else {
        bool is_real = cb_type_is_real(target->type);
        cb_gen_emit(gen, is_real ? CB_OPC_REF_GET_F : CB_OPC_REF_GET, to,
                    gen->locals[target->local], 0);
    }
}

static void write_target(cb_gen *gen, const cb_ast_expr *target, uint16_t value, uint16_t at)
{
    if (target->kind == CB_EXPR_INDEX) {
        cb_gen_emit(gen, CB_OPC_INDEX_SET, value, gen->locals[target->index.local], at);
    } else if (target->kind == CB_EXPR_FIELD) {
        cb_gen_emit(gen, set_opcode(target->type), value, gen->locals[target->field.local],
                    target->field.offset);
    } else {
        bool is_real = cb_type_is_real(target->type);
        cb_gen_emit(gen, is_real ? CB_OPC_REF_SET_F : CB_OPC_REF_SET, value,
                    gen->locals[target->local], 0);
    }
}

static void move(cb_gen *gen, cb_type type, uint16_t to, uint16_t from)
{
    if (to != from) {
        cb_gen_emit(gen, cb_type_is_real(type) ? CB_OPC_MOVE_F : CB_OPC_MOVE_I, to, from, 0);
    }
}

/* What an assignment to a byte is worth: the byte. */
static void value_of_target(cb_gen *gen, const cb_ast_expr *target, uint16_t to, uint16_t value)
{
    if (target->kind == CB_EXPR_INDEX) {
        cb_gen_emit(gen, CB_OPC_WRAP_U8, to, value, 0);
    } else {
        move(gen, target->type, to, value);
    }
}

/* -- assignments -- */

static uint16_t assign_object(cb_gen *gen, const cb_ast_expr *expr)
{
    uint16_t to = gen->locals[expr->assign.target->local];
    if (expr->kind == CB_EXPR_ASSIGN) {
        cb_gen_object_into(gen, expr->assign.value, to);
        return to;
    }
    uint32_t mark = gen->objects.top;
    uint16_t value = cb_gen_object(gen, expr->assign.value);
    gen->place = expr->place;
    cb_gen_emit(gen, CB_OPC_FILL, to, value, 0);
    cb_gen_drop_objects(gen, mark);
    return to;
}

uint16_t cb_gen_assign(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    const cb_ast_expr *target = expr->assign.target;
    const cb_ast_expr *value = expr->assign.value;
    if (cb_gen_is_object(target->type)) {
        return assign_object(gen, expr);
    }
    int own = own_register(gen, target);
    if (own >= 0) {
        cb_gen_scalar(gen, value, own);
        if (wanted >= 0) {
            move(gen, expr->type, (uint16_t)wanted, (uint16_t)own);
            return (uint16_t)wanted;
        }
        return (uint16_t)own;
    }
    uint16_t to = wanted == CB_GEN_ANY ? cb_gen_new_scalar(gen, expr->type) : (uint16_t)wanted;
    uint32_t mark = gen->scalars.top;
    uint16_t at = 0;
    if (target->kind == CB_EXPR_INDEX) {
        at = cb_gen_kept(gen, target->index.at, value);
    }
    uint16_t reg = cb_gen_scalar(gen, value, CB_GEN_ANY);
    gen->place = target->place;
    write_target(gen, target, reg, at);
    if (wanted != CB_GEN_DROP) {
        value_of_target(gen, target, to, reg);
    }
    gen->scalars.top = mark;
    return to;
}

/* What ++ and -- add or take: a tree of its own, made on the stack. */
static cb_ast_expr one_of(const cb_ast_expr *expr)
{
    bool is_real = cb_type_is_real(expr->type);
    cb_ast_expr one = {.kind = is_real ? CB_EXPR_REAL : CB_EXPR_INT, .type = expr->type};
    one.place = expr->place;
    if (is_real) {
        one.real = 1.0;
    } else {
        one.integer = 1;
    }
    return one;
}

typedef struct update {
    const cb_ast_expr *target;
    const cb_ast_expr *value;
    cb_operator op;
    bool is_postfix;
} update;

static uint16_t update_own(cb_gen *gen, const update *what, int own, int wanted)
{
    cb_type type = what->target->type;
    uint16_t reg = (uint16_t)own;
    uint16_t to = reg;
    /* `$a = $a++`: the old value is stored last, so the variable stays as it is. */
    if (what->is_postfix && wanted == own) {
        return to;
    }
    if (what->is_postfix && wanted != CB_GEN_DROP) {
        to = wanted >= 0 ? (uint16_t)wanted : cb_gen_new_scalar(gen, type);
        move(gen, type, to, reg);
    }
    /* `$a += ($a = 2)`: the left side is what it is when its turn comes, before the right one. */
    uint16_t left = reg;
    uint32_t mark = gen->scalars.top;
    if (cb_gen_has_effects(what->value)) {
        left = cb_gen_new_scalar(gen, type);
        move(gen, type, left, reg);
    }
    cb_gen_binary(gen, what->op, type, reg, left, what->value);
    gen->scalars.top = mark;
    if (!what->is_postfix && wanted >= 0) {
        to = (uint16_t)wanted;
        move(gen, type, to, reg);
    }
    return to;
}

static uint16_t update_other(cb_gen *gen, const update *what, int wanted)
{
    const cb_ast_expr *target = what->target;
    cb_type type = target->type;
    uint16_t to = wanted == CB_GEN_ANY ? cb_gen_new_scalar(gen, type) : (uint16_t)wanted;
    uint32_t mark = gen->scalars.top;
    uint16_t at = 0;
    if (target->kind == CB_EXPR_INDEX) {
        at = cb_gen_kept(gen, target->index.at, what->value);
    }
    uint16_t old = cb_gen_new_scalar(gen, type);
    uint16_t changed = cb_gen_new_scalar(gen, type);
    read_target(gen, target, old, at);
    cb_gen_binary(gen, what->op, type, changed, old, what->value);
    write_target(gen, target, changed, at);
    if (wanted != CB_GEN_DROP) {
        value_of_target(gen, target, to, what->is_postfix ? old : changed);
    }
    gen->scalars.top = mark;
    return to;
}

uint16_t cb_gen_update(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    cb_ast_expr one;
    update what;
    if (expr->kind == CB_EXPR_STEP) {
        one = one_of(expr->step.target);
        what.target = expr->step.target;
        what.value = &one;
        what.op = expr->step.is_decrement ? CB_OP_SUBTRACT : CB_OP_ADD;
        what.is_postfix = expr->step.is_postfix;
    } else {
        what.target = expr->assign.target;
        what.value = expr->assign.value;
        what.op = expr->assign.op;
        what.is_postfix = false;
    }
    int own = own_register(gen, what.target);
    return own >= 0 ? update_own(gen, &what, own, wanted) : update_other(gen, &what, wanted);
}
