/* The verifier refuses damaged bytecode, and what it lets through cannot crash. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "script_double.h"

static script_run run;

/* Uses every family of instructions. */
static const char script[] =
    "struct P packet { i32 a; double b; u8 c; }"
    "i32 fib(i32 $n) { if ($n < 2) { return $n; } return fib($n - 1) + fib($n - 2); }"
    "void bump(ref i32 $x, ref double $d) { $x += 5; $d = $d * 1.5; }"
    "void change(ref string $s, ref blob $b) { $s = join($s, \"b\"); blob $c[2]; $b = $c; }"
    "string join(string $a, string $b) { return string.Format(\"%s%s\", $a, $b); }"
    "callback i32 Echo(ref blob $X) { $X[0] = 1; return 1; }"
    "i32 main() { i32 $i = 0; i64 $sum = 0; double $d = 0.5; string $s[8]; blob $b[13];"
    "while ($i < 100000) { $sum += $i; $i++; if ($i > 50) { break; } }"
    "bump($i, $d); change($s, $b); $s := \"longer than it\"; blob $o[13]; $o assign P;"
    "$o.a = fib(5); $o.b = $d; $o.c++; $o[1] = $i & 255; $i = $o.a / 3 % 2 << 1;"
    "for (i32 $k = 0; $k < 3; $k++) { string $t = $s; if ($t == \"x\" || $t.Length > 2)"
    "{ continue; } }"
    "switch ($i) { case 1: $i = 2; break; default: $i = test.Entry(\"Echo\") > 0 ? 1 : 0; }"
    "printf(\"%d %s %g\", $i, $s, $d); test.Grow($b, 3); $d = -test.Half($d);"
    "$i = (i32)$d + test.Space(); return $i; }";

static uint64_t seed = 88172645463325252u;

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static uint16_t damage(uint16_t value)
{
    switch (next_random() % 5) {
    case 0:
        return (uint16_t)next_random();
    case 1:
        return (uint16_t)(value + 1);
    case 2:
        return (uint16_t)(value - 1);
    case 3:
        return (uint16_t)(value ^ (1u << next_random() % 16));
    default:
        return (uint16_t)(next_random() % CB_OPC_COUNT);
    }
}

static void damage_one(cb_insn *insn)
{
    switch (next_random() % 4) {
    case 0:
        insn->op = damage(insn->op);
        return;
    case 1:
        insn->a = damage(insn->a);
        return;
    case 2:
        insn->b = damage(insn->b);
        return;
    default:
        insn->c = damage(insn->c);
        return;
    }
}

static void run_anyway(const cb_program *program)
{
    cb_limits limits = cb_limits_default();
    limits.max_object = 1 << 20;
    int exit_status = 0;
    run.checks = 0;
    run.stop_after = 20;
    run.output_size = 0;
    cb_vm *vm = script_vm(&run, &limits);
    cb_vm_run_main(vm, program, &exit_status, &run.error);
    cb_vm_free(&vm);
}

static void test_mutations(void)
{
    memset(&run, 0, sizeof run);
    cb_program *program = script_compile(&run, script);
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    cb_error error;
    CU_ASSERT_EQUAL(cb_verify(program, &error), CB_OK);
    cb_insn *whole = malloc(program->code_count * sizeof *whole);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    memcpy(whole, program->code, program->code_count * sizeof *whole);
    int refused = 0;
    int passed = 0;
    for (int i = 0; i < 6000; i++) {
        for (uint32_t times = 1 + next_random() % 3; times > 0; times--) {
            damage_one(&program->code[next_random() % program->code_count]);
        }
        if (cb_verify(program, &error) == CB_OK) {
            passed++;
            run_anyway(program);
        } else {
            refused++;
            CU_ASSERT_TRUE(strncmp(error.text, "damaged bytecode", 16) == 0);
        }
        memcpy(program->code, whole, program->code_count * sizeof *whole);
    }
    CU_ASSERT_TRUE(refused > 3000);
    CU_ASSERT_TRUE(passed > 50);
    free(whole);
    cb_program_release(program);
}

static cb_insn *find(const cb_program *program, cb_opcode op)
{
    for (size_t i = 0; i < program->code_count; i++) {
        if (program->code[i].op == op) {
            return &program->code[i];
        }
    }
    return NULL;
}

typedef struct damaged {
    cb_opcode op; /* the first of these is changed */
    char operand; /* o a b c w */
    int32_t value;
} damaged;

static const damaged cases[] = {
    {CB_OPC_ADD_WN, 'o', CB_OPC_COUNT},
    {CB_OPC_ADD_WN, 'o', 60000},
    {CB_OPC_ADD_WN, 'a', 9999},
    {CB_OPC_ADD_WN, 'o', CB_OPC_ADD_F},
    {CB_OPC_MUL_F, 'o', CB_OPC_MUL},
    {CB_OPC_CONST_F, 'w', 1000},
    {CB_OPC_CONST_F, 'w', -1},
    {CB_OPC_ARG_K, 'w', 1000},
    {CB_OPC_CALL, 'b', 1000},
    {CB_OPC_CALL, 'o', CB_OPC_CALL_O},
    {CB_OPC_CALL, 'a', 40000},
    {CB_OPC_CALL, 'c', 40000},
    {CB_OPC_CALL_O, 'o', CB_OPC_CALL},
    {CB_OPC_CALL_VERB, 'b', 1000},
    {CB_OPC_CALL_VERB, 'c', 1},
    {CB_OPC_CALL_VERB, 'c', 60000},
    {CB_OPC_STEP_LT_W, 'c', 1},
    {CB_OPC_JUMP, 'w', -1},
    {CB_OPC_JUMP, 'w', 0},
    {CB_OPC_JUMP, 'w', 10000},
    {CB_OPC_FILL, 'a', 500},
    {CB_OPC_CLEAR, 'c', 500},
    {CB_OPC_RET_I, 'o', CB_OPC_LEAVE_I},
    {CB_OPC_RET_I, 'o', CB_OPC_RET},
    {CB_OPC_LEAVE_I, 'o', CB_OPC_RET_I},
    {CB_OPC_LEAVE_O, 'o', CB_OPC_LEAVE},
    {CB_OPC_RET_I, 'o', CB_OPC_HALT},
    {CB_OPC_ARG_REF, 'o', CB_OPC_ARG_O},
    {CB_OPC_ARG_I, 'b', CB_TYPE_DOUBLE},
    {CB_OPC_ARG_CALLBACK, 'b', 0},
    {CB_OPC_REF_GET, 'b', 2},
    {CB_OPC_RET, 'o', CB_OPC_MOVE_I},
    {CB_OPC_F_TO_I, 'c', CB_TYPE_STRING},
};

static void test_each_rule(void)
{
    memset(&run, 0, sizeof run);
    cb_program *program = script_compile(&run, script);
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cb_error error;
        cb_insn *insn = find(program, cases[i].op);
        CU_ASSERT_PTR_NOT_NULL_FATAL(insn);
        cb_insn whole = *insn;
        uint16_t value = (uint16_t)cases[i].value;
        switch (cases[i].operand) {
        case 'o':
            insn->op = value;
            break;
        case 'a':
            insn->a = value;
            break;
        case 'b':
            insn->b = value;
            break;
        case 'c':
            insn->c = value;
            break;
        default:
            insn->wide = cases[i].value;
            break;
        }
        CU_ASSERT_EQUAL(cb_verify(program, &error), CB_FORMAT);
        if (cb_verify(program, &error) == CB_OK) {
            printf("\n%s %c %d passed\n", cb_opcode_table[cases[i].op].name, cases[i].operand,
                   cases[i].value);
        }
        *insn = whole;
    }
    cb_program_release(program);
}

static void test_entries(void)
{
    cb_error error;
    memset(&run, 0, sizeof run);
    cb_program *program = script_compile(&run, script);
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    uint32_t main_index = program->main_index;
    program->main_index = 0; /* fib takes an argument */
    CU_ASSERT_EQUAL(cb_verify(program, &error), CB_FORMAT);
    program->main_index = 1000;
    CU_ASSERT_EQUAL(cb_verify(program, &error), CB_FORMAT);
    program->main_index = main_index;
    program->callbacks[0] = 0;
    CU_ASSERT_EQUAL(cb_verify(program, &error), CB_FORMAT);
    cb_program_release(program);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        {"each rule", test_each_rule},
        {"entries", test_entries},
        {"mutations", test_mutations},
        CU_TEST_INFO_NULL,
    };
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 1;
    }
    CU_pSuite suite = CU_add_suite("verifier", NULL, NULL);
    for (size_t i = 0; tests[i].pName != NULL; i++) {
        CU_add_test(suite, tests[i].pName, tests[i].pTestFunc);
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
