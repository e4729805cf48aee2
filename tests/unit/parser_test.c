/* What the parser makes of tokens: precedence, recovery after errors, and its bounds. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/parser.h"

typedef struct parsed_text {
    cb_source source;
    cb_arena arena;
    cb_diagnostics diagnostics;
    cb_parsed parsed;
} parsed_text;

static void parse(parsed_text *in, const char *text)
{
    memset(in, 0, sizeof *in);
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", text, strlen(text), &in->source, NULL),
                          CB_OK);
    CU_ASSERT_EQUAL(cb_parse(&in->source, &in->arena, &in->diagnostics, &in->parsed), CB_OK);
}

static void stop(parsed_text *in)
{
    cb_arena_free(&in->arena);
    cb_source_free(&in->source);
}

static void print(const cb_syntax *node, char *text, size_t size)
{
    size_t used = strlen(text);
    switch (node->kind) {
    case CB_SYNTAX_INTEGER:
        (void)snprintf(text + used, size - used, "%u", (unsigned)node->integer);
        return;
    case CB_SYNTAX_NAME:
        (void)snprintf(text + used, size - used, "%s", node->text);
        return;
    default:
        break;
    }
    const char *name = node->op != CB_TOKEN_END ? cb_token_name(node->op) : "?";
    (void)snprintf(text + used, size - used, "(%s", name);
    const cb_syntax *children[] = {node->a, node->b, node->c};
    for (size_t i = 0; i < 3; i++) {
        if (children[i] == NULL)
            continue;
        used = strlen(text);
        (void)snprintf(text + used, size - used, " ");
        print(children[i], text, size);
    }
    used = strlen(text);
    (void)snprintf(text + used, size - used, ")");
}

static void expect_tree(const char *expression, const char *tree)
{
    char program[256];
    char text[256] = "";
    (void)snprintf(program, sizeof program, "void main() { %s; }", expression);
    parsed_text in;
    parse(&in, program);
    CU_ASSERT_EQUAL_FATAL(in.diagnostics.count, 0);
    print(in.parsed.functions->b->a, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, tree);
    if (strcmp(text, tree) != 0)
        fprintf(stderr, "%s\n", text);
    stop(&in);
}

static void test_precedence(void)
{
    expect_tree("1 + 2 * 3", "('+' 1 ('*' 2 3))");
    expect_tree("1 - 2 - 3", "('-' ('-' 1 2) 3)");
    expect_tree("1 << 2 + 3 < 4", "('<' ('<<' 1 ('+' 2 3)) 4)");
    expect_tree("1 | 2 ^ 3 & 4 == 5", "('|' 1 ('^' 2 ('&' 3 ('==' 4 5))))");
    expect_tree("1 || 2 && 3 || 4", "('||' ('||' 1 ('&&' 2 3)) 4)");
    expect_tree("1 ? 2 : 3 ? 4 : 5", "(? 1 2 (? 3 4 5))");
    expect_tree("$a = $b = 1", "('=' $a ('=' $b 1))");
    expect_tree("$a += 1 ? 2 : 3", "('+=' $a (? 1 2 3))");
    expect_tree("-$a * !$b", "('*' ('-' $a) ('!' $b))");
    expect_tree("-$a++", "('-' ('++' $a))");
    expect_tree("(i32)1 + 2", "('+' (? 1) 2)");
    expect_tree("(1 + 2) * 3", "('*' ('+' 1 2) 3)");
    expect_tree("$a[1] - $b.c", "('-' (? $a 1) (? $b))");
    expect_tree("S.f = 1", "('=' (? S) 1)");
}

static void expect_errors(const char *text, size_t count, const char *first)
{
    parsed_text in;
    parse(&in, text);
    cb_diagnostics_sort(&in.diagnostics);
    bool is_right =
        in.diagnostics.count == count && strstr(in.diagnostics.items[0].text, first) != NULL;
    CU_ASSERT_TRUE(is_right);
    for (size_t i = 0; !is_right && i < in.diagnostics.count; i++)
        fprintf(stderr, "%.60s: %s\n", text, in.diagnostics.items[i].text);
    stop(&in);
}

static void test_recovery(void)
{
    /* Each mistake once, and what follows is read again. */
    expect_errors("void main() { $a = ; $b = 1; $c = * 2; }", 2, "expected an expression");
    expect_errors("void f( { $a = 1; } void g() { $b = ; }", 2, "expected a type");
    expect_errors("struct S { i32 } struct T { i32 a; } void main() { ; ; }", 1, "expected a name");
    expect_errors("void main() { if ($a { $b = 1; } else { $c = 2; } $d = ; }", 2, "expected ')'");
    expect_errors("void main() { { { $a = 1; }", 1, "this '{' has no '}'");
    expect_errors("void main() { $a = 1\n $b = 2; }", 1, "expected ';'");
    expect_errors("void main() { switch (1) { case 1: $a = ; case ; case 2: $b = 1; } }", 2,
                  "expected an expression");
    expect_errors("} void main() { }", 1, "expected plugin");
    expect_errors("void main() { $s = \"abc; }\n", 1, "has no end");
}

/* `head`, then `one` so many times, then `tail`. */
static char *repeat(const char *head, const char *one, size_t times, const char *tail)
{
    size_t size = strlen(head) + strlen(one) * times + strlen(tail) + 1;
    char *text = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    strcpy(text, head);
    char *at = text + strlen(head);
    for (size_t i = 0; i < times; i++, at += strlen(one))
        strcpy(at, one);
    strcpy(at, tail);
    return text;
}

static void expect_bounded(const char *head, const char *one, const char *tail)
{
    /* Deep enough to end a C stack that is not guarded. */
    char *text = repeat(head, one, 40000, tail);
    parsed_text in;
    parse(&in, text);
    CU_ASSERT_TRUE(in.diagnostics.count > 0);
    stop(&in);
    free(text);
}

static void test_bounds(void)
{
    expect_bounded("void main() { $a = ", "(", "");
    expect_bounded("void main() { $a = ", "-", "1; }");
    expect_bounded("void main() { $a = ", "(i32)", "1; }");
    expect_bounded("void main() { $a = ", "f(", "");
    expect_bounded("void main() { $a = ", "$a[", "");
    expect_bounded("void main() { $a = 1", "+1", "; }");
    expect_bounded("void main() { $a", "++", "; }");
    expect_bounded("void main() { ", "$a = ", "1; }");
    expect_bounded("void main() { $a = ", "1 ? ", "1; }");
    expect_bounded("void main() { $a = ", "1 ? 2 : ", "1; }");
    expect_bounded("void main() ", "{", "");
    expect_bounded("void main() { ", "if (1) ", "; }");
    expect_bounded("void main() { if (1) ; ", "else if (1) ; ", "}");
    expect_bounded("void main() { ", "do ", "; }");
    expect_bounded("void main() { ", "switch (1) { case 1: ", "");
    expect_bounded("", "struct ", "");
    expect_bounded("", "}", "");
}

static void test_depth_is_enough(void)
{
    char *text = repeat("void main() { $a = 1", "+1", 900, "; }");
    parsed_text in;
    parse(&in, text);
    CU_ASSERT_EQUAL(in.diagnostics.count, 0);
    stop(&in);
    free(text);
    text = repeat("void main() { ", "{", 150, "");
    char *whole = repeat(text, "}", 151, "");
    parse(&in, whole);
    CU_ASSERT_EQUAL(in.diagnostics.count, 0);
    stop(&in);
    free(text);
    free(whole);
}

static void test_top_level(void)
{
    parsed_text in;
    parse(&in, "plugin \"a/B\";\n#define N -1\n#define S \"x\"\n"
               "struct P packet { i32 a; u8 b; };\nstruct Q { double c; }\n"
               "callback i32 C(ref blob $X) { return(1); }\nvoid main() { }\n");
    CU_ASSERT_EQUAL(in.diagnostics.count, 0);
    CU_ASSERT_STRING_EQUAL(in.parsed.plugins->text, "a/B");
    CU_ASSERT_EQUAL(in.parsed.defines->a->kind, CB_SYNTAX_UNARY);
    CU_ASSERT_EQUAL(in.parsed.defines->next->a->kind, CB_SYNTAX_STRING);
    CU_ASSERT_TRUE(in.parsed.structs->flag);
    CU_ASSERT_FALSE(in.parsed.structs->next->flag);
    CU_ASSERT_TRUE(in.parsed.functions->flag);
    CU_ASSERT_TRUE(in.parsed.functions->a->flag);
    CU_ASSERT_EQUAL(in.parsed.functions->next->type, CB_TYPE_VOID);
    CU_ASSERT_FALSE(in.parsed.is_broken);
    stop(&in);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("parser", NULL, NULL);
    CU_add_test(suite, "precedence", test_precedence);
    CU_add_test(suite, "recovery", test_recovery);
    CU_add_test(suite, "bounds", test_bounds);
    CU_add_test(suite, "usual depths are allowed", test_depth_is_enough);
    CU_add_test(suite, "top level", test_top_level);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return code != CUE_SUCCESS || failures != 0;
}
