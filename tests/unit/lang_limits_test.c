/* Every bound of the language, reached and crossed by one: of a file, a function, an expression,
 * and of a run. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/lang/ast.h"
#include "bridge/lang/object.h"
#include "bridge/lang/parser.h"
#include "script_double.h"
#include "script_text.h"

static script_run run;
static script_text script;

static void begin(const char *text)
{
    script_clear(&script);
    script_add(&script, "%s", text);
}

/* What was gathered compiles, or is refused with one error that says this. */
static void expect_compiled(const char *error)
{
    cb_program *program = script_compile(&run, script.bytes);
    CU_ASSERT_EQUAL(program == NULL, error != NULL);
    bool said = error == NULL || strstr(run.errors, error) != NULL;
    CU_ASSERT_TRUE(said);
    if (!said || (program == NULL) != (error != NULL))
        printf("\n%.80s...: %.300s, not %s\n", script.bytes, run.errors,
               error != NULL ? error : "compiled");
    cb_program_release(program);
}

/* --- nesting --- */

typedef struct nest {
    const char *head;
    const char *open;
    const char *middle;
    const char *close;
    const char *tail;
    size_t most;
} nest;

#define NESTED "nested deeper than 200 levels"

/* The statement or expression in the middle is a level, too. */
static const nest nests[] = {
    {"void main() { ", "{ ", "return;", " }", " }", 199},
    {"void main() { i32 $a = ", "(", "1", ")", "; }", 198},
    {"void main() { i32 $a = ", "- ", "1", "", "; }", 198},
    {"void main() { i32 $a = 1; $a = ", "~", "$a", "", "; }", 197},
    {"void main() { i32 $a = 1; $a = ", "!", "$a", "", "; }", 197},
    {"void main() { i32 $a = 1; $a = ", "(i32)", "$a", "", "; }", 197},
    {"i32 f(i32 $a) { return $a; } void main() { i32 $a = ", "f(", "1", ")", "; }", 198},
    {"void main() { blob $b[3]; i32 $a = ", "$b[", "0", "]", "; }", 198},
    {"void main() { i32 $a; ", "$a = ", "1", "", "; }", 198},
    {"void main() { i32 $a = ", "1 ? 2 : ", "3", "", "; }", 198},
    {"void main() { i32 $a = ", "1 ? ", "2", " : 3", "; }", 198},
    {"void main() { ", "if (1) ", "return;", "", " }", 199},
    {"void main() { if (0) return; ", "else if (0) return; ", "", "", " }", 198},
    {"void main() { ", "while (1) ", "break;", "", " }", 199},
    {"void main() { ", "do ", "break;", " while (0);", " }", 199},
    {"void main() { ", "switch (1) { case 1: ", "break;", " }", " }", 199},
};

static void nesting(void)
{
    for (size_t i = 0; i < sizeof nests / sizeof nests[0]; i++) {
        const nest *one = &nests[i];
        for (size_t depth = one->most - 1; depth <= one->most + 1; depth++) {
            begin(one->head);
            script_repeat(&script, one->open, depth);
            script_add(&script, "%s", one->middle);
            script_repeat(&script, one->close, depth);
            script_add(&script, "%s", one->tail);
            expect_compiled(depth <= one->most ? NULL : NESTED);
        }
    }
}

/* Operators in a row make a tree that is as deep as they are many. */
static void chains(void)
{
    static const char *const ends[] = {" + $a",  " - 1",   " * $a",   " || $a",
                                       " < 1.5", " + 1.5", " && 0.5", " == $d"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t count = 999; count <= 1001; count++) {
            begin("double f(i32 $a, double $d) { return $a");
            script_repeat(&script, ends[i], count);
            script_add(&script, "; } void main() { f(1, 0.5); }");
            expect_compiled(count <= 1000 ? NULL : "a chain of more than 1000 operators");
        }
    }
}

/* --- how many --- */

static void functions(void)
{
    for (size_t count = CB_MAX_FUNCTIONS; count <= CB_MAX_FUNCTIONS + 1; count++) {
        begin("void main() { }\n");
        for (size_t i = 1; i < count; i++)
            script_add(&script, "void f%zu() { }\n", i);
        expect_compiled(count <= CB_MAX_FUNCTIONS ? NULL : "a file holds at most 65535 functions");
    }
}

static void variables(void)
{
    for (size_t count = CB_MAX_LOCALS; count <= CB_MAX_LOCALS + 1; count++) {
        begin("i32 f(i32 $p) {");
        for (size_t i = 1; i < count; i++)
            script_add(&script, "i32 $v%zu = %zu;\n", i, i);
        script_add(&script, "return $v%zu + $p; } i32 main() { return f(2) %% 256; }", count - 1);
        if (count > CB_MAX_LOCALS) {
            expect_compiled("a function holds at most 4096 variables");
        } else {
            script_main(&run, script.bytes);
            CU_ASSERT_EQUAL(run.exit_status, 4097 % 256);
        }
    }
}

static void parameters(void)
{
    for (size_t count = CB_MAX_PARAMETERS; count <= CB_MAX_PARAMETERS + 1; count++) {
        begin("i32 f(i32 $a0");
        for (size_t i = 1; i < count; i++)
            script_add(&script, ", i32 $a%zu", i);
        script_add(&script, ") { return $a0 + $a31; } i32 main() { return f(1");
        for (size_t i = 1; i < count; i++)
            script_add(&script, ", %zu", i + 1);
        script_add(&script, "); }");
        if (count > CB_MAX_PARAMETERS) {
            expect_compiled("a function takes at most 32 parameters");
        } else {
            script_main(&run, script.bytes);
            CU_ASSERT_EQUAL(run.exit_status, 33);
        }
    }
}

static void arguments(void)
{
    for (size_t count = CB_MAX_ARGUMENTS; count <= CB_MAX_ARGUMENTS + 1; count++) {
        begin("void main() { printf(\"");
        script_repeat(&script, "%d", count - 1);
        script_add(&script, "\"");
        for (size_t i = 1; i < count; i++)
            script_add(&script, ", %zu", i % 10);
        script_add(&script, "); }");
        if (count > CB_MAX_ARGUMENTS) {
            expect_compiled("a call takes at most 64 arguments");
        } else {
            script_main(&run, script.bytes);
            CU_ASSERT_EQUAL(run.output_size, 63);
            CU_ASSERT_STRING_EQUAL(run.output + 54, "567890123");
        }
    }
}

static void cases(void)
{
    for (size_t count = CB_MAX_CASES; count <= CB_MAX_CASES + 1; count++) {
        begin("i32 main() { i32 $a = 1024; switch ($a) {");
        for (size_t i = 1; i <= count; i++)
            script_add(&script, "case %zu: $a = %zu; break;\n", i, i % 200);
        script_add(&script, "} return $a; }");
        if (count > CB_MAX_CASES) {
            expect_compiled("a switch holds at most 1024 cases");
        } else {
            script_main(&run, script.bytes);
            CU_ASSERT_EQUAL(run.exit_status, 1024 % 200);
        }
    }
}

/* --- how large --- */

static void structs(void)
{
    for (size_t bytes = CB_MAX_STRUCT_BYTES; bytes <= CB_MAX_STRUCT_BYTES + 1; bytes++) {
        begin("struct S packet {");
        for (size_t i = 0; i < bytes / 8; i++)
            script_add(&script, "i64 a%zu; ", i);
        for (size_t i = 0; i < bytes % 8; i++)
            script_add(&script, "u8 b%zu; ", i);
        script_add(&script,
                   "} void main() { blob $b[65535]; $b assign S; $b.%s = 7;"
                   "printf(\"%%d %%d\", structsize(S), $b[65534]); }",
                   bytes == CB_MAX_STRUCT_BYTES ? "b6" : "a0");
        if (bytes > CB_MAX_STRUCT_BYTES) {
            expect_compiled("struct S is larger than 65535 bytes");
        } else {
            script_main(&run, script.bytes);
            CU_ASSERT_STRING_EQUAL(run.output, "65535 7");
        }
    }
    /* The end is aligned as the fields are. */
    for (size_t more = 0; more < 2; more++) {
        begin("struct S {");
        for (size_t i = 0; i < 65528 / 8; i++)
            script_add(&script, "i64 a%zu; ", i);
        script_add(&script, "%s} void main() { printf(\"%%d\", structsize(S)); }",
                   more > 0 ? "u8 b; " : "");
        if (more > 0) {
            expect_compiled("struct S is larger than 65535 bytes");
        } else {
            script_main(&run, script.bytes);
            CU_ASSERT_STRING_EQUAL(run.output, "65528");
        }
    }
}

static void declared_sizes(void)
{
    const char *error = "a size is a constant number of bytes, 0..1073741824";
    begin("void main() { blob $b[1073741824]; string $s[0]; string $t[1 + 2]; }");
    expect_compiled(NULL);
    begin("void main() { blob $b[1073741825]; }");
    expect_compiled(error);
    begin("void main() { string $s[-1]; }");
    expect_compiled(error);
    begin("void main() { string $s[1.0]; }");
    expect_compiled(error);
    begin("void main() { string $s[18446744073709551615]; }");
    expect_compiled(error);
    begin("void main() { i32 $n = 1; string $s[$n]; }");
    expect_compiled(error);
    begin("void main() { string $s[(i32)1]; }");
    expect_compiled(error);
    begin("void main() { i32 $n[1]; }");
    expect_compiled("only strings and blobs have a size, not i32");
}

static void sources(void)
{
    char path[] = "/tmp/lang_limits_XXXXXX";
    char *text = malloc(CB_SOURCE_MAX_BYTES + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, ' ', CB_SOURCE_MAX_BYTES + 1);
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    for (size_t size = CB_SOURCE_MAX_BYTES; size <= CB_SOURCE_MAX_BYTES + 1; size++) {
        bool fits = size == CB_SOURCE_MAX_BYTES;
        cb_source source;
        cb_error error = {0};
        CU_ASSERT_EQUAL(pwrite(file, text, size, 0), (ssize_t)size);
        CU_ASSERT_EQUAL(cb_source_load(path, &source, &error), fits ? CB_OK : CB_LIMIT);
        const char *large = ": larger than 16777216 bytes, the most a script may have";
        CU_ASSERT_EQUAL(source.size, fits ? size : 0);
        CU_ASSERT_EQUAL(strstr(error.text, large) == NULL, fits);
        cb_source_free(&source);
        error.text[0] = '\0';
        CU_ASSERT_EQUAL(cb_source_from_bytes("t.dom", text, size, &source, &error),
                        fits ? CB_OK : CB_LIMIT);
        CU_ASSERT_EQUAL(error.text[0] == '\0', fits);
        cb_source_free(&source);
    }
    CU_ASSERT_EQUAL(close(file), 0);
    CU_ASSERT_EQUAL(unlink(path), 0);
    free(text);
}

/* --- of a run --- */

/* A run that reaches a depth of calls, with these limits. */
static void expect_run(const cb_limits *limits, cb_status status, const char *message)
{
    script_main_with(&run, script.bytes, limits);
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_EQUAL(run.status, status);
    if (status != CB_OK)
        CU_ASSERT_STRING_EQUAL(run.error.message, message);
    if (run.status != status)
        printf("\n%.200s: %s%s\n", script.bytes, run.errors, run.error.message);
}

static void calls_inside_each_other(void)
{
    static const char *const bodies[] = {
        "i32 f(i32 $n) { if ($n == 1) { return 0; } return f($n - 1); }",
        "i32 f(i32 $n) { string $s; if ($n == 1) { return 0; } return f($n - 1); }",
    };
    cb_limits limits = cb_limits_default();
    for (size_t i = 0; i < 2; i++) {
        for (int depth = 1; depth <= 7; depth += 3) {
            for (int calls = depth; calls <= depth + 1; calls++) {
                limits.vm_depth = depth;
                begin(bodies[i]);
                script_add(&script, "i32 main() { return f(%d); }", calls);
                expect_run(&limits, calls == depth ? CB_OK : CB_LIMIT, "too many nested calls");
                if (calls > depth)
                    CU_ASSERT_EQUAL(run.error.frame_count, (uint32_t)depth + 1);
            }
        }
    }
}

/* Of 1 KiB, a slot of 8 bytes for each register; one receives the result of main. */
static void registers_of_one_function(void)
{
    cb_limits limits = cb_limits_default();
    limits.vm_stack_kib = 1;
    for (size_t count = 127; count <= 128; count++) {
        begin("void main() { i32 $v0");
        for (size_t i = 1; i < count; i++)
            script_add(&script, ", $v%zu", i);
        script_add(&script, "; $v0 = 1; $v%zu = 2; }", count - 1);
        expect_run(&limits, count == 127 ? CB_OK : CB_LIMIT, "the stack is used up");
    }
}

#define CALLS_ITSELF "i32 f(i32 $n) { i32 $r = 0; if ($n > 1) { $r = f($n - 1); } return $r; }"

/* So many variables in main, and so many calls inside each other. */
static void begin_calls(size_t variables, uint32_t calls)
{
    begin(CALLS_ITSELF "i32 main() { ");
    for (size_t i = 0; i < variables; i++)
        script_add(&script, "i32 $v%zu = 0; ", i);
    script_add(&script, "return f(%u); }", calls);
}

/* Where the window of the call in a function begins. */
static uint32_t window_of(const cb_function *function)
{
    for (uint32_t i = 0; i < function->code_count; i++)
        if (function->code[i].op == CB_OPC_CALL)
            return function->code[i].a;
    return 0;
}

/* The last slot of all is used, if main begins there or there, and not one more. */
static void registers_of_all_calls(void)
{
    cb_limits limits = cb_limits_default();
    limits.vm_stack_kib = 1;
    uint32_t exact = 0;
    for (size_t variables = 0; variables < 4; variables++) {
        begin_calls(variables, 1);
        cb_program *program = script_compile(&run, script.bytes);
        CU_ASSERT_PTR_NOT_NULL_FATAL(program);
        const cb_function *function = &program->functions[0];
        uint32_t window = window_of(function);
        uint32_t left = 128 - 1 - window_of(&program->functions[1]) - function->register_count;
        CU_ASSERT_FATAL(window > 1);
        uint32_t calls = left / window + 1;
        exact += left % window == 0;
        cb_program_release(program);
        for (uint32_t count = calls; count <= calls + 1; count++) {
            begin_calls(variables, count);
            expect_run(&limits, count == calls ? CB_OK : CB_LIMIT, "too many nested calls");
        }
    }
    CU_ASSERT(exact > 0);
}

/* Of half a KiB more, an object for each string and blob. */
static void objects_of_one_function(void)
{
    const size_t most = 512 / sizeof(cb_object);
    cb_limits limits = cb_limits_default();
    limits.vm_stack_kib = 1;
    for (size_t count = most; count <= most + 1; count++) {
        begin("void main() { string $s0");
        for (size_t i = 1; i < count; i++)
            script_add(&script, ", $s%zu", i);
        script_add(&script, "; $s%zu = \"x\"; }", count - 1);
        expect_run(&limits, count == most ? CB_OK : CB_LIMIT,
                   "too many strings and blobs in one function");
    }
}

/* main has one or two, and each call as many as it takes to use the last one. */
static void objects_of_all_calls(void)
{
    const size_t most = 512 / sizeof(cb_object);
    cb_limits limits = cb_limits_default();
    limits.vm_stack_kib = 1;
    for (size_t in_main = 1; in_main <= 3; in_main++) {
        size_t calls = most - in_main;
        for (size_t count = calls; count <= calls + 1; count++) {
            begin("i32 f(string $s, i32 $n) { if ($n == 1) { return 7; } return f($s, $n - 1); }"
                  "i32 main() { string $s0 = \"x\"");
            for (size_t i = 1; i < in_main; i++)
                script_add(&script, ", $s%zu = $s0", i);
            script_add(&script, "; return f($s0, %zu); }", count);
            expect_run(&limits, count == calls ? CB_OK : CB_LIMIT, "too many nested calls");
            CU_ASSERT_EQUAL(run.exit_status, count == calls ? 7 : 0);
        }
    }
}

static void machines_have_limits(void)
{
    cb_vm *vm = NULL;
    for (int which = 0; which < 3; which++) {
        for (int value = -1; value <= 1; value++) {
            cb_limits limits = cb_limits_default();
            if (which == 0)
                limits.vm_stack_kib = value;
            else if (which == 1)
                limits.vm_depth = value;
            else
                limits.max_object = value;
            CU_ASSERT_EQUAL(script_vm_new(&run, &limits, &vm), value > 0 ? CB_OK : CB_INVALID);
            CU_ASSERT_EQUAL(vm != NULL, value > 0);
            cb_vm_free(&vm);
        }
    }
}

/* One byte more than the largest string or blob, in each way to make one. */
static void objects_are_bounded(void)
{
    static const char *const bodies[] = {
        "blob $b[%d];",
        "string $s[%d];",
        "blob $b[1]; test.Grow($b, %d - 1);",
        "string $s = \"x\"; test.GrowText($s, %d - 1);",
        "string $f = \"%%%dd\"; string $s = string.Format($f, 1);",
    };
    cb_limits limits = cb_limits_default();
    limits.max_object = 100;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        for (int size = 100; size <= 101; size++) {
            char text[128];
            (void)snprintf(text, sizeof text, bodies[i], size);
            begin("void main() { ");
            script_add(&script, "%s }", text);
            expect_run(&limits, size == 100 ? CB_OK : CB_LIMIT,
                       i < 4 ? "a string or blob would be longer than 100 bytes"
                             : "string.Format: the text would be longer than 100 bytes");
        }
    }
    for (size_t size = 100; size <= 101; size++) {
        static const char *const made[] = {"string $s = \"", "test.Same(\"", "f(\""};
        static const char *const ends[] = {"\";", "\");", "\");"};
        for (size_t i = 0; i < 3; i++) {
            begin("void f(string $s) { } void main() { ");
            script_add(&script, "%s", made[i]);
            script_repeat(&script, "x", size);
            script_add(&script, "%s }", ends[i]);
            expect_run(&limits, size == 100 ? CB_OK : CB_LIMIT,
                       i == 1 ? "test.Same: the result would be longer than 100 bytes"
                              : "a string or blob would be longer than 100 bytes");
        }
    }
}

/* A field whose last byte is the blob's last one, and one that is a byte behind it. */
static void fields_end_with_their_blob(void)
{
    static const struct {
        const char *type;
        int size;
    } types[] = {{"i8", 1},  {"u8", 1},  {"i16", 2}, {"u16", 2},   {"i32", 4},
                 {"u32", 4}, {"i64", 8}, {"u64", 8}, {"float", 4}, {"double", 8}};
    static const char *const uses[] = {"$n = $b.last;", "$b.last = $n;"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (int use = 0; use < 2; use++) {
            for (int lacking = 0; lacking <= 1; lacking++) {
                int size = 8 + types[i].size - lacking;
                char error[128];
                (void)snprintf(error, sizeof error,
                               "a field at byte 8 of %d bytes is out of range: the length is %d",
                               types[i].size, size);
                begin("struct F { i64 first; ");
                script_add(&script, "%s last; } ", types[i].type);
                script_add(&script, "void main() { blob $b[%d]; $b assign F; %s $n = 1; %s }", size,
                           types[i].type, uses[use]);
                expect_run(NULL, lacking == 0 ? CB_OK : CB_SCRIPT, error);
            }
        }
    }
}

/* --- when the hook is asked --- */

static int checks_of(const char *body, int turns)
{
    begin("void nothing() { } i32 add(i32 $a) { return $a; } void some(string $s) { }");
    script_add(&script, "void main() { i32 $i = 0; ");
    script_add(&script, body, turns);
    script_add(&script, "}");
    script_main(&run, script.bytes);
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_EQUAL(run.status, CB_OK);
    return run.checks;
}

/* 20000 instructions, where a turn counts as long as the loop is, a call as the function is, a verb
 * as 100, and 8 bytes as one. */
static void the_hook_is_asked_in_time(void)
{
    static const struct {
        const char *body;
        int turns;
    } rows[] = {
        /* A turn is one, two, three or four instructions; the last does not go back. */
        {"for ($i = 0; $i < %d; $i++) { }", 20002},
        {"for ($i = 0; $i != %d; $i++) { }", 10002},
        {"for ($i = 0; $i != %d; $i++) { $i |= 0; }", 6668},
        {"for (; ; ) { if (++$i == %d) { break; } }", 5002},
        /* and the function's one; and 100 and one for the verb; and one for the string */
        {"for ($i = 0; $i < %d; $i++) { nothing(); }", 6668},
        {"for ($i = 0; $i < %d; $i++) { test.Space(); }", 195},
        {"string $s; for ($i = 0; $i < %d; $i++) { $s = $s; }", 6668},
        /* and a hundred for 800 bytes: declared, compared, given back by a verb */
        {"for ($i = 0; $i < %d; $i++) { blob $b[800]; }", 193},
        {"string $s = string.Format(\"%%800d\", 1); for ($i = 0; $i < %d; $i++)"
         "{ if ($s != $s) { } }",
         191},
        {"string $s = string.Format(\"%%800d\", 1); for ($i = 0; $i < %d; $i++) { test.Same($s); }",
         97},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_EQUAL(checks_of(rows[i].body, rows[i].turns - 1), 0);
        CU_ASSERT_EQUAL(checks_of(rows[i].body, rows[i].turns), 1);
        if (run.checks != 1)
            printf("\n%s\n", rows[i].body);
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("bounds of the language", NULL, NULL);
    CU_ADD_TEST(suite, nesting);
    CU_ADD_TEST(suite, chains);
    CU_ADD_TEST(suite, functions);
    CU_ADD_TEST(suite, variables);
    CU_ADD_TEST(suite, parameters);
    CU_ADD_TEST(suite, arguments);
    CU_ADD_TEST(suite, cases);
    CU_ADD_TEST(suite, structs);
    CU_ADD_TEST(suite, declared_sizes);
    CU_ADD_TEST(suite, sources);
    CU_ADD_TEST(suite, calls_inside_each_other);
    CU_ADD_TEST(suite, registers_of_one_function);
    CU_ADD_TEST(suite, registers_of_all_calls);
    CU_ADD_TEST(suite, objects_of_one_function);
    CU_ADD_TEST(suite, objects_of_all_calls);
    CU_ADD_TEST(suite, machines_have_limits);
    CU_ADD_TEST(suite, objects_are_bounded);
    CU_ADD_TEST(suite, fields_end_with_their_blob);
    CU_ADD_TEST(suite, the_hook_is_asked_in_time);
    CU_basic_run_tests();
    script_clear(&script);
    unsigned failures = CU_get_number_of_failures();
    unsigned run_count = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
