/* The lexer at its bounds: each byte, each length that is just right or one too long, and where the
 * tokens stand. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/lexer.h"
#include "script_text.h"

typedef struct lexed {
    cb_source source;
    cb_arena arena;
    cb_diagnostics diagnostics;
    cb_lexer lexer;
} lexed;

static lexed in;

static void start(const char *text, size_t size)
{
    memset(&in, 0, sizeof in);
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", text, size, &in.source, NULL), CB_OK);
    cb_lexer_start(&in.lexer, &in.source, &in.arena, &in.diagnostics);
}

static void stop(void)
{
    cb_arena_free(&in.arena);
    cb_source_free(&in.source);
}

/* Each token as its kind, its text or number, and its line and column; then each error likewise. */
static void describe(script_text *to)
{
    for (;;) {
        cb_token token = cb_lexer_next(&in.lexer);
        if (token.kind == CB_TOKEN_END)
            break;
        script_add(to, "%s", to->size > 0 ? " " : "");
        if (token.kind == CB_TOKEN_INTEGER)
            script_add(to, "%llu", (unsigned long long)token.integer);
        else if (token.kind == CB_TOKEN_REAL)
            script_add(to, "%.17g", token.real);
        else if (token.kind == CB_TOKEN_STRING)
            script_add(to, "\"%s\"", token.text);
        else if (token.text != NULL)
            script_add(to, "%s", token.text);
        else
            script_add(to, "%s", cb_token_name(token.kind));
        script_add(to, "@%u:%u+%u%s", token.place.line, token.place.column, token.place.length,
                   token.is_broken ? "!" : "");
    }
    cb_diagnostics_sort(&in.diagnostics);
    for (size_t i = 0; i < in.diagnostics.count; i++) {
        const cb_diagnostic *one = &in.diagnostics.items[i];
        script_add(to, "%s%u:%u+%u %s", to->size > 0 ? " | " : "", one->place.line,
                   one->place.column, one->place.length, one->text);
    }
}

static void expect_bytes(const char *text, size_t size, const char *wanted)
{
    script_text said = {0};
    script_add(&said, "%s", "");
    start(text, size);
    describe(&said);
    CU_ASSERT_STRING_EQUAL(said.bytes, wanted);
    if (strcmp(said.bytes, wanted) != 0)
        printf("\n%.80s\n  wants %.300s\n  gives %.300s\n", text, wanted, said.bytes);
    script_clear(&said);
    stop();
}

static void expect(const char *text, const char *wanted)
{
    expect_bytes(text, strlen(text), wanted);
}

/* --- each byte --- */

static void each_byte_alone(void)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[2] = {(char)byte, '\0'};
        char wanted[128] = "";
        bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        if (is_letter || byte == '_')
            (void)snprintf(wanted, sizeof wanted, "%c@1:1+1", byte);
        else if (byte >= '0' && byte <= '9')
            (void)snprintf(wanted, sizeof wanted, "%c@1:1+1", byte);
        else if (byte != 0 && strchr("(){}[];,.:?=+-*/%&|^~!<>", byte) != NULL)
            (void)snprintf(wanted, sizeof wanted, "'%c'@1:1+1", byte);
        else if (byte == '"' || byte == '\'')
            (void)snprintf(wanted, sizeof wanted,
                           "%s@1:1+1! | 1:1+1 this %s has no end on its line",
                           byte == '"' ? "\"\"" : "0", byte == '"' ? "string" : "character");
        else if (byte == '#')
            (void)snprintf(wanted, sizeof wanted, "1:1+1 the only directive is #define");
        else if (byte == '$')
            (void)snprintf(wanted, sizeof wanted, "1:1+1 a name must follow '$'");
        else if (byte >= 0x80)
            (void)snprintf(wanted, sizeof wanted,
                           "1:%d+1 only comments and literals may hold characters that are not "
                           "ASCII",
                           1);
        else if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')
            wanted[0] = '\0';
        else if (byte < 0x20 || byte == 0x7f)
            (void)snprintf(wanted, sizeof wanted, "1:1+1 stray control character 0x%02X", byte);
        else
            (void)snprintf(wanted, sizeof wanted, "1:1+1 stray character '%c'", byte);
        expect_bytes(text, 1, wanted);
    }
}

/* --- words --- */

static void words_end_where_letters_do(void)
{
    expect("a", "a@1:1+1");
    expect("az_AZ09 z", "az_AZ09@1:1+7 z@1:9+1");
    expect("a`b", "a@1:1+1 b@1:3+1! | 1:2+1 stray character '`'");
    expect("a@b", "a@1:1+1 b@1:3+1! | 1:2+1 stray character '@'");
    expect("a[b{c", "a@1:1+1 '['@1:2+1 b@1:3+1 '{'@1:4+1 c@1:5+1");
    expect("a/b:c", "a@1:1+1 '/'@1:2+1 b@1:3+1 ':'@1:4+1 c@1:5+1");
    expect("$a $_1 $if", "$a@1:1+2 $_1@1:4+3 $if@1:8+3");
    expect("$1", "1@1:2+1! | 1:1+1 a name must follow '$'");
    expect("iff if i if8 i8 i88 void callback_ blob", "iff@1:1+3 if@1:5+2 i@1:8+1 if8@1:10+3 "
                                                      "i8@1:14+2 i88@1:17+3 void@1:21+4 "
                                                      "callback_@1:26+9 blob@1:36+4");
}

static void names_are_bounded(void)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ab";
    for (int sign = 0; sign < 2; sign++) {
        for (int size = 62; size <= 65; size++) {
            script_text text = {0};
            script_text wanted = {0};
            script_add(&text, "%s%.*s", sign ? "$" : "", size, letters);
            /* What is too long is cut, so that the parser can go on. */
            script_add(&wanted, "%s%.*s@1:1+%d", sign ? "$" : "", size > 63 ? 63 : size, letters,
                       size + sign);
            if (size > 63)
                script_add(&wanted, " | 1:1+%d this name is longer than 63 bytes", size + sign);
            expect(text.bytes, wanted.bytes);
            script_clear(&text);
            script_clear(&wanted);
        }
    }
}

/* --- numbers --- */

/* The whole text is one token, wrong in this way. */
static void expect_wrong(const char *text, const char *error)
{
    start(text, strlen(text));
    CU_ASSERT_NOT_EQUAL(cb_lexer_next(&in.lexer).kind, CB_TOKEN_END);
    CU_ASSERT_EQUAL(cb_lexer_next(&in.lexer).kind, CB_TOKEN_END);
    CU_ASSERT_EQUAL_FATAL(in.diagnostics.count, 1);
    CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text, error);
    CU_ASSERT_EQUAL(in.diagnostics.items[0].place.length, strlen(text));
    if (strcmp(in.diagnostics.items[0].text, error) != 0)
        printf("\n%s: %s\n", text, in.diagnostics.items[0].text);
    stop();
}

static void expect_integer(const char *text, uint64_t value)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "%llu@1:1+%zu", (unsigned long long)value, strlen(text));
    expect(text, wanted);
}

#define TOO_LARGE "this number does not fit 64 bits"
#define NO_NUMBER "this is no number"
#define NO_DIGITS "this number has no digits"

static void integers_fit_64_bits(void)
{
    expect_integer("0", 0);
    expect_integer("9", 9);
    expect_integer("10", 10);
    expect_integer("18446744073709551609", UINT64_MAX - 6);
    expect_integer("18446744073709551610", UINT64_MAX - 5);
    expect_integer("18446744073709551615", UINT64_MAX);
    expect_wrong("18446744073709551616", TOO_LARGE);
    expect_wrong("18446744073709551620", TOO_LARGE);
    expect_wrong("184467440737095516150", TOO_LARGE);
    expect_integer("0xffffffffffffffff", UINT64_MAX);
    expect_integer("0XFFFFFFFFFFFFFFFE", UINT64_MAX - 1);
    expect_integer("0x00000000000000000000001", 1);
    expect_wrong("0x10000000000000000", TOO_LARGE);
    expect_integer("0b1111111111111111111111111111111111111111111111111111111111111111",
                   UINT64_MAX);
    expect_wrong("0b10000000000000000000000000000000000000000000000000000000000000000", TOO_LARGE);
}

static void digits_fit_their_base(void)
{
    expect_integer("0x0123456789abcdef", 0x0123456789abcdef);
    expect_integer("0xABCDEF", 0xabcdef);
    expect_integer("0B10", 2);
    expect_wrong("0xg", NO_NUMBER);
    expect_wrong("0xG", NO_NUMBER);
    expect_wrong("0x_", NO_NUMBER);
    expect_wrong("0b2", NO_NUMBER);
    expect_wrong("0b12", NO_NUMBER);
    expect_wrong("1a", NO_NUMBER);
    expect_wrong("1_000", NO_NUMBER);
    expect_wrong("0x", NO_DIGITS);
    expect_wrong("0b", NO_DIGITS);
    const char *zero = "a number can't begin with 0: write decimal digits, 0x or 0b";
    expect_wrong("00", zero);
    expect_wrong("01", zero);
    expect_wrong("0a", zero);
    expect("0 x", "0@1:1+1 x@1:3+1");
}

static void reals_have_digits_on_both_sides(void)
{
    expect("1.5", "1.5@1:1+3");
    expect("0.25", "0.25@1:1+4");
    expect("1e3", "1000@1:1+3");
    expect("1E+3", "1000@1:1+4");
    expect("1e-3", "0.001@1:1+4");
    expect("1.25e2", "125@1:1+6");
    expect("1.7976931348623157e308", "1.7976931348623157e+308@1:1+22");
    expect("1e+3+4", "1000@1:1+4 '+'@1:5+1 4@1:6+1");
    expect("1-2", "1@1:1+1 '-'@1:2+1 2@1:3+1");
    expect("1.5-2", "1.5@1:1+3 '-'@1:4+1 2@1:5+1");
    expect("0x1e+5", "30@1:1+4 '+'@1:5+1 5@1:6+1");
    expect("0x1E-5", "30@1:1+4 '-'@1:5+1 5@1:6+1");
    expect(".5", "'.'@1:1+1 5@1:2+1");
    expect_wrong("1.", NO_NUMBER);
    expect_wrong("1.e5", NO_NUMBER);
    expect_wrong("1..2", NO_NUMBER);
    expect_wrong("1.2.3", NO_NUMBER);
    expect_wrong("1e", NO_NUMBER);
    expect_wrong("1e+", NO_NUMBER);
    expect_wrong("1e5e5", NO_NUMBER);
    expect_wrong("1.5f", NO_NUMBER);
    expect_wrong("0x1.8", NO_NUMBER);
    expect_wrong("0x.8", NO_NUMBER);
    expect_wrong("0X1.8p1", NO_NUMBER);
    expect_wrong("0b1.1", NO_NUMBER);
    expect_wrong("1e309", "this number is too large for a double");
    expect_wrong("1.8e308", "this number is too large for a double");
}

static void numbers_are_bounded(void)
{
    for (size_t size = 99; size <= 102; size++) {
        script_text whole = {0};
        script_text real = {0};
        script_add(&whole, "0x");
        script_repeat(&whole, "0", size - 3);
        script_add(&whole, "7");
        script_add(&real, "1.");
        script_repeat(&real, "0", size - 2);
        if (size <= 100) {
            expect_integer(whole.bytes, 7);
            start(real.bytes, real.size);
            CU_ASSERT_EQUAL(cb_lexer_next(&in.lexer).real, 1.0);
            CU_ASSERT_EQUAL(in.diagnostics.count, 0);
            stop();
        } else {
            expect_wrong(whole.bytes, "this number is too long");
            expect_wrong(real.bytes, "this number is too long");
        }
        script_clear(&whole);
        script_clear(&real);
    }
}

/* --- literals --- */

static void each_byte_behind_a_backslash(void)
{
    static const char letters[] = "ntr0\\\"'";
    static const char values[] = "\n\t\r\0\\\"'";
    for (int byte = 1; byte < 256; byte++) {
        char text[] = {'\'', '\\', (char)byte, '\'', '\0'};
        const char *known = strchr(letters, byte);
        start(text, 4);
        cb_token token = cb_lexer_next(&in.lexer);
        if (known != NULL)
            CU_ASSERT_EQUAL(token.integer, (unsigned char)values[known - letters]);
        CU_ASSERT_EQUAL(in.diagnostics.count, known != NULL ? 0 : 1);
        const char *wanted = "there is no such escape: \\n \\t \\r \\0 \\\\ \\\" \\' \\xHH";
        if (byte == '\n')
            wanted = "this character has no end on its line";
        else if (byte == 'x')
            wanted = "\\x takes two hexadecimal digits";
        if (known == NULL)
            CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text, wanted);
        if (known == NULL && byte != '\n') {
            CU_ASSERT_EQUAL(in.diagnostics.items[0].place.column, 2);
            CU_ASSERT_EQUAL(in.diagnostics.items[0].place.length, 2);
        }
        stop();
    }
}

static int hex_value(int byte)
{
    const char *digits = "0123456789abcdefABCDEF";
    const char *at = byte != 0 ? strchr(digits, byte) : NULL;
    return at == NULL ? -1 : at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

static void each_byte_behind_a_backslash_and_an_x(void)
{
    for (int byte = 1; byte < 256; byte++) {
        char high[] = {'\'', '\\', 'x', (char)byte, 'b', '\'', '\0'};
        char low[] = {'\'', '\\', 'x', '3', (char)byte, '\'', '\0'};
        int value = hex_value(byte);
        for (int i = 0; i < 2; i++) {
            start(i == 0 ? high : low, 6);
            cb_token token = cb_lexer_next(&in.lexer);
            CU_ASSERT_EQUAL(in.diagnostics.count > 0, value < 0);
            if (value >= 0)
                CU_ASSERT_EQUAL(token.integer,
                                (uint64_t)(i == 0 ? value * 16 + 11 : 3 * 16 + value));
            stop();
        }
    }
}

static void characters_hold_one_byte(void)
{
    const char *one = "a character literal holds exactly one byte";
    expect("'a' 'b'", "97@1:1+3 98@1:5+3");
    expect("'\\\\''\\''", "92@1:1+4 39@1:5+4");
    expect("'\"'", "34@1:1+3");
    expect("'\\xff'", "255@1:1+6");
    expect("'~' '\t'", "126@1:1+3 9@1:5+3");
    expect_wrong("''", one);
    expect_wrong("'ab'", one);
    expect_wrong("'\\nb'", one);
    expect_wrong("'a\\n'", one);
    expect_wrong("'\\x41b'", one);
    expect_wrong("'\xc3\xa4'", one);
    expect("'a", "0@1:1+1! | 1:1+1 this character has no end on its line");
    expect("'\\'", "0@1:1+1! | 1:1+1 this character has no end on its line");
    expect("'\nx", "0@1:1+1! x@2:1+1 | 1:1+1 this character has no end on its line");
    expect("'a'b", "97@1:1+3 b@1:4+1");
}

static void strings_end_on_their_line(void)
{
    expect("\"\"", "\"\"@1:1+2");
    expect("\"a\"\"b\"", "\"a\"@1:1+3 \"b\"@1:4+3");
    expect("\"'\" \"//\" \"/*\"", "\"'\"@1:1+3 \"//\"@1:5+4 \"/*\"@1:10+4");
    expect("\"\\\\\" \"\\\"\"", "\"\\\"@1:1+4 \"\"\"@1:6+4");
    expect("\"ab\\0cd\" x", "\"ab\"@1:1+8 x@1:10+1");
    expect("\"\xc3\xa4\" x", "\"\xc3\xa4\"@1:1+4 x@1:5+1");
    expect("\"a\n\"b\"", "\"\"@1:1+1! \"b\"@2:1+3 | 1:1+1 this string has no end on its line");
    expect("\"a\\\n\"", "\"\"@1:1+1! \"\"@2:1+1! | 1:1+1 this string has no end on its line | "
                        "2:1+1 this string has no end on its line");
    expect("\"a\\\"", "\"\"@1:1+1! | 1:1+1 this string has no end on its line");
    expect("\"a\\", "\"\"@1:1+1! | 1:1+1 this string has no end on its line");
    /* Each escape that is none is told; the others are read. */
    expect("\"\\qa\\n\\z\"",
           "\"qa\nz\"@1:1+9 | 1:2+2 there is no such escape: \\n \\t \\r \\0 \\\\ \\\" \\' \\xHH | "
           "1:7+2 there is no such escape: \\n \\t \\r \\0 \\\\ \\\" \\' \\xHH");
    expect("\"\\x4\"", "\"x4\"@1:1+5 | 1:2+2 \\x takes two hexadecimal digits");
}

static void strings_are_bounded(void)
{
    static const size_t most = CB_STRING_MAX_BYTES;
    for (size_t size = most - 1; size <= most + 1; size++) { /* with the quotes */
        char *wide = malloc(size + 4);
        CU_ASSERT_PTR_NOT_NULL_FATAL(wide);
        memset(wide, 'a', size);
        wide[0] = wide[size - 1] = '"';
        memcpy(wide + size, " x", 3);
        start(wide, size + 2);
        cb_token token = cb_lexer_next(&in.lexer);
        CU_ASSERT_EQUAL(token.size, size <= most ? size - 2 : 0);
        CU_ASSERT_EQUAL(in.diagnostics.count, size <= most ? 0 : 1);
        if (size > most)
            CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text,
                                   "this string literal is longer than 1048576 bytes");
        token = cb_lexer_next(&in.lexer);
        CU_ASSERT_EQUAL(token.place.column, size + 2);
        stop();
        free(wide);
    }
}

/* --- comments, marks, directives --- */

static void comments_are_skipped(void)
{
    expect("// a", "");
    expect("//", "");
    expect("// a\nb", "b@2:1+1");
    expect("//a\r\n b", "b@2:2+1");
    expect("a// \" ' /*\nb", "a@1:1+1 b@2:1+1");
    expect("/**/a", "a@1:5+1");
    expect("/***/a", "a@1:6+1");
    expect("/* // */a", "a@1:9+1");
    expect("/* /* */a", "a@1:9+1");
    expect("/* \n\n */ a", "a@3:5+1");
    expect("/* \xc3\xa4 */a", "a@1:8+1");
    /* A character is one column, whatever its two bytes are. */
    for (int byte = 0x80; byte <= 0xBF; byte++) {
        char text[] = "/*\xc3\x80*/a";
        text[3] = (char)byte;
        expect(text, "a@1:6+1");
        text[2] = (char)(0xC2 + byte % 30);
        expect(text, "a@1:6+1");
    }
    expect("a/ /b", "a@1:1+1 '/'@1:2+1 '/'@1:4+1 b@1:5+1");
    expect("a / * b", "a@1:1+1 '/'@1:3+1 '*'@1:5+1 b@1:7+1");
    expect("a/*", "a@1:1+1 | 1:2+2 this comment has no end");
    expect("a/*/", "a@1:1+1 | 1:2+2 this comment has no end");
    expect("/* *", "1:1+2 this comment has no end");
    expect("/* * /", "1:1+2 this comment has no end");
}

static void the_longest_mark_is_read(void)
{
    expect("<<=<<<=<", "'<<='@1:1+3 '<<'@1:4+2 '<='@1:6+2 '<'@1:8+1");
    expect(">>=>>>=>", "'>>='@1:1+3 '>>'@1:4+2 '>='@1:6+2 '>'@1:8+1");
    expect("+++=+", "'++'@1:1+2 '+='@1:3+2 '+'@1:5+1");
    expect("---=-", "'--'@1:1+2 '-='@1:3+2 '-'@1:5+1");
    expect("&&&=&", "'&&'@1:1+2 '&='@1:3+2 '&'@1:5+1");
    expect("|||=|", "'||'@1:1+2 '|='@1:3+2 '|'@1:5+1");
    expect("===!==!", "'=='@1:1+2 '='@1:3+1 '!='@1:4+2 '='@1:6+1 '!'@1:7+1");
    expect(":=:*=/=%=^=^", "':='@1:1+2 ':'@1:3+1 '*='@1:4+2 '/='@1:6+2 '%='@1:8+2 '^='@1:10+2 "
                           "'^'@1:12+1");
}

static void define_is_the_only_directive(void)
{
    const char *only = "1:1+%d the only directive is #define";
    char wanted[64];
    expect("#define N", "'#define'@1:1+7 N@1:9+1");
    expect("a #define\nb", "a@1:1+1 '#define'@1:3+7 b@2:1+1");
    expect("#define-1", "'#define'@1:1+7 '-'@1:8+1 1@1:9+1");
    static const char *const others[] = {"#defin", "#defines", "#Define", "#define1", "#", "##"};
    static const int lengths[] = {6, 8, 7, 8, 1, 1};
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(wanted, sizeof wanted, only, lengths[i]);
        expect(others[i], wanted);
    }
    /* The rest of its line says nothing, and what follows is not taken for broken. */
    expect("# define N @\nb", "b@2:1+1 | 1:1+1 the only directive is #define");
}

/* A run of bytes that are not ASCII is one error; what follows strange bytes is broken. */
static void strange_bytes_come_together(void)
{
    const char *ascii = "only comments and literals may hold characters that are not ASCII";
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted, "a@1:4+1! b@1:6+1 | 1:1+1 %s", ascii);
    expect("\xc3\xa4\xc3\xb6\xc3\xbc"
           "a b",
           wanted);
    expect("\x01\x02 a", "a@1:4+1! | 1:1+1 stray control character 0x01 | 1:2+1 stray control "
                         "character 0x02");
    expect("@\n a", "a@2:2+1! | 1:1+1 stray character '@'");
    expect("a @", "a@1:1+1 | 1:3+1 stray character '@'");
}

/* --- UTF-8 --- */

static bool is_text(const char *bytes, size_t size)
{
    start(bytes, size);
    bool good = cb_lexer_check_text(&in.source, &in.diagnostics);
    CU_ASSERT_EQUAL(in.diagnostics.count, good ? 0 : 1);
    if (!good)
        CU_ASSERT_EQUAL(in.diagnostics.items[0].place.column, 2);
    stop();
    return good;
}

/* The bounds of the second byte by the first (Unicode, table 3-7); the others are 80..BF. */
static const struct {
    uint8_t first;
    uint8_t last;
    uint8_t length;
    uint8_t second_least;
    uint8_t second_most;
} forms[] = {
    {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF}, {0xE1, 0xEC, 3, 0x80, 0xBF},
    {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

static void characters_are_well_formed(void)
{
    for (int first = 0x80; first < 0x100; first++) {
        size_t form = 0;
        while (form < sizeof forms / sizeof forms[0] &&
               !(first >= forms[form].first && first <= forms[form].last))
            form++;
        bool known = form < sizeof forms / sizeof forms[0];
        size_t length = known ? forms[form].length : 4;
        char text[6] = {'a', (char)first, '\x80', '\x80', '\x80', '\0'};
        for (int second = 0; second < 0x100; second++) {
            text[2] = (char)second;
            bool good =
                known && second >= forms[form].second_least && second <= forms[form].second_most;
            CU_ASSERT_EQUAL(is_text(text, 1 + length), good);
        }
        text[2] = (char)(known ? forms[form].second_least : 0x80);
        for (size_t cut = 2; cut < 1 + length; cut++)
            CU_ASSERT_FALSE(is_text(text, cut));
        for (size_t at = 3; at < 1 + length; at++) {
            static const char wrong[] = {'a', '\x7f', '\xc0', '\xff'};
            for (size_t i = 0; i < sizeof wrong; i++) {
                text[at] = wrong[i];
                CU_ASSERT_FALSE(is_text(text, 1 + length));
            }
            text[at] = known ? '\xbf' : '\x80';
            CU_ASSERT_EQUAL(is_text(text, 1 + length), known);
        }
    }
    CU_ASSERT(is_text("a\x7f", 2));
    CU_ASSERT_FALSE(is_text("a\0b", 3));
}

/* Everything else of the text is not looked at. */
static void the_first_wrong_place_is_told(void)
{
    static const char text[] = "\xc3\xa4\n\xe2\x82\xac \xff \0";
    start(text, sizeof text - 1);
    CU_ASSERT_FALSE(cb_lexer_check_text(&in.source, &in.diagnostics));
    CU_ASSERT_EQUAL(in.diagnostics.count, 1);
    CU_ASSERT_STRING_EQUAL(in.diagnostics.items[0].text, "the file is not UTF-8 from here on");
    CU_ASSERT_EQUAL(in.diagnostics.items[0].place.line, 2);
    CU_ASSERT_EQUAL(in.diagnostics.items[0].place.column, 3);
    CU_ASSERT_EQUAL(in.diagnostics.items[0].place.offset, 7);
    CU_ASSERT_EQUAL(in.diagnostics.items[0].place.length, 1);
    stop();
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("tokens", NULL, NULL);
    CU_ADD_TEST(suite, each_byte_alone);
    CU_ADD_TEST(suite, words_end_where_letters_do);
    CU_ADD_TEST(suite, names_are_bounded);
    CU_ADD_TEST(suite, integers_fit_64_bits);
    CU_ADD_TEST(suite, digits_fit_their_base);
    CU_ADD_TEST(suite, reals_have_digits_on_both_sides);
    CU_ADD_TEST(suite, numbers_are_bounded);
    CU_ADD_TEST(suite, each_byte_behind_a_backslash);
    CU_ADD_TEST(suite, each_byte_behind_a_backslash_and_an_x);
    CU_ADD_TEST(suite, characters_hold_one_byte);
    CU_ADD_TEST(suite, strings_end_on_their_line);
    CU_ADD_TEST(suite, strings_are_bounded);
    CU_ADD_TEST(suite, comments_are_skipped);
    CU_ADD_TEST(suite, the_longest_mark_is_read);
    CU_ADD_TEST(suite, define_is_the_only_directive);
    CU_ADD_TEST(suite, strange_bytes_come_together);
    CU_ADD_TEST(suite, characters_are_well_formed);
    CU_ADD_TEST(suite, the_first_wrong_place_is_told);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
