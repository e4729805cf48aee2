/* The instruction set: one list that feeds the code generator, the verifier, the machine and the
 * disassembler.
 *
 * The machine has registers; each frame has two files of them. Scalars (r) have 64 bits, and their
 * kind (integer, real, or a reference to another scalar) is fixed for a function. Objects (o) are
 * strings and blobs. Narrow integers are sign- or zero-extended in their register; the code
 * generator puts a WRAP after arithmetic that may leave the type's range. A float is stored as a
 * double that was rounded to float.
 *
 * An instruction has 64 bits: the opcode and three operands of 16 bits, a, b, c. A "wide" operand
 * takes b and c together. Every jump backwards is one of the LOOP opcodes, which charge the budget.
 */
#ifndef CALLBOARD_LANG_OPCODES_H
#define CALLBOARD_LANG_OPCODES_H

#include <stdint.h>

/* Operands. X(name, text)
 *   WI RI write, read an integer register        WF RF a real one       WR RR one with a reference
 *   WO RO write, read an object register; all objects of one instruction have one kind
 *   WB RB the same, blobs only                   RS a string
 *   N U   number of 16 bits, signed, unsigned    WIDE_N signed number of 32 bits
 *   T WIDE_T  jump target, 16 or 32 bits, relative to this instruction
 *   KI KF KS  wide: index of an integer, real, string constant
 *   FN VERB   index of a function, a verb        TYPE a cb_type
 *   WINDOW    first register of the callee       COUNT how many ARG instructions follow
 *   RESULT    where the call's result goes: a register of the result's kind, 0 if it has none
 *   RANGE     (c) count of objects from a on */
typedef enum cb_operand {
    CB_OPERAND_NONE,
    CB_OPERAND_WI,
    CB_OPERAND_RI,
    CB_OPERAND_WF,
    CB_OPERAND_RF,
    CB_OPERAND_WR,
    CB_OPERAND_RR,
    CB_OPERAND_WO,
    CB_OPERAND_RO,
    CB_OPERAND_WB,
    CB_OPERAND_RB,
    CB_OPERAND_RS,
    CB_OPERAND_N,
    CB_OPERAND_U,
    CB_OPERAND_WIDE_N,
    CB_OPERAND_T,
    CB_OPERAND_WIDE_T,
    CB_OPERAND_KI,
    CB_OPERAND_KF,
    CB_OPERAND_KS,
    CB_OPERAND_FN,
    CB_OPERAND_VERB,
    CB_OPERAND_TYPE,
    CB_OPERAND_WINDOW,
    CB_OPERAND_COUNT,
    CB_OPERAND_RESULT,
    CB_OPERAND_RANGE
} cb_operand;

/* Further facts about an opcode for the verifier and the code generator. */
typedef enum cb_flow {
    CB_FLOW_NEXT, /* goes on with the next instruction */
    CB_FLOW_JUMP, /* forwards to its target, always */
    CB_FLOW_FORK, /* forwards to its target, or to the next instruction */
    CB_FLOW_LOOP, /* backwards to its target, always */
    CB_FLOW_TURN, /* backwards to its target, or to the next instruction */
    CB_FLOW_CALL, /* ARG instructions follow */
    CB_FLOW_ARG,  /* never run by itself; an operand of the call before it */
    CB_FLOW_END   /* leaves the function */
} cb_flow;

/* X(NAME, a, b, c, flow, text). A FORK is followed by the TURN of the same condition. */
#define CB_OPCODES(X)                                                                              \
    X(HALT, NONE, NONE, NONE, END, "back to the caller of the machine; never part of a function")  \
    X(MOVE_I, WI, RI, NONE, NEXT, "a = b")                                                         \
    X(MOVE_F, WF, RF, NONE, NEXT, "a = b")                                                         \
    X(LOAD_I, WI, WIDE_N, NONE, NEXT, "a = number")                                                \
    X(CONST_I, WI, KI, NONE, NEXT, "a = integer constant")                                         \
    X(CONST_F, WF, KF, NONE, NEXT, "a = real constant")                                            \
    X(REF, WR, RI, NONE, NEXT, "a = reference to integer b")                                       \
    X(REF_F, WR, RF, NONE, NEXT, "a = reference to real b")                                        \
    X(REF_MOVE, WR, RR, NONE, NEXT, "a = the reference b")                                         \
    X(REF_GET, WI, RR, NONE, NEXT, "a = the integer that b refers to")                             \
    X(REF_GET_F, WF, RR, NONE, NEXT, "a = the real that b refers to")                              \
    X(REF_SET, RI, RR, NONE, NEXT, "the integer that b refers to = a")                             \
    X(REF_SET_F, RF, RR, NONE, NEXT, "the real that b refers to = a")                              \
    X(ADD_W, WI, RI, RI, NEXT, "a = b + c in 32 bits, signed")                                     \
    X(SUB_W, WI, RI, RI, NEXT, "a = b - c in 32 bits, signed")                                     \
    X(MUL_W, WI, RI, RI, NEXT, "a = b * c in 32 bits, signed")                                     \
    X(DIV_W, WI, RI, RI, NEXT, "a = b / c in 32 bits, signed; c = 0 fails")                        \
    X(MOD_W, WI, RI, RI, NEXT, "a = b % c in 32 bits, signed; c = 0 fails")                        \
    X(ADD_WN, WI, RI, N, NEXT, "a = b + number in 32 bits, signed")                                \
    X(MUL_WN, WI, RI, N, NEXT, "a = b * number in 32 bits, signed")                                \
    X(ADD, WI, RI, RI, NEXT, "a = b + c")                                                          \
    X(SUB, WI, RI, RI, NEXT, "a = b - c")                                                          \
    X(MUL, WI, RI, RI, NEXT, "a = b * c")                                                          \
    X(DIV, WI, RI, RI, NEXT, "a = b / c, signed; c = 0 fails")                                     \
    X(MOD, WI, RI, RI, NEXT, "a = b % c, signed; c = 0 fails")                                     \
    X(DIV_U, WI, RI, RI, NEXT, "a = b / c, unsigned; c = 0 fails")                                 \
    X(MOD_U, WI, RI, RI, NEXT, "a = b % c, unsigned; c = 0 fails")                                 \
    X(ADD_N, WI, RI, N, NEXT, "a = b + number")                                                    \
    X(MUL_N, WI, RI, N, NEXT, "a = b * number")                                                    \
    X(AND, WI, RI, RI, NEXT, "a = b & c")                                                          \
    X(OR, WI, RI, RI, NEXT, "a = b | c")                                                           \
    X(XOR, WI, RI, RI, NEXT, "a = b ^ c")                                                          \
    X(AND_N, WI, RI, N, NEXT, "a = b & number, sign-extended")                                     \
    X(SHIFT_CHECK, RI, U, NONE, NEXT, "fails unless 0 <= a < number")                              \
    X(SHL, WI, RI, RI, NEXT, "a = b << (c & 63)")                                                  \
    X(SHR, WI, RI, RI, NEXT, "a = b >> (c & 63), signed")                                          \
    X(SHR_U, WI, RI, RI, NEXT, "a = b >> (c & 63), unsigned")                                      \
    X(SHL_N, WI, RI, U, NEXT, "a = b << (number & 63)")                                            \
    X(SHR_N, WI, RI, U, NEXT, "a = b >> (number & 63), signed")                                    \
    X(SHR_UN, WI, RI, U, NEXT, "a = b >> (number & 63), unsigned")                                 \
    X(NEG, WI, RI, NONE, NEXT, "a = -b")                                                           \
    X(COMPLEMENT, WI, RI, NONE, NEXT, "a = ~b")                                                    \
    X(NOT, WI, RI, NONE, NEXT, "a = b == 0")                                                       \
    X(WRAP_I8, WI, RI, NONE, NEXT, "a = low 8 bits of b, sign-extended")                           \
    X(WRAP_I16, WI, RI, NONE, NEXT, "a = low 16 bits of b, sign-extended")                         \
    X(WRAP_I32, WI, RI, NONE, NEXT, "a = low 32 bits of b, sign-extended")                         \
    X(WRAP_U8, WI, RI, NONE, NEXT, "a = low 8 bits of b")                                          \
    X(WRAP_U16, WI, RI, NONE, NEXT, "a = low 16 bits of b")                                        \
    X(WRAP_U32, WI, RI, NONE, NEXT, "a = low 32 bits of b")                                        \
    X(ROUND_F, WF, RF, NONE, NEXT, "a = b rounded to float")                                       \
    X(I_TO_F, WF, RI, NONE, NEXT, "a = b, a signed integer, as double")                            \
    X(U_TO_F, WF, RI, NONE, NEXT, "a = b, an unsigned integer, as double")                         \
    X(I_TO_FLOAT, WF, RI, NONE, NEXT, "a = b, a signed integer, rounded once to float")            \
    X(U_TO_FLOAT, WF, RI, NONE, NEXT, "a = b, an unsigned integer, rounded once to float")         \
    X(F_TO_I, WI, RF, TYPE, NEXT, "a = b toward zero as the type; out of its range fails")         \
    X(ADD_F, WF, RF, RF, NEXT, "a = b + c")                                                        \
    X(SUB_F, WF, RF, RF, NEXT, "a = b - c")                                                        \
    X(MUL_F, WF, RF, RF, NEXT, "a = b * c")                                                        \
    X(DIV_F, WF, RF, RF, NEXT, "a = b / c")                                                        \
    X(NEG_F, WF, RF, NONE, NEXT, "a = -b")                                                         \
    X(EQ, WI, RI, RI, NEXT, "a = b == c")                                                          \
    X(NE, WI, RI, RI, NEXT, "a = b != c")                                                          \
    X(LT, WI, RI, RI, NEXT, "a = b < c, signed")                                                   \
    X(LE, WI, RI, RI, NEXT, "a = b <= c, signed")                                                  \
    X(LT_U, WI, RI, RI, NEXT, "a = b < c, unsigned")                                               \
    X(LE_U, WI, RI, RI, NEXT, "a = b <= c, unsigned")                                              \
    X(EQ_F, WI, RF, RF, NEXT, "a = b == c")                                                        \
    X(NE_F, WI, RF, RF, NEXT, "a = b != c")                                                        \
    X(LT_F, WI, RF, RF, NEXT, "a = b < c")                                                         \
    X(LE_F, WI, RF, RF, NEXT, "a = b <= c")                                                        \
    X(JUMP, NONE, WIDE_T, NONE, JUMP, "go to the target")                                          \
    X(LOOP, NONE, WIDE_T, NONE, LOOP, "go back to the target")                                     \
    X(JUMP_T, RI, WIDE_T, NONE, FORK, "if a != 0 go to the target")                                \
    X(LOOP_T, RI, WIDE_T, NONE, TURN, "the same, back")                                            \
    X(JUMP_F, RI, WIDE_T, NONE, FORK, "if a == 0 go to the target")                                \
    X(LOOP_F, RI, WIDE_T, NONE, TURN, "the same, back")                                            \
    X(JUMP_EQ, RI, RI, T, FORK, "if a == b go to the target")                                      \
    X(LOOP_EQ, RI, RI, T, TURN, "the same, back")                                                  \
    X(JUMP_NE, RI, RI, T, FORK, "if a != b go to the target")                                      \
    X(LOOP_NE, RI, RI, T, TURN, "the same, back")                                                  \
    X(JUMP_LT, RI, RI, T, FORK, "if a < b, signed, go to the target")                              \
    X(LOOP_LT, RI, RI, T, TURN, "the same, back")                                                  \
    X(JUMP_LE, RI, RI, T, FORK, "if a <= b, signed, go to the target")                             \
    X(LOOP_LE, RI, RI, T, TURN, "the same, back")                                                  \
    X(JUMP_EQ_N, RI, N, T, FORK, "if a == number go to the target")                                \
    X(LOOP_EQ_N, RI, N, T, TURN, "the same, back")                                                 \
    X(JUMP_NE_N, RI, N, T, FORK, "if a != number go to the target")                                \
    X(LOOP_NE_N, RI, N, T, TURN, "the same, back")                                                 \
    X(JUMP_LT_N, RI, N, T, FORK, "if a < number, signed, go to the target")                        \
    X(LOOP_LT_N, RI, N, T, TURN, "the same, back")                                                 \
    X(JUMP_GE_N, RI, N, T, FORK, "if a >= number, signed, go to the target")                       \
    X(LOOP_GE_N, RI, N, T, TURN, "the same, back")                                                 \
    X(JUMP_LT_F, RF, RF, T, FORK, "if a < b go to the target")                                     \
    X(LOOP_LT_F, RF, RF, T, TURN, "the same, back")                                                \
    X(JUMP_LE_F, RF, RF, T, FORK, "if a <= b go to the target")                                    \
    X(LOOP_LE_F, RF, RF, T, TURN, "the same, back")                                                \
    X(JUMP_NLT_F, RF, RF, T, FORK, "if not a < b go to the target")                                \
    X(LOOP_NLT_F, RF, RF, T, TURN, "the same, back")                                               \
    X(JUMP_NLE_F, RF, RF, T, FORK, "if not a <= b go to the target")                               \
    X(LOOP_NLE_F, RF, RF, T, TURN, "the same, back")                                               \
    X(STEP_LT_W, RI, RI, T, TURN, "a = a + 1 in 32 bits; if a < b go back to the target")          \
    X(STEP_LE_W, RI, RI, T, TURN, "a = a + 1 in 32 bits; if a <= b go back to the target")         \
    X(STEP_LT, RI, RI, T, TURN, "a = a + 1; if a < b go back to the target")                       \
    X(STEP_LE, RI, RI, T, TURN, "a = a + 1; if a <= b go back to the target")                      \
    X(CALL, WINDOW, FN, RESULT, CALL, "c = function b, its scalars from a on, no objects in it")   \
    X(CALL_O, WINDOW, FN, RESULT, CALL, "the same; an ARG follows for each object parameter")      \
    X(CALL_VERB, RESULT, VERB, COUNT, CALL, "a = verb b with the c ARGs that follow")              \
    X(ARG_I, RI, TYPE, NONE, ARG, "an integer")                                                    \
    X(ARG_F, RF, TYPE, NONE, ARG, "a real")                                                        \
    X(ARG_O, RO, NONE, NONE, ARG, "a string or blob by value")                                     \
    X(ARG_MOVE, WO, NONE, NONE, ARG, "the same, leaving a empty")                                  \
    X(ARG_REF, WO, NONE, NONE, ARG, "a string or blob by reference")                               \
    X(ARG_K, NONE, KS, NONE, ARG, "a string constant")                                             \
    X(ARG_CALLBACK, NONE, FN, NONE, ARG, "a callback")                                             \
    X(ARG_NAME, RS, NONE, NONE, ARG, "the callback that the string names; unknown fails")          \
    X(RET, NONE, NONE, NONE, END, "return nothing, from a function without objects")               \
    X(RET_I, RI, NONE, NONE, END, "return integer a, likewise")                                    \
    X(RET_F, RF, NONE, NONE, END, "return real a, likewise")                                       \
    X(LEAVE, NONE, NONE, NONE, END, "release the frame's objects, return nothing")                 \
    X(LEAVE_I, RI, NONE, NONE, END, "release the frame's objects, return integer a")               \
    X(LEAVE_F, RF, NONE, NONE, END, "release the frame's objects, return real a")                  \
    X(LEAVE_O, RO, NONE, NONE, END, "return object a, release the frame's others")                 \
    X(DECLARE, WO, WIDE_N, NONE, NEXT, "a = empty string of that capacity, or blob of so many 0s") \
    X(DECLARE_ALIAS, WB, NONE, NONE, NEXT, "a = empty blob that may lie on foreign memory")        \
    X(COPY, WO, RO, NONE, NEXT, "a = b")                                                           \
    X(MOVE_O, WO, WO, NONE, NEXT, "a = b, leaving b empty")                                        \
    X(COPY_K, WO, KS, NONE, NEXT, "a = string constant")                                           \
    X(FILL, WO, RO, NONE, NEXT, "a := b, bounded by a's capacity")                                 \
    X(CLEAR, WO, NONE, RANGE, NEXT, "release c objects from a on")                                 \
    X(LENGTH, WI, RO, NONE, NEXT, "a = length of b in bytes")                                      \
    X(CAPACITY, WI, RO, NONE, NEXT, "a = capacity of b in bytes")                                  \
    X(OVERFLOW, WI, RO, NONE, NEXT, "a = 1 if the last := cut what b was given")                   \
    X(COMPARE, WI, RO, RO, NEXT, "a = -1, 0, 1 as b is before, equal, after c by bytes")           \
    X(INDEX_GET, WI, RO, RI, NEXT, "a = byte c of b; out of range fails, as in all below")         \
    X(INDEX_SET, RI, WB, RI, NEXT, "byte c of b = a")                                              \
    X(GET_I8, WI, RB, U, NEXT, "a = field at byte c of b, sign-extended")                          \
    X(GET_I16, WI, RB, U, NEXT, "the same, 16 bits")                                               \
    X(GET_I32, WI, RB, U, NEXT, "the same, 32 bits")                                               \
    X(GET_I64, WI, RB, U, NEXT, "the same, 64 bits")                                               \
    X(GET_U8, WI, RB, U, NEXT, "the same, 8 bits, zero-extended")                                  \
    X(GET_U16, WI, RB, U, NEXT, "the same, 16 bits, zero-extended")                                \
    X(GET_U32, WI, RB, U, NEXT, "the same, 32 bits, zero-extended")                                \
    X(GET_FLOAT, WF, RB, U, NEXT, "the same, a float")                                             \
    X(GET_DOUBLE, WF, RB, U, NEXT, "the same, a double")                                           \
    X(SET_8, RI, WB, U, NEXT, "field at byte c of b = low 8 bits of a")                            \
    X(SET_16, RI, WB, U, NEXT, "the same, 16 bits")                                                \
    X(SET_32, RI, WB, U, NEXT, "the same, 32 bits")                                                \
    X(SET_64, RI, WB, U, NEXT, "the same, 64 bits")                                                \
    X(SET_FLOAT, RF, WB, U, NEXT, "the same, a float")                                             \
    X(SET_DOUBLE, RF, WB, U, NEXT, "the same, a double")

typedef enum cb_opcode {
#define CB_OPCODE_ENUM(name, a, b, c, flow, text) CB_OPC_##name,
    CB_OPCODES(CB_OPCODE_ENUM)
#undef CB_OPCODE_ENUM
        CB_OPC_COUNT
} cb_opcode;

typedef struct cb_insn {
    uint16_t op; /* a cb_opcode */
    uint16_t a;
    union {
        struct {
            uint16_t b;
            uint16_t c;
        };
        int32_t wide; /* b and c together */
    };
} cb_insn;

typedef struct cb_opcode_facts {
    const char *name;
    const char *text;
    uint8_t operands[3]; /* cb_operand of a, b, c */
    uint8_t flow;        /* cb_flow */
} cb_opcode_facts;

extern const cb_opcode_facts cb_opcode_table[CB_OPC_COUNT];

#endif
