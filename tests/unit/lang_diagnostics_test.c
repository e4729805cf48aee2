/* Errors of a script: gathered, sorted and printed; with lines that are long, strange or cut. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/diagnostics.h"
#include "bridge/lang/vm.h"

static cb_diagnostics list;
static cb_source source;

static void begin(const char *text, size_t size)
{
    list = (cb_diagnostics){0};
    CU_ASSERT_EQUAL_FATAL(cb_source_from_bytes("t.dom", text, size, &source, NULL), CB_OK);
}

static cb_place at(size_t offset, uint32_t length)
{
    return (cb_place){(uint32_t)offset, length, 3, 4};
}

/* --- gathered --- */

static void twenty_are_kept(void)
{
    list = (cb_diagnostics){0};
    for (unsigned i = 0; i < CB_DIAGNOSTICS_MAX + 2; i++) {
        CU_ASSERT_EQUAL(list.more, i > CB_DIAGNOSTICS_MAX);
        cb_diagnostics_add(&list, at(i, 1), "error %u", i);
        CU_ASSERT_EQUAL(list.count, i < CB_DIAGNOSTICS_MAX ? i + 1 : CB_DIAGNOSTICS_MAX);
    }
    CU_ASSERT_STRING_EQUAL(list.items[CB_DIAGNOSTICS_MAX - 1].text, "error 19");
    /* One that is there already is not one more. */
    list.more = false;
    cb_diagnostics_add(&list, at(19, 1), "error 19");
    CU_ASSERT_FALSE(list.more);
}

static void the_same_is_kept_once(void)
{
    list = (cb_diagnostics){0};
    cb_diagnostics_add(&list, at(5, 1), "one");
    cb_diagnostics_add(&list, at(5, 9), "one");
    CU_ASSERT_EQUAL(list.count, 1);
    CU_ASSERT_EQUAL(list.items[0].place.length, 1);
    cb_diagnostics_add(&list, at(5, 1), "other");
    cb_diagnostics_add(&list, at(6, 1), "one");
    cb_diagnostics_add(&list, at(6, 1), "one");
    CU_ASSERT_EQUAL(list.count, 3);
}

static void a_long_text_is_cut(void)
{
    list = (cb_diagnostics){0};
    cb_diagnostics_add(&list, at(0, 0), "%500d", 1);
    CU_ASSERT_EQUAL(strlen(list.items[0].text), CB_DIAGNOSTIC_TEXT_SIZE - 1);
}

static void they_are_sorted_by_place_and_text(void)
{
    static const struct {
        uint32_t offset;
        const char *text;
    } rows[] = {{9, "b"}, {2, "z"}, {9, "a"}, {0, "m"}, {2, "y"}, {UINT32_MAX, "last"}, {10, "a"}};
    static const char *const sorted[] = {"m", "y", "z", "a", "b", "a", "last"};
    list = (cb_diagnostics){0};
    for (size_t i = 0; i < 7; i++)
        cb_diagnostics_add(&list, at(rows[i].offset, 0), "%s", rows[i].text);
    cb_diagnostics_sort(&list);
    for (size_t i = 0; i < 7; i++)
        CU_ASSERT_STRING_EQUAL(list.items[i].text, sorted[i]);
}

/* --- printed --- */

static void expect_print(const char *wanted)
{
    char *shown = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&shown, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    cb_diagnostics_print(&list, &source, out);
    CU_ASSERT_EQUAL(fclose(out), 0);
    CU_ASSERT_STRING_EQUAL(shown, wanted);
    if (strcmp(shown, wanted) != 0)
        printf("\n%s--\n%s", wanted, shown);
    free(shown);
}

/* The excerpt for a place of a text. */
static void expect_excerpt(const char *text, size_t offset, uint32_t length, const char *excerpt)
{
    char wanted[1024];
    begin(text, strlen(text));
    cb_diagnostics_add(&list, at(offset, length), "wrong");
    (void)snprintf(wanted, sizeof wanted, "t.dom:3:4: error: wrong\n%s", excerpt);
    expect_print(wanted);
    cb_source_free(&source);
}

static void carets_stand_under_the_place(void)
{
    expect_excerpt("abc", 0, 1, "    abc\n    ^\n");
    expect_excerpt("abc", 0, 0, "    abc\n    ^\n");
    expect_excerpt("abc", 1, 1, "    abc\n     ^\n");
    expect_excerpt("abc", 1, 2, "    abc\n     ^~\n");
    expect_excerpt("abc", 0, 3, "    abc\n    ^~~\n");
    /* not behind the end of the line, or of the text */
    expect_excerpt("abc", 1, 9, "    abc\n     ^~\n");
    expect_excerpt("abc\ndef", 1, 5, "    abc\n     ^~\n");
    expect_excerpt("abc\r\ndef", 1, 5, "    abc\n     ^~\n");
    expect_excerpt("abc\ndef\nghi", 5, 1, "    def\n     ^\n");
    expect_excerpt("abc\ndef\nghi", 3, 1, "    abc\n       ^\n");
    expect_excerpt("abc\ndef\nghi", 4, 1, "    def\n    ^\n");
    expect_excerpt("abc", 3, 1, "    abc\n       ^\n");
    expect_excerpt("abc", 4, 1, "");
    expect_excerpt("", 0, 1, "    \n    ^\n");
}

static void tabs_and_wide_characters_keep_the_caret_right(void)
{
    expect_excerpt("\ta\tb", 3, 1, "    \ta\tb\n    \t \t^\n");
    expect_excerpt("\xc3\xa4\xe2\x82\xac"
                   "b",
                   5, 1,
                   "    \xc3\xa4\xe2\x82\xac"
                   "b\n      ^\n");
    expect_excerpt("a\xc3\xa4"
                   "b",
                   1, 3,
                   "    a\xc3\xa4"
                   "b\n     ^~\n");
    /* What would upset a terminal. */
    expect_excerpt("\x01\x1f \x7f\x1b[0m", 2, 1, "    ?? ??[0m\n      ^\n");
}

/* A line of 400 letters; the place is somewhere in it. */
static void long_lines_are_shown_in_part(void)
{
    static const struct {
        size_t offset;
        size_t shown_from;
        size_t shown_to;
    } rows[] = {
        {0, 0, 160}, {79, 0, 160}, {80, 0, 160}, {81, 1, 161}, {200, 120, 280}, {399, 319, 400},
    };
    char line[401];
    for (size_t i = 0; i < 400; i++)
        line[i] = (char)('a' + i % 26);
    line[400] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char excerpt[512];
        size_t shown = rows[i].shown_to - rows[i].shown_from;
        (void)snprintf(excerpt, sizeof excerpt, "    %.*s\n    %*s\n", (int)shown,
                       line + rows[i].shown_from, (int)(rows[i].offset - rows[i].shown_from) + 1,
                       "^");
        expect_excerpt(line, rows[i].offset, 1, excerpt);
    }
}

/* Where 16 bits do not reach. */
static void places_far_into_a_text(void)
{
    enum { BEFORE = 70000 };
    char *text = malloc(BEFORE + 16);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, '\n', BEFORE);
    strcpy(text + BEFORE, "a far line\nb");
    expect_excerpt(text, BEFORE + 2, 3, "    a far line\n      ^~~\n");
    memset(text, 'x', BEFORE);
    char wanted[512];
    (void)snprintf(wanted, sizeof wanted, "    %.78sa far line\n    %80s^\n", text, "");
    expect_excerpt(text, BEFORE + 2, 1, wanted);
    free(text);
}

/* Neither end of the part lies inside a character. */
static void long_lines_are_cut_between_characters(void)
{
    for (size_t before = 0; before < 3; before++) {
        char line[512] = "";
        memset(line, 'x', before);
        for (size_t i = before; i + 3 < 400; i += 3)
            memcpy(line + i, "\xe2\x82\xac", 3);
        size_t place = before + 3 * 50;
        begin(line, strlen(line));
        cb_diagnostics_add(&list, at(place, 3), "wrong");
        char *shown = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&shown, &size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        cb_diagnostics_print(&list, &source, out);
        CU_ASSERT_EQUAL(fclose(out), 0);
        const char *text = strchr(shown, '\n') + 5;
        size_t length = strcspn(text, "\n");
        CU_ASSERT_EQUAL(length % 3, 0);
        CU_ASSERT(length > 150 && length <= 160);
        CU_ASSERT_EQUAL(memcmp(text, "\xe2\x82\xac", 3), 0);
        /* 26 characters before it: 78 bytes of at most 80 */
        CU_ASSERT_STRING_EQUAL(text + length, "\n                              ^\n");
        free(shown);
        cb_source_free(&source);
    }
}

static void more_than_are_shown_are_told(void)
{
    begin("abc", 3);
    cb_diagnostics_add(&list, at(9, 1), "one");
    cb_diagnostics_add(&list, (cb_place){9, 1, 7, 8}, "two");
    expect_print("t.dom:3:4: error: one\nt.dom:7:8: error: two\n");
    list.more = true;
    expect_print("t.dom:3:4: error: one\nt.dom:7:8: error: two\n"
                 "t.dom: more errors than the 20 shown\n");
    cb_source_free(&source);
}

/* --- by line and column --- */

static void expect_line(const char *text, uint32_t line, uint32_t column, const char *wanted)
{
    char *shown = NULL;
    size_t size = 0;
    begin(text, strlen(text));
    FILE *out = open_memstream(&shown, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    cb_diagnostics_print_excerpt(&source, line, column, out);
    CU_ASSERT_EQUAL(fclose(out), 0);
    CU_ASSERT_STRING_EQUAL(shown, wanted);
    free(shown);
    cb_source_free(&source);
}

static void places_are_found_by_line_and_column(void)
{
    const char *text = "abc\n\xc3\xa4\xe2\x82\xac"
                       "d\n\nlast";
    expect_line(text, 1, 1, "    abc\n    ^\n");
    expect_line(text, 1, 3, "    abc\n      ^\n");
    expect_line(text, 1, 4, "    abc\n       ^\n");
    expect_line(text, 1, 9, "    abc\n       ^\n");
    expect_line(text, 2, 1,
                "    \xc3\xa4\xe2\x82\xac"
                "d\n    ^\n");
    expect_line(text, 2, 3,
                "    \xc3\xa4\xe2\x82\xac"
                "d\n      ^\n");
    expect_line(text, 3, 1, "    \n    ^\n");
    expect_line(text, 4, 4, "    last\n       ^\n");
    expect_line(text, 4, 5, "");
    expect_line(text, 5, 1, "");
    expect_line(text, 0, 1, "");
    expect_line(text, 1, 0, "");
    expect_line("", 1, 1, "");
    char many[3000];
    memset(many, '\n', sizeof many);
    strcpy(many + 2000, "a far line");
    expect_line(many, 2001, 3, "    a far line\n      ^\n");
}

/* --- runtime errors --- */

static void expect_error(const cb_vm_error *error, const cb_source *with, const char *wanted)
{
    char *shown = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&shown, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    cb_vm_error_print(error, with, out);
    CU_ASSERT_EQUAL(fclose(out), 0);
    CU_ASSERT_STRING_EQUAL(shown, wanted);
    if (strcmp(shown, wanted) != 0)
        printf("\n%s--\n%s", wanted, shown);
    free(shown);
}

static void runtime_errors_print_their_calls(void)
{
    cb_vm_error error = {.file = "t.dom", .message = "it failed"};
    begin("first\nsecond", 12);
    expect_error(&error, &source, "t.dom: runtime error: it failed\n");
    error.line = 2;
    error.column = 3;
    expect_error(&error, NULL, "t.dom:2:3: runtime error: it failed\n");
    expect_error(&error, &source, "t.dom:2:3: runtime error: it failed\n    second\n      ^\n");
    for (uint32_t i = 0; i < CB_VM_ERROR_FRAMES; i++)
        error.frames[i] = (cb_vm_place){.function = "f", .line = i + 1, .column = 9};
    error.frame_count = 1;
    expect_error(&error, NULL, "t.dom:2:3: runtime error: it failed\n  in f at t.dom:1:9\n");
    error.frame_count = 2;
    expect_error(&error, NULL,
                 "t.dom:2:3: runtime error: it failed\n  in f at t.dom:1:9\n"
                 "  called from f at t.dom:2:9\n");
    cb_source_free(&source);
}

static void sixteen_calls_are_printed(void)
{
    for (uint32_t count = 16; count <= 18; count++) {
        cb_vm_error error = {.file = "t.dom", .message = "x", .frame_count = count};
        char wanted[1024] = "t.dom: runtime error: x\n";
        for (uint32_t i = 0; i < 16; i++) {
            size_t used = strlen(wanted);
            error.frames[i] = (cb_vm_place){.function = "f", .line = i + 1, .column = 9};
            (void)snprintf(wanted + used, sizeof wanted - used, "  %s f at t.dom:%u:9\n",
                           i == 0 ? "in" : "called from", i + 1);
        }
        size_t used = strlen(wanted);
        if (count > 16)
            (void)snprintf(wanted + used, sizeof wanted - used, "  and %u calls more\n",
                           count - 16);
        expect_error(&error, NULL, wanted);
    }
}

/* What a client has sent may be in the message: it ends no line and commands no terminal. */
static void control_characters_are_written_as_numbers(void)
{
    cb_vm_error error = {.file = "t.dom", .message = "a\nb\x1b[0m\x7f \x1f~\xc3\xa4"};
    expect_error(&error, NULL, "t.dom: runtime error: a\\x0ab\\x1b[0m\\x7f \\x1f~\xc3\xa4\n");
}

static void an_error_text_is_cut(void)
{
    char text[24];
    cb_vm_error error = {.file = "t.dom", .message = "it failed", .line = 2, .column = 3};
    cb_vm_error_text(&error, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "t.dom:2:3: runtime erro");
    error.line = 0;
    cb_vm_error_text(&error, text, 8);
    CU_ASSERT_STRING_EQUAL(text, "t.dom: ");
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("errors of a script", NULL, NULL);
    CU_ADD_TEST(suite, twenty_are_kept);
    CU_ADD_TEST(suite, the_same_is_kept_once);
    CU_ADD_TEST(suite, a_long_text_is_cut);
    CU_ADD_TEST(suite, they_are_sorted_by_place_and_text);
    CU_ADD_TEST(suite, carets_stand_under_the_place);
    CU_ADD_TEST(suite, tabs_and_wide_characters_keep_the_caret_right);
    CU_ADD_TEST(suite, long_lines_are_shown_in_part);
    CU_ADD_TEST(suite, places_far_into_a_text);
    CU_ADD_TEST(suite, long_lines_are_cut_between_characters);
    CU_ADD_TEST(suite, more_than_are_shown_are_told);
    CU_ADD_TEST(suite, places_are_found_by_line_and_column);
    CU_ADD_TEST(suite, runtime_errors_print_their_calls);
    CU_ADD_TEST(suite, sixteen_calls_are_printed);
    CU_ADD_TEST(suite, control_characters_are_written_as_numbers);
    CU_ADD_TEST(suite, an_error_text_is_cut);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
