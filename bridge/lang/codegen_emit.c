/* Instructions, registers, labels and constants of the function being generated. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/codegen.h"

void cb_gen_fail(cb_gen *gen, cb_status status, const char *text)
{
    if (gen->status == CB_OK) {
        gen->status = status;
        cb_diagnostics_add(gen->diagnostics, gen->place, "%s", text);
    }
}

bool cb_gen_grow(cb_gen *gen, void **array, size_t count, size_t *room, size_t element)
{
    if (count < *room) {
        return true;
    }
    size_t more = *room == 0 ? 64 : *room * 2;
    void *grown = realloc(*array, more * element);
    if (grown == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
        return false;
    }
    *array = grown;
    *room = more;
    return true;
}

static size_t add_insn(cb_gen *gen, cb_insn insn)
{
    size_t room = gen->room;
    if (gen->count >= CB_GEN_MOST_CODE) {
        cb_gen_fail(gen, CB_LIMIT, "this function is too large");
        return 0;
    }
    if (gen->count == room) { /* two arrays grow together */
        size_t same = room;
        if (!cb_gen_grow(gen, (void **)&gen->code, gen->count, &same, sizeof *gen->code) ||
            !cb_gen_grow(gen, (void **)&gen->lines, gen->count, &gen->room, sizeof *gen->lines)) {
            return 0;
        }
    }
    gen->code[gen->count] = insn;
    gen->lines[gen->count] = (cb_line){gen->place.line, gen->place.column};
    return gen->count++;
}

size_t cb_gen_emit(cb_gen *gen, cb_opcode op, uint32_t a, uint32_t b, uint32_t c)
{
    cb_insn insn = {.op = (uint16_t)op, .a = (uint16_t)a};
    insn.b = (uint16_t)b;
    insn.c = (uint16_t)c;
    return add_insn(gen, insn);
}

size_t cb_gen_emit_wide(cb_gen *gen, cb_opcode op, uint32_t a, int32_t wide)
{
    cb_insn insn = {.op = (uint16_t)op, .a = (uint16_t)a};
    insn.wide = wide;
    return add_insn(gen, insn);
}

/* -- registers -- */

uint16_t cb_gen_new(cb_gen *gen, cb_gen_file *file, cb_kind kind)
{
    uint32_t at = file->top;
    while (at < CB_GEN_REGISTERS && file->kinds[at] != CB_KIND_NONE && file->kinds[at] != kind) {
        at++;
    }
    if (at >= CB_GEN_REGISTERS - 1) {
        cb_gen_fail(gen, CB_LIMIT, "this function needs too many registers");
        return 0;
    }
    file->kinds[at] = (uint8_t)kind;
    file->top = at + 1;
    if (file->top > file->high) {
        file->high = file->top;
    }
    return (uint16_t)at;
}

uint16_t cb_gen_new_scalar(cb_gen *gen, cb_type type)
{
    return cb_gen_new(gen, &gen->scalars, cb_kind_of(type));
}

uint16_t cb_gen_new_object(cb_gen *gen, cb_type type)
{
    return cb_gen_new(gen, &gen->objects, cb_kind_of(type));
}

uint16_t cb_gen_target(cb_gen *gen, int wanted, cb_type type)
{
    if (wanted >= 0) {
        return (uint16_t)wanted;
    }
    return type == CB_TYPE_VOID ? 0 : cb_gen_new_scalar(gen, type);
}

void cb_gen_drop_objects(cb_gen *gen, uint32_t mark)
{
    if (gen->objects.top > mark) {
        cb_gen_emit(gen, CB_OPC_CLEAR, mark, 0, gen->objects.top - mark);
        gen->objects.top = mark;
    }
}

/* -- labels -- */

uint32_t cb_gen_label_new(cb_gen *gen)
{
    if (!cb_gen_grow(gen, (void **)&gen->labels, gen->label_count, &gen->label_room,
                     sizeof *gen->labels)) {
        return 0;
    }
    gen->labels[gen->label_count] = (cb_gen_label){.at = -1};
    return (uint32_t)gen->label_count++;
}

void cb_gen_bind(cb_gen *gen, uint32_t label)
{
    if (gen->status != CB_OK) {
        return;
    }
    assert(gen->labels[label].at < 0);
    gen->labels[label].at = (int64_t)gen->count;
    if (gen->labels[label].used) {
        gen->last_label = (int64_t)gen->count;
    }
}

void cb_gen_jump(cb_gen *gen, cb_opcode op, uint32_t a, uint32_t b, uint32_t label)
{
    if (gen->status != CB_OK || !cb_gen_grow(gen, (void **)&gen->fixups, gen->fixup_count,
                                             &gen->fixup_room, sizeof *gen->fixups)) {
        return;
    }
    const cb_opcode_facts *facts = &cb_opcode_table[op];
    bool is_back = gen->labels[label].at >= 0;
    if (is_back && (facts->flow == CB_FLOW_JUMP || facts->flow == CB_FLOW_FORK)) {
        op = (cb_opcode)(op + 1); /* its twin */
    }
    gen->labels[label].used = true;
    size_t at = cb_gen_emit(gen, op, a, b, 0);
    gen->fixups[gen->fixup_count++] = (cb_gen_fixup){(uint32_t)at, label};
}

/* -- constants -- */

bool cb_gen_is_short(const cb_ast_expr *expr, int64_t *value)
{
    *value = expr->kind == CB_EXPR_INT ? expr->integer : 0;
    return expr->kind == CB_EXPR_INT && expr->integer >= INT16_MIN && expr->integer <= INT16_MAX;
}

/* The register that holds the constant through the whole function; -1 if there is none left. */
static int constant_register(cb_gen *gen, cb_kind kind, int64_t bits)
{
    for (uint32_t i = 0; i < gen->constant_count; i++) {
        if (gen->constants[i].kind == kind && gen->constants[i].bits == bits) {
            return (int)(CB_GEN_CONSTANTS + i);
        }
    }
    if (gen->constant_count == CB_GEN_MOST_CONSTANTS) {
        return -1;
    }
    gen->constants[gen->constant_count] = (cb_gen_constant){(uint8_t)kind, bits};
    return (int)(CB_GEN_CONSTANTS + gen->constant_count++);
}

/* Where to begin to look for a constant that is there already: looking at all would make a script
 * of very many constants slow to compile. */
static size_t newest(size_t count)
{
    return count > 256 ? count - 256 : 0;
}

static int32_t pool_integer(cb_gen *gen, int64_t value)
{
    cb_program *program = gen->program;
    for (size_t i = newest(program->integer_count); i < program->integer_count; i++) {
        if (program->integers[i] == value) {
            return (int32_t)i;
        }
    }
    if (!cb_gen_grow(gen, (void **)&program->integers, program->integer_count, &gen->integer_room,
                     sizeof *program->integers)) {
        return 0;
    }
    program->integers[program->integer_count] = value;
    return (int32_t)program->integer_count++;
}

static int32_t pool_real(cb_gen *gen, int64_t bits)
{
    cb_program *program = gen->program;
    for (size_t i = newest(program->real_count); i < program->real_count; i++) {
        if (memcmp(&program->reals[i], &bits, sizeof bits) == 0) {
            return (int32_t)i;
        }
    }
    if (!cb_gen_grow(gen, (void **)&program->reals, program->real_count, &gen->real_room,
                     sizeof *program->reals)) {
        return 0;
    }
    memcpy(&program->reals[program->real_count], &bits, sizeof bits);
    return (int32_t)program->real_count++;
}

static void load_constant(cb_gen *gen, cb_kind kind, int64_t bits, uint16_t to)
{
    if (kind == CB_KIND_REAL) {
        cb_gen_emit_wide(gen, CB_OPC_CONST_F, to, pool_real(gen, bits));
    } else if (bits >= INT32_MIN && bits <= INT32_MAX) {
        cb_gen_emit_wide(gen, CB_OPC_LOAD_I, to, (int32_t)bits);
    } else {
        cb_gen_emit_wide(gen, CB_OPC_CONST_I, to, pool_integer(gen, bits));
    }
}

static uint16_t constant(cb_gen *gen, cb_kind kind, int64_t bits, int wanted)
{
    if (wanted == CB_GEN_ANY && gen->loop_depth > 0) {
        int at = constant_register(gen, kind, bits);
        if (at >= 0) {
            return (uint16_t)at;
        }
    }
    uint16_t to = wanted >= 0 ? (uint16_t)wanted : cb_gen_new(gen, &gen->scalars, kind);
    load_constant(gen, kind, bits, to);
    return to;
}

uint16_t cb_gen_integer(cb_gen *gen, int64_t value, int wanted)
{
    return constant(gen, CB_KIND_INT, value, wanted);
}

uint16_t cb_gen_real(cb_gen *gen, double value, int wanted)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return constant(gen, CB_KIND_REAL, bits, wanted);
}

int32_t cb_gen_string(cb_gen *gen, const char *bytes, size_t size)
{
    cb_program *program = gen->program;
    for (size_t i = newest(program->string_count); i < program->string_count; i++) {
        const cb_buffer *known = program->strings[i];
        if (known->size == size && memcmp(known->data, bytes, size) == 0) {
            return (int32_t)i;
        }
    }
    if (!cb_gen_grow(gen, (void **)&program->strings, program->string_count, &gen->string_room,
                     sizeof(cb_buffer *))) {
        return 0;
    }
    cb_buffer *text = cb_buffer_new(size, size + 1);
    if (text == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
        return 0;
    }
    memcpy(text->data, bytes, size);
    text->data[size] = 0;
    program->strings[program->string_count] = text;
    return (int32_t)program->string_count++;
}

static char *verb_name(const cb_namespace *name_space, const cb_verb *verb)
{
    const char *dot = name_space->name[0] != 0 ? "." : "";
    size_t size = strlen(name_space->name) + strlen(verb->name) + 2;
    char *name = malloc(size);
    if (name != NULL) {
        snprintf(name, size, "%s%s%s", name_space->name, dot, verb->name);
    }
    return name;
}

uint32_t cb_gen_verb(cb_gen *gen, const cb_ast_expr *call)
{
    cb_program *program = gen->program;
    const cb_catalog_verb *known = call->verb.verb;
    for (size_t i = 0; i < program->verb_count; i++) {
        if (program->verbs[i].signature == &known->signature) {
            return (uint32_t)i;
        }
    }
    if (program->verb_count > UINT16_MAX) {
        cb_gen_fail(gen, CB_LIMIT, "this script calls too many different verbs");
        return 0;
    }
    char *name = verb_name(call->verb.name_space, known->verb);
    if (name == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
        return 0;
    }
    if (!cb_gen_grow(gen, (void **)&program->verbs, program->verb_count, &gen->verb_room,
                     sizeof *program->verbs)) {
        free(name);
        return 0;
    }
    program->verbs[program->verb_count] = (cb_verb_use){
        .verb = known->verb,
        .signature = &known->signature,
        .name = name,
        .name_space = call->verb.name_space->id,
        .result = (uint8_t)cb_kind_of(known->signature.result),
        .result_type = (uint8_t)known->signature.result,
    };
    return (uint32_t)program->verb_count++;
}

/* -- finishing -- */

static void set_jumps(cb_gen *gen)
{
    for (size_t i = 0; i < gen->fixup_count; i++) {
        cb_insn *insn = &gen->code[gen->fixups[i].insn];
        int64_t to = gen->labels[gen->fixups[i].label].at;
        assert(to >= 0);
        int64_t offset = to - (int64_t)gen->fixups[i].insn;
        if (cb_opcode_table[insn->op].operands[2] != CB_OPERAND_T) {
            insn->wide = (int32_t)offset;
        } else if (offset >= INT16_MIN && offset <= INT16_MAX) {
            insn->c = (uint16_t)(int16_t)offset;
        } else {
            gen->too_far = true;
        }
    }
}

static uint16_t moved(const cb_gen *gen, uint16_t reg)
{
    uint32_t parameters = gen->function->scalar_parameter_count;
    if (reg >= CB_GEN_CONSTANTS) {
        return (uint16_t)(parameters + (reg - CB_GEN_CONSTANTS));
    }
    return (uint16_t)(reg < parameters ? reg : reg + gen->constant_count);
}

static bool is_scalar_operand(const cb_gen *gen, const cb_insn *insn, cb_operand operand)
{
    switch (operand) {
    case CB_OPERAND_WI:
    case CB_OPERAND_RI:
    case CB_OPERAND_WF:
    case CB_OPERAND_RF:
    case CB_OPERAND_WR:
    case CB_OPERAND_RR:
    case CB_OPERAND_WINDOW:
        return true;
    case CB_OPERAND_RESULT: {
        cb_kind kind = cb_call_result_kind(gen->program, insn);
        return kind == CB_KIND_INT || kind == CB_KIND_REAL;
    }
    default:
        return false;
    }
}

/* Makes room for the constants between the parameters and all other registers. */
static void move_registers(cb_gen *gen, size_t from)
{
    for (size_t i = from; i < gen->count; i++) {
        cb_insn *insn = &gen->code[i];
        const uint8_t *operands = cb_opcode_table[insn->op].operands;
        bool a = is_scalar_operand(gen, insn, (cb_operand)operands[0]);
        bool b = is_scalar_operand(gen, insn, (cb_operand)operands[1]);
        bool c = is_scalar_operand(gen, insn, (cb_operand)operands[2]);
        insn->a = a ? moved(gen, insn->a) : insn->a;
        insn->b = b ? moved(gen, insn->b) : insn->b;
        insn->c = c ? moved(gen, insn->c) : insn->c;
    }
}

/* Puts the loading of the constants before everything else; jumps are relative, so they stay right.
 */
static void prepend_constants(cb_gen *gen)
{
    uint32_t count = gen->constant_count;
    size_t old = gen->count;
    move_registers(gen, 0);
    gen->place = gen->source->place;
    for (uint32_t i = 0; i < count; i++) {
        load_constant(gen, (cb_kind)gen->constants[i].kind, gen->constants[i].bits,
                      (uint16_t)(gen->function->scalar_parameter_count + i));
    }
    if (gen->status != CB_OK || count == 0) {
        return;
    }
    cb_insn loads[CB_GEN_MOST_CONSTANTS];
    cb_line lines[CB_GEN_MOST_CONSTANTS];
    memcpy(loads, gen->code + old, count * sizeof *loads);
    memcpy(lines, gen->lines + old, count * sizeof *lines);
    memmove(gen->code + count, gen->code, old * sizeof *gen->code);
    memmove(gen->lines + count, gen->lines, old * sizeof *gen->lines);
    memcpy(gen->code, loads, count * sizeof *loads);
    memcpy(gen->lines, lines, count * sizeof *lines);
}

static void copy_kinds(cb_gen *gen)
{
    cb_function *function = gen->function;
    uint32_t parameters = function->scalar_parameter_count;
    function->register_count = gen->scalars.high + gen->constant_count;
    function->object_count = gen->objects.high;
    function->register_kinds = calloc(function->register_count + 1u, 1);
    function->object_kinds = calloc(function->object_count + 1u, 1);
    if (function->register_kinds == NULL || function->object_kinds == NULL) {
        cb_gen_fail(gen, CB_NO_MEMORY, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < gen->scalars.high; i++) {
        function->register_kinds[moved(gen, (uint16_t)i)] = gen->scalars.kinds[i];
    }
    for (uint32_t i = 0; i < gen->constant_count; i++) {
        function->register_kinds[parameters + i] = gen->constants[i].kind;
    }
    memcpy(function->object_kinds, gen->objects.kinds, function->object_count);
}

/* A function without objects leaves without releasing any. */
static void plain_returns(cb_gen *gen)
{
    for (size_t i = 0; i < gen->count && gen->function->object_count == 0; i++) {
        switch (gen->code[i].op) {
        case CB_OPC_LEAVE:
            gen->code[i].op = CB_OPC_RET;
            break;
        case CB_OPC_LEAVE_I:
            gen->code[i].op = CB_OPC_RET_I;
            break;
        case CB_OPC_LEAVE_F:
            gen->code[i].op = CB_OPC_RET_F;
            break;
        default:
            break;
        }
    }
}

void cb_gen_finish_function(cb_gen *gen)
{
    if (gen->status == CB_OK) {
        set_jumps(gen);
    }
    if (gen->status != CB_OK || gen->too_far) {
        return;
    }
    copy_kinds(gen);
    plain_returns(gen);
    prepend_constants(gen);
    cb_program *program = gen->program;
    size_t needed = program->code_count + gen->count;
    if (gen->status != CB_OK) {
        return;
    }
    while (gen->code_room < needed) {
        size_t same = gen->code_room;
        if (!cb_gen_grow(gen, (void **)&program->code, same, &same, sizeof *program->code) ||
            !cb_gen_grow(gen, (void **)&program->lines, gen->code_room, &gen->code_room,
                         sizeof *program->lines)) {
            return;
        }
    }
    memcpy(program->code + program->code_count, gen->code, gen->count * sizeof *gen->code);
    memcpy(program->lines + program->code_count, gen->lines, gen->count * sizeof *gen->lines);
    gen->function->code_count = (uint32_t)gen->count;
    program->code_count = needed; /* `code` of each function is set when all are there */
}
