/* A script when memory runs out: every allocation of analysing, compiling and running it fails in
 * turn. Each time that is an error, and nothing is left behind (which the sanitizer counts). */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <unistd.h>

#include "bridge/lang/arena.h"
#include "bridge/lang/binder.h"
#include "bridge/lang/parser.h"
#include "script_double.h"
#include "script_text.h"
#include "tests/unit/failing_malloc.h"

/* Every kind of declaration, statement and expression. */
static const char everything[] =
    "#define N 5\n#define MINUS -3\n#define REAL 1.5\n#define TEXT \"Echo\"\n"
    "struct P packet { i32 a; double b; u8 c; } struct Q { i32 a; double b; }\n"
    "callback i32 Echo(ref blob $X) { $X assign P; if ($X.Length > 12) { $X.a = N; } return 1; }\n"
    "i32 fib(i32 $n) { if ($n < 2) { return $n; } return fib($n - 1) + fib($n - 2); }\n"
    "void bump(ref i32 $x, ref double $d) { $x += 5; $d = $d * REAL; }\n"
    "string join(string $a, string $b) { return string.Format(\"%s%s\", $a, $b); }\n"
    "blob grow(blob $b, ref string $s) { $s = join($s, \"x\"); test.Grow($b, 3); return $b; }\n"
    "i32 main() { i32 $i = 0, $k; i64 $sum = 1 << 40; double $d = REAL; u64 $u = 5; float $f = 1;\n"
    "string $s[8] = \"start\"; blob $b[16]; $b assign P; $b.a = MINUS + 1 * 2 - structsize(Q);\n"
    "while ($i < 20) { $sum += $i; $i++; if ($i > 15) { break; } else if ($i == 3) continue; }\n"
    "do { --$i; $b[0] = $i & 255; } while ($i > 0 && !($u < 3) || $d != 1.5);\n"
    "for (i32 $n = 0; $n < 3; $n++, $u += 2) { string $t = $s; if ($t == \"x\") { continue; } }\n"
    "switch ($i) { case 1: case N: $i = 2; break; default: $i = $i > 0 ? 1 : ~$i ^ 3; }\n"
    "{ ref blob &S = blob.RefFromPointer(0, 0); $i += S.Length; }\n"
    "bump($i, $d); $s := \"longer than it\"; $i += string.Overflow($s) + string.Capacity($s);\n"
    "blob $c = grow($b, $s); $c[1] = (i32)$d; $c = $i > 100 ? $b : $c; $f = (float)-$d;\n"
    "string $name = \"Echo\"; $k = (i32)test.Entry($name) + (i32)test.Entry(TEXT); $i -= $k--;\n"
    "$k = $b[$i & 7] + $s[0]; $b.c++; $b.b = test.Half($d); test.Same(join($s, \"y\"));\n"
    "printf(\"%d %s %g %d\", $i, $s, $d, fib(7)); return $i; }\n";

/* What an attempt takes that is no part of it; made before memory is scarce. */
typedef struct attempt {
    cb_source source;
    cb_diagnostics diagnostics;
    cb_program *program;
    cb_status status;
    bool has_failed;
} attempt;

static attempt one;
static script_run run;

static void begin(const char *before, const char *text)
{
    script_text whole = {0};
    one = (attempt){0};
    script_add(&whole, "%s\n%s%s", script_prologue, before, text);
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", whole.bytes, whole.size, &one.source, NULL),
                          CB_OK);
    script_clear(&whole);
}

static void compile(unsigned number, bool for_good)
{
    failing_begin(number, for_good);
    one.status = cb_program_compile(&one.source, &script_catalog, &one.program, &one.diagnostics);
    one.has_failed = failing_end();
}

/* An error if memory has failed, and only then. */
static void end(void)
{
    CU_ASSERT_EQUAL(one.status, one.has_failed ? CB_NO_MEMORY : CB_OK);
    CU_ASSERT_EQUAL(one.program == NULL, one.has_failed);
    cb_program_release(one.program);
    cb_source_free(&one.source);
}

static void each_allocation_of_a_compilation_fails(void)
{
    for (unsigned number = 1; number == 1 || one.has_failed; number++) {
        for (int for_good = 0; for_good < 2; for_good++) {
            begin("", everything);
            compile(number, for_good != 0);
            end();
        }
        CU_ASSERT_FATAL(number < 10000);
    }
}

/* Parses and binds with so many bytes left in the arena's first block. */
static void analyze(size_t left, unsigned number)
{
    enum { BLOCK = 64 * 1024 };
    cb_parsed parsed;
    cb_ast_program program = {.source = &one.source};
    one.diagnostics.count = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(cb_arena_get(&program.arena, BLOCK - left));
    failing_begin(number, true);
    one.status = cb_parse(&one.source, &program.arena, &one.diagnostics, &parsed);
    if (one.status == CB_OK)
        one.status = cb_bind_program(&parsed, &script_catalog, &program, &one.diagnostics);
    one.has_failed = failing_end();
    cb_arena_free(&program.arena);
}

/* A tree lies in blocks of 64 KiB. The end of the first one is moved through all of the tree, so
 * that every node once is the one that finds no memory; and then those of further blocks. */
static void each_node_of_a_tree_fails(void)
{
    enum { BLOCK = 64 * 1024, STEP = 48 };
    begin("", everything);
    for (unsigned number = 1; number == 1 || one.has_failed; number++) {
        for (size_t left = STEP; left <= BLOCK; left += STEP) {
            analyze(left, number);
            CU_ASSERT_EQUAL(one.status, one.has_failed ? CB_NO_MEMORY : CB_OK);
            CU_ASSERT_EQUAL(one.diagnostics.count, 0);
        }
        CU_ASSERT_FATAL(number < 10);
    }
    cb_source_free(&one.source);
}

static void each_allocation_of_a_run_fails(void)
{
    begin("", everything);
    compile(0, false);
    CU_ASSERT_EQUAL_FATAL(one.status, CB_OK);
    for (unsigned number = 1; number == 1 || one.has_failed; number++) {
        int exit_status;
        memset(&run, 0, sizeof run);
        cb_vm *vm = script_vm(&run, NULL);
        failing_begin(number, number % 2 == 0);
        one.status = cb_vm_run_main(vm, one.program, &exit_status, &run.error);
        one.has_failed = failing_end();
        CU_ASSERT_EQUAL(one.status, one.has_failed ? CB_NO_MEMORY : CB_OK);
        if (one.has_failed)
            CU_ASSERT_PTR_NOT_NULL(strstr(run.error.message, "out of memory"));
        /* The machine goes on. */
        CU_ASSERT_EQUAL(cb_vm_run_main(vm, one.program, &exit_status, &run.error), CB_OK);
        cb_vm_free(&vm);
        CU_ASSERT_FATAL(number < 10000);
    }
    end();
}

static void a_machine_finds_no_memory(void)
{
    unsigned number = 1;
    for (bool failed = true; failed; number++) {
        cb_vm *vm = NULL;
        failing_begin(number, false);
        cb_status status = script_vm_new(&run, NULL, &vm);
        failed = failing_end();
        CU_ASSERT_EQUAL(status, failed ? CB_NO_MEMORY : CB_OK);
        CU_ASSERT_EQUAL(vm == NULL, failed);
        cb_vm_free(&vm);
        CU_ASSERT_PTR_NULL(vm);
    }
    CU_ASSERT_EQUAL(number, 6); /* the machine, its slots, objects and frames */
}

static void a_source_finds_no_memory(void)
{
    char path[] = "/tmp/lang_memory_XXXXXX";
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT_EQUAL(write(file, everything, sizeof everything), sizeof everything);
    CU_ASSERT_EQUAL(close(file), 0);
    for (int loads = 0; loads < 2; loads++) {
        unsigned number = 1;
        for (bool failed = true; failed; number++) {
            cb_source source;
            cb_error error = {0};
            failing_begin(number, true);
            cb_status status = loads != 0
                                   ? cb_source_load(path, &source, &error)
                                   : cb_source_from_bytes("t.dom", "text", 4, &source, &error);
            failed = failing_end();
            CU_ASSERT_TRUE(status == CB_OK ? !failed : failed);
            if (status == CB_NO_MEMORY)
                CU_ASSERT_PTR_NOT_NULL(strstr(error.text, ": out of memory"));
            if (status == CB_OK)
                cb_source_free(&source);
        }
        CU_ASSERT(number > 4);
    }
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* --- arenas --- */

static void an_arena_finds_no_memory(void)
{
    cb_arena arena = {0};
    failing_begin(1, false);
    CU_ASSERT_PTR_NULL(cb_arena_get(&arena, 1));
    CU_ASSERT(failing_end() && arena.failed);
    /* It has failed for good, also where there is memory again. */
    CU_ASSERT_PTR_NOT_NULL(cb_arena_get(&arena, 1));
    CU_ASSERT(arena.failed);
    cb_arena_free(&arena);
    CU_ASSERT_FALSE(arena.failed);
    CU_ASSERT_PTR_NULL(arena.newest);
    CU_ASSERT_PTR_NULL(cb_arena_get(&arena, SIZE_MAX));
    CU_ASSERT(arena.failed);
    cb_arena_free(&arena);
    CU_ASSERT_PTR_NULL(cb_arena_text(&arena, "", SIZE_MAX));
    CU_ASSERT_FALSE(arena.failed); /* nothing was asked of it */
    cb_arena_free(&arena);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("scripts without memory", NULL, NULL);
    CU_ADD_TEST(suite, each_allocation_of_a_compilation_fails);
    CU_ADD_TEST(suite, each_node_of_a_tree_fails);
    CU_ADD_TEST(suite, each_allocation_of_a_run_fails);
    CU_ADD_TEST(suite, a_machine_finds_no_memory);
    CU_ADD_TEST(suite, a_source_finds_no_memory);
    CU_ADD_TEST(suite, an_arena_finds_no_memory);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run_count = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
