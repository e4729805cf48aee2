/* What the code generator makes of scripts: the instructions hoped for, and code that is large. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "script_double.h"

static script_run run;

static size_t count(const cb_program *program, cb_opcode op)
{
    size_t found = 0;
    for (size_t i = 0; i < program->code_count; i++) {
        found += program->code[i].op == op;
    }
    return found;
}

static cb_program *compile(const char *text)
{
    memset(&run, 0, sizeof run);
    cb_program *program = script_compile(&run, text);
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    return program;
}

/* A loop that counts and sums takes two instructions a turn. */
static void test_loops_are_tight(void)
{
    cb_program *program = compile("i32 main() { i64 $s = 0; i64 $i = 0;"
                                  "while ($i < 100000000) { $s += $i; $i++; } return (i32)$s; }");
    CU_ASSERT_EQUAL(count(program, CB_OPC_STEP_LT), 1);
    CU_ASSERT_EQUAL(count(program, CB_OPC_ADD), 1);
    CU_ASSERT_EQUAL(count(program, CB_OPC_ADD_N), 0);
    CU_ASSERT_EQUAL(count(program, CB_OPC_LOOP), 0);
    CU_ASSERT_TRUE(program->code_count <= 8);
    cb_program_release(program);
}

/* A jump that leads between the step and the test keeps them apart. */
static void test_continue_keeps_steps_apart(void)
{
    cb_program *program = compile("i32 main() { i32 $i = 0; i32 $n = 9; while ($i < $n) {"
                                  "if ($n == 3) { continue; } $i++; } return $i; }");
    CU_ASSERT_EQUAL(count(program, CB_OPC_STEP_LT_W), 0);
    CU_ASSERT_EQUAL(count(program, CB_OPC_LOOP_LT), 1);
    cb_program_release(program);
}

static void test_functions_without_objects_are_plain(void)
{
    cb_program *program =
        compile("i32 f(i32 $n) { return $n; } i32 g(i32 $n) { string $s; return $n; }"
                "i32 main() { return f(1) + g(2); }");
    CU_ASSERT_EQUAL(count(program, CB_OPC_CALL), 1);
    CU_ASSERT_EQUAL(count(program, CB_OPC_CALL_O), 1);
    CU_ASSERT_EQUAL(count(program, CB_OPC_RET_I), 2);
    CU_ASSERT_EQUAL(count(program, CB_OPC_LEAVE_I), 1);
    cb_program_release(program);
}

static void test_hash(void)
{
    cb_program *one = compile("i32 main() { return 1; }");
    cb_program *same = compile("i32 main() {  return 1;  }");
    cb_program *other = compile("i32 main() { return 2; }");
    CU_ASSERT_EQUAL(cb_program_hash(one), cb_program_hash(same));
    CU_ASSERT_NOT_EQUAL(cb_program_hash(one), cb_program_hash(other));
    cb_program_release(one);
    cb_program_release(same);
    cb_program_release(other);
}

static char *repeated(const char *before, const char *each, size_t times, const char *after)
{
    size_t size = strlen(before) + strlen(each) * times + strlen(after) + 1;
    char *text = malloc(size);
    if (text == NULL) {
        abort();
    }
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < times; i++) {
        at = stpcpy(at, each);
    }
    stpcpy(at, after);
    return text;
}

/* Jumps of 16 bits do not reach over such a body: the function is made again with longer ones. */
static void test_far_jumps(void)
{
    char *text = repeated("i32 main() { i32 $i = 0; i32 $x = 0; i32 $n = 3; double $d = 0.0;"
                          "while ($i < $n && $d < 9.0) { $i++; if ($x < 100) {",
                          "$x += $i * $n - 2; $x = $x ^ $i;\n", 15000,
                          "} switch ($i) { case 2: $x = 7; } } return $i * 10 + ($x == 7); }");
    script_main(&run, text);
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_EQUAL(run.status, CB_OK);
    CU_ASSERT_EQUAL(run.exit_status / 10, 3);
    free(text);
}

/* More constants in a loop than get registers of their own. */
static void test_many_constants(void)
{
    size_t size = 32768;
    char *text = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t at = (size_t)snprintf(text, size,
                                 "i32 main() { i64 $s = 0; double $d = 0.0;"
                                 "for (i32 $i = 0; $i < 2; $i++) {");
    for (int i = 0; i < 200; i++) {
        at += (size_t)snprintf(text + at, size - at, "$s += %d; $d += %d.5;\n", 100000 + i, i);
    }
    snprintf(text + at, size - at, "} printf(\"%%d %%g\", $s, $d); return 0; }");
    script_main(&run, text);
    CU_ASSERT_STRING_EQUAL(run.output, "40039800 40000");
    free(text);
}

/* A chain without brackets nests to the left as deep as it is long. */
static void test_long_chains(void)
{
    char *text = repeated("i32 main() { i32 $x = 1; return $x", " + $x", 200, "; }");
    script_main(&run, text);
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_EQUAL(run.exit_status, 201);
    free(text);
    text = repeated("i32 main() { i32 $x = 1; return $x", " + $x", 5000, "; }");
    script_main(&run, text);
    CU_ASSERT_EQUAL(run.output_size, 0);
    CU_ASSERT_TRUE(run.status == CB_OK || run.errors[0] != 0);
    free(text);
}

/* Temporaries of different kinds in one expression, and calls inside arguments of calls. */
static void test_mixed_registers(void)
{
    script_main(
        &run,
        "double f(double $a, i32 $b) { return $a * $b; }"
        "i32 g(i32 $a, double $b, i32 $c) { return $a + (i32)$b + $c; }"
        "void h(ref i32 $x, ref double $y, i32 $z) { $x = $z; $y = (double)$z / 2; }"
        "i32 main() { i32 $i = 2; double $d = 1.5;"
        "i32 $r = g($i + 1, f($d, $i) + f(f($d, 2), g(1, 2.0, 3)), g($i, $d, (i32)f(2.0, $i)));"
        "h($i, $d, g(1, 1.0, 1)); printf(\"%d %d %g\", $r, $i, $d); return 0; }");
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_STRING_EQUAL(run.output, "31 3 1.5");
}

static void test_disassembly(void)
{
    char text[2048] = "";
    cb_program *program =
        compile("i32 main() { string $s = \"text\"; printf(\"%s\", $s); return 7; }");
    FILE *out = fmemopen(text, sizeof text, "w");
    cb_program_disassemble(program, out);
    fclose(out);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "main: 1 registers, 1 objects\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "COPY_K       o0 \"text\"\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "CALL_VERB    printf 2\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "LEAVE_I      r0\n"));
    cb_program_release(program);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        {"loops are tight", test_loops_are_tight},
        {"continue keeps steps apart", test_continue_keeps_steps_apart},
        {"functions without objects are plain", test_functions_without_objects_are_plain},
        {"hash", test_hash},
        {"far jumps", test_far_jumps},
        {"many constants", test_many_constants},
        {"long chains", test_long_chains},
        {"mixed registers", test_mixed_registers},
        {"disassembly", test_disassembly},
        CU_TEST_INFO_NULL,
    };
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 1;
    }
    CU_pSuite suite = CU_add_suite("codegen", NULL, NULL);
    for (size_t i = 0; tests[i].pName != NULL; i++) {
        CU_add_test(suite, tests[i].pName, tests[i].pTestFunc);
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
