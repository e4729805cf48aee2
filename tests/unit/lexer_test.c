/* Tokens, their values and their places. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "bridge/lang/lexer.h"
#include "callboard/plugin.h"

typedef struct lexed {
    cb_source source;
    cb_arena arena;
    cb_diagnostics diagnostics;
    cb_lexer lexer;
} lexed;

static void start(lexed *in, const char *text, size_t size)
{
    memset(in, 0, sizeof *in);
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", text, size, &in->source, NULL), CB_OK);
    cb_lexer_start(&in->lexer, &in->source, &in->arena, &in->diagnostics);
}

static void stop(lexed *in)
{
    cb_arena_free(&in->arena);
    cb_source_free(&in->source);
}

/* The only token of the text. */
static cb_token read_one(lexed *in, const char *text)
{
    start(in, text, strlen(text));
    cb_token token = cb_lexer_next(&in->lexer);
    CU_ASSERT_EQUAL(cb_lexer_next(&in->lexer).kind, CB_TOKEN_END);
    CU_ASSERT_EQUAL(cb_lexer_next(&in->lexer).kind, CB_TOKEN_END);
    return token;
}

static void expect_integer(const char *text, uint64_t value)
{
    lexed in;
    cb_token token = read_one(&in, text);
    CU_ASSERT_EQUAL(token.kind, CB_TOKEN_INTEGER);
    CU_ASSERT_EQUAL(token.integer, value);
    CU_ASSERT_EQUAL(in.diagnostics.count, 0);
    stop(&in);
}

static void test_numbers(void)
{
    expect_integer("0", 0);
    expect_integer("18446744073709551615", UINT64_MAX);
    expect_integer("0xFFffFFffFFffFFff", UINT64_MAX);
    expect_integer("0b101", 5);
    expect_integer("'a'", 'a');
    expect_integer("'\\n'", '\n');
    expect_integer("'\\xfF'", 255);
    expect_integer("'\\0'", 0);
    expect_integer("'\"'", '"');
    lexed in;
    cb_token token = read_one(&in, "1.5e-3");
    CU_ASSERT_EQUAL(token.kind, CB_TOKEN_REAL);
    CU_ASSERT_DOUBLE_EQUAL(token.real, 0.0015, 1e-12);
    stop(&in);
}

static void expect_error(const char *text, const char *error)
{
    lexed in;
    start(&in, text, strlen(text));
    while (cb_lexer_next(&in.lexer).kind != CB_TOKEN_END) {
    }
    CU_ASSERT_TRUE_FATAL(in.diagnostics.count > 0);
    bool is_right = strstr(in.diagnostics.items[0].text, error) != NULL;
    CU_ASSERT_TRUE(is_right);
    if (!is_right)
        fprintf(stderr, "%s: %s\n", text, in.diagnostics.items[0].text);
    stop(&in);
}

static void test_errors(void)
{
    expect_error("18446744073709551616", "64 bits");
    expect_error("0x", "no digits");
    expect_error("007", "can't begin with 0");
    expect_error("1.", "no number");
    expect_error("1e", "no number");
    expect_error("1.2.3", "no number");
    expect_error("12abc", "no number");
    expect_error("1e999", "too large");
    expect_error("\"abc", "no end");
    expect_error("\"abc\\", "no end");
    expect_error("'", "no end");
    expect_error("''", "exactly one byte");
    expect_error("'ab'", "exactly one byte");
    expect_error("\"\\q\"", "no such escape");
    expect_error("\"\\x1\"", "two hexadecimal digits");
    expect_error("/* x", "no end");
    expect_error("$", "must follow");
    expect_error("@", "stray character '@'");
    expect_error("\001", "0x01");
    expect_error("\xC3\xA4\xC3\xB6", "not ASCII");
    expect_error("#pragma", "only directive");
}

static void test_strings(void)
{
    lexed in;
    cb_token token = read_one(&in, "\"a\\t\\\"\\\\\\x41 // no comment\"");
    CU_ASSERT_EQUAL(token.kind, CB_TOKEN_STRING);
    CU_ASSERT_STRING_EQUAL(token.text, "a\t\"\\A // no comment");
    CU_ASSERT_EQUAL(token.size, strlen(token.text));
    stop(&in);
    token = read_one(&in, "\"ab\\0cd\"");
    CU_ASSERT_EQUAL(token.size, 2);
    CU_ASSERT_EQUAL(in.diagnostics.count, 0);
    stop(&in);
}

static void test_words(void)
{
    lexed in;
    const char *text = "while i64 $x1 _name #define packet blob";
    start(&in, text, strlen(text));
    CU_ASSERT_EQUAL(cb_lexer_next(&in.lexer).kind, CB_TOKEN_WHILE);
    cb_token token = cb_lexer_next(&in.lexer);
    CU_ASSERT_EQUAL(token.kind, CB_TOKEN_TYPE);
    CU_ASSERT_EQUAL(token.integer, CB_TYPE_I64);
    token = cb_lexer_next(&in.lexer);
    CU_ASSERT_EQUAL(token.kind, CB_TOKEN_VARIABLE);
    CU_ASSERT_STRING_EQUAL(token.text, "$x1");
    CU_ASSERT_EQUAL(cb_lexer_next(&in.lexer).kind, CB_TOKEN_NAME);
    CU_ASSERT_EQUAL(cb_lexer_next(&in.lexer).kind, CB_TOKEN_DEFINE);
    CU_ASSERT_EQUAL(cb_lexer_next(&in.lexer).kind, CB_TOKEN_NAME);
    CU_ASSERT_EQUAL(cb_lexer_next(&in.lexer).kind, CB_TOKEN_TYPE);
    stop(&in);
}

static void test_punctuation(void)
{
    static const struct {
        const char *spelling;
        cb_token_kind kind;
    } all[] = {
#define EACH(name, spelling) {spelling, CB_TOKEN_##name},
        CB_PUNCTUATION(EACH) CB_KEYWORDS(EACH)
#undef EACH
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        lexed in;
        cb_token token = read_one(&in, all[i].spelling);
        CU_ASSERT_EQUAL(token.kind, all[i].kind);
        CU_ASSERT_EQUAL(token.place.length, strlen(all[i].spelling));
        CU_ASSERT_NOT_EQUAL(strcmp(cb_token_name(token.kind), "?"), 0);
        stop(&in);
    }
}

static void test_places(void)
{
    lexed in;
    /* A byte order mark, CRLF, a tab, and characters of two and three bytes. */
    const char *text = "\xEF\xBB\xBF// \xC3\xA4\r\n\t\"\xE2\x82\xAC\" $x";
    start(&in, text, strlen(text));
    cb_token token = cb_lexer_next(&in.lexer);
    CU_ASSERT_EQUAL(token.place.line, 2);
    CU_ASSERT_EQUAL(token.place.column, 2);
    token = cb_lexer_next(&in.lexer);
    CU_ASSERT_EQUAL(token.place.column, 6);
    CU_ASSERT_EQUAL(token.place.length, 2);
    stop(&in);
}

static void expect_text(const char *bytes, size_t size, const char *error, uint32_t column)
{
    lexed in;
    start(&in, bytes, size);
    bool is_good = cb_lexer_check_text(&in.source, &in.diagnostics);
    CU_ASSERT_EQUAL(is_good, error == NULL);
    if (error != NULL && in.diagnostics.count == 1) {
        CU_ASSERT_PTR_NOT_NULL(strstr(in.diagnostics.items[0].text, error));
        CU_ASSERT_EQUAL(in.diagnostics.items[0].place.column, column);
    }
    stop(&in);
}

static void test_utf8(void)
{
    expect_text("", 0, NULL, 0);
    expect_text("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 10, NULL, 0);
    expect_text("ab\0c", 4, "NUL", 3);
    expect_text("\xC3\xA4\xFF", 3, "UTF-8", 2);
    expect_text("\xC0\x80", 2, "UTF-8", 1);         /* overlong */
    expect_text("\xED\xA0\x80", 3, "UTF-8", 1);     /* a surrogate */
    expect_text("\xF4\x90\x80\x80", 4, "UTF-8", 1); /* past the last */
    expect_text("\xE2\x82", 2, "UTF-8", 1);         /* cut off */
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("lexer", NULL, NULL);
    CU_add_test(suite, "numbers and characters", test_numbers);
    CU_add_test(suite, "errors", test_errors);
    CU_add_test(suite, "strings", test_strings);
    CU_add_test(suite, "words", test_words);
    CU_add_test(suite, "every mark and keyword", test_punctuation);
    CU_add_test(suite, "places", test_places);
    CU_add_test(suite, "UTF-8", test_utf8);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return code != CUE_SUCCESS || failures != 0;
}
