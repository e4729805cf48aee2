/* What the verifier says of calls and their arguments, on bytecode made by hand. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/ast.h"
#include "tests/unit/hand_program.h"

#define WRONG_REGISTER "a register of the wrong kind"
#define NO_REGISTER    "there is no such register"
#define WRONG_OBJECT   "an object of the wrong kind"
#define NO_OBJECT      "there is no such object"
#define NO_CONSTANT    "there is no such constant, function or verb"
#define WRONG_CALL     "the wrong kind of call"
#define WRONG_ARGUMENT "an argument of the wrong kind"
#define WRONG_COUNT    "a wrong count of arguments"
#define MISSING        "arguments are missing"

/* A call with these ARGs behind it and a LEAVE; what is wrong is said at an instruction. */
static void expect(cb_insn call, const cb_insn *arguments, uint32_t count, size_t at,
                   const char *says)
{
    cb_insn code[80];
    code[0] = call;
    if (count > 0)
        memcpy(code + 1, arguments, count * sizeof *code);
    code[1 + count] = hand_insn(CB_OPC_LEAVE, 0, 0, 0);
    hand_make(code, count + 2);
    CU_ASSERT_TRUE(hand_is_told_at(at, says));
}

static void expect_call(cb_opcode op, uint32_t window, uint32_t function, uint32_t result,
                        const char *says)
{
    expect(hand_insn(op, window, function, result), NULL, 0, 0, says);
}

/* An integer and a real, an integer for a result; or two references, and a real. */
static void windows_and_results(void)
{
    for (uint32_t i = 0; i < 7; i++) {
        const char *other = i == 6 ? NO_REGISTER : WRONG_REGISTER;
        expect_call(CB_OPC_CALL, i, HAND_PLAIN, 0, i == 1 ? NULL : other);
        expect_call(CB_OPC_CALL, 1, HAND_PLAIN, i, i < 2 ? NULL : other);
        expect_call(CB_OPC_CALL, i, HAND_REFS, 2, i == 4 ? NULL : i == 5 ? NO_REGISTER : other);
        expect_call(CB_OPC_CALL, 4, HAND_REFS, i, i == 2 || i == 3 ? NULL : other);
    }
    /* Neither matters where there is none. */
    expect_call(CB_OPC_CALL, 65535, HAND_NOTHING, 65535, NULL);
}

static void kinds_of_calls(void)
{
    expect_call(CB_OPC_CALL, 0, HAND_FUNCTIONS, 0, NO_CONSTANT);
    expect_call(CB_OPC_CALL, 0, 65535, 0, NO_CONSTANT);
    expect_call(CB_OPC_CALL_O, 1, HAND_PLAIN, 0, WRONG_CALL);
    expect_call(CB_OPC_CALL_O, 0, HAND_NOTHING, 0, WRONG_CALL);
    expect_call(CB_OPC_CALL_VERB, 0, HAND_VERBS, 0, NO_CONSTANT);
    /* The function under test has objects, but none that is a parameter. */
    expect_call(CB_OPC_CALL_O, 0, HAND_TESTED, 0, NULL);
    expect_call(CB_OPC_CALL, 0, HAND_TESTED, 0, WRONG_CALL);
}

typedef struct argument_row {
    uint32_t index;
    cb_insn argument; /* in place of the right one */
    const char *says;
} argument_row;

/* A string, a blob by reference, and a blob. */
static void objects_for_functions(void)
{
    const cb_insn good[] = {hand_insn(CB_OPC_ARG_O, 0, 0, 0), hand_insn(CB_OPC_ARG_REF, 2, 0, 0),
                            hand_insn(CB_OPC_ARG_MOVE, 3, 0, 0)};
    const argument_row rows[] = {
        {0, hand_insn(CB_OPC_ARG_O, 1, 0, 0), NULL},
        {0, hand_insn(CB_OPC_ARG_MOVE, 1, 0, 0), NULL},
        {0, hand_wide(CB_OPC_ARG_K, 0, 2), NULL},
        {0, hand_wide(CB_OPC_ARG_K, 0, 3), NO_CONSTANT},
        {0, hand_insn(CB_OPC_ARG_REF, 1, 0, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_O, 2, 0, 0), WRONG_OBJECT},
        {0, hand_insn(CB_OPC_ARG_MOVE, 2, 0, 0), WRONG_OBJECT},
        {0, hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I32, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_NAME, 0, 0, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_CALLBACK, 0, HAND_CALLBACK, 0), WRONG_ARGUMENT},
        {1, hand_insn(CB_OPC_ARG_REF, 3, 0, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_REF, 1, 0, 0), WRONG_OBJECT},
        {1, hand_insn(CB_OPC_ARG_REF, 4, 0, 0), NO_OBJECT},
        {1, hand_insn(CB_OPC_ARG_O, 2, 0, 0), WRONG_ARGUMENT},
        {1, hand_insn(CB_OPC_ARG_MOVE, 2, 0, 0), WRONG_ARGUMENT},
        {1, hand_wide(CB_OPC_ARG_K, 0, 0), WRONG_ARGUMENT},
        {2, hand_insn(CB_OPC_ARG_O, 2, 0, 0), NULL},
        {2, hand_insn(CB_OPC_ARG_O, 4, 0, 0), NO_OBJECT},
        {2, hand_wide(CB_OPC_ARG_K, 0, 0), WRONG_ARGUMENT},
        {2, hand_insn(CB_OPC_ARG_REF, 2, 0, 0), WRONG_ARGUMENT},
    };
    const cb_insn call = hand_insn(CB_OPC_CALL_O, 0, HAND_OBJECTS, 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cb_insn list[3];
        memcpy(list, good, sizeof list);
        list[rows[i].index] = rows[i].argument;
        /* A constant that is none is found when the ARG itself is looked at. */
        expect(call, list, 3, rows[i].index + 1, rows[i].says);
    }
    for (uint32_t result = 0; result <= 4; result++)
        expect(hand_insn(CB_OPC_CALL_O, 0, HAND_OBJECTS, result), good, 3, 0,
               result == 4  ? NO_OBJECT
               : result < 2 ? WRONG_OBJECT
                            : NULL);
    expect(hand_insn(CB_OPC_CALL_O, 2, HAND_OBJECTS, 2), good, 3, 1, WRONG_REGISTER);
    expect(hand_insn(CB_OPC_CALL_O, 6, HAND_OBJECTS, 2), good, 3, 1, NO_REGISTER);
    expect(hand_insn(CB_OPC_CALL, 0, HAND_OBJECTS, 2), good, 3, 0, WRONG_CALL);
    expect(call, good, 2, 0, MISSING);
    expect(call, NULL, 0, 0, MISSING);
}

static void arguments_at_the_end_of_the_code(void)
{
    const cb_insn argument = hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I32, 0);
    cb_insn code[] = {hand_insn(CB_OPC_CALL_VERB, 0, HAND_NUMBERS, 1), argument};
    hand_make(code, 1);
    CU_ASSERT_TRUE(hand_is_told_at(0, MISSING));
    hand_make(code, 2);
    CU_ASSERT_TRUE(hand_is_told_at(1, "the function runs off its end"));
    code[0].c = 2;
    hand_make(code, 2);
    CU_ASSERT_TRUE(hand_is_told_at(0, MISSING));
    code[0] = hand_insn(CB_OPC_CALL_O, 0, HAND_OBJECTS, 2);
    hand_make(code, 1);
    CU_ASSERT_TRUE(hand_is_told_at(0, MISSING));
}

static void arguments_belong_to_calls(void)
{
    const char *alone = "an argument without its call";
    const cb_insn argument = hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I32, 0);
    const cb_insn leave = hand_insn(CB_OPC_LEAVE, 0, 0, 0);
    const cb_insn call = hand_insn(CB_OPC_CALL_VERB, 0, HAND_NUMBERS, 1);
    expect(argument, NULL, 0, 0, alone);
    const cb_insn more[] = {argument, argument};
    expect(call, more, 2, 2, alone);
    const cb_insn between[] = {leave};
    expect(call, between, 1, 0, MISSING);
    cb_insn jump[] = {hand_wide(CB_OPC_JUMP_T, 0, 2), call, argument,
                      hand_wide(CB_OPC_LOOP_T, 0, -1), leave};
    hand_make(jump, 5);
    CU_ASSERT_TRUE(hand_is_told_at(0, "a jump between a call and its arguments"));
    jump[0].wide = 1;
    hand_make(jump, 5);
    CU_ASSERT_TRUE(hand_is_told_at(3, "a jump between a call and its arguments"));
    jump[3].wide = -2;
    jump[0].wide = 3;
    hand_make(jump, 5);
    CU_ASSERT_TRUE(hand_is_told(NULL));
}

static void counts_for_verbs(void)
{
    cb_insn list[70];
    for (uint32_t i = 0; i < 70; i++)
        list[i] = hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I32, 0);
    list[1] = hand_insn(CB_OPC_ARG_F, 2, CB_TYPE_DOUBLE, 0);
    for (uint32_t count = 0; count <= 3; count++)
        expect(hand_insn(CB_OPC_CALL_VERB, 0, HAND_NUMBERS, count), list, count, 0,
               count == 1 || count == 2 ? NULL : WRONG_COUNT);
    list[0] = hand_wide(CB_OPC_ARG_K, 0, 0);
    for (uint32_t count = 0; count <= 66; count++)
        expect(hand_insn(CB_OPC_CALL_VERB, 0, HAND_MANY, count), list, count, 0,
               count >= 1 && count <= CB_MAX_ARGUMENTS ? NULL : WRONG_COUNT);
}

/* The right arguments of a verb. */
static uint32_t good_arguments(uint32_t verb, cb_insn *list)
{
    static const uint32_t counts[HAND_VERBS] = {2, 3, 3, 1, 1};
    list[0] = hand_insn(CB_OPC_ARG_O, 0, 0, 0);
    list[1] = hand_insn(CB_OPC_ARG_REF, 3, 0, 0);
    list[2] = hand_insn(CB_OPC_ARG_O, 2, 0, 0);
    if (verb == HAND_NUMBERS)
        list[0] = hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I32, 0);
    if (verb == HAND_NUMBERS || verb == HAND_MANY)
        list[1] = hand_insn(CB_OPC_ARG_F, 2, CB_TYPE_DOUBLE, 0);
    if (verb == HAND_NAMED)
        list[0] = hand_insn(CB_OPC_ARG_NAME, 0, 0, 0);
    if (verb == HAND_FLOATS)
        list[0] = hand_insn(CB_OPC_ARG_REF, 0, 0, 0);
    return counts[verb];
}

/* A register that takes the verb's result. */
static const uint32_t results[HAND_VERBS] = {0, 1, 65535, 2, 3};

static void expect_arguments(uint32_t verb, const argument_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cb_insn list[3];
        uint32_t given = good_arguments(verb, list);
        list[rows[i].index] = rows[i].argument;
        expect(hand_insn(CB_OPC_CALL_VERB, results[verb], verb, given), list, given,
               rows[i].index + 1, rows[i].says);
    }
}

#define EXPECT(verb, rows) expect_arguments(verb, rows, sizeof rows / sizeof rows[0])

static void numbers_for_verbs(void)
{
    const argument_row rows[] = {
        {0, hand_insn(CB_OPC_ARG_I, 1, CB_TYPE_U64, 0), NULL},
        {0, hand_insn(CB_OPC_ARG_I, 2, CB_TYPE_I32, 0), WRONG_REGISTER},
        {0, hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_DOUBLE, 0), "a wrong type"},
        {0, hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_CALLBACK, 0), "a wrong type"},
        {0, hand_insn(CB_OPC_ARG_F, 2, CB_TYPE_DOUBLE, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_O, 0, 0, 0), WRONG_ARGUMENT},
        {0, hand_wide(CB_OPC_ARG_K, 0, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_CALLBACK, 0, HAND_CALLBACK, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_NAME, 0, 0, 0), WRONG_ARGUMENT},
        {1, hand_insn(CB_OPC_ARG_F, 3, CB_TYPE_FLOAT, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_F, 3, CB_TYPE_I32, 0), "a wrong type"},
        {1, hand_insn(CB_OPC_ARG_F, 0, CB_TYPE_DOUBLE, 0), WRONG_REGISTER},
        {1, hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I32, 0), WRONG_ARGUMENT},
    };
    EXPECT(HAND_NUMBERS, rows);
}

static void objects_for_verbs(void)
{
    const argument_row texts[] = {
        {0, hand_insn(CB_OPC_ARG_O, 1, 0, 0), NULL},
        {0, hand_wide(CB_OPC_ARG_K, 0, 2), NULL},
        {0, hand_wide(CB_OPC_ARG_K, 0, 3), NO_CONSTANT},
        {0, hand_insn(CB_OPC_ARG_O, 2, 0, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_O, 4, 0, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_REF, 0, 0, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_MOVE, 0, 0, 0), WRONG_ARGUMENT},
        {1, hand_insn(CB_OPC_ARG_REF, 2, 0, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_REF, 0, 0, 0), WRONG_ARGUMENT},
        {1, hand_insn(CB_OPC_ARG_O, 2, 0, 0), WRONG_ARGUMENT},
        {1, hand_wide(CB_OPC_ARG_K, 0, 0), WRONG_ARGUMENT},
        {2, hand_insn(CB_OPC_ARG_O, 3, 0, 0), NULL},
        {2, hand_wide(CB_OPC_ARG_K, 0, 0), WRONG_ARGUMENT},
    };
    const argument_row floats[] = {
        {0, hand_insn(CB_OPC_ARG_REF, 1, 0, 0), NULL},
        {0, hand_insn(CB_OPC_ARG_REF, 4, 0, 0), WRONG_ARGUMENT},
        {0, hand_wide(CB_OPC_ARG_K, 0, 0), WRONG_ARGUMENT},
    };
    EXPECT(HAND_TEXTS, texts);
    EXPECT(HAND_FLOATS, floats);
}

/* Behind `...` everything may stand but references and callbacks. */
static void anything_for_verbs(void)
{
    const argument_row rows[] = {
        {1, hand_insn(CB_OPC_ARG_O, 0, 0, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_O, 2, 0, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_O, 4, 0, 0), WRONG_ARGUMENT},
        {1, hand_wide(CB_OPC_ARG_K, 0, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I8, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_F, 2, CB_TYPE_FLOAT, 0), NULL},
        {1, hand_insn(CB_OPC_ARG_REF, 0, 0, 0), WRONG_ARGUMENT},
        {1, hand_insn(CB_OPC_ARG_CALLBACK, 0, HAND_CALLBACK, 0), WRONG_ARGUMENT},
        {1, hand_insn(CB_OPC_ARG_NAME, 0, 0, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I8, 0), WRONG_ARGUMENT},
    };
    EXPECT(HAND_MANY, rows);
}

static void callbacks_for_verbs(void)
{
    const argument_row rows[] = {
        {0, hand_insn(CB_OPC_ARG_CALLBACK, 0, HAND_CALLBACK, 0), NULL},
        {0, hand_insn(CB_OPC_ARG_CALLBACK, 0, HAND_PLAIN, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_CALLBACK, 0, HAND_FUNCTIONS, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_CALLBACK, 0, 65535, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_NAME, 1, 0, 0), NULL},
        {0, hand_insn(CB_OPC_ARG_NAME, 2, 0, 0), WRONG_OBJECT},
        {0, hand_insn(CB_OPC_ARG_NAME, 4, 0, 0), NO_OBJECT},
        {0, hand_insn(CB_OPC_ARG_I, 0, CB_TYPE_I64, 0), WRONG_ARGUMENT},
        {0, hand_insn(CB_OPC_ARG_O, 0, 0, 0), WRONG_ARGUMENT},
        {0, hand_wide(CB_OPC_ARG_K, 0, 0), WRONG_ARGUMENT},
    };
    EXPECT(HAND_NAMED, rows);
}

static void results_of_verbs(void)
{
    for (uint32_t verb = 0; verb < HAND_VERBS; verb++) {
        static const bool is_object[HAND_VERBS] = {false, true, false, true, false};
        static const uint32_t first[HAND_VERBS] = {0, 0, 0, 2, 2};
        for (uint32_t result = 0; result < 7; result++) {
            cb_insn list[3];
            uint32_t given = good_arguments(verb, list);
            const char *says = NULL;
            if (verb != HAND_MANY && is_object[verb] && result >= 4)
                says = NO_OBJECT;
            else if (verb != HAND_MANY && result >= 6)
                says = NO_REGISTER;
            else if (verb != HAND_MANY && (result < first[verb] || result > first[verb] + 1))
                says = is_object[verb] ? WRONG_OBJECT : WRONG_REGISTER;
            expect(hand_insn(CB_OPC_CALL_VERB, result, verb, given), list, given, 0, says);
        }
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("calls and the verifier", NULL, NULL);
    CU_ADD_TEST(suite, windows_and_results);
    CU_ADD_TEST(suite, kinds_of_calls);
    CU_ADD_TEST(suite, objects_for_functions);
    CU_ADD_TEST(suite, arguments_at_the_end_of_the_code);
    CU_ADD_TEST(suite, arguments_belong_to_calls);
    CU_ADD_TEST(suite, counts_for_verbs);
    CU_ADD_TEST(suite, numbers_for_verbs);
    CU_ADD_TEST(suite, objects_for_verbs);
    CU_ADD_TEST(suite, anything_for_verbs);
    CU_ADD_TEST(suite, callbacks_for_verbs);
    CU_ADD_TEST(suite, results_of_verbs);
    CU_basic_run_tests();
    hand_free();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
