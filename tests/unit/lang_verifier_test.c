/* Each rule of the verifier on bytecode made by hand: the last operand that is right, the first
 * that is not, and the sentence that says so. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hand_program.h"

/* --- operands --- */

typedef struct operand_row {
    int32_t value;
    const char *says; /* NULL: right */
} operand_row;

#define WRONG_REGISTER "a register of the wrong kind"
#define NO_REGISTER    "there is no such register"
#define WRONG_OBJECT   "an object of the wrong kind"
#define NO_OBJECT      "there is no such object"
#define NO_CONSTANT    "there is no such constant, function or verb"
#define OUT            "a jump out of the function"
#define DIRECTION      "a jump in the wrong direction"

static const operand_row of_integer[] = {
    {0, NULL},           {1, NULL},        {2, WRONG_REGISTER},  {3, WRONG_REGISTER},
    {4, WRONG_REGISTER}, {6, NO_REGISTER}, {65535, NO_REGISTER}, {0, NULL}};
static const operand_row of_real[] = {{2, NULL},           {3, NULL},        {1, WRONG_REGISTER},
                                      {4, WRONG_REGISTER}, {6, NO_REGISTER}, {2, NULL}};
static const operand_row of_reference[] = {
    {4, NULL}, {5, NULL}, {3, WRONG_REGISTER}, {0, WRONG_REGISTER}, {6, NO_REGISTER}, {4, NULL}};
static const operand_row of_object[] = {{2, NULL}, {3, NULL}, {4, NO_OBJECT}, {65535, NO_OBJECT}};
static const operand_row of_blob[] = {
    {2, NULL}, {3, NULL}, {0, WRONG_OBJECT}, {1, WRONG_OBJECT}, {4, NO_OBJECT}};
static const operand_row of_number[] = {{0, NULL}, {1, NULL}, {32768, NULL}, {65535, NULL}};
static const operand_row of_wide[] = {{0, NULL}, {INT32_MIN, NULL}, {INT32_MAX, NULL}};
/* From the second instruction of three. */
static const operand_row of_forward[] = {{1, NULL}, {0, DIRECTION}, {-1, DIRECTION}, {2, OUT},
                                         {-2, OUT}, {32767, OUT},   {-32768, OUT}};
static const operand_row of_back[] = {{0, NULL}, {-1, NULL}, {1, DIRECTION},
                                      {2, OUT},  {-2, OUT},  {-32768, OUT}};
static const operand_row of_integers[] = {
    {0, NULL}, {1, NULL}, {2, NO_CONSTANT}, {-1, NO_CONSTANT}, {65536, NO_CONSTANT}};
static const operand_row of_reals[] = {{0, NULL}, {1, NO_CONSTANT}, {-1, NO_CONSTANT}};
static const operand_row of_strings[] = {{0, NULL}, {2, NULL}, {3, NO_CONSTANT}, {-1, NO_CONSTANT}};
static const operand_row of_type[] = {{CB_TYPE_I8, NULL},
                                      {CB_TYPE_I64, NULL},
                                      {CB_TYPE_U64, NULL},
                                      {CB_TYPE_VOID, "a wrong type"},
                                      {CB_TYPE_FLOAT, "a wrong type"},
                                      {CB_TYPE_DOUBLE, "a wrong type"},
                                      {CB_TYPE_BLOB, "a wrong type"},
                                      {CB_TYPE_CALLBACK, "a wrong type"},
                                      {CB_TYPE_COUNT, "a wrong type"},
                                      {65535, "a wrong type"}};
/* From object 2 on, of 4. */
static const operand_row of_range[] = {
    {1, NULL}, {0, NULL}, {2, NULL}, {3, "too many objects"}, {65535, "too many objects"}};

#define ROWS(table) (*count = sizeof(table) / sizeof(table)[0], (table))

/* The first row is the operand to use where another one is tested. */
static const operand_row *rows_of(cb_operand operand, cb_flow flow, size_t *count)
{
    bool is_back = flow == CB_FLOW_LOOP || flow == CB_FLOW_TURN;
    switch (operand) {
    case CB_OPERAND_WI:
    case CB_OPERAND_RI:
        return ROWS(of_integer);
    case CB_OPERAND_WF:
    case CB_OPERAND_RF:
        return ROWS(of_real);
    case CB_OPERAND_WR:
    case CB_OPERAND_RR:
        return ROWS(of_reference);
    case CB_OPERAND_WO:
    case CB_OPERAND_RO:
        return ROWS(of_object);
    case CB_OPERAND_WB:
    case CB_OPERAND_RB:
        return ROWS(of_blob);
    case CB_OPERAND_WIDE_N:
        return ROWS(of_wide);
    case CB_OPERAND_T:
    case CB_OPERAND_WIDE_T:
        return is_back ? ROWS(of_back) : ROWS(of_forward);
    case CB_OPERAND_KI:
        return ROWS(of_integers);
    case CB_OPERAND_KF:
        return ROWS(of_reals);
    case CB_OPERAND_KS:
        return ROWS(of_strings);
    case CB_OPERAND_TYPE:
        return ROWS(of_type);
    case CB_OPERAND_RANGE:
        return ROWS(of_range);
    default:
        return ROWS(of_number);
    }
}

static bool is_wide(cb_operand operand)
{
    return operand == CB_OPERAND_WIDE_N || operand == CB_OPERAND_WIDE_T ||
           operand == CB_OPERAND_KI || operand == CB_OPERAND_KF || operand == CB_OPERAND_KS;
}

static void set_operand(cb_insn *to, int index, cb_operand operand, int32_t value)
{
    if (operand == CB_OPERAND_NONE)
        return;
    if (is_wide(operand))
        to->wide = value;
    else if (index == 0)
        to->a = (uint16_t)value;
    else if (index == 1)
        to->b = (uint16_t)value;
    else
        to->c = (uint16_t)value;
}

/* An instruction with operands that are all right. */
static cb_insn good_insn(cb_opcode op)
{
    const cb_opcode_facts *facts = &cb_opcode_table[op];
    cb_insn made = hand_insn(op, 0, 0, 0);
    for (int i = 0; i < 3; i++) {
        size_t count;
        cb_operand operand = (cb_operand)facts->operands[i];
        set_operand(&made, i, operand, rows_of(operand, (cb_flow)facts->flow, &count)[0].value);
    }
    return made;
}

static void each_operand_of_each_instruction(void)
{
    for (int op = 0; op < CB_OPC_COUNT; op++) {
        const cb_opcode_facts *facts = &cb_opcode_table[op];
        cb_flow flow = (cb_flow)facts->flow;
        if (flow == CB_FLOW_CALL || flow == CB_FLOW_ARG || flow == CB_FLOW_END)
            continue;
        for (int i = 0; i < 3; i++) {
            size_t count;
            cb_operand operand = (cb_operand)facts->operands[i];
            const operand_row *rows = rows_of(operand, flow, &count);
            for (size_t row = 0; row < count && operand != CB_OPERAND_NONE; row++) {
                cb_insn code[] = {hand_insn(CB_OPC_NOT, 0, 0, 0), good_insn((cb_opcode)op),
                                  hand_insn(CB_OPC_LEAVE, 0, 0, 0)};
                set_operand(&code[1], i, operand, rows[row].value);
                hand_make(code, 3);
                CU_ASSERT_TRUE(hand_is_told_at(1, rows[row].says));
            }
        }
    }
}

/* Those of one instruction are strings, or blobs, all of them. */
static void objects_of_one_kind(void)
{
    static const cb_opcode copies[] = {CB_OPC_COPY, CB_OPC_MOVE_O, CB_OPC_FILL};
    for (uint32_t pair = 0; pair < 16; pair++) {
        const char *says = pair / 8 == pair % 4 / 2 ? NULL : WRONG_OBJECT;
        for (size_t i = 0; i < 3; i++) {
            cb_insn code[] = {hand_insn(copies[i], pair / 4, pair % 4, 0),
                              hand_insn(CB_OPC_LEAVE, 0, 0, 0)};
            hand_make(code, 2);
            CU_ASSERT_TRUE(hand_is_told_at(0, says));
        }
        cb_insn code[] = {hand_insn(CB_OPC_COMPARE, 0, pair / 4, pair % 4),
                          hand_insn(CB_OPC_LEAVE, 0, 0, 0)};
        hand_make(code, 2);
        CU_ASSERT_TRUE(hand_is_told_at(0, says));
    }
    /* Each instruction may have another kind. */
    cb_insn code[] = {hand_insn(CB_OPC_COPY, 0, 1, 0), hand_insn(CB_OPC_COPY, 2, 3, 0),
                      hand_insn(CB_OPC_LENGTH, 0, 0, 0), hand_insn(CB_OPC_LENGTH, 0, 2, 0),
                      hand_insn(CB_OPC_LEAVE, 0, 0, 0)};
    hand_make(code, 5);
    CU_ASSERT_TRUE(hand_is_told(NULL));
}

static void ranges_of_objects(void)
{
    for (uint32_t from = 0; from < 4; from++) {
        for (uint32_t count = 0; count <= 5; count++) {
            cb_insn code[] = {hand_insn(CB_OPC_CLEAR, from, 0, count),
                              hand_insn(CB_OPC_LEAVE, 0, 0, 0)};
            hand_make(code, 2);
            CU_ASSERT_TRUE(hand_is_told_at(0, from + count <= 4 ? NULL : "too many objects"));
        }
    }
}

static void opcodes_that_are_none(void)
{
    cb_insn code[] = {hand_insn(CB_OPC_NOT, 0, 0, 0), hand_insn(CB_OPC_NOT, 0, 0, 0),
                      hand_insn(CB_OPC_LEAVE, 0, 0, 0)};
    code[1].op = CB_OPC_COUNT;
    hand_make(code, 3);
    CU_ASSERT_TRUE(hand_is_told_at(1, "an unknown opcode"));
    code[1].op = UINT16_MAX;
    hand_make(code, 3);
    CU_ASSERT_TRUE(hand_is_told_at(1, "an unknown opcode"));
    /* Also where an instruction before it jumps there. */
    code[0] = hand_wide(CB_OPC_JUMP, 0, 1);
    hand_make(code, 3);
    CU_ASSERT_TRUE(hand_is_told_at(1, "an unknown opcode"));
}

/* --- ends --- */

typedef struct end_row {
    cb_opcode op;
    bool has_objects;
    uint8_t result;
} end_row;

static const end_row ends[] = {
    {CB_OPC_RET, false, CB_KIND_NONE},      {CB_OPC_RET_I, false, CB_KIND_INT},
    {CB_OPC_RET_F, false, CB_KIND_REAL},    {CB_OPC_LEAVE, true, CB_KIND_NONE},
    {CB_OPC_LEAVE_I, true, CB_KIND_INT},    {CB_OPC_LEAVE_F, true, CB_KIND_REAL},
    {CB_OPC_LEAVE_O, true, CB_KIND_STRING}, {CB_OPC_LEAVE_O, true, CB_KIND_BLOB},
    {CB_OPC_HALT, true, UINT8_MAX},
};

/* Each of them in functions of each kind. */
static void functions_leave_as_they_promise(void)
{
    static const uint8_t results[] = {CB_KIND_NONE, CB_KIND_INT, CB_KIND_REAL, CB_KIND_STRING,
                                      CB_KIND_BLOB};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t kind = 0; kind < 2 * sizeof results; kind++) {
            bool has_objects = kind % 2 == 1;
            uint8_t result = results[kind / 2];
            bool fits = ends[i].has_objects == has_objects && ends[i].result == result;
            bool is_real = ends[i].op == CB_OPC_RET_F || ends[i].op == CB_OPC_LEAVE_F;
            bool is_object = ends[i].op == CB_OPC_LEAVE_O;
            cb_insn end = hand_insn(ends[i].op, is_real ? 2 : 0, 0, 0);
            end.a = is_object && ends[i].result == CB_KIND_BLOB ? 3 : end.a;
            hand_make(&end, 1);
            hand_functions[HAND_TESTED].result = result;
            hand_functions[HAND_TESTED].object_count = has_objects ? 4 : 0;
            const char *says = "the wrong kind of return";
            if (is_object && !has_objects)
                says = NO_OBJECT;
            else if (is_object && (result == CB_KIND_STRING || result == CB_KIND_BLOB))
                says = "a result of the wrong kind";
            CU_ASSERT_TRUE(hand_is_told_at(0, fits ? NULL : says));
        }
    }
}

/* Nothing may run behind the last instruction. */
static void functions_end(void)
{
    const char *off = "the function runs off its end";
    cb_insn code[2] = {hand_insn(CB_OPC_NOT, 0, 0, 0), hand_insn(CB_OPC_LEAVE, 0, 0, 0)};
    hand_make(code, 2);
    CU_ASSERT_TRUE(hand_is_told(NULL));
    hand_make(code, 1);
    CU_ASSERT_TRUE(hand_is_told_at(0, off));
    code[1] = hand_insn(CB_OPC_NOT, 0, 0, 0);
    hand_make(code, 2);
    CU_ASSERT_TRUE(hand_is_told_at(1, off));
    code[1] = hand_wide(CB_OPC_LOOP, 0, -1);
    hand_make(code, 2);
    CU_ASSERT_TRUE(hand_is_told(NULL));
    code[1] = hand_wide(CB_OPC_LOOP_T, 0, -1);
    hand_make(code, 2);
    CU_ASSERT_TRUE(hand_is_told_at(1, off));
    code[1] = hand_insn(CB_OPC_CALL, 0, HAND_NOTHING, 0);
    hand_make(code, 2);
    CU_ASSERT_TRUE(hand_is_told_at(1, off));
}

/* --- the shape of functions --- */

static void make_leave(void)
{
    const cb_insn leave = hand_insn(CB_OPC_LEAVE, 0, 0, 0);
    hand_make(&leave, 1);
}

/* The code of each function lies in the program's, to its last instruction. */
static void code_lies_in_the_program(void)
{
    const char *says = "damaged bytecode: tested has no code";
    cb_function *tested = &hand_functions[HAND_TESTED];
    make_leave();
    tested->code_count = 0;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    tested->code_count = 2;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    tested->code++;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    tested->code = hand_program.code - 1;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    hand_program.code_count--;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    hand_functions[HAND_PLAIN].code_count = 0;
    CU_ASSERT_TRUE(hand_is_told("damaged bytecode: plain has no code"));
    /* The first instruction of all may be shared: it is no function's own. */
    make_leave();
    hand_functions[HAND_NOTHING].code = hand_program.code + HAND_NOTHING;
    CU_ASSERT_TRUE(hand_is_told(NULL));
}

static void counts_of_registers(void)
{
    enum { TOO_MANY = 65536 };
    static uint8_t kinds[TOO_MANY];
    cb_function *tested = &hand_functions[HAND_TESTED];
    const char *says = "too many registers";
    memset(kinds, CB_KIND_STRING, sizeof kinds);
    make_leave();
    tested->register_kinds = kinds;
    tested->register_count = 65535;
    CU_ASSERT_TRUE(hand_is_told(NULL));
    tested->register_count = 65536;
    CU_ASSERT_TRUE(hand_is_told_at(0, says));
    make_leave();
    tested->object_kinds = kinds;
    tested->object_count = 65535;
    CU_ASSERT_TRUE(hand_is_told(NULL));
    tested->object_count = 65536;
    CU_ASSERT_TRUE(hand_is_told_at(0, says));
}

static void objects_have_a_kind(void)
{
    for (uint8_t kind = 0; kind < 8; kind++) {
        for (size_t at = 0; at < 4; at += 3) {
            uint8_t kinds[4] = {CB_KIND_BLOB, CB_KIND_BLOB, CB_KIND_BLOB, CB_KIND_BLOB};
            kinds[at] = kind;
            make_leave();
            hand_functions[HAND_TESTED].object_kinds = kinds;
            bool is_good = kind == CB_KIND_STRING || kind == CB_KIND_BLOB;
            CU_ASSERT_TRUE(hand_is_told_at(0, is_good ? NULL : "an object of no kind"));
        }
    }
}

/* Gives the function under test these parameters and counts. */
static void set_parameters(cb_parameter *parameters, uint32_t count, uint32_t scalars,
                           uint32_t object_count)
{
    cb_function *tested = &hand_functions[HAND_TESTED];
    make_leave();
    tested->parameters = parameters;
    tested->parameter_count = count;
    tested->scalar_parameter_count = scalars;
    tested->object_parameter_count = object_count;
}

static void parameters_lie_in_the_first_registers(void)
{
    const char *says = "the parameters do not add up";
    cb_parameter all[] = {{CB_KIND_INT, false},  {CB_KIND_STRING, false}, {CB_KIND_INT, false},
                          {CB_KIND_REAL, false}, {CB_KIND_STRING, true},  {CB_KIND_REAL, false},
                          {CB_KIND_REAL, true},  {CB_KIND_INT, true},     {CB_KIND_BLOB, true},
                          {CB_KIND_BLOB, false}, {CB_KIND_INT, false}};
    set_parameters(all, 10, 6, 4);
    CU_ASSERT_TRUE(hand_is_told(NULL));
    set_parameters(all, 10, 5, 4);
    CU_ASSERT_TRUE(hand_is_told_at(0, says));
    set_parameters(all, 10, 7, 4);
    CU_ASSERT_TRUE(hand_is_told_at(0, says));
    set_parameters(all, 10, 6, 3);
    CU_ASSERT_TRUE(hand_is_told_at(0, says));
    set_parameters(all, 10, 6, 5);
    CU_ASSERT_TRUE(hand_is_told_at(0, says));
    set_parameters(all, 11, 7, 4);
    CU_ASSERT_TRUE(hand_is_told_at(0, NO_REGISTER));
    all[10] = (cb_parameter){CB_KIND_BLOB, false};
    set_parameters(all, 11, 6, 5);
    CU_ASSERT_TRUE(hand_is_told_at(0, NO_OBJECT));
    all[0] = (cb_parameter){CB_KIND_REAL, false};
    set_parameters(all, 10, 6, 4);
    CU_ASSERT_TRUE(hand_is_told_at(0, WRONG_REGISTER));
    all[0] = (cb_parameter){CB_KIND_INT, true};
    set_parameters(all, 10, 6, 4);
    CU_ASSERT_TRUE(hand_is_told_at(0, WRONG_REGISTER));
    all[0] = (cb_parameter){CB_KIND_INT, false};
    all[4] = (cb_parameter){CB_KIND_BLOB, false};
    set_parameters(all, 10, 6, 4);
    CU_ASSERT_TRUE(hand_is_told_at(0, WRONG_OBJECT));
}

/* --- what the machine enters --- */

static void main_takes_nothing(void)
{
    const char *says = "damaged bytecode: main has the wrong shape";
    make_leave();
    hand_program.main_index = CB_NO_MAIN;
    CU_ASSERT_TRUE(hand_is_told(NULL));
    hand_program.main_index = HAND_TESTED;
    CU_ASSERT_TRUE(hand_is_told(NULL));
    hand_program.main_index = HAND_FUNCTIONS;
    CU_ASSERT_TRUE(hand_is_told(says));
    hand_program.main_index = CB_NO_MAIN - 1;
    CU_ASSERT_TRUE(hand_is_told(says));
    hand_program.main_index = HAND_PLAIN; /* an integer of two */
    CU_ASSERT_TRUE(hand_is_told(says));
    hand_program.main_index = HAND_CALLBACK; /* an integer of one */
    CU_ASSERT_TRUE(hand_is_told(says));
    for (size_t i = 0; i + 1 < sizeof ends / sizeof ends[0]; i++) {
        cb_insn end = hand_insn(ends[i].op, ends[i].result == CB_KIND_REAL ? 2 : 0, 0, 0);
        end.a = ends[i].result == CB_KIND_BLOB ? 2 : end.a;
        hand_make(&end, 1);
        hand_functions[HAND_TESTED].result = ends[i].result;
        hand_functions[HAND_TESTED].object_count = ends[i].has_objects ? 4 : 0;
        hand_program.main_index = HAND_TESTED;
        bool is_good = ends[i].result == CB_KIND_NONE || ends[i].result == CB_KIND_INT;
        CU_ASSERT_TRUE(hand_is_told(is_good ? NULL : says));
    }
}

/* The callback in other shapes: with one thing more, less or else. */
static void callbacks_take_one_blob(void)
{
    const char *says = "damaged bytecode: callback 0 has the wrong shape";
    static uint8_t blobs[] = {CB_KIND_BLOB, CB_KIND_BLOB};
    static uint8_t string[] = {CB_KIND_STRING};
    cb_function *callback = &hand_functions[HAND_CALLBACK];
    cb_parameter two[] = {{CB_KIND_BLOB, true}, {CB_KIND_BLOB, true}};
    cb_parameter with_number[] = {{CB_KIND_BLOB, true}, {CB_KIND_INT, false}};
    cb_parameter by_value[] = {{CB_KIND_BLOB, false}};
    cb_parameter text[] = {{CB_KIND_STRING, true}};
    make_leave();
    CU_ASSERT_TRUE(hand_is_told(NULL));
    hand_program.callbacks[0] = HAND_FUNCTIONS;
    CU_ASSERT_TRUE(hand_is_told(says));
    hand_program.callbacks[0] = HAND_PLAIN;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    callback->is_callback = false;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    callback->parameters = two;
    callback->parameter_count = callback->object_parameter_count = callback->object_count = 2;
    callback->object_kinds = blobs;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    callback->parameters = with_number;
    callback->parameter_count = 2;
    callback->scalar_parameter_count = 1;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    callback->parameter_count = callback->object_parameter_count = 0;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    callback->parameters = by_value;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    callback->parameters = text;
    callback->object_kinds = string;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    callback->result = CB_KIND_NONE;
    hand_program.code[HAND_CALLBACK].op = CB_OPC_LEAVE;
    CU_ASSERT_TRUE(hand_is_told(says));
    make_leave();
    hand_program.callback_count = 0;
    callback->is_callback = false;
    CU_ASSERT_TRUE(hand_is_told(NULL));
}

/* The second of two is looked at as the first is. */
static void each_callback_is_looked_at(void)
{
    uint32_t two[] = {HAND_CALLBACK, HAND_PLAIN};
    make_leave();
    hand_program.callbacks = two;
    hand_program.callback_count = 2;
    CU_ASSERT_TRUE(hand_is_told("damaged bytecode: callback 1 has the wrong shape"));
    two[1] = HAND_CALLBACK;
    CU_ASSERT_TRUE(hand_is_told(NULL));
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("rules of the verifier", NULL, NULL);
    CU_ADD_TEST(suite, each_operand_of_each_instruction);
    CU_ADD_TEST(suite, objects_of_one_kind);
    CU_ADD_TEST(suite, ranges_of_objects);
    CU_ADD_TEST(suite, opcodes_that_are_none);
    CU_ADD_TEST(suite, functions_leave_as_they_promise);
    CU_ADD_TEST(suite, functions_end);
    CU_ADD_TEST(suite, code_lies_in_the_program);
    CU_ADD_TEST(suite, counts_of_registers);
    CU_ADD_TEST(suite, objects_have_a_kind);
    CU_ADD_TEST(suite, parameters_lie_in_the_first_registers);
    CU_ADD_TEST(suite, main_takes_nothing);
    CU_ADD_TEST(suite, callbacks_take_one_blob);
    CU_ADD_TEST(suite, each_callback_is_looked_at);
    CU_basic_run_tests();
    hand_free();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
