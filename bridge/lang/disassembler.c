/* Bytecode as text, and the table of facts on opcodes. */
#include <inttypes.h>

#include "bridge/lang/bytecode.h"

const cb_opcode_facts cb_opcode_table[CB_OPC_COUNT] = {
#define CB_OPCODE_FACTS(name, a, b, c, flow, text)                                                 \
    {#name, text, {CB_OPERAND_##a, CB_OPERAND_##b, CB_OPERAND_##c}, CB_FLOW_##flow},
    CB_OPCODES(CB_OPCODE_FACTS)
#undef CB_OPCODE_FACTS
};

static void print_string(const cb_buffer *text, FILE *out)
{
    fputc('"', out);
    for (size_t i = 0; i < text->size && i < 40; i++) {
        uint8_t byte = text->data[i];
        if (byte >= 32 && byte < 127) {
            fputc(byte, out);
        } else {
            fprintf(out, "\\x%02x", byte);
        }
    }
    fputs(text->size > 40 ? "...\"" : "\"", out);
}

static void print_operand(const cb_program *program, const cb_function *function,
                          const cb_insn *insn, cb_operand operand, uint16_t value, FILE *out)
{
    int64_t at = insn - function->code;
    switch (operand) {
    case CB_OPERAND_NONE:
        return;
    case CB_OPERAND_WI:
    case CB_OPERAND_RI:
    case CB_OPERAND_WF:
    case CB_OPERAND_RF:
    case CB_OPERAND_WR:
    case CB_OPERAND_RR:
    case CB_OPERAND_WINDOW:
        fprintf(out, " r%u", value);
        return;
    case CB_OPERAND_WO:
    case CB_OPERAND_RO:
    case CB_OPERAND_WB:
    case CB_OPERAND_RB:
    case CB_OPERAND_RS:
        fprintf(out, " o%u", value);
        return;
    case CB_OPERAND_N:
        fprintf(out, " %d", (int16_t)value);
        return;
    case CB_OPERAND_U:
    case CB_OPERAND_COUNT:
    case CB_OPERAND_RANGE:
        fprintf(out, " %u", value);
        return;
    case CB_OPERAND_WIDE_N:
        fprintf(out, " %" PRId32, insn->wide);
        return;
    case CB_OPERAND_T:
        fprintf(out, " ->%" PRId64, at + (int16_t)value);
        return;
    case CB_OPERAND_WIDE_T:
        fprintf(out, " ->%" PRId64, at + insn->wide);
        return;
    case CB_OPERAND_KI:
        fprintf(out, " %" PRId64, program->integers[insn->wide]);
        return;
    case CB_OPERAND_KF:
        fprintf(out, " %.17g", program->reals[insn->wide]);
        return;
    case CB_OPERAND_KS:
        fputc(' ', out);
        print_string(program->strings[insn->wide], out);
        return;
    case CB_OPERAND_FN:
        fprintf(out, " %s", program->functions[value].name);
        return;
    case CB_OPERAND_VERB:
        fprintf(out, " %s", program->verbs[value].name);
        return;
    case CB_OPERAND_TYPE:
        fprintf(out, " %s", cb_type_name((cb_type)value));
        return;
    case CB_OPERAND_RESULT: {
        cb_kind kind = cb_call_result_kind(program, insn);
        if (kind != CB_KIND_NONE) {
            fprintf(out, " %c%u", kind == CB_KIND_INT || kind == CB_KIND_REAL ? 'r' : 'o', value);
        }
        return;
    }
    }
}

void cb_program_disassemble(const cb_program *program, FILE *out)
{
    for (size_t i = 0; i < program->function_count; i++) {
        const cb_function *function = &program->functions[i];
        fprintf(out, "%s: %u registers, %u objects\n", function->name, function->register_count,
                function->object_count);
        for (uint32_t at = 0; at < function->code_count; at++) {
            const cb_insn *insn = &function->code[at];
            const cb_opcode_facts *facts = &cb_opcode_table[insn->op];
            const uint16_t values[3] = {insn->a, insn->b, insn->c};
            fprintf(out, "%5u  %4" PRIu32 "  %-12s", at, program->lines[insn - program->code].line,
                    facts->name);
            for (int k = 0; k < 3; k++) {
                print_operand(program, function, insn, (cb_operand)facts->operands[k], values[k],
                              out);
            }
            fputc('\n', out);
        }
    }
}
