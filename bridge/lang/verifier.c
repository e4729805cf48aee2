/* Refuses a program that could leave its frame, its constants or its code. What passes here needs
 * no check in the machine's loop, whoever made it. */
#include <string.h>

#include "bridge/lang/ast.h"
#include "bridge/lang/bytecode.h"

typedef struct checker {
    const cb_program *program;
    const cb_function *function;
    const cb_insn *insn;
    uint8_t object_kind; /* of the first object operand of this instruction; NONE before it */
    cb_error *error;
} checker;

static cb_status refuse(const checker *check, const char *what)
{
    return cb_fail(check->error, CB_FORMAT, "damaged bytecode in %s at instruction %zu: %s",
                   check->function->name, (size_t)(check->insn - check->function->code), what);
}

static const cb_opcode_facts *facts_of(const cb_insn *insn)
{
    return &cb_opcode_table[insn->op];
}

static cb_status check_register(const checker *check, uint32_t index, cb_kind kind)
{
    if (index >= check->function->register_count) {
        return refuse(check, "there is no such register");
    }
    if (check->function->register_kinds[index] != kind) {
        return refuse(check, "a register of the wrong kind");
    }
    return CB_OK;
}

static cb_status check_object(checker *check, uint32_t index, cb_kind kind)
{
    if (index >= check->function->object_count) {
        return refuse(check, "there is no such object");
    }
    uint8_t found = check->function->object_kinds[index];
    if (kind == CB_KIND_NONE) { /* any, but the same throughout */
        kind = check->object_kind == CB_KIND_NONE ? (cb_kind)found : (cb_kind)check->object_kind;
    }
    check->object_kind = (uint8_t)kind;
    return found == kind ? CB_OK : refuse(check, "an object of the wrong kind");
}

static cb_status check_index(const checker *check, uint32_t index, size_t count)
{
    return index < count ? CB_OK : refuse(check, "there is no such constant, function or verb");
}

/* Jumps lead to instructions of the same function, in their direction, and never between a call and
 * its arguments. */
static cb_status check_target(const checker *check, int32_t offset)
{
    int64_t from = check->insn - check->function->code;
    int64_t to = from + offset;
    if (to < 0 || to >= (int64_t)check->function->code_count) {
        return refuse(check, "a jump out of the function");
    }
    uint8_t flow = facts_of(check->insn)->flow;
    bool is_back = flow == CB_FLOW_LOOP || flow == CB_FLOW_TURN;
    if (is_back ? offset > 0 : offset <= 0) {
        return refuse(check, "a jump in the wrong direction");
    }
    if (facts_of(&check->function->code[to])->flow == CB_FLOW_ARG) {
        return refuse(check, "a jump between a call and its arguments");
    }
    return CB_OK;
}

static cb_status check_result(checker *check, uint32_t index, cb_kind kind)
{
    switch (kind) {
    case CB_KIND_NONE:
        return CB_OK;
    case CB_KIND_STRING:
    case CB_KIND_BLOB:
        return check_object(check, index, kind);
    default:
        return check_register(check, index, kind);
    }
}

static cb_status check_operand(checker *check, cb_operand operand, uint16_t value)
{
    const cb_program *program = check->program;
    uint32_t wide = (uint32_t)check->insn->wide;
    switch (operand) {
    case CB_OPERAND_WI:
    case CB_OPERAND_RI:
        return check_register(check, value, CB_KIND_INT);
    case CB_OPERAND_WF:
    case CB_OPERAND_RF:
        return check_register(check, value, CB_KIND_REAL);
    case CB_OPERAND_WR:
    case CB_OPERAND_RR:
        return check_register(check, value, CB_KIND_REF);
    case CB_OPERAND_WO:
    case CB_OPERAND_RO:
        return check_object(check, value, CB_KIND_NONE);
    case CB_OPERAND_WB:
    case CB_OPERAND_RB:
        return check_object(check, value, CB_KIND_BLOB);
    case CB_OPERAND_RS:
        return check_object(check, value, CB_KIND_STRING);
    case CB_OPERAND_T:
    case CB_OPERAND_WIDE_T: {
        int32_t offset = operand == CB_OPERAND_T ? (int16_t)value : check->insn->wide;
        return check_target(check, offset);
    }
    case CB_OPERAND_KI:
        return check_index(check, wide, program->integer_count);
    case CB_OPERAND_KF:
        return check_index(check, wide, program->real_count);
    case CB_OPERAND_KS:
        return check_index(check, wide, program->string_count);
    case CB_OPERAND_FN:
        return check_index(check, value, program->function_count);
    case CB_OPERAND_VERB:
        return check_index(check, value, program->verb_count);
    case CB_OPERAND_TYPE: {
        cb_kind kind = check->insn->op == CB_OPC_ARG_F ? CB_KIND_REAL : CB_KIND_INT;
        return value < CB_TYPE_CALLBACK && cb_kind_of((cb_type)value) == kind
                   ? CB_OK
                   : refuse(check, "a wrong type");
    }
    case CB_OPERAND_RANGE: {
        uint32_t end = (uint32_t)check->insn->a + value;
        return end <= check->function->object_count ? CB_OK : refuse(check, "too many objects");
    }
    case CB_OPERAND_NONE:
    case CB_OPERAND_N:
    case CB_OPERAND_U:
    case CB_OPERAND_WIDE_N:
    case CB_OPERAND_WINDOW: /* these three with the call */
    case CB_OPERAND_RESULT:
    case CB_OPERAND_COUNT:
        return CB_OK;
    }
    return refuse(check, "an unknown operand");
}

static cb_status check_operands(checker *check)
{
    const cb_opcode_facts *facts = facts_of(check->insn);
    const uint16_t values[3] = {check->insn->a, check->insn->b, check->insn->c};
    check->object_kind = CB_KIND_NONE;
    for (int i = 0; i < 3; i++) {
        cb_status status = check_operand(check, (cb_operand)facts->operands[i], values[i]);
        if (status != CB_OK) {
            return status;
        }
    }
    return CB_OK;
}

/* The ARG for a parameter of a script function. */
static cb_status check_object_argument(checker *check, const cb_parameter *parameter)
{
    bool fits;
    switch (check->insn->op) {
    case CB_OPC_ARG_O:
    case CB_OPC_ARG_MOVE:
        fits = !parameter->is_ref;
        break;
    case CB_OPC_ARG_REF:
        fits = parameter->is_ref;
        break;
    case CB_OPC_ARG_K:
        return !parameter->is_ref && parameter->kind == CB_KIND_STRING
                   ? CB_OK
                   : refuse(check, "an argument of the wrong kind");
    default:
        fits = false;
        break;
    }
    if (!fits) {
        return refuse(check, "an argument of the wrong kind");
    }
    return check_object(check, check->insn->a, (cb_kind)parameter->kind);
}

static bool is_object_kind(uint8_t kind)
{
    return kind == CB_KIND_STRING || kind == CB_KIND_BLOB;
}

static cb_status check_call(checker *check, const cb_function *callee)
{
    const cb_insn *call = check->insn;
    if ((call->op == CB_OPC_CALL_O) != (callee->object_count != 0)) {
        return refuse(check, "the wrong kind of call");
    }
    cb_status status = check_result(check, call->c, (cb_kind)callee->result);
    uint32_t slot = call->a;
    for (uint32_t i = 0; status == CB_OK && i < callee->parameter_count; i++) {
        const cb_parameter *parameter = &callee->parameters[i];
        if (is_object_kind(parameter->kind)) {
            check->insn++;
            check->object_kind = CB_KIND_NONE;
            status = check->insn < check->function->code + check->function->code_count
                         ? check_object_argument(check, parameter)
                         : CB_FORMAT;
        } else {
            status = check_register(check, slot++,
                                    parameter->is_ref ? CB_KIND_REF : (cb_kind)parameter->kind);
        }
    }
    check->insn = call;
    return status;
}

/* The ARG for a parameter of a verb; NULL: for one of its `...`. The operands are right already. */
static bool fits_verb(const checker *check, const cb_signature_parameter *parameter)
{
    const cb_program *program = check->program;
    const cb_insn *insn = check->insn;
    cb_kind kind = parameter != NULL ? cb_kind_of(parameter->type) : CB_KIND_NONE;
    bool is_callback = parameter != NULL && parameter->type == CB_TYPE_CALLBACK;
    bool is_ref = parameter != NULL && parameter->is_ref;
    switch (insn->op) {
    case CB_OPC_ARG_I:
        return parameter == NULL || (kind == CB_KIND_INT && !is_callback);
    case CB_OPC_ARG_F:
        return parameter == NULL || kind == CB_KIND_REAL;
    case CB_OPC_ARG_K:
        return parameter == NULL || (kind == CB_KIND_STRING && !is_ref);
    case CB_OPC_ARG_CALLBACK:
        return is_callback && insn->b < program->function_count &&
               program->functions[insn->b].is_callback;
    case CB_OPC_ARG_NAME:
        return is_callback;
    case CB_OPC_ARG_O:
    case CB_OPC_ARG_REF:
        if (insn->a >= check->function->object_count) {
            return false;
        }
        return parameter == NULL ? insn->op == CB_OPC_ARG_O
                                 : check->function->object_kinds[insn->a] == kind &&
                                       (insn->op == CB_OPC_ARG_REF) == is_ref;
    default:
        return false;
    }
}

static cb_status check_verb(checker *check)
{
    const cb_insn *call = check->insn;
    const cb_verb_use *use = &check->program->verbs[call->b];
    const cb_signature *signature = use->signature;
    if (call->c > CB_MAX_ARGUMENTS || call->c < signature->required_count ||
        (call->c > signature->parameter_count && !signature->is_variadic)) {
        return refuse(check, "a wrong count of arguments");
    }
    cb_status status = check_result(check, call->a, (cb_kind)use->result);
    for (uint32_t i = 0; status == CB_OK && i < call->c; i++) {
        check->insn++;
        if (!fits_verb(check, i < signature->parameter_count ? &signature->parameters[i] : NULL)) {
            status = refuse(check, "an argument of the wrong kind");
        }
    }
    check->insn = call;
    return status;
}

/* How many ARGs follow a call. */
static uint32_t argument_count(const cb_program *program, const cb_insn *call)
{
    return call->op == CB_OPC_CALL_VERB ? call->c
                                        : program->functions[call->b].object_parameter_count;
}

static cb_status check_arguments(checker *check)
{
    uint32_t count = argument_count(check->program, check->insn);
    size_t at = (size_t)(check->insn - check->function->code);
    if (count >= check->function->code_count - at) {
        return refuse(check, "arguments are missing");
    }
    for (uint32_t i = 1; i <= count; i++) {
        if (facts_of(&check->insn[i])->flow != CB_FLOW_ARG) {
            return refuse(check, "arguments are missing");
        }
    }
    return check->insn->op == CB_OPC_CALL_VERB
               ? check_verb(check)
               : check_call(check, &check->program->functions[check->insn->b]);
}

/* A function with objects leaves by LEAVE, one without by RET, with the result it promised. */
static cb_status check_end(const checker *check)
{
    static const struct {
        uint16_t op;
        uint8_t has_objects;
        uint8_t result;
    } ends[] = {
        {CB_OPC_RET, 0, CB_KIND_NONE},     {CB_OPC_RET_I, 0, CB_KIND_INT},
        {CB_OPC_RET_F, 0, CB_KIND_REAL},   {CB_OPC_LEAVE, 1, CB_KIND_NONE},
        {CB_OPC_LEAVE_I, 1, CB_KIND_INT},  {CB_OPC_LEAVE_F, 1, CB_KIND_REAL},
        {CB_OPC_LEAVE_O, 1, CB_KIND_BLOB}, {CB_OPC_LEAVE_O, 1, CB_KIND_STRING},
    };
    const cb_function *function = check->function;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends[i].op == check->insn->op && ends[i].result == function->result &&
            (ends[i].has_objects != 0) == (function->object_count != 0)) {
            bool is_object = check->insn->op == CB_OPC_LEAVE_O;
            return !is_object || function->object_kinds[check->insn->a] == function->result
                       ? CB_OK
                       : refuse(check, "a result of the wrong kind");
        }
    }
    return refuse(check, "the wrong kind of return");
}

static cb_status check_insn(checker *check)
{
    cb_status status = check_operands(check);
    if (status != CB_OK) {
        return status;
    }
    switch ((cb_flow)facts_of(check->insn)->flow) {
    case CB_FLOW_CALL:
        return check_arguments(check);
    case CB_FLOW_END:
        return check_end(check);
    default:
        return CB_OK;
    }
}

static cb_status check_code(checker *check)
{
    const cb_function *function = check->function;
    uint32_t expected = 0; /* ARGs that belong to the last call */
    for (uint32_t i = 0; i < function->code_count; i++) {
        check->insn = &function->code[i];
        if (check->insn->op >= CB_OPC_COUNT) {
            return refuse(check, "an unknown opcode");
        }
    }
    for (uint32_t i = 0; i < function->code_count; i++) {
        check->insn = &function->code[i];
        uint8_t flow = facts_of(check->insn)->flow;
        if ((flow == CB_FLOW_ARG) != (expected > 0)) {
            return refuse(check, "an argument without its call");
        }
        expected -= flow == CB_FLOW_ARG ? 1u : 0u;
        cb_status status = check_insn(check);
        if (status != CB_OK) {
            return status;
        }
        if (flow == CB_FLOW_CALL) {
            expected = argument_count(check->program, check->insn);
        }
    }
    uint8_t last = facts_of(check->insn)->flow;
    return last == CB_FLOW_END || last == CB_FLOW_JUMP || last == CB_FLOW_LOOP
               ? CB_OK
               : refuse(check, "the function runs off its end");
}

/* The function's own tables: they are what instructions are checked against. */
static cb_status check_shape(checker *check)
{
    const cb_program *program = check->program;
    const cb_function *function = check->function;
    uint32_t scalars = 0;
    uint32_t objects = 0;
    check->insn = function->code;
    if (function->code_count == 0 || function->code < program->code ||
        function->code + function->code_count > program->code + program->code_count) {
        return cb_fail(check->error, CB_FORMAT, "damaged bytecode: %s has no code", function->name);
    }
    if (function->register_count > UINT16_MAX || function->object_count > UINT16_MAX) {
        return refuse(check, "too many registers");
    }
    for (uint32_t i = 0; i < function->parameter_count; i++) {
        const cb_parameter *parameter = &function->parameters[i];
        bool is_object = is_object_kind(parameter->kind);
        cb_status status;
        if (is_object) {
            status = check_object(check, objects++, (cb_kind)parameter->kind);
            check->object_kind = CB_KIND_NONE;
        } else {
            status = check_register(check, scalars++,
                                    parameter->is_ref ? CB_KIND_REF : (cb_kind)parameter->kind);
        }
        if (status != CB_OK) {
            return status;
        }
    }
    for (uint32_t i = 0; i < function->object_count; i++) {
        if (!is_object_kind(function->object_kinds[i])) {
            return refuse(check, "an object of no kind");
        }
    }
    return scalars == function->scalar_parameter_count &&
                   objects == function->object_parameter_count
               ? CB_OK
               : refuse(check, "the parameters do not add up");
}

/* What the machine itself enters. */
static cb_status check_entries(const cb_program *program, cb_error *error)
{
    if (program->main_index != CB_NO_MAIN) {
        const cb_function *entry = program->main_index < program->function_count
                                       ? &program->functions[program->main_index]
                                       : NULL;
        if (entry == NULL || entry->parameter_count != 0 ||
            (entry->result != CB_KIND_NONE && entry->result != CB_KIND_INT)) {
            return cb_fail(error, CB_FORMAT, "damaged bytecode: main has the wrong shape");
        }
    }
    for (size_t i = 0; i < program->callback_count; i++) {
        uint32_t index = program->callbacks[i];
        const cb_function *entry =
            index < program->function_count ? &program->functions[index] : NULL;
        if (entry == NULL || !entry->is_callback || entry->result != CB_KIND_INT ||
            entry->parameter_count != 1 || entry->parameters[0].kind != CB_KIND_BLOB ||
            !entry->parameters[0].is_ref) {
            return cb_fail(error, CB_FORMAT, "damaged bytecode: callback %zu has the wrong shape",
                           i);
        }
    }
    return CB_OK;
}

cb_status cb_verify(const cb_program *program, cb_error *error)
{
    checker check = {.program = program, .error = error};
    for (size_t i = 0; i < program->function_count; i++) {
        check.function = &program->functions[i];
        check.object_kind = CB_KIND_NONE;
        cb_status status = check_shape(&check);
        if (status != CB_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < program->function_count; i++) {
        check.function = &program->functions[i];
        cb_status status = check_code(&check);
        if (status != CB_OK) {
            return status;
        }
    }
    return check_entries(program, error);
}
