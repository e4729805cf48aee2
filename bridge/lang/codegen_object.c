/* Strings, blobs, and calls of functions and verbs. */
#include <assert.h>

#include "bridge/lang/codegen.h"
#include "bridge/lang/types.h"

/* -- objects -- */

static uint16_t choose_object(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    uint32_t no = cb_gen_label_new(gen);
    uint32_t end = cb_gen_label_new(gen);
    cb_gen_condition(gen, expr->choose.condition, false, no);
    cb_gen_object_into(gen, expr->choose.yes, to);
    cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, end);
    cb_gen_bind(gen, no);
    cb_gen_object_into(gen, expr->choose.no, to);
    cb_gen_bind(gen, end);
    return to;
}

static void object_into(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    switch (expr->kind) {
    case CB_EXPR_STRING:
        cb_gen_emit_wide(gen, CB_OPC_COPY_K, to,
                         cb_gen_string(gen, expr->string.bytes, expr->string.size));
        return;
    case CB_EXPR_CHOOSE:
        choose_object(gen, expr, to);
        return;
    case CB_EXPR_CALL:
    case CB_EXPR_VERB:
        cb_gen_call(gen, expr, to);
        return;
    default: { /* a variable, or an assignment to one */
        uint16_t from = cb_gen_object(gen, expr);
        cb_gen_emit(gen, CB_OPC_COPY, to, from, 0);
        return;
    }
    }
}

void cb_gen_object_into(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    if (gen->status != CB_OK) {
        return;
    }
    cb_place outer = gen->place;
    gen->place = expr->place;
    if (++gen->depth > CB_GEN_DEPTH) {
        cb_gen_fail(gen, CB_LIMIT, "this expression is nested too deep");
    } else {
        object_into(gen, expr, to);
    }
    gen->depth--;
    gen->place = outer;
}

uint16_t cb_gen_object(cb_gen *gen, const cb_ast_expr *expr)
{
    if (expr->kind == CB_EXPR_LOCAL || expr->kind == CB_EXPR_REF) {
        return gen->locals[expr->local];
    }
    if (expr->kind == CB_EXPR_ASSIGN) {
        return cb_gen_scalar(gen, expr, CB_GEN_ANY);
    }
    uint16_t to = cb_gen_new_object(gen, expr->type);
    cb_gen_object_into(gen, expr, to);
    return to;
}

uint16_t cb_gen_object_kept(cb_gen *gen, const cb_ast_expr *expr, const cb_ast_expr *later)
{
    uint16_t from = cb_gen_object(gen, expr);
    bool is_variable = expr->kind == CB_EXPR_LOCAL || expr->kind == CB_EXPR_ASSIGN;
    bool may_change = false;
    for (const cb_ast_expr *next = later; next != NULL; next = next->next) {
        may_change = may_change || cb_gen_has_effects(next);
    }
    if (!is_variable || !may_change) {
        return from;
    }
    uint16_t copy = cb_gen_new_object(gen, expr->type);
    cb_gen_emit(gen, CB_OPC_COPY, copy, from, 0);
    return copy;
}

/* -- calls -- */

/* ARG instructions, gathered while the arguments are evaluated. */
typedef struct arguments {
    cb_insn insns[CB_MAX_ARGUMENTS];
    uint32_t count;
} arguments;

static void add_argument(arguments *list, cb_opcode op, uint32_t a, uint32_t b)
{
    assert(list->count < CB_MAX_ARGUMENTS);
    cb_insn insn = {.op = (uint16_t)op, .a = (uint16_t)a};
    insn.b = (uint16_t)b;
    insn.c = 0;
    list->insns[list->count++] = insn;
}

static void add_constant(cb_gen *gen, arguments *list, const cb_ast_expr *text)
{
    int32_t index = cb_gen_string(gen, text->string.bytes, text->string.size);
    add_argument(list, CB_OPC_ARG_K, 0, 0);
    list->insns[list->count - 1].wide = index;
}

static void emit_arguments(cb_gen *gen, const arguments *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        cb_gen_emit_wide(gen, (cb_opcode)list->insns[i].op, list->insns[i].a, list->insns[i].wide);
    }
}

static void object_argument(cb_gen *gen, arguments *list, const cb_ast_expr *expr)
{
    if (expr->kind == CB_EXPR_STRING) {
        add_constant(gen, list, expr);
    } else if (expr->kind == CB_EXPR_REF) {
        add_argument(list, CB_OPC_ARG_REF, gen->locals[expr->local], 0);
    } else {
        uint32_t before = gen->objects.top;
        uint16_t from = cb_gen_object_kept(gen, expr, expr->next);
        bool is_temporary = from >= before;
        add_argument(list, is_temporary ? CB_OPC_ARG_MOVE : CB_OPC_ARG_O, from, 0);
    }
}

static void scalar_argument(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    if (expr->kind != CB_EXPR_REF) {
        cb_gen_scalar(gen, expr, to);
        return;
    }
    const cb_ast_local *local = cb_gen_local(gen, expr->local);
    cb_opcode op = local->kind == CB_LOCAL_REF    ? CB_OPC_REF_MOVE
                   : cb_type_is_real(local->type) ? CB_OPC_REF_F
                                                  : CB_OPC_REF;
    cb_gen_emit(gen, op, to, gen->locals[expr->local], 0);
}

static bool is_object_kind(uint8_t kind)
{
    return kind == CB_KIND_STRING || kind == CB_KIND_BLOB;
}

static cb_kind slot_kind(const cb_parameter *parameter)
{
    return parameter->is_ref ? CB_KIND_REF : (cb_kind)parameter->kind;
}

/* The first place above all that is in use where the callee's scalars fit by their kinds. */
static uint16_t reserve_window(cb_gen *gen, const cb_function *callee)
{
    cb_gen_file *file = &gen->scalars;
    uint32_t base = file->top;
    for (uint32_t slot = 0, i = 0; i < callee->parameter_count; i++) {
        const cb_parameter *parameter = &callee->parameters[i];
        if (is_object_kind(parameter->kind)) {
            continue;
        }
        uint32_t at = base + slot;
        if (at >= CB_GEN_REGISTERS - 1) {
            cb_gen_fail(gen, CB_LIMIT, "this function needs too many registers");
            return 0;
        }
        if (file->kinds[at] != CB_KIND_NONE && file->kinds[at] != slot_kind(parameter)) {
            base++; /* try again one further */
            slot = 0;
            i = UINT32_MAX;
            continue;
        }
        slot++;
    }
    file->top = base;
    for (uint32_t i = 0; i < callee->parameter_count; i++) {
        const cb_parameter *parameter = &callee->parameters[i];
        if (!is_object_kind(parameter->kind)) {
            cb_gen_new(gen, file, slot_kind(parameter));
        }
    }
    return (uint16_t)base;
}

static void call_function(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    const cb_function *callee = &gen->program->functions[expr->call.function];
    arguments list = {.count = 0};
    uint32_t mark = gen->scalars.top;
    uint32_t object_mark = gen->objects.top;
    uint16_t window = reserve_window(gen, callee);
    uint16_t slot = window;
    for (const cb_ast_expr *argument = expr->call.arguments; argument != NULL;
         argument = argument->next) {
        if (cb_gen_is_object(argument->type)) {
            object_argument(gen, &list, argument);
        } else {
            uint32_t inner = gen->scalars.top;
            scalar_argument(gen, argument, slot++);
            gen->scalars.top = inner;
        }
    }
    gen->place = expr->place;
    /* Becomes a plain CALL at the end if the callee turns out to have no objects. */
    cb_gen_emit(gen, CB_OPC_CALL_O, window, expr->call.function, to);
    emit_arguments(gen, &list);
    cb_gen_drop_objects(gen, object_mark);
    gen->scalars.top = mark;
}

static void verb_argument(cb_gen *gen, arguments *list, const cb_ast_expr *expr)
{
    if (expr->kind == CB_EXPR_CALLBACK) {
        add_argument(list, CB_OPC_ARG_CALLBACK, 0, expr->function);
    } else if (expr->type == CB_TYPE_CALLBACK) {
        const cb_ast_expr *name = expr->unary.operand;
        add_argument(list, CB_OPC_ARG_NAME, cb_gen_object_kept(gen, name, expr->next), 0);
    } else if (cb_gen_is_object(expr->type)) {
        object_argument(gen, list, expr);
        if (list->insns[list->count - 1].op == CB_OPC_ARG_MOVE) {
            list->insns[list->count - 1].op = CB_OPC_ARG_O;
        }
    } else {
        bool is_real = cb_type_is_real(expr->type);
        uint16_t reg = cb_gen_kept(gen, expr, expr->next);
        add_argument(list, is_real ? CB_OPC_ARG_F : CB_OPC_ARG_I, reg, expr->type);
    }
}

static void call_verb(cb_gen *gen, const cb_ast_expr *expr, uint16_t to)
{
    arguments list = {.count = 0};
    uint32_t mark = gen->scalars.top;
    uint32_t object_mark = gen->objects.top;
    uint32_t index = cb_gen_verb(gen, expr);
    for (const cb_ast_expr *argument = expr->verb.arguments; argument != NULL;
         argument = argument->next) {
        verb_argument(gen, &list, argument);
    }
    gen->place = expr->place;
    cb_gen_emit(gen, CB_OPC_CALL_VERB, to, index, list.count);
    emit_arguments(gen, &list);
    cb_gen_drop_objects(gen, object_mark);
    gen->scalars.top = mark;
}

uint16_t cb_gen_call(cb_gen *gen, const cb_ast_expr *expr, int wanted)
{
    uint16_t to = cb_gen_target(gen, wanted, expr->type);
    if (expr->kind == CB_EXPR_CALL) {
        call_function(gen, expr, to);
    } else {
        call_verb(gen, expr, to);
    }
    return to;
}
