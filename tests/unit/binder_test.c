/* What the binder makes of a program: types, conversions, numbers of locals; and what it refuses.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/front.h"
#include "tests/unit/lang_tables.h"

#define HEAD                                                                                       \
    "plugin \"print/PrintPlugin\"; plugin \"demo/DemoPlugin\"; plugin \"builtin:string\";"         \
    "plugin \"builtin:blob\";\n"                                                                   \
    "#define N 5\n#define MINUS -3\n#define TEXT \"Echo\"\n"                                       \
    "struct P packet { u8 a; i32 b; } struct Q { u8 a; i32 b; u8 c; }\n"                           \
    "callback i32 Echo(ref blob $X) { return(1); }\n"                                              \
    "i32 add(i32 $a, i32 $b) { return $a + $b; }\n"                                                \
    "void bump(ref i32 $a) { $a++; }\n"

typedef struct bound {
    cb_source source;
    cb_diagnostics diagnostics;
    cb_ast_program *program;
    const cb_ast_function *main;
} bound;

static cb_status bind(bound *in, const char *text)
{
    memset(in, 0, sizeof *in);
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", text, strlen(text), &in->source, NULL),
                          CB_OK);
    cb_status status =
        cb_front_analyze(&in->source, &lang_tables_catalog, &in->program, &in->diagnostics);
    if (status == CB_OK)
        in->main = &in->program->functions[in->program->main_index];
    return status;
}

static void stop(bound *in)
{
    cb_ast_free(in->program);
    cb_source_free(&in->source);
}

/* Binds `body` as main's; it has to be right. */
static void bind_body(bound *in, const char *body)
{
    char text[2048];
    (void)snprintf(text, sizeof text, "%svoid main() { %s }", HEAD, body);
    cb_status status = bind(in, text);
    if (status != CB_OK)
        cb_diagnostics_print(&in->diagnostics, &in->source, stderr);
    CU_ASSERT_EQUAL_FATAL(status, CB_OK);
}

/* The value of the last statement of main, a declaration or an assignment. */
static const cb_ast_expr *last_value(const bound *in)
{
    const cb_ast_stmt *statement = in->main->body;
    while (statement->next != NULL)
        statement = statement->next;
    if (statement->kind == CB_STMT_DECLARE)
        return statement->declare.value;
    const cb_ast_expr *expression = statement->expression;
    return expression->kind == CB_EXPR_ASSIGN ? expression->assign.value : expression;
}

static void expect_value(const char *body, cb_expr_kind kind, cb_type type)
{
    bound in;
    bind_body(&in, body);
    const cb_ast_expr *value = last_value(&in);
    CU_ASSERT_EQUAL(value->kind, kind);
    CU_ASSERT_EQUAL(value->type, type);
    if (value->kind != kind || value->type != type)
        fprintf(stderr, "%s: kind %d, %s\n", body, (int)value->kind, cb_type_name(value->type));
    stop(&in);
}

static void expect_integer(const char *body, cb_type type, int64_t number)
{
    bound in;
    bind_body(&in, body);
    const cb_ast_expr *value = last_value(&in);
    CU_ASSERT_EQUAL(value->kind, CB_EXPR_INT);
    CU_ASSERT_EQUAL(value->type, type);
    CU_ASSERT_EQUAL(value->integer, number);
    if (value->integer != number)
        fprintf(stderr, "%s: %lld\n", body, (long long)value->integer);
    stop(&in);
}

static void test_constants(void)
{
    expect_integer("i8 $a = -128;", CB_TYPE_I8, -128);
    expect_integer("u64 $a = 18446744073709551615;", CB_TYPE_U64, -1);
    expect_integer("i64 $a = -9223372036854775808;", CB_TYPE_I64, INT64_MIN);
    expect_integer("i64 $a = 1 << 40;", CB_TYPE_I64, INT64_C(1) << 40);
    expect_integer("i32 $a = (N + 3) * MINUS % 7;", CB_TYPE_I32, -3);
    expect_integer("i32 $a = -8 >> 1;", CB_TYPE_I32, -4);
    expect_integer("i32 $a = ~0 ^ 1 | 8 & 12;", CB_TYPE_I32, -2);
    expect_integer("i32 $a = -7 / 2 - 1;", CB_TYPE_I32, -4);
    expect_integer("u8 $a = (u8)-1;", CB_TYPE_U8, 255);
    expect_integer("i32 $a = (i32)-2.9;", CB_TYPE_I32, -2);
    expect_integer("i32 $a = structsize(P);", CB_TYPE_I32, 5);
    expect_integer("i32 $a = structsize(Q);", CB_TYPE_I32, 12);
    expect_value("double $a = 1;", CB_EXPR_REAL, CB_TYPE_DOUBLE);
    expect_value("float $a = -1.5;", CB_EXPR_REAL, CB_TYPE_FLOAT);
}

static void test_conversions(void)
{
    expect_value("i32 $a = 1; i64 $b = $a;", CB_EXPR_CONVERT, CB_TYPE_I64);
    expect_value("i32 $a = 1; i64 $b = $a + 1;", CB_EXPR_CONVERT, CB_TYPE_I64);
    expect_value("i64 $a = 1; $a = $a + 1;", CB_EXPR_BINARY, CB_TYPE_I64);
    expect_value("u8 $a = 1; i32 $b = $a + 300;", CB_EXPR_BINARY, CB_TYPE_I32);
    expect_value("u32 $a = 1; i64 $b = $a + MINUS;", CB_EXPR_BINARY, CB_TYPE_I64);
    expect_value("i32 $a = 1; double $b = $a * 0.5;", CB_EXPR_BINARY, CB_TYPE_DOUBLE);
    expect_value("i64 $a = 1; i32 $b = (i32)$a;", CB_EXPR_CONVERT, CB_TYPE_I32);
    expect_value("i32 $a = 1; i32 $b = (i32)$a;", CB_EXPR_LOCAL, CB_TYPE_I32);
    expect_value("u64 $a = 1; i32 $b = $a > 2;", CB_EXPR_COMPARE, CB_TYPE_I32);
    expect_value("double $a = 1; i32 $b = !$a;", CB_EXPR_NOT, CB_TYPE_I32);
    expect_value("i64 $a = 1; i32 $b = $a && 2;", CB_EXPR_AND, CB_TYPE_I32);
    expect_value("i8 $a = 1; i32 $b = 1 ? $a : 1000;", CB_EXPR_CHOOSE, CB_TYPE_I32);
    expect_value("blob $b[3]; u8 $a = (u8)$b[1];", CB_EXPR_CONVERT, CB_TYPE_U8);
    expect_value("i64 $a = 1; $a = $a << 2;", CB_EXPR_BINARY, CB_TYPE_I64);
}

static void test_calls(void)
{
    bound in;
    bind_body(&in, "i64 $a = demo.Open(TEXT, 5, 80);");
    const cb_ast_expr *value = last_value(&in);
    CU_ASSERT_EQUAL_FATAL(value->kind, CB_EXPR_VERB);
    CU_ASSERT_STRING_EQUAL(value->verb.name_space->name, "demo");
    CU_ASSERT_STRING_EQUAL(value->verb.verb->verb->name, "Open");
    CU_ASSERT_EQUAL(value->verb.count, 3);
    CU_ASSERT_EQUAL(value->verb.arguments->kind, CB_EXPR_CALLBACK);
    CU_ASSERT_STRING_EQUAL(in.program->functions[value->verb.arguments->function].name, "Echo");
    CU_ASSERT_PTR_EQUAL(in.program->namespaces[value->verb.name_space_index],
                        value->verb.name_space);
    stop(&in);
    /* A name that is not a literal is looked up when the script runs. */
    bind_body(&in, "string $n = TEXT; i64 $a = demo.Open($n, 5);");
    value = last_value(&in)->verb.arguments;
    CU_ASSERT_EQUAL(value->kind, CB_EXPR_CONVERT);
    CU_ASSERT_EQUAL(value->type, CB_TYPE_CALLBACK);
    CU_ASSERT_EQUAL(value->unary.operand->type, CB_TYPE_STRING);
    CU_ASSERT_EQUAL(value->next->type, CB_TYPE_I32);
    stop(&in);
    bind_body(&in, "i32 $n = 1; bump($n);");
    value = last_value(&in);
    CU_ASSERT_EQUAL_FATAL(value->kind, CB_EXPR_CALL);
    CU_ASSERT_EQUAL(value->call.arguments->kind, CB_EXPR_REF);
    stop(&in);
    expect_value("string $s; i32 $n = string.Overflow($s);", CB_EXPR_OVERFLOW, CB_TYPE_I32);
    expect_value("string $s; i32 $n = string.Capacity($s);", CB_EXPR_CAPACITY, CB_TYPE_I32);
    expect_value("blob $b; i32 $n = blob.Overflow($b);", CB_EXPR_OVERFLOW, CB_TYPE_I32);
}

static void test_structs(void)
{
    bound in;
    bind_body(&in, "blob $b[16]; $b assign P; $b assign Q; i32 $n = $b.b;");
    const cb_ast_expr *value = last_value(&in);
    CU_ASSERT_EQUAL_FATAL(value->kind, CB_EXPR_FIELD);
    CU_ASSERT_EQUAL(value->field.offset, 4);
    CU_ASSERT_EQUAL(value->type, CB_TYPE_I32);
    stop(&in);
    bind_body(&in, "ref blob &S = blob.RefFromPointer(1, 8); S assign P; S.b = 1; i32 $n = S.b;");
    CU_ASSERT_EQUAL(in.main->locals[0].kind, CB_LOCAL_ALIAS);
    CU_ASSERT_EQUAL(last_value(&in)->field.offset, 1);
    stop(&in);
}

static void test_locals(void)
{
    bound in;
    CU_ASSERT_EQUAL_FATAL(bind(&in, "i32 f(i32 $a, ref string $s) { { i32 $b = 1; } { i64 $b; }"
                                    " string $t[64] = $s; blob $u[3]; return $a; }"
                                    "i32 main() { return 0; }"),
                          CB_OK);
    const cb_ast_function *function = &in.program->functions[0];
    CU_ASSERT_EQUAL(function->parameter_count, 2);
    CU_ASSERT_EQUAL_FATAL(function->local_count, 6);
    CU_ASSERT_EQUAL(function->locals[1].kind, CB_LOCAL_REF);
    CU_ASSERT_EQUAL(function->locals[2].type, CB_TYPE_I32);
    CU_ASSERT_EQUAL(function->locals[3].type, CB_TYPE_I64);
    const cb_ast_stmt *text = function->body->next->next;
    CU_ASSERT_EQUAL(text->declare.size, 64);
    CU_ASSERT_EQUAL(text->declare.value->kind, CB_EXPR_LOCAL);
    CU_ASSERT_EQUAL(text->next->declare.size, 3);
    CU_ASSERT_EQUAL(in.program->main_index, 1);
    stop(&in);
}

static void test_assignment_of_all_paths(void)
{
    static const char *const good[] = {
        "i32 $a; if (N) $a = 1; else $a = 2; add($a, 1);",
        "i32 $a; while (1) { $a = 1; break; } add($a, 1);",
        "i32 $a; do { $a = 1; } while ($a < 3); add($a, 1);",
        "i32 $a; switch (N) { case 1: $a = 1; break; default: $a = 2; } add($a, 1);",
        "i32 $a; switch (N) { case 1: case 2: $a = 1; break; default: return; } add($a, 1);",
        "i32 $a; for (;;) { if (N) { $a = 1; break; } } add($a, 1);",
        "i32 $a; if (N) return; else $a = 1; add($a, 1);",
        "i32 $a; for ($a = 0; $a < 3; $a++) continue; add($a, 1);",
        "i32 $a; i32 $b = ($a = 1) && N; add($a, $b);",
        "i32 $a; i32 $b = N ? ($a = 1) : ($a = 2); add($a, $b);",
        "return; i32 $a; add($a, 1);",
        "string $s; blob $b; $b = blob.FromText($s);",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        bound in;
        bind_body(&in, good[i]);
        stop(&in);
    }
}

static void expect_error(const char *body, const char *error)
{
    char text[2048];
    (void)snprintf(text, sizeof text, "%svoid main() { %s }", HEAD, body);
    bound in;
    bool is_right = bind(&in, text) == CB_SCRIPT && in.diagnostics.count == 1 &&
                    strstr(in.diagnostics.items[0].text, error) != NULL;
    CU_ASSERT_TRUE(is_right);
    if (!is_right) {
        fprintf(stderr, "%s: not one error with \"%s\"\n", body, error);
        cb_diagnostics_print(&in.diagnostics, &in.source, stderr);
    }
    CU_ASSERT_PTR_NULL(in.program);
    stop(&in);
}

static void test_errors(void)
{
    expect_error("i32 $a; add($a, 1);", "$a is read");
    expect_error("while (N) { i32 $a; add($a, 1); $a = 1; }", "$a is read");
    expect_error("i32 $a; do { if (N) continue; $a = 1; } while ($a);", "$a is read");
    expect_error("demo.Open(\"Eco\", 5);", "did you mean \"Echo\"");
    expect_error("demo.Open(\"add\", 5);", "callback i32 add(ref blob $X)");
    expect_error("demo.Open(\"Echo\", \"5\");",
                 "takes (callback, i32, [i32]), got (callback, string)");
    expect_error("demo.Open(\"Echo\", 5, 6, 7);", "got (callback, i32, i32, i32)");
    expect_error("demo.Send(1, \"x\");", "blob.FromText");
    expect_error("$x = 1; $x = 2; $x++;", "$x is not declared");
    expect_error("i64 $a = 1 + demo.Wide();", "but its value is u64");
    expect_error("printf(\"%d\", 1.5);", "argument 2 is double");
    expect_error("printf(\"%s %lld\", string.Format(\"%d\", 1));", "no argument 3");
    expect_error("for (i32 $i = 0; $i < 3; $i) { }", "no effect");
    expect_error("switch (N) { case 1: i32 $a = 1; case 2: add($a, 1); }", "$a is not declared");
    expect_error("switch (N) { case 2 - 1: case 1: }", "already in line");
    expect_error("i32 $N = 1; N = 2;", "is a constant");
    expect_error("blob $b; $b[0] = 300;", "0..255");
}

static void test_plugins(void)
{
    bound in;
    CU_ASSERT_EQUAL(bind(&in, "plugin \"no/Plugin\"; void main() { no.Verb(1); printf(\"x\"); }"),
                    CB_SCRIPT);
    /* What such a plugin would have held is not known, so only it is reported. */
    CU_ASSERT_EQUAL(in.diagnostics.count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(in.diagnostics.items[0].text, "no plugin \"no/Plugin\""));
    stop(&in);
    CU_ASSERT_EQUAL(bind(&in, "void main() { string.Format(\"x\"); }"), CB_SCRIPT);
    CU_ASSERT_PTR_NOT_NULL(strstr(in.diagnostics.items[0].text, "add: plugin \"builtin:string\""));
    stop(&in);
}

/* A catalog of its own: `small` and `large` are one namespace that knows one verb, and two. */
static const cb_verb own_verbs[] = {LANG_VERB("One", "i32()", 0), LANG_VERB("Two", "i32()", 0)};
static cb_catalog_verb own_parsed[2];
static const cb_namespace own_small = {"own", 1, own_parsed, 1};
static const cb_namespace own_large = {"own", 1, own_parsed, 2};

static cb_status load_own(void *user, const char *path, const char *script_folder,
                          const cb_namespace **out, cb_error *error)
{
    (void)user;
    CU_ASSERT_STRING_EQUAL(script_folder, ".");
    for (size_t i = 0; i < 2; i++) {
        own_parsed[i].verb = &own_verbs[i];
        CU_ASSERT_EQUAL(cb_signature_parse(own_verbs[i].signature, &own_parsed[i].signature, error),
                        CB_OK);
    }
    if (strcmp(path, "said") == 0)
        return cb_fail(error, CB_IO, "x");
    if (strcmp(path, "memory") == 0)
        return CB_NO_MEMORY;
    *out = strcmp(path, "small") == 0 ? &own_small : &own_large;
    return strcmp(path, "unsaid") == 0 ? CB_UNSUPPORTED : CB_OK;
}

static cb_status bind_own(bound *in, const char *text)
{
    static const cb_catalog own = {.load = load_own};
    memset(in, 0, sizeof *in);
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", text, strlen(text), &in->source, NULL),
                          CB_OK);
    return cb_front_analyze(&in->source, &own, &in->program, &in->diagnostics);
}

static void test_plugins_that_fail(void)
{
    bound in;
    CU_ASSERT_EQUAL(bind_own(&in, "plugin \"said\"; void main() { }"), CB_SCRIPT);
    CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text, "x");
    CU_ASSERT_EQUAL(in.diagnostics.items[0].place.column, 8);
    stop(&in);
    CU_ASSERT_EQUAL(bind_own(&in, "plugin \"unsaid\"; void main() { own.One(); }"), CB_SCRIPT);
    CU_ASSERT_EQUAL(in.diagnostics.count, 1);
    CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text, cb_status_text(CB_UNSUPPORTED));
    stop(&in);
    CU_ASSERT_EQUAL(bind_own(&in, "plugin \"memory\"; void main() { }"), CB_NO_MEMORY);
    CU_ASSERT_EQUAL(in.diagnostics.count, 0);
    stop(&in);
    /* Nobody knows a plugin that would help. */
    CU_ASSERT_EQUAL(bind_own(&in, "void main() { own.One(); printf(\"x\"); }"), CB_SCRIPT);
    CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text, "no plugin line loads the namespace own");
    CU_ASSERT_STRING_EQUAL(in.diagnostics.items[1].text, "no function named printf");
    stop(&in);
}

/* Of two namespaces of one name the one that knows more is taken, whichever comes first. */
static void test_the_richer_namespace_stays(void)
{
    static const char *const good[] = {
        "plugin \"large\"; void main() { own.One(); own.Two(); }",
        "plugin \"small\"; plugin \"large\"; void main() { own.One(); own.Two(); }",
        "plugin \"large\"; plugin \"small\"; void main() { own.One(); own.Two(); }",
        "plugin \"large\"; plugin \"large\"; void main() { own.One(); own.Two(); }",
    };
    bound in;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_EQUAL(bind_own(&in, good[i]), CB_OK);
        CU_ASSERT_EQUAL(in.program->namespace_count, 1);
        CU_ASSERT_PTR_EQUAL(in.program->namespaces[0], &own_large);
        stop(&in);
    }
    CU_ASSERT_EQUAL(bind_own(&in, "plugin \"small\"; void main() { own.One(); own.Two(); }"),
                    CB_SCRIPT);
    CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text, "own has no verb Two");
    stop(&in);
}

static void test_printing(void)
{
    bound in;
    char *shown = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL(bind(&in, "void main()\n{\n\ti32 $a = \"\xC3\xA4\"; $b = 1;\n}\n"), CB_SCRIPT);
    FILE *out = open_memstream(&shown, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    cb_diagnostics_print(&in.diagnostics, &in.source, out);
    CU_ASSERT_EQUAL(fclose(out), 0);
    CU_ASSERT_STRING_EQUAL(shown, "t.dom:3:11: error: $a is i32, but its value is string\n"
                                  "    \ti32 $a = \"\xC3\xA4\"; $b = 1;\n"
                                  "    \t         ^~~\n"
                                  "t.dom:3:16: error: $b is not declared\n"
                                  "    \ti32 $a = \"\xC3\xA4\"; $b = 1;\n"
                                  "    \t              ^~\n");
    free(shown);
    stop(&in);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("binder", NULL, NULL);
    CU_add_test(suite, "constants", test_constants);
    CU_add_test(suite, "conversions", test_conversions);
    CU_add_test(suite, "calls", test_calls);
    CU_add_test(suite, "structs", test_structs);
    CU_add_test(suite, "locals", test_locals);
    CU_add_test(suite, "assigned on every path", test_assignment_of_all_paths);
    CU_add_test(suite, "errors", test_errors);
    CU_add_test(suite, "plugins", test_plugins);
    CU_add_test(suite, "plugins that fail", test_plugins_that_fail);
    CU_add_test(suite, "the richer namespace stays", test_the_richer_namespace_stays);
    CU_add_test(suite, "how errors print", test_printing);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return code != CUE_SUCCESS || failures != 0;
}
