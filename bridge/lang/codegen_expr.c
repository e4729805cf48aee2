/* Scalar expressions. */
#include <assert.h>

#include "bridge/lang/codegen.h"
#include "bridge/lang/types.h"

const cb_ast_local *cb_gen_local(const cb_gen *gen, uint32_t local)
{
    return &gen->source->locals[local];
}

bool cb_gen_is_object(cb_type type)
{
    return type == CB_TYPE_STRING || type == CB_TYPE_BLOB;
}

static bool any_has_effects(const cb_ast_expr *list)
{
    for (const cb_ast_expr *expr = list; expr != NULL; expr = expr->next) {
        if (cb_gen_has_effects(expr)) {
            return true;
        }
    }
    return false;
}

/* Whether evaluating it may change a variable of this function. */
bool cb_gen_has_effects(const cb_ast_expr *expr)
{
    switch (expr->kind) {
    case CB_EXPR_ASSIGN:
    case CB_EXPR_ASSIGN_BOUNDED:
    case CB_EXPR_ASSIGN_OP:
    case CB_EXPR_STEP:
    case CB_EXPR_REF:
        return true;
    case CB_EXPR_CONVERT:
    case CB_EXPR_NEGATE:
    case CB_EXPR_COMPLEMENT:
    case CB_EXPR_NOT:
        return cb_gen_has_effects(expr->unary.operand);
    case CB_EXPR_BINARY:
    case CB_EXPR_COMPARE:
    case CB_EXPR_AND:
    case CB_EXPR_OR:
        return cb_gen_has_effects(expr->binary.left) || cb_gen_has_effects(expr->binary.right);
    case CB_EXPR_CHOOSE:
        return cb_gen_has_effects(expr->choose.condition) || cb_gen_has_effects(expr->choose.yes) ||
               cb_gen_has_effects(expr->choose.no);
    case CB_EXPR_INDEX:
        return cb_gen_has_effects(expr->index.at);
    case CB_EXPR_CALL:
        return any_has_effects(expr->call.arguments);
    case CB_EXPR_VERB:
        return any_has_effects(expr->verb.arguments);
    default:
        return false;
    }
}

uint16_t cb_gen_kept(cb_gen *gen, const cb_ast_expr *expr, const cb_ast_expr *later)
{
    uint16_t reg = cb_gen_scalar(gen, expr, CB_GEN_ANY);
    /* Whatever is not a variable's own register is a temporary of this very expression. */
    const cb_ast_expr *inner = expr;
    while (inner->kind == CB_EXPR_CONVERT) {
        inner = inner->unary.operand;
    }
    bool is_variable = inner->kind == CB_EXPR_LOCAL || inner->kind == CB_EXPR_ASSIGN ||
                       inner->kind == CB_EXPR_ASSIGN_OP || inner->kind == CB_EXPR_STEP;
    if (!is_variable || !any_has_effects(later)) {
        return reg;
    }
    uint16_t copy = cb_gen_new_scalar(gen, expr->type);
    bool is_real = cb_type_is_real(expr->type);
    cb_gen_emit(gen, is_real ? CB_OPC_MOVE_F : CB_OPC_MOVE_I, copy, reg, 0);
    return copy;
}

/* Brings the register back into the type's range. */
void cb_gen_wrap(cb_gen *gen, cb_type type, uint16_t reg)
{
    static const uint16_t wraps[CB_TYPE_COUNT] = {
        [CB_TYPE_I8] = CB_OPC_WRAP_I8,    [CB_TYPE_I16] = CB_OPC_WRAP_I16,
        [CB_TYPE_I32] = CB_OPC_WRAP_I32,  [CB_TYPE_U8] = CB_OPC_WRAP_U8,
        [CB_TYPE_U16] = CB_OPC_WRAP_U16,  [CB_TYPE_U32] = CB_OPC_WRAP_U32,
        [CB_TYPE_FLOAT] = CB_OPC_ROUND_F,
    };
    if (wraps[type] != 0) {
        cb_gen_emit(gen, (cb_opcode)wraps[type], reg, reg, 0);
    }
}

static uint16_t move_to(cb_gen *gen, uint16_t from, int wanted, cb_type type)
{
    if (wanted < 0 || wanted == from) {
        return from;
    }
    bool is_real = cb_type_is_real(type);
    cb_gen_emit(gen, is_real ? CB_OPC_MOVE_F : CB_OPC_MOVE_I, (uint16_t)wanted, from, 0);
    return (uint16_t)wanted;
}

static uint16_t gen_local(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint16_t reg = gen->locals[expr->local];
    if (cb_gen_local(gen, expr->local)->kind != CB_LOCAL_REF) {
        return move_to(gen, reg, wanted, expr->type);
    }
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    bool is_real = cb_type_is_real(expr->type);
    cb_gen_emit(gen, is_real ? CB_OPC_REF_GET_F : CB_OPC_REF_GET, to, reg, 0);
    return to;
}

static bool keeps_value(cb_type from, cb_type to)
{
    uint32_t from_bytes = cb_type_bytes(from);
    uint32_t to_bytes = cb_type_bytes(to);
    if (to_bytes == 8) {
        return true; /* registers have 64 bits, extended by the operand's own type */
    }
    if (cb_type_is_signed(from) == cb_type_is_signed(to)) {
        return from_bytes <= to_bytes;
    }
    return cb_type_is_signed(to) && from_bytes < to_bytes;
}

static void convert(cb_gen *gen, cb_type from, cb_type to, uint16_t reg, uint16_t operand)
{
    if (cb_type_is_integer(from) && cb_type_is_integer(to)) {
        cb_gen_emit(gen, CB_OPC_MOVE_I, reg, operand, 0);
        cb_gen_wrap(gen, to, reg);
        /* MOVE and WRAP of one register are one instruction. */
        if (gen->status == CB_OK && gen->code[gen->count - 1].op != CB_OPC_MOVE_I) {
            gen->code[gen->count - 2] = gen->code[gen->count - 1];
            gen->code[gen->count - 2].b = operand;
            gen->count--;
        }
    } else if (cb_type_is_integer(from)) {
        bool is_float = to == CB_TYPE_FLOAT;
        cb_opcode signed_op = is_float ? CB_OPC_I_TO_FLOAT : CB_OPC_I_TO_F;
        cb_opcode unsigned_op = is_float ? CB_OPC_U_TO_FLOAT : CB_OPC_U_TO_F;
        cb_gen_emit(gen, from == CB_TYPE_U64 ? unsigned_op : signed_op, reg, operand, 0);
    } else if (cb_type_is_integer(to)) {
        cb_gen_emit(gen, CB_OPC_F_TO_I, reg, operand, to);
    } else {
        cb_gen_emit(gen, to == CB_TYPE_FLOAT ? CB_OPC_ROUND_F : CB_OPC_MOVE_F, reg, operand, 0);
    }
}

static uint16_t gen_convert(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    const cb_ast_expr *operand = expr->unary.operand;
    cb_type from = operand->type;
    cb_type to = expr->type;
    bool is_free = cb_type_is_integer(from) && cb_type_is_integer(to)
                       ? keeps_value(from, to)
                       : cb_type_is_real(from) && to == CB_TYPE_DOUBLE;
    if (is_free) {
        return cb_gen_scalar(gen, operand, wanted);
    }
    uint32_t mark = gen->scalars.top;
    uint16_t reg = cb_gen_scalar(gen, operand, CB_GEN_ANY);
    gen->scalars.top = mark;
    uint16_t result = cb_gen_target(gen, wanted, to);
    convert(gen, from, to, result, reg);
    return result;
}

static uint16_t gen_unary(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint32_t mark = gen->scalars.top;
    uint16_t operand = cb_gen_scalar(gen, expr->unary.operand, CB_GEN_ANY);
    gen->scalars.top = mark;
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    if (expr->kind == CB_EXPR_NOT) {
        cb_gen_emit(gen, CB_OPC_NOT, to, operand, 0);
    } else if (cb_type_is_real(expr->type)) {
        cb_gen_emit(gen, CB_OPC_NEG_F, to, operand, 0);
    } else {
        bool is_negation = expr->kind == CB_EXPR_NEGATE;
        cb_gen_emit(gen, is_negation ? CB_OPC_NEG : CB_OPC_COMPLEMENT, to, operand, 0);
        if (is_negation || !cb_type_is_signed(expr->type)) {
            cb_gen_wrap(gen, expr->type, to);
        }
    }
    return to;
}

static uint16_t gen_binary(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint32_t mark = gen->scalars.top;
    uint16_t left = cb_gen_kept(gen, expr->binary.left, expr->binary.right);
    /* The result may take the left operand's place, so the target is named after it is known. */
    uint32_t after = gen->scalars.top;
    uint16_t to;
    if (wanted >= 0) {
        to = (uint16_t)wanted;
    } else {
        gen->scalars.top = mark;
        to = cb_gen_new_scalar(gen, expr->type);
        mark = gen->scalars.top;
        gen->scalars.top = after > mark ? after : mark;
    }
    cb_gen_binary(gen, expr->binary.op, expr->type, to, left, expr->binary.right);
    gen->scalars.top = mark;
    return to;
}

/* && and || as values: conditions that end at 1 or at 0. */
static uint16_t gen_truth(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    uint32_t no = cb_gen_label_new(gen);
    uint32_t end = cb_gen_label_new(gen);
    cb_gen_condition(gen, expr, false, no);
    cb_gen_emit_wide(gen, CB_OPC_LOAD_I, to, 1);
    cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, end);
    cb_gen_bind(gen, no);
    cb_gen_emit_wide(gen, CB_OPC_LOAD_I, to, 0);
    cb_gen_bind(gen, end);
    return to;
}

static uint16_t gen_choose(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    uint32_t no = cb_gen_label_new(gen);
    uint32_t end = cb_gen_label_new(gen);
    uint32_t mark = gen->scalars.top;
    bool drops = expr->type == CB_TYPE_VOID;
    cb_gen_condition(gen, expr->choose.condition, false, no);
    cb_gen_scalar(gen, expr->choose.yes, drops ? CB_GEN_DROP : to);
    gen->scalars.top = mark;
    cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, end);
    cb_gen_bind(gen, no);
    cb_gen_scalar(gen, expr->choose.no, drops ? CB_GEN_DROP : to);
    gen->scalars.top = mark;
    cb_gen_bind(gen, end);
    return to;
}

/* Questions about the variable itself. */
static uint16_t gen_property(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    cb_opcode op = expr->kind == CB_EXPR_LENGTH     ? CB_OPC_LENGTH
                   : expr->kind == CB_EXPR_OVERFLOW ? CB_OPC_OVERFLOW
                                                    : CB_OPC_CAPACITY;
    cb_gen_emit(gen, op, to, gen->locals[expr->local], 0);
    return to;
}

static uint16_t gen_index(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint32_t mark = gen->scalars.top;
    uint16_t at = cb_gen_scalar(gen, expr->index.at, CB_GEN_ANY);
    gen->scalars.top = mark;
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    cb_gen_emit(gen, CB_OPC_INDEX_GET, to, gen->locals[expr->index.local], at);
    return to;
}

static uint16_t gen_compare(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint32_t mark = gen->scalars.top;
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    uint32_t kept = gen->scalars.top;
    cb_gen_compare(gen, expr, to);
    gen->scalars.top = wanted >= 0 ? mark : kept;
    return to;
}

/* A string or blob that nobody wants is made all the same: making it may have effects. */
static uint16_t gen_dropped_object(cb_gen *gen, const cb_ast_expr *expr)
{
    uint32_t mark = gen->objects.top;
    cb_gen_object(gen, expr);
    cb_gen_drop_objects(gen, mark);
    return 0;
}

static uint16_t gen_scalar(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    switch (expr->kind) {
    case CB_EXPR_INT:
        return cb_gen_integer(gen, expr->integer, wanted);
    case CB_EXPR_REAL: {
        double value = expr->type == CB_TYPE_FLOAT ? (double)(float)expr->real : expr->real;
        return cb_gen_real(gen, value, wanted);
    }
    case CB_EXPR_LOCAL:
        return gen_local(gen, expr, wanted);
    case CB_EXPR_CONVERT:
        return gen_convert(gen, expr, wanted);
    case CB_EXPR_NEGATE:
    case CB_EXPR_COMPLEMENT:
    case CB_EXPR_NOT:
        return gen_unary(gen, expr, wanted);
    case CB_EXPR_BINARY:
        return gen_binary(gen, expr, wanted);
    case CB_EXPR_COMPARE:
        return gen_compare(gen, expr, wanted);
    case CB_EXPR_AND:
    case CB_EXPR_OR:
        return gen_truth(gen, expr, wanted);
    case CB_EXPR_CHOOSE:
        return gen_choose(gen, expr, wanted);
    case CB_EXPR_ASSIGN:
    case CB_EXPR_ASSIGN_BOUNDED:
        return cb_gen_assign(gen, expr, wanted);
    case CB_EXPR_ASSIGN_OP:
    case CB_EXPR_STEP:
        return cb_gen_update(gen, expr, wanted);
    case CB_EXPR_INDEX:
        return gen_index(gen, expr, wanted);
    case CB_EXPR_FIELD: {
        uint16_t to = cb_gen_target(gen, wanted, expr->type);
        cb_gen_get_field(gen, expr, to);
        return to;
    }
    case CB_EXPR_LENGTH:
    case CB_EXPR_OVERFLOW:
    case CB_EXPR_CAPACITY:
        return gen_property(gen, expr, wanted);
    case CB_EXPR_CALL:
    case CB_EXPR_VERB:
        return cb_gen_call(gen, expr, wanted);
    case CB_EXPR_STRING:
    case CB_EXPR_CALLBACK:
    case CB_EXPR_REF:
        break;
    }
    return 0; /* an argument's kinds: codegen_object.c */
}

uint16_t cb_gen_scalar(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    if (gen->status != CB_OK) {
        return 0;
    }
    cb_place outer = gen->place;
    gen->place = expr->place;
    uint16_t result = 0;
    if (++gen->depth > CB_GEN_DEPTH) {
        cb_gen_fail(gen, CB_LIMIT, "this expression is nested too deep");
    } else if (cb_gen_is_object(expr->type) && expr->kind != CB_EXPR_ASSIGN) {
        result = gen_dropped_object(gen, expr);
    } else {
        result = gen_scalar(gen, expr, wanted);
    }
    gen->depth--;
    gen->place = outer;
    return result;
}
