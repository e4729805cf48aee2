/* What verbs are given and may do: arguments of each kind, results that do not fit, buffers that
 * are shared, variables that change while they are looked at, and failures. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/builtins.h"
#include "script_double.h"
#include "script_text.h"

static script_run run;
static char said[4096]; /* what verbs have seen */
static int blocked;     /* how often the machine was told that a verb may block */
static int64_t answer;  /* of the verbs that give a number */
static double answer_real;

/* --- verbs --- */

static void say(const char *format, ...) CB_PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
    size_t used = strlen(said);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(said + used, sizeof said - used, format, arguments);
    va_end(arguments);
}

/* Each argument by its type and value. */
static cb_status do_show(cb_call *call)
{
    for (uint32_t i = 0; i < call->argc; i++) {
        const cb_value *one = &call->args[i];
        if (one->type == CB_TYPE_FLOAT || one->type == CB_TYPE_DOUBLE)
            say("%s %.17g;", cb_type_name(one->type), one->real);
        else if (one->type == CB_TYPE_STRING || one->type == CB_TYPE_BLOB)
            say("%s %.*s;", cb_type_name(one->type), (int)one->size, (const char *)one->data);
        else if (one->type == CB_TYPE_CALLBACK)
            say("callback %.*s %lld;", (int)one->size, (const char *)one->data,
                (long long)one->integer);
        else
            say("%s %lld;", cb_type_name(one->type), (long long)one->integer);
    }
    /* A string's NUL lies behind it. */
    for (uint32_t i = 0; i < call->argc; i++)
        if (call->args[i].type == CB_TYPE_STRING && call->args[i].data[call->args[i].size] != 0)
            say("no NUL");
    return CB_OK;
}

static cb_status do_answer(cb_call *call)
{
    call->result.integer = answer;
    return CB_OK;
}

static cb_status do_answer_real(cb_call *call)
{
    call->result.real = answer_real;
    return CB_OK;
}

static cb_status do_status(cb_call *call)
{
    return (cb_status)call->args[0].integer;
}

static cb_status do_fail(cb_call *call)
{
    return call->host->fail(call, (cb_status)call->args[0].integer, "%s", "it has failed");
}

/* Fails, and says that all is well. */
static cb_status do_fail_in_secret(cb_call *call)
{
    (void)call->host->fail(call, CB_IO, "nobody hears this");
    return CB_OK;
}

static cb_status do_blocks(cb_call *call)
{
    (void)call;
    say("blocked %d;", blocked);
    return CB_OK;
}

/* The first argument's bytes as a buffer, whatever it is; its index is one too far in the second.
 */
static cb_status do_buffer(cb_call *call)
{
    cb_buffer *bytes = call->host->argument_buffer(call, 0);
    CU_ASSERT_PTR_NULL(call->host->argument_buffer(call, call->argc));
    CU_ASSERT_PTR_NULL(call->host->argument_buffer(call, UINT32_MAX));
    if (bytes == NULL)
        return CB_NO_MEMORY;
    bool is_shared = bytes->data == call->args[0].data;
    say("%zu %s;", bytes->size, is_shared ? "shared" : "copied");
    return call->host->return_buffer(call, bytes);
}

/* Of two results the last one counts, and the first is given back. */
static cb_status do_twice(cb_call *call)
{
    cb_status status = call->host->return_bytes(call, "first", 5);
    return status == CB_OK ? call->host->return_bytes(call, "second", 6) : status;
}

/* A result, and a failure. */
static cb_status do_result_and_failure(cb_call *call)
{
    (void)call->host->return_bytes(call, "lost", 4);
    return CB_CLOSED;
}

static cb_status do_many_bytes(cb_call *call)
{
    static const char bytes[200];
    return call->host->return_bytes(call, bytes, (size_t)call->args[0].integer);
}

static cb_status do_large_buffer(cb_call *call)
{
    size_t size = (size_t)call->args[0].integer;
    return call->host->return_buffer(call, cb_buffer_new(size, size));
}

/* The variable becomes so long, and full of 'z'; then all arguments are shown. */
static cb_status do_resize(cb_call *call)
{
    uint8_t *data = (uint8_t *)1;
    size_t size = (size_t)call->args[1].integer;
    cb_status status = call->host->resize_argument(call, 0, size, &data);
    if (status != CB_OK) {
        say("data %s;", data == NULL ? "NULL" : "not NULL");
        return status;
    }
    memset(data, 'z', size);
    CU_ASSERT_PTR_EQUAL(call->args[0].data, data);
    CU_ASSERT_EQUAL(call->args[0].size, size);
    if (call->argc < 3)
        return CB_OK;
    cb_buffer *other = call->host->argument_buffer(call, 2);
    say("%.*s %.*s;", (int)call->args[2].size, (const char *)call->args[2].data, (int)other->size,
        (const char *)other->data);
    cb_buffer_release(other);
    return CB_OK;
}

static cb_status do_resize_wrong(cb_call *call)
{
    uint8_t *data = NULL;
    return call->host->resize_argument(call, (uint32_t)call->args[0].integer, 1, &data);
}

/* Writes a NUL into the middle of a string. */
static cb_status do_cut(cb_call *call)
{
    uint8_t *data = NULL;
    cb_status status = call->host->resize_argument(call, 0, 5, &data);
    if (status == CB_OK)
        memcpy(data, "ab\0cd", 5);
    return status;
}

static cb_status do_format(cb_call *call)
{
    cb_buffer *text = NULL;
    cb_status status = call->host->format(call, (uint32_t)call->args[0].integer, &text);
    CU_ASSERT_EQUAL(text != NULL, status == CB_OK);
    if (status == CB_OK)
        say("%s;", (const char *)text->data);
    cb_buffer_release(text);
    return status;
}

static const cb_verb verbs[] = {
    {"Show", "void(...)", do_show, 0, ""},
    {"Typed", "void(i8 a, u64 b, float c, double d, string e, blob f, callback g)", do_show, 0, ""},
    {"I8", "i8()", do_answer, 0, ""},
    {"I16", "i16()", do_answer, 0, ""},
    {"I32", "i32()", do_answer, 0, ""},
    {"I64", "i64()", do_answer, 0, ""},
    {"U8", "u8()", do_answer, 0, ""},
    {"U16", "u16()", do_answer, 0, ""},
    {"U32", "u32()", do_answer, 0, ""},
    {"U64", "u64()", do_answer, 0, ""},
    {"Float", "float()", do_answer_real, 0, ""},
    {"Double", "double()", do_answer_real, 0, ""},
    {"Status", "void(i32 status)", do_status, 0, ""},
    {"Fail", "void(i32 status)", do_fail, 0, ""},
    {"FailInSecret", "void()", do_fail_in_secret, 0, ""},
    {"Blocks", "void()", do_blocks, CB_VERB_BLOCKS, ""},
    {"RunsOn", "void()", do_blocks, 0, ""},
    {"BufferOfText", "blob(string a)", do_buffer, 0, ""},
    {"BufferOfBlob", "blob(blob a)", do_buffer, 0, ""},
    {"BufferOfNumber", "blob(i32 a)", do_buffer, 0, ""},
    {"Twice", "string()", do_twice, 0, ""},
    {"ResultAndFailure", "string()", do_result_and_failure, 0, ""},
    {"ManyBytes", "blob(i32 size)", do_many_bytes, 0, ""},
    {"ManyLetters", "string(i32 size)", do_many_bytes, 0, ""},
    {"LargeBuffer", "blob(i32 size)", do_large_buffer, 0, ""},
    {"Resize", "void(ref blob a, i32 size, blob b?)", do_resize, 0, ""},
    {"ResizeText", "void(ref string a, i32 size, string b?)", do_resize, 0, ""},
    {"ResizeTwo", "void(ref blob a, i32 size, ref blob b)", do_resize, 0, ""},
    {"ResizeWrong", "void(i32 index, ref blob b)", do_resize_wrong, 0, ""},
    {"Cut", "void(ref string a)", do_cut, 0, ""},
    {"Format", "void(i32 index, string format, ...)", do_format, 0, ""},
};
#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

/* --- a catalog and a machine that have them --- */

static cb_catalog_verb parsed[VERB_COUNT];
static const cb_namespace spaces[2] = {{"v", 5, parsed, VERB_COUNT}, {"blob", 6, parsed, 0}};

static cb_status load(void *user, const char *path, const char *script_folder,
                      const cb_namespace **out, cb_error *error)
{
    (void)user;
    (void)script_folder;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        parsed[i].verb = &verbs[i];
        CU_ASSERT_EQUAL_FATAL(cb_signature_parse(verbs[i].signature, &parsed[i].signature, error),
                              CB_OK);
    }
    *out = &spaces[strcmp(path, "v") == 0 ? 0 : 1];
    return CB_OK;
}

static void before_block(void *user)
{
    CU_ASSERT_PTR_EQUAL(user, &run);
    blocked++;
}

static const cb_host host = {
    .abi = CB_PLUGIN_ABI,
    .size = sizeof(cb_host),
    .fail = cb_vm_host_fail,
    .return_bytes = cb_vm_host_return_bytes,
    .return_buffer = cb_vm_host_return_buffer,
    .argument_buffer = cb_vm_host_argument_buffer,
    .resize_argument = cb_vm_host_resize_argument,
    .format = cb_vm_host_format,
};

/* Runs a main of this body; what it has failed with is in run. */
static void run_body(const char *body, const cb_limits *limits)
{
    static const cb_catalog catalog = {.load = load};
    cb_source source;
    cb_program *program = NULL;
    cb_diagnostics diagnostics = {0};
    script_text script = {0};
    cb_vm *vm = NULL;
    const cb_vm_options options = {.limits = limits != NULL ? *limits : cb_limits_default(),
                                   .before_block = before_block,
                                   .user = &run,
                                   .host = &host};
    memset(&run, 0, sizeof run);
    said[0] = '\0';
    blocked = 0;
    script_add(&script,
               "plugin \"v\"; callback i32 Cb(ref blob $X) { return 1; }"
               "callback i32 Other(ref blob $X) { return 1; }"
               "void f(string $s) { blob $b; string $t[4]; v.Show($s, $b, $t); }"
               "void g(string $s) { blob $b[1]; $b[0] = 'x'; h($b, $s); }"
               "void h(blob $b, string $s) { string $t = \"own\"; v.Show($b, $s, $t); }"
               "\ni32 main() {\n%s\n"
               "return 0; }",
               body);
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", script.bytes, script.size, &source, NULL),
                          CB_OK);
    cb_status status = cb_program_compile(&source, &catalog, &program, &diagnostics);
    if (status != CB_OK)
        cb_diagnostics_print(&diagnostics, &source, stdout);
    CU_ASSERT_EQUAL_FATAL(status, CB_OK);
    cb_program_set_number(program, 3);
    CU_ASSERT_EQUAL_FATAL(cb_vm_new(&options, &vm), CB_OK);
    run.status = cb_vm_run_main(vm, program, &run.exit_status, &run.error);
    cb_vm_free(&vm);
    cb_program_release(program);
    cb_source_free(&source);
    script_clear(&script);
}

static void expect(const char *body, const char *wanted)
{
    run_body(body, NULL);
    CU_ASSERT_EQUAL(run.status, CB_OK);
    CU_ASSERT_STRING_EQUAL(said, wanted);
    if (run.status != CB_OK || strcmp(said, wanted) != 0)
        printf("\n%s\n  wants %s\n  says %s %s\n", body, wanted, said, run.error.message);
}

static void expect_failure(const char *body, cb_status status, const char *message)
{
    run_body(body, NULL);
    CU_ASSERT_EQUAL(run.status, status);
    CU_ASSERT_STRING_EQUAL(run.error.message, message);
    CU_ASSERT_EQUAL(run.error.line, 3);
}

/* --- arguments --- */

static void arguments_come_with_their_types(void)
{
    expect("v.Show();", "");
    expect("i8 $a = -128; u64 $b = 18446744073709551615; float $f = 0.1; v.Show($a, $b, $f, 1.5);",
           "i8 -128;u64 -1;float 0.10000000149011612;double 1.5;");
    expect("i16 $a = -1; u8 $b = 255; u16 $c = 65535; u32 $d = 4294967295; i64 $e = -5;"
           "v.Show($a, $b, $c, $d, $e, 7, 5000000000);",
           "i16 -1;u8 255;u16 65535;u32 4294967295;i64 -5;i32 7;i64 5000000000;");
    /* A string stays one, whichever place it has among a function's strings and blobs. */
    expect("f(\"text\"); g(\"text\");", "string text;blob ;string ;blob x;string text;string own;");
    expect("string $s = \"text\"; blob $b[2]; $b[0] = 'x'; $b[1] = 'y'; string $e; blob $f;"
           "v.Show($s, $b, \"const\", $e, $f, \"\");",
           "string text;blob xy;string const;string ;blob ;string ;");
}

static void arguments_are_converted(void)
{
    expect("i8 $a = 7; float $f = 2.5; blob $b[1]; $b[0] = 'b';"
           "v.Typed($a, 2, $f, $a, \"e\", $b, \"Other\");",
           "i8 7;u64 2;float 2.5;double 7;string e;blob b;callback Other 12884901889;");
    expect("string $n = \"Cb\"; blob $b; v.Typed(-1, 0, 0.1, 0.1, $n, $b, $n);",
           "i8 -1;u64 0;float 0.10000000149011612;double 0.10000000000000001;string Cb;blob ;"
           "callback Cb 12884901888;");
    expect_failure("string $n = \"Nobody\"; blob $b; v.Typed(1, 2, 3, 4, $n, $b, $n);", CB_SCRIPT,
                   "there is no callback named \"Nobody\"");
}

/* --- results --- */

static void results_are_cut_to_their_type(void)
{
    static const char all[] = "v.Show(v.I8(), v.I16(), v.I32(), v.I64(), v.U8(), v.U16(), v.U32(), "
                              "v.U64());";
    answer = INT64_C(0x1ffffffff80);
    expect(all, "i8 -128;i16 -128;i32 -128;i64 2199023255424;u8 128;u16 65408;u32 4294967168;"
                "u64 2199023255424;");
    answer = -1;
    expect(all, "i8 -1;i16 -1;i32 -1;i64 -1;u8 255;u16 65535;u32 4294967295;u64 -1;");
    answer = 128;
    expect(all, "i8 -128;i16 128;i32 128;i64 128;u8 128;u16 128;u32 128;u64 128;");
    answer_real = 0.1;
    expect("v.Show(v.Float(), v.Double());",
           "float 0.10000000149011612;double 0.10000000000000001;");
}

static void the_last_result_counts(void)
{
    expect("v.Show(v.Twice());", "string second;");
    expect("string $s = \"old\"; $s = v.Twice(); v.Show($s);", "string second;");
    expect("v.Twice();", "");
}

static void buffers_of_arguments(void)
{
    expect("string $s = \"text\"; v.Show(v.BufferOfText($s));", "4 shared;blob text;");
    expect("v.Show(v.BufferOfText(\"const\"));", "5 shared;blob const;");
    expect("string $s; v.Show(v.BufferOfText($s));", "0 copied;blob ;");
    expect("blob $b[3]; $b[0] = $b[1] = $b[2] = 'x'; v.Show(v.BufferOfBlob($b));",
           "3 shared;blob xxx;");
    expect("blob $b; v.Show(v.BufferOfBlob($b));", "0 copied;blob ;");
    /* A number has no bytes, whatever stood in its place in the call before. */
    expect("blob $b[2]; v.BufferOfText(\"const\"); v.BufferOfNumber(5); v.BufferOfBlob($b);"
           "v.BufferOfNumber(5); v.BufferOfText(\"const\"); v.BufferOfBlob($b);",
           "5 shared;0 copied;2 shared;0 copied;5 shared;2 shared;");
    expect("v.Show(v.BufferOfNumber(5));", "0 copied;blob ;");
}

static void results_are_bounded(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_object = 100;
    static const char *const bodies[] = {"blob $b = v.ManyBytes(%d);",
                                         "string $s = v.ManyLetters(%d);",
                                         "blob $b = v.LargeBuffer(%d);"};
    static const char *const messages[] = {
        "v.ManyBytes: the result would be longer than 100 bytes",
        "v.ManyLetters: the result would be longer than 100 bytes",
        "a string or blob would be longer than 100 bytes"};
    for (size_t i = 0; i < 3; i++) {
        for (int size = 100; size <= 101; size++) {
            char body[64];
            (void)snprintf(body, sizeof body, bodies[i], size);
            run_body(body, &limits);
            CU_ASSERT_EQUAL(run.status, size == 100 ? CB_OK : CB_LIMIT);
            if (size > 100)
                CU_ASSERT_STRING_EQUAL(run.error.message, messages[i]);
        }
    }
}

/* --- variables that change --- */

static void variables_are_resized(void)
{
    expect("blob $b[2]; v.Resize($b, 4); v.Show($b, $b.Length);", "blob zzzz;i32 4;");
    expect("blob $b[2]; v.Resize($b, 1); v.Show($b);", "blob z;");
    expect("string $s = \"ab\"; v.ResizeText($s, 5); v.Show($s, $s.Length);",
           "string zzzzz;i32 5;");
    expect("string $s = \"ab\"; string $t = $s; v.ResizeText($s, 1); v.Show($s, $t);",
           "string z;string ab;");
    expect("string $s = \"const\"; v.ResizeText($s, 3); $s = \"const\"; v.Show($s);",
           "string const;");
    expect("string $s = \"x\"; v.Cut($s); v.Show($s, $s.Length);", "string ab;i32 2;");
}

/* What was passed by value stays as it was at the call; one variable passed twice by reference is
 * one variable. */
static void values_stay_while_variables_change(void)
{
    expect("blob $b[2]; $b[0] = 'a'; $b[1] = 'b'; v.Resize($b, 3, $b); v.Show($b);",
           "ab ab;blob zzz;");
    expect("string $s = \"old\"; v.ResizeText($s, 2, $s); v.Show($s);", "old old;string zz;");
    expect("string $s = \"old\"; v.ResizeText($s, 2, \"const\"); v.Show($s);",
           "const const;string zz;");
    expect("blob $b[2]; v.ResizeTwo($b, 3, $b);", "zzz zzz;");
    /* Only during that call. */
    expect("blob $b[1]; blob $c[1]; $c[0] = 'c'; v.Resize($b, 3, $c); $c[0] = 'd';"
           "v.Resize($b, 3, $c); v.ResizeTwo($b, 3, $c); v.Show($c);",
           "c c;d d;d d;blob d;");
    expect("blob $b[2]; blob $c[1]; $c[0] = 'c'; v.ResizeTwo($b, 3, $c); v.Show($c);",
           "c c;blob c;");
}

static void only_references_are_resized(void)
{
    expect_failure("blob $b; v.ResizeWrong(0, $b);", CB_INVALID,
                   "v.ResizeWrong: argument 1 is no ref");
    expect_failure("blob $b; v.ResizeWrong(2, $b);", CB_INVALID,
                   "v.ResizeWrong: argument 3 is no ref");
    expect("blob $b; v.ResizeWrong(1, $b); v.Show($b.Length);", "i32 1;");
    cb_limits limits = cb_limits_default();
    limits.max_object = 100;
    run_body("blob $b; v.Resize($b, 100); v.Resize($b, 101);", &limits);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
    CU_ASSERT_STRING_EQUAL(run.error.message, "a string or blob would be longer than 100 bytes");
    CU_ASSERT_STRING_EQUAL(said, "data NULL;");
}

/* --- failures --- */

static void failures_are_told(void)
{
    static const cb_status statuses[] = {CB_NO_MEMORY, CB_INVALID, CB_CLOSED, CB_LIMIT,
                                         CB_STOPPED,   CB_IO,      CB_SCRIPT};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        char body[64];
        char wanted[128];
        (void)snprintf(body, sizeof body, "v.Status(%d);", statuses[i]);
        (void)snprintf(wanted, sizeof wanted, "v.Status: %s", cb_status_text(statuses[i]));
        expect_failure(body, statuses[i], wanted);
        (void)snprintf(body, sizeof body, "v.Fail(%d);", statuses[i]);
        expect_failure(body, statuses[i], "v.Fail: it has failed");
    }
    expect("v.Status(0);", "");
    /* Who fails with "ok" has failed all the same, if it says so. */
    expect_failure("v.Fail(0);", CB_SCRIPT, "v.Fail: it has failed");
    expect("v.FailInSecret();", "");
    expect_failure("v.FailInSecret(); v.Status(-1);", (cb_status)-1, "v.Status: out of memory");
    expect_failure("string $s = v.ResultAndFailure();", CB_CLOSED, "v.ResultAndFailure: closed");
}

static void formats_are_looked_for_among_the_arguments(void)
{
    expect("v.Format(1, \"%d-%s\", 7, \"x\");", "7-x;");
    expect("v.Format(1, \"plain\");", "plain;");
    expect("v.Format(2, \"%d\", \"%d!\", 8);", "8!;");
    expect_failure("v.Format(2, \"%d\");", CB_INVALID, "v.Format: the format is missing");
    expect_failure("v.Format(-1, \"%d\");", CB_INVALID, "v.Format: the format is missing");
    expect_failure("v.Format(1, \"%d\");", CB_SCRIPT,
                   "v.Format: the format wants more arguments than there are");
    cb_limits limits = cb_limits_default();
    limits.max_object = 20;
    run_body("v.Format(1, \"%20d\", 1); v.Format(1, \"%21d\", 1);", &limits);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
    CU_ASSERT_STRING_EQUAL(run.error.message, "v.Format: the text would be longer than 20 bytes");
}

static void who_may_block_says_so(void)
{
    expect("v.RunsOn(); v.Blocks(); v.RunsOn(); v.Blocks();",
           "blocked 0;blocked 1;blocked 1;blocked 2;");
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("verbs", NULL, NULL);
    CU_ADD_TEST(suite, arguments_come_with_their_types);
    CU_ADD_TEST(suite, arguments_are_converted);
    CU_ADD_TEST(suite, results_are_cut_to_their_type);
    CU_ADD_TEST(suite, the_last_result_counts);
    CU_ADD_TEST(suite, buffers_of_arguments);
    CU_ADD_TEST(suite, results_are_bounded);
    CU_ADD_TEST(suite, variables_are_resized);
    CU_ADD_TEST(suite, values_stay_while_variables_change);
    CU_ADD_TEST(suite, only_references_are_resized);
    CU_ADD_TEST(suite, failures_are_told);
    CU_ADD_TEST(suite, formats_are_looked_for_among_the_arguments);
    CU_ADD_TEST(suite, who_may_block_says_so);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run_count = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
