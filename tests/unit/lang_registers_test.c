/* A function that needs all the registers there are, and one more: each by a call with a window of
 * kinds that fits nowhere below. And constants of a loop that get registers, or none. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/codegen.h"
#include "script_double.h"
#include "script_text.h"

static script_run run;

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

/* So many functions of 32 parameters, each with its own order of integers and reals; one behind
 * them with `last` integers; and main, which calls them all. The last argument of the last call is
 * a sum that takes `nested` registers above the window. */
static void write_windows(script_text *script, unsigned functions, unsigned last, unsigned nested)
{
    uint32_t seed = 1;
    script_text calls = {0};
    for (unsigned i = 0; i < functions; i++) {
        script_add(script, "void f%u(", i);
        script_add(&calls, "f%u(", i);
        for (unsigned k = 0; k < 32; k++) {
            script_add(script, "%s%s $p%u", k > 0 ? "," : "",
                       next_random(&seed) % 2 != 0 ? "i32" : "double", k);
            script_add(&calls, "%s1", k > 0 ? "," : "");
        }
        script_add(script, ") { }\n");
        script_add(&calls, ");\n");
    }
    script_add(script, "void g(i32 $q");
    for (unsigned i = 1; i < last; i++)
        script_add(script, ",i32 $p%u", i);
    script_add(script, ") { } void main() { i32 $v = 1;\n%sg(", calls.bytes);
    for (unsigned i = 1; i < last; i++)
        script_add(script, "1,");
    script_repeat(script, "-$v+(", nested);
    script_add(script, "1");
    script_repeat(script, ")", nested);
    script_add(script, "); }");
    script_clear(&calls);
}

/* The registers of main; 0 if there are too many. */
static uint32_t registers_of(unsigned functions, unsigned last, unsigned nested)
{
    const char *error = "error: this function needs too many registers\n";
    script_text script = {0};
    uint32_t registers = 0;
    write_windows(&script, functions, last, nested);
    cb_program *program = script_compile(&run, script.bytes);
    if (program != NULL)
        registers = program->functions[program->main_index].register_count;
    CU_ASSERT_EQUAL(program == NULL, strstr(run.errors, error) != NULL);
    CU_ASSERT_EQUAL(run.status, program != NULL ? CB_OK : CB_LIMIT);
    cb_program_release(program);
    script_clear(&script);
    return registers;
}

/* One less than 2^15, because numbers from there on are those of constants. */
#define MOST (CB_GEN_REGISTERS - 1)

/* With such numbers just these are needed; the last one by a window, or by a value above it. */
static void all_registers_are_taken(void)
{
    CU_ASSERT_EQUAL(registers_of(1079, 20, 0), MOST);
    CU_ASSERT_EQUAL(registers_of(1079, 21, 0), 0);
    CU_ASSERT_EQUAL(registers_of(1076, 20, 92), MOST);
    CU_ASSERT_EQUAL(registers_of(1076, 20, 93), 0);
}

/* --- constants of loops --- */

/* A loop with so many different numbers, each of them twice. */
static cb_program *compile_loop(unsigned count, script_text *script)
{
    script_add(script, "i64 f(i64 $a, i64 $b) { for (;;) {\n");
    for (unsigned i = 0; i < 2 * count; i++)
        script_add(script, "$a = $a ^ %u; ", 1000000 + i % count);
    script_add(script, "} } void main() { }");
    return script_compile(&run, script->bytes);
}

static size_t count_of(const cb_program *program, cb_opcode op, uint32_t from, uint32_t to)
{
    size_t found = 0;
    for (uint32_t i = from; i < to; i++)
        found += program->functions[0].code[i].op == op;
    return found;
}

/* 64 of them lie in registers behind the parameters, loaded before the loop; the others are loaded
 * where they are used. */
static void constants_of_a_loop_have_registers(void)
{
    for (unsigned count = 63; count <= 66; count++) {
        script_text script = {0};
        cb_program *program = compile_loop(count, &script);
        CU_ASSERT_PTR_NOT_NULL_FATAL(program);
        const cb_function *function = &program->functions[0];
        unsigned kept = count < CB_GEN_MOST_CONSTANTS ? count : CB_GEN_MOST_CONSTANTS;
        unsigned others = 2 * (count - kept);
        CU_ASSERT_EQUAL(function->register_count, 2 + kept + (others > 0 ? 1 : 0));
        CU_ASSERT_EQUAL(function->code_count, kept + 2 * count + others + 1);
        CU_ASSERT_EQUAL(count_of(program, CB_OPC_LOAD_I, 0, kept), kept);
        CU_ASSERT_EQUAL(count_of(program, CB_OPC_LOAD_I, kept, function->code_count), others);
        for (unsigned i = 0; i < kept; i++) {
            CU_ASSERT_EQUAL(function->code[i].a, 2 + i);
            CU_ASSERT_EQUAL(function->code[i].wide, (int32_t)(1000000 + i));
            CU_ASSERT_EQUAL(function->register_kinds[2 + i], CB_KIND_INT);
            CU_ASSERT_EQUAL(program->lines[i].line, 1);
        }
        CU_ASSERT_EQUAL(function->code[kept].op, CB_OPC_XOR);
        CU_ASSERT_EQUAL(program->lines[kept].line, 2);
        cb_program_release(program);
        script_clear(&script);
    }
}

/* --- constants of a program --- */

/* Of so many large numbers, reals and texts in order, each twice, one after the other or all again:
 * the newest 256 are known. */
static void constants_are_shared(void)
{
    static const unsigned counts[] = {1, 255, 256, 257};
    for (size_t c = 0; c < 4; c++) {
        for (int again = 0; again < 2; again++) {
            unsigned count = counts[c];
            script_text script = {0};
            script_add(&script, "void main() { i64 $i; double $d; string $s;\n");
            for (unsigned i = 0; i < 2 * count; i++) {
                unsigned which = again ? i % count : i / 2;
                script_add(&script, "$i = %u0000000000; $d = %u.5; $s = \"t%u\";\n", which + 1,
                           which, which);
            }
            script_add(&script, "}");
            cb_program *program = script_compile(&run, script.bytes);
            CU_ASSERT_PTR_NOT_NULL_FATAL(program);
            size_t known = again && count > 256 ? 2 * count : count;
            CU_ASSERT_EQUAL(program->integer_count, known);
            CU_ASSERT_EQUAL(program->real_count, known);
            CU_ASSERT_EQUAL(program->string_count, known);
            cb_program_release(program);
            script_clear(&script);
        }
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("registers", NULL, NULL);
    CU_ADD_TEST(suite, all_registers_are_taken);
    CU_ADD_TEST(suite, constants_of_a_loop_have_registers);
    CU_ADD_TEST(suite, constants_are_shared);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run_count = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
