/* Statements, functions, the program. */
#include "bridge/lang/codegen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/types.h"

static void gen_list(cb_gen *gen, const cb_ast_stmt *list);

/* Whether the next instruction is never reached. */
static bool is_dead(const cb_gen *gen)
{
    if (gen->count == 0 || gen->last_label == (int64_t)gen->count) {
        return false;
    }
    uint8_t flow = cb_opcode_table[gen->code[gen->count - 1].op].flow;
    return flow == CB_FLOW_END || flow == CB_FLOW_JUMP || flow == CB_FLOW_LOOP;
}

/* What a block took: its registers are free after it, its objects released. */
typedef struct scope {
    uint32_t scalars;
    uint32_t objects;
} scope;

static scope open_scope(const cb_gen *gen)
{
    return (scope){gen->scalars.top, gen->objects.top};
}

static void close_scope(cb_gen *gen, scope outer)
{
    if (is_dead(gen)) {
        gen->objects.top = outer.objects;
    }
    cb_gen_drop_objects(gen, outer.objects);
    gen->scalars.top = outer.scalars;
}

static void gen_block(cb_gen *gen, const cb_ast_stmt *list)
{
    scope outer = open_scope(gen);
    gen_list(gen, list);
    close_scope(gen, outer);
}

static void gen_effect(cb_gen *gen, const cb_ast_expr *expr)
{
    uint32_t mark = gen->scalars.top;
    cb_gen_scalar(gen, expr, CB_GEN_DROP);
    gen->scalars.top = mark;
}

/* -- declarations -- */

static void gen_declare(cb_gen *gen, const cb_ast_stmt *stmt)
{
    uint32_t number = stmt->declare.local;
    const cb_ast_local *local = cb_gen_local(gen, number);
    if (!cb_gen_is_object(local->type)) {
        uint16_t reg = cb_gen_new_scalar(gen, local->type);
        gen->locals[number] = reg;
        uint32_t mark = gen->scalars.top;
        if (stmt->declare.value != NULL) {
            cb_gen_scalar(gen, stmt->declare.value, reg);
        }
        gen->scalars.top = mark;
        return;
    }
    uint16_t object = cb_gen_new_object(gen, local->type);
    gen->locals[number] = object;
    if (local->kind == CB_LOCAL_ALIAS) {
        cb_gen_emit(gen, CB_OPC_DECLARE_ALIAS, object, 0, 0);
    } else {
        cb_gen_emit_wide(gen, CB_OPC_DECLARE, object, (int32_t)stmt->declare.size);
    }
    if (stmt->declare.value != NULL) {
        uint32_t mark = gen->objects.top;
        cb_gen_object_into(gen, stmt->declare.value, object);
        cb_gen_drop_objects(gen, mark);
    }
}

/* -- branches and loops -- */

static void gen_if(cb_gen *gen, const cb_ast_stmt *stmt)
{
    uint32_t no = cb_gen_label_new(gen);
    uint32_t end = cb_gen_label_new(gen);
    cb_gen_condition(gen, stmt->branch.condition, false, no);
    gen_block(gen, stmt->branch.yes);
    if (stmt->branch.no != NULL) {
        if (!is_dead(gen)) {
            cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, end);
        }
        cb_gen_bind(gen, no);
        gen_block(gen, stmt->branch.no);
    } else {
        cb_gen_bind(gen, no);
    }
    cb_gen_bind(gen, end);
}

static cb_gen_exit open_exit(cb_gen *gen, bool is_loop)
{
    return (cb_gen_exit){
        .outer = gen->exit,
        .break_label = cb_gen_label_new(gen),
        .continue_label = is_loop ? cb_gen_label_new(gen) : 0,
        .is_loop = is_loop,
        .objects = gen->objects.top,
    };
}

/* while, do and for: the condition is asked once before the loop and then at its end, so that a
 * turn costs one jump. */
static void gen_loop(cb_gen *gen, const cb_ast_stmt *stmt)
{
    const cb_ast_expr *test = stmt->loop.condition;
    scope outer = open_scope(gen);
    gen_list(gen, stmt->kind == CB_STMT_FOR ? stmt->loop.start : NULL);
    cb_gen_exit exit = open_exit(gen, true);
    gen->exit = &exit;
    gen->loop_depth++;
    if (test != NULL && stmt->kind != CB_STMT_DO) {
        cb_gen_condition(gen, test, false, exit.break_label);
    }
    uint32_t body = cb_gen_label_new(gen);
    cb_gen_bind(gen, body);
    /* Where a loop begins nothing may be joined with what was before it. */
    gen->last_label = (int64_t)gen->count;
    gen_block(gen, stmt->loop.body);
    cb_gen_bind(gen, exit.continue_label);
    const cb_ast_expr *step = stmt->kind == CB_STMT_FOR ? stmt->loop.step : NULL;
    for (; step != NULL; step = step->next) {
        gen_effect(gen, step);
    }
    if (test != NULL) {
        cb_gen_condition(gen, test, true, body);
    } else {
        cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, body);
    }
    gen->loop_depth--;
    gen->exit = exit.outer;
    cb_gen_bind(gen, exit.break_label);
    close_scope(gen, outer);
}

static void gen_case_tests(cb_gen *gen, const cb_ast_stmt *stmt, uint32_t first, uint32_t otherwise)
{
    uint32_t mark = gen->scalars.top;
    uint16_t value = cb_gen_scalar(gen, stmt->choice.value, CB_GEN_ANY);
    uint32_t label = first;
    for (const cb_ast_case *one = stmt->choice.cases; one != NULL; one = one->next, label++) {
        cb_ast_expr number = {.kind = CB_EXPR_INT, .type = stmt->choice.value->type};
        int64_t unused;
        number.integer = one->value;
        uint32_t inner = gen->scalars.top;
        if (one->is_default) {
            otherwise = label;
        } else if (cb_gen_is_short(&number, &unused) && !gen->far) {
            cb_gen_jump(gen, CB_OPC_JUMP_EQ_N, value, (uint16_t)(int16_t)one->value, label);
        } else {
            uint16_t same = cb_gen_new(gen, &gen->scalars, CB_KIND_INT);
            uint16_t with = cb_gen_integer(gen, one->value, CB_GEN_ANY);
            cb_gen_emit(gen, CB_OPC_EQ, same, value, with);
            cb_gen_jump(gen, CB_OPC_JUMP_T, same, 0, label);
        }
        gen->scalars.top = inner;
    }
    cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, otherwise);
    gen->scalars.top = mark;
}

/* The cases are one block: what one declares is released at the end of the switch. */
static void gen_switch(cb_gen *gen, const cb_ast_stmt *stmt)
{
    scope outer = open_scope(gen);
    cb_gen_exit exit = open_exit(gen, false);
    uint32_t first = (uint32_t)gen->label_count;
    for (const cb_ast_case *one = stmt->choice.cases; one != NULL; one = one->next) {
        cb_gen_label_new(gen);
    }
    gen_case_tests(gen, stmt, first, exit.break_label);
    gen->exit = &exit;
    uint32_t label = first;
    for (const cb_ast_case *one = stmt->choice.cases; one != NULL; one = one->next) {
        cb_gen_bind(gen, label++);
        gen_list(gen, one->body);
    }
    gen->exit = exit.outer;
    /* Jumps over a case's declarations lead here as well, so the objects are released behind the
     * label; a release of what was never declared does nothing. */
    cb_gen_bind(gen, exit.break_label);
    close_scope(gen, outer);
}

static void gen_leave_loop(cb_gen *gen, bool is_continue)
{
    const cb_gen_exit *exit = gen->exit;
    while (is_continue && exit != NULL && !exit->is_loop) {
        exit = exit->outer;
    }
    assert(exit != NULL);
    /* The objects stay declared for the code behind, which other ways lead to. */
    if (gen->objects.top > exit->objects) {
        cb_gen_emit(gen, CB_OPC_CLEAR, exit->objects, 0, gen->objects.top - exit->objects);
    }
    cb_gen_jump(gen, CB_OPC_JUMP, 0, 0, is_continue ? exit->continue_label : exit->break_label);
}

/* -- leaving -- */

static void gen_return(cb_gen *gen, const cb_ast_expr *value)
{
    uint32_t mark = gen->scalars.top;
    uint32_t object_mark = gen->objects.top;
    if (value == NULL) {
        cb_gen_emit(gen, CB_OPC_LEAVE, 0, 0, 0);
    } else if (cb_gen_is_object(value->type)) {
        uint16_t object = cb_gen_object(gen, value);
        cb_gen_emit(gen, CB_OPC_LEAVE_O, object, 0, 0);
    } else {
        uint16_t reg = cb_gen_scalar(gen, value, CB_GEN_ANY);
        bool is_real = cb_type_is_real(value->type);
        cb_gen_emit(gen, is_real ? CB_OPC_LEAVE_F : CB_OPC_LEAVE_I, reg, 0, 0);
    }
    gen->objects.top = object_mark;
    gen->scalars.top = mark;
}

/* What stands behind the last statement. Only a void function gets there, but every one must end.
 */
static void gen_end(cb_gen *gen)
{
    if (is_dead(gen)) {
        return;
    }
    cb_type result = gen->source->result;
    gen->place = gen->source->end;
    if (result == CB_TYPE_VOID) {
        cb_gen_emit(gen, CB_OPC_LEAVE, 0, 0, 0);
    } else if (cb_gen_is_object(result)) {
        cb_gen_emit(gen, CB_OPC_LEAVE_O, cb_gen_new_object(gen, result), 0, 0);
    } else if (cb_type_is_real(result)) {
        cb_gen_emit(gen, CB_OPC_LEAVE_F, cb_gen_real(gen, 0.0, CB_GEN_ANY), 0, 0);
    } else {
        cb_gen_emit(gen, CB_OPC_LEAVE_I, cb_gen_integer(gen, 0, CB_GEN_ANY), 0, 0);
    }
}

static void gen_statement(cb_gen *gen, const cb_ast_stmt *stmt)
{
    gen->place = stmt->place;
    switch (stmt->kind) {
    case CB_STMT_EXPRESSION:
        gen_effect(gen, stmt->expression);
        return;
    case CB_STMT_DECLARE:
        gen_declare(gen, stmt);
        return;
    case CB_STMT_BLOCK:
        gen_block(gen, stmt->body);
        return;
    case CB_STMT_IF:
        gen_if(gen, stmt);
        return;
    case CB_STMT_WHILE:
    case CB_STMT_DO:
    case CB_STMT_FOR:
        gen_loop(gen, stmt);
        return;
    case CB_STMT_SWITCH:
        gen_switch(gen, stmt);
        return;
    case CB_STMT_BREAK:
    case CB_STMT_CONTINUE:
        gen_leave_loop(gen, stmt->kind == CB_STMT_CONTINUE);
        return;
    case CB_STMT_RETURN:
        gen_return(gen, stmt->expression);
        return;
    }
}

static void gen_list(cb_gen *gen, const cb_ast_stmt *list)
{
    for (const cb_ast_stmt *stmt = list; stmt != NULL && gen->status == CB_OK; stmt = stmt->next) {
        gen_statement(gen, stmt);
    }
}

/* -- functions -- */

static char *copy_text(cb_gen *gen, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
    }
    return copy;
}

/* What callers must know; made for all functions before any code. */
static void describe(cb_gen *gen, const cb_ast_function *source, cb_function *function)
{
    gen->place = source->place;
    function->name = copy_text(gen, source->name);
    function->result = (uint8_t)cb_kind_of(source->result);
    function->result_type = (uint8_t)source->result;
    function->is_callback = source->is_callback;
    function->parameters = calloc(source->parameter_count + 1u, sizeof *function->parameters);
    if (function->parameters == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
        return;
    }
    function->parameter_count = source->parameter_count;
    for (uint32_t i = 0; i < source->parameter_count; i++) {
        const cb_ast_local *local = &source->locals[i];
        function->parameters[i].kind = (uint8_t)cb_kind_of(local->type);
        function->parameters[i].is_ref = local->kind == CB_LOCAL_REF;
        if (cb_gen_is_object(local->type)) {
            function->object_parameter_count++;
        } else {
            function->scalar_parameter_count++;
        }
    }
}

static void start_function(cb_gen *gen)
{
    gen->count = 0;
    gen->label_count = 0;
    gen->fixup_count = 0;
    gen->last_label = -1;
    gen->too_far = false;
    gen->loop_depth = 0;
    gen->depth = 0;
    gen->exit = NULL;
    gen->constant_count = 0;
    memset(&gen->scalars, 0, sizeof gen->scalars);
    memset(&gen->objects, 0, sizeof gen->objects);
    for (uint32_t i = 0; i < gen->source->parameter_count; i++) {
        const cb_ast_local *local = cb_gen_local(gen, i);
        if (cb_gen_is_object(local->type)) {
            gen->locals[i] = cb_gen_new_object(gen, local->type);
        } else {
            bool is_ref = local->kind == CB_LOCAL_REF;
            gen->locals[i] =
                cb_gen_new(gen, &gen->scalars, is_ref ? CB_KIND_REF : cb_kind_of(local->type));
        }
    }
}

static void gen_function(cb_gen *gen, uint32_t index)
{
    gen->source = &gen->ast->functions[index];
    gen->function = &gen->program->functions[index];
    gen->far = false;
    do {
        gen->far = gen->too_far;
        start_function(gen);
        gen_list(gen, gen->source->body);
        gen_end(gen);
        cb_gen_finish_function(gen);
    } while (gen->too_far && gen->status == CB_OK);
}

/* -- the program -- */

static void list_callbacks(cb_gen *gen)
{
    cb_program *program = gen->program;
    program->callbacks = calloc(program->function_count + 1u, sizeof *program->callbacks);
    if (program->callbacks == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < program->function_count; i++) {
        if (program->functions[i].is_callback) {
            program->callbacks[program->callback_count++] = i;
        }
    }
}

/* Now that the code no longer moves and every function's objects are counted. */
static void link_functions(cb_program *program)
{
    size_t at = 0;
    for (size_t i = 0; i < program->function_count; i++) {
        program->functions[i].code = program->code + at;
        at += program->functions[i].code_count;
    }
    for (size_t i = 0; i < program->code_count; i++) {
        cb_insn *insn = &program->code[i];
        if (insn->op == CB_OPC_CALL_O && program->functions[insn->b].object_count == 0) {
            insn->op = CB_OPC_CALL;
        }
    }
}

static void generate(cb_gen *gen)
{
    cb_program *program = gen->program;
    const cb_ast_program *ast = gen->ast;
    program->path = copy_text(gen, ast->source->path);
    program->functions = calloc(ast->function_count + 1u, sizeof *program->functions);
    if (program->functions == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
        return;
    }
    program->function_count = ast->function_count;
    program->main_index = ast->main_index < ast->function_count ? ast->main_index : CB_NO_MAIN;
    for (uint32_t i = 0; i < ast->function_count && gen->status == CB_OK; i++) {
        describe(gen, &ast->functions[i], &program->functions[i]);
    }
    for (uint32_t i = 0; i < ast->function_count && gen->status == CB_OK; i++) {
        gen_function(gen, i);
    }
    if (gen->status == CB_OK) {
        list_callbacks(gen);
        link_functions(program);
    }
}

cb_status cb_generate(const cb_ast_program *ast, cb_program *program, cb_diagnostics *diagnostics)
{
    cb_gen *gen = calloc(1, sizeof *gen);
    if (gen == NULL) {
        return CB_NO_MEMORY;
    }
    gen->ast = ast;
    gen->program = program;
    gen->diagnostics = diagnostics;
    generate(gen);
    cb_status status = gen->status;
    free(gen->code);
    free(gen->lines);
    free(gen->labels);
    free(gen->fixups);
    free(gen);
    return status;
}
