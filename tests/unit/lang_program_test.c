/* Compiled programs: what their hash tells apart, callbacks and entries, who holds them, and how
 * they print. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script_double.h"

static script_run run;

static cb_program *compile(const char *text)
{
    cb_program *program = script_compile(&run, text);
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    return program;
}

static uint64_t hash_of(const char *text)
{
    cb_program *program = compile(text);
    uint64_t hash = cb_program_hash(program);
    cb_program_release(program);
    return hash;
}

/* Programs that differ in one thing, each from all others. */
static void the_hash_tells_programs_apart(void)
{
    static const char *const programs[] = {
        "i32 main() { return 1; }",
        "i32 main() { return 2; }",
        "i32 main() { return 5; }",
        "i32 main() { return 1; } void f() { }",
        "i32 main() { return 1; } void g() { }",
        "i32 main() { return 1; } void f() { } void g() { }",
        "i32 main() { i64 $a = 5000000000; return 1; }",
        "i32 main() { i64 $a = 5000000001; return 1; }",
        "i32 main() { double $a = 1.5; return 1; }",
        "i32 main() { double $a = 1.25; return 1; }",
        "i32 main() { double $a = 0.0; return 1; }",
        "i32 main() { double $a = -0.0; return 1; }",
        "i32 main() { string $a = \"x\"; return 1; }",
        "i32 main() { string $a = \"y\"; return 1; }",
        "i32 main() { string $a = \"xy\"; return 1; }",
        "i32 main() { string $a = \"x\"; $a = \"y\"; return 1; }",
        "i32 main() { test.Stop(); return 1; }",
        "i32 main() { test.Space(); return 1; }",
        "i32 main() { string $a[1]; return 1; }",
        "i32 main() { string $a[2]; return 1; }",
        "i32 main() { string $a[65537]; return 1; }",
        "i32 main() { i32 $a = 3; i32 $b = 4; return $a; }",
        "i32 main() { i32 $a = 3; i32 $b = 4; return $b; }",
    };
    enum { COUNT = sizeof programs / sizeof programs[0] };
    uint64_t hashes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        hashes[i] = hash_of(programs[i]);
        CU_ASSERT_EQUAL(hash_of(programs[i]), hashes[i]);
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_NOT_EQUAL(hashes[i], hashes[k]);
    }
    /* The names of what was declared in it are none of its business, nor is where things stand. */
    CU_ASSERT_EQUAL(hash_of("#define N 1\ni32 main()\n{\n    return N;\n}\n"), hashes[0]);
    CU_ASSERT_EQUAL(hash_of("i32 main() { i32 $b = 3; i32 $c = 4; return $c; }"),
                    hashes[COUNT - 1]);
}

/* FNV-1a of 64 bits, by its definition. */
static uint64_t fnv(uint64_t hash, const void *bytes, size_t size)
{
    for (const uint8_t *byte = bytes; size > 0; size--, byte++) {
        hash ^= *byte;
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

/* A number as 8 bytes, the lowest first. */
static uint64_t fnv_number(uint64_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++, number >>= 8)
        hash = fnv(hash, &(uint8_t){(uint8_t)(number & 0xff)}, 1);
    return hash;
}

/* The same everywhere, because it is in traces: everything that decides what a program does, in a
 * fixed order. */
static void the_hash_is_the_same_everywhere(void)
{
    cb_program *program = compile(
        "i32 f(i32 $a) { return $a - 1; } i32 main() { i64 $a = -5000000000; double $d = -1.5;"
        "string $s = \"text\"; string $t = \"\"; test.Same($s); test.Space(); return (i32)$a; }");
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < program->code_count; i++) {
        const cb_insn *insn = &program->code[i];
        hash = fnv_number(
            hash,
            insn->op + (insn->a + ((uint64_t)insn->b << 16) + ((uint64_t)insn->c << 32)) * 65536);
    }
    for (size_t i = 0; i < program->integer_count; i++)
        hash = fnv_number(hash, (uint64_t)program->integers[i]);
    for (size_t i = 0; i < program->real_count; i++)
        hash = fnv(hash, &program->reals[i], 8);
    for (size_t i = 0; i < program->string_count; i++) {
        hash = fnv_number(hash, program->strings[i]->size);
        hash = fnv(hash, program->strings[i]->data, program->strings[i]->size);
    }
    hash = fnv(hash, "test.Same\0test.Space", 21);
    hash = fnv_number(fnv(hash, "f", 2), program->functions[0].code_count);
    hash = fnv_number(fnv(hash, "main", 5), program->functions[1].code_count);
    CU_ASSERT(program->integer_count == 1 && program->real_count == 1 &&
              program->string_count == 2);
    CU_ASSERT_EQUAL(cb_program_hash(program), hash);
    cb_program_release(program);
}

static const char two_callbacks[] =
    "void main() { } callback i32 First(ref blob $X) { return 1; } void other() { }"
    "callback i32 Second(ref blob $X) { return 2; }";

static void callbacks_are_found_by_name(void)
{
    cb_program *program = compile(two_callbacks);
    CU_ASSERT_EQUAL(cb_program_callback_count(program), 2);
    CU_ASSERT_EQUAL(cb_program_callback(program, "First"), 0);
    CU_ASSERT_EQUAL(cb_program_callback(program, "Second"), 1);
    CU_ASSERT_EQUAL(cb_program_callback(program, "other"), -1);
    CU_ASSERT_EQUAL(cb_program_callback(program, "Firs"), -1);
    CU_ASSERT_EQUAL(cb_program_callback(program, "Firsts"), -1);
    CU_ASSERT_EQUAL(cb_program_callback(program, ""), -1);
    CU_ASSERT_STRING_EQUAL(cb_program_callback_name(program, 0), "First");
    CU_ASSERT_STRING_EQUAL(cb_program_callback_name(program, 1), "Second");
    CU_ASSERT_PTR_NULL(cb_program_callback_name(program, 2));
    CU_ASSERT_PTR_NULL(cb_program_callback_name(program, -1));
    CU_ASSERT_PTR_NULL(cb_program_callback_name(program, INT64_MAX));
    CU_ASSERT_PTR_NULL(cb_program_callback_name(program, INT64_MIN));
    CU_ASSERT(cb_program_has_main(program));
    cb_program_release(program);
}

static void entries_hold_the_programs_number(void)
{
    cb_program *program = compile(two_callbacks);
    CU_ASSERT_EQUAL(cb_program_entry(program, 0), 0);
    CU_ASSERT_EQUAL(cb_program_entry(program, 1), 1);
    cb_program_set_number(program, 7);
    CU_ASSERT_EQUAL(cb_program_entry(program, 0), INT64_C(0x700000000));
    CU_ASSERT_EQUAL(cb_program_entry(program, 1), INT64_C(0x700000001));
    cb_program_set_number(program, UINT32_MAX);
    CU_ASSERT_EQUAL((uint64_t)cb_program_entry(program, 1), UINT64_C(0xffffffff00000001));
    CU_ASSERT_EQUAL(cb_program_entry(program, 1) & (int64_t)CB_ENTRY_CALLBACK_MASK, 1);
    cb_program_release(program);
}

/* The entries that run, and those beside them that do not. */
static void only_callbacks_are_entered(void)
{
    static const int64_t others[] = {2, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 32};
    cb_program *program = compile(two_callbacks);
    cb_vm *vm = script_vm(&run, NULL);
    bool written = true;
    int32_t returned = 9;
    cb_buffer *blob = NULL;
    for (int64_t entry = 0; entry < 2; entry++) {
        blob = cb_buffer_copy("x", 1);
        CU_ASSERT_EQUAL(
            cb_vm_run_callback(vm, program, entry, &blob, &written, &returned, &run.error), CB_OK);
        CU_ASSERT(returned == entry + 1 && !written && blob != NULL && blob->size == 1);
        cb_buffer_release(blob);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        blob = cb_buffer_copy("x", 1);
        returned = 9;
        CU_ASSERT_EQUAL(
            cb_vm_run_callback(vm, program, others[i], &blob, &written, &returned, &run.error),
            CB_INVALID);
        CU_ASSERT(blob == NULL && !written && returned == 0);
        CU_ASSERT_STRING_EQUAL(run.error.message, "no such callback");
        CU_ASSERT_STRING_EQUAL(run.error.file, "t.dom");
        CU_ASSERT(run.error.line == 0 && run.error.frame_count == 0);
    }
    CU_ASSERT_PTR_NULL(cb_vm_program(vm));
    CU_ASSERT_PTR_EQUAL(cb_vm_user(vm), &run);
    cb_vm_free(&vm);
    cb_vm_free(&vm);
    cb_program_release(program);
}

/* A main that is asked for where there is none. */
static void a_program_may_have_no_main(void)
{
    cb_program *program = compile(two_callbacks);
    cb_vm *vm = script_vm(&run, NULL);
    int exit_status = 7;
    program->main_index = CB_NO_MAIN;
    CU_ASSERT_FALSE(cb_program_has_main(program));
    CU_ASSERT_EQUAL(cb_vm_run_main(vm, program, &exit_status, &run.error), CB_INVALID);
    CU_ASSERT_EQUAL(exit_status, 0);
    CU_ASSERT_STRING_EQUAL(run.error.message, "the script has no main");
    cb_vm_free(&vm);
    cb_program_release(program);
}

static void who_retains_holds(void)
{
    cb_program *program = compile("void main() { }");
    CU_ASSERT_EQUAL(program->refs, 1);
    CU_ASSERT_PTR_EQUAL(cb_program_retain(program), program);
    CU_ASSERT_EQUAL(program->refs, 2);
    cb_program_release(program);
    CU_ASSERT_EQUAL(program->refs, 1);
    cb_program_release(program);
    CU_ASSERT_PTR_NULL(cb_program_retain(NULL));
    cb_program_release(NULL);
}

static void instructions_belong_to_functions(void)
{
    cb_program *program = compile("void main() { } i32 f(i32 $a) { return $a + 1; } void g() { }"
                                  "void h() { } i32 i(i32 $a) { return $a - 1; }");
    size_t at = 0;
    for (size_t i = 0; i < program->function_count; i++) {
        const cb_function *function = &program->functions[i];
        CU_ASSERT_PTR_EQUAL(function->code, program->code + at);
        for (uint32_t k = 0; k < function->code_count; k++, at++)
            CU_ASSERT_PTR_EQUAL(cb_program_function_at(program, &program->code[at]), function);
    }
    CU_ASSERT_EQUAL(at, program->code_count);
    CU_ASSERT_PTR_NULL(cb_program_function_at(program, program->code + at));
    static const cb_insn elsewhere;
    CU_ASSERT_PTR_NULL(cb_program_function_at(program, &elsewhere));
    program->function_count = 0;
    CU_ASSERT_PTR_NULL(cb_program_function_at(program, program->code));
    program->function_count = 5;
    cb_program_release(program);
}

static void kinds_of_types(void)
{
    static const cb_kind kinds[CB_TYPE_COUNT] = {
        [CB_TYPE_VOID] = CB_KIND_NONE,   [CB_TYPE_I8] = CB_KIND_INT,
        [CB_TYPE_I16] = CB_KIND_INT,     [CB_TYPE_I32] = CB_KIND_INT,
        [CB_TYPE_I64] = CB_KIND_INT,     [CB_TYPE_U8] = CB_KIND_INT,
        [CB_TYPE_U16] = CB_KIND_INT,     [CB_TYPE_U32] = CB_KIND_INT,
        [CB_TYPE_U64] = CB_KIND_INT,     [CB_TYPE_FLOAT] = CB_KIND_REAL,
        [CB_TYPE_DOUBLE] = CB_KIND_REAL, [CB_TYPE_STRING] = CB_KIND_STRING,
        [CB_TYPE_BLOB] = CB_KIND_BLOB,   [CB_TYPE_CALLBACK] = CB_KIND_INT,
    };
    for (int type = 0; type < CB_TYPE_COUNT; type++)
        CU_ASSERT_EQUAL(cb_kind_of((cb_type)type), kinds[type]);
}

/* A string of a listing is cut behind 40 bytes, and what is no letter is a number. */
static void strings_of_a_listing(void)
{
    static const struct {
        const char *literal;
        const char *shown;
    } rows[] = {
        {"", "\"\"\n"},
        {"a\\n\\x01\\x7f~ \\x1f", "\"a\\x0a\\x01\\x7f~ \\x1f\"\n"},
        {"\\x80\\xff", "\"\\x80\\xff\"\n"},
        {"1234567890123456789012345678901234567890",
         "\"1234567890123456789012345678901234567890\"\n"},
        {"12345678901234567890123456789012345678901",
         "\"1234567890123456789012345678901234567890...\"\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char script[256];
        char *text = NULL;
        size_t size = 0;
        (void)snprintf(script, sizeof script, "void main() {\n string $s = \"%s\"; }",
                       rows[i].literal);
        cb_program *program = compile(script);
        FILE *out = open_memstream(&text, &size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        cb_program_disassemble(program, out);
        CU_ASSERT_EQUAL(fclose(out), 0);
        char wanted[128];
        (void)snprintf(wanted, sizeof wanted, "    1     2  COPY_K       o0 %s", rows[i].shown);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
        if (strstr(text, wanted) == NULL)
            printf("\n%s", text);
        free(text);
        cb_program_release(program);
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("programs", NULL, NULL);
    CU_ADD_TEST(suite, the_hash_tells_programs_apart);
    CU_ADD_TEST(suite, the_hash_is_the_same_everywhere);
    CU_ADD_TEST(suite, callbacks_are_found_by_name);
    CU_ADD_TEST(suite, entries_hold_the_programs_number);
    CU_ADD_TEST(suite, only_callbacks_are_entered);
    CU_ADD_TEST(suite, a_program_may_have_no_main);
    CU_ADD_TEST(suite, who_retains_holds);
    CU_ADD_TEST(suite, instructions_belong_to_functions);
    CU_ADD_TEST(suite, kinds_of_types);
    CU_ADD_TEST(suite, strings_of_a_listing);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run_count = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
