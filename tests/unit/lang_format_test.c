/* printf for a script's values: each conversion with each type, flags and lengths beside what C
 * makes of them, and bounds; on formats that end where their memory does. */
#include <CUnit/Basic.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/format.h"

static cb_error error;
static char text[16384];

/* With so many bytes at most; the format is no string with an end. */
static cb_status format_bytes(const char *spec, size_t size, const cb_value *values, uint32_t count,
                              size_t most)
{
    cb_buffer *buffer = NULL;
    char *alone = malloc(size > 0 ? size : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(alone);
    memcpy(alone, spec, size);
    error.text[0] = text[0] = '\0';
    cb_status status = cb_format(alone, size, values, count, most, &buffer, &error);
    free(alone);
    CU_ASSERT_EQUAL(buffer != NULL, status == CB_OK);
    if (buffer != NULL) {
        CU_ASSERT_FATAL(buffer->size < sizeof text && buffer->capacity > buffer->size);
        memcpy(text, buffer->data, buffer->size + 1);
        CU_ASSERT_EQUAL(text[buffer->size], '\0');
    }
    cb_buffer_release(buffer);
    return status;
}

static cb_status format(const char *spec, const cb_value *value)
{
    return format_bytes(spec, strlen(spec), value, value != NULL ? 1 : 0, 16000);
}

static cb_value integer(cb_type type, int64_t number)
{
    return (cb_value){.type = type, .integer = number};
}

static cb_value real(double number)
{
    return (cb_value){.type = CB_TYPE_DOUBLE, .real = number};
}

/* On memory that ends with the bytes, until the next call. */
static cb_value bytes_of(cb_type type, const char *bytes, size_t size)
{
    static uint8_t *alone;
    free(alone);
    alone = malloc(size > 0 ? size : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(alone);
    memcpy(alone, bytes, size);
    return (cb_value){.type = type, .data = alone, .size = size};
}

static void expect(const char *spec, cb_value value, const char *wanted)
{
    CU_ASSERT_EQUAL(format(spec, &value), CB_OK);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    if (strcmp(text, wanted) != 0)
        printf("\n%s gives %s, not %s\n", spec, text, wanted);
}

/* --- as C prints them --- */

static const char *const modifiers[] = {
    "",    "5",   "-5",   "05",    "+",    " ",   "#",    "+5",    "-+5",  "+05",   " 05",   "#6",
    "#06", "-#6", ".0",   ".1",    ".3",   "8.3", "-8.3", "08.3",  "+8.3", "#.3",   "1",     "20",
    "-20", "020", "30.2", "-30.2", "#30.", "++5", "--5",  "- 8.2", "0-5",  "#+ -9", "25.20",
};
#define MODIFIER_COUNT (sizeof modifiers / sizeof modifiers[0])

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif

static void integers_print_as_in_c(void)
{
    static const int64_t numbers[] = {0, 1, -1, 42, -42, 2147483647, INT64_MAX, INT64_MIN};
    static const char letters[] = "diuxXo";
    for (size_t m = 0; m < MODIFIER_COUNT; m++) {
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
            for (const char *letter = letters; *letter != '\0'; letter++) {
                char spec[32];
                char in_c[32];
                char wanted[128];
                (void)snprintf(spec, sizeof spec, "%%%s%c", modifiers[m], *letter);
                (void)snprintf(in_c, sizeof in_c, "%%%sll%c", modifiers[m], *letter);
                if (*letter == 'd' || *letter == 'i')
                    (void)snprintf(wanted, sizeof wanted, in_c, (long long)numbers[n]);
                else
                    (void)snprintf(wanted, sizeof wanted, in_c, (unsigned long long)numbers[n]);
                expect(spec, integer(CB_TYPE_I64, numbers[n]), wanted);
            }
        }
    }
}

static void reals_print_as_in_c(void)
{
    static const double numbers[] = {0.0, -0.0, 1.5, -2.25, 1e100, -1e-100, DBL_MAX, 1234567.0};
    static const char letters[] = "fFeEgG";
    for (size_t m = 0; m < MODIFIER_COUNT; m++) {
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
            for (const char *letter = letters; *letter != '\0'; letter++) {
                char spec[32];
                char wanted[512];
                (void)snprintf(spec, sizeof spec, "%%%s%c", modifiers[m], *letter);
                (void)snprintf(wanted, sizeof wanted, spec, numbers[n]);
                expect(spec, real(numbers[n]), wanted);
            }
        }
    }
}

static void texts_print_as_in_c(void)
{
    static const char *const specs[] = {"%s",    "%5s",   "%-5s",   "%.2s",  "%5.2s",  "%-5.2s",
                                        "%.0s",  "%3s",   "%.3s",   "%.4s",  "%3.3s|", "%-3s|",
                                        "%4s|",  "%70s|", "%-70s|", "%64s|", "%65s|",  "%66s|",
                                        "%67s|", "%68s|", "%131s|"};
    static const char *const texts[] = {"", "a", "abc", "abcd"};
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++) {
        for (size_t t = 0; t < 4; t++) {
            char wanted[256];
            (void)snprintf(wanted, sizeof wanted, specs[s], texts[t]);
            expect(specs[s], bytes_of(CB_TYPE_STRING, texts[t], strlen(texts[t])), wanted);
            expect(specs[s], bytes_of(CB_TYPE_BLOB, texts[t], strlen(texts[t])), wanted);
        }
    }
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* --- types --- */

static void numbers_are_shown_in_their_own_width(void)
{
    static const struct {
        cb_type type;
        int64_t number;
        const char *as_signed;
        const char *as_unsigned;
        const char *as_hex;
    } rows[] = {
        {CB_TYPE_I8, -1, "-1", "255", "ff"},
        {CB_TYPE_I8, -128, "-128", "128", "80"},
        {CB_TYPE_I8, 127, "127", "127", "7f"},
        {CB_TYPE_I16, -1, "-1", "65535", "ffff"},
        {CB_TYPE_I16, -32768, "-32768", "32768", "8000"},
        {CB_TYPE_I32, -1, "-1", "4294967295", "ffffffff"},
        {CB_TYPE_I32, INT32_MIN, "-2147483648", "2147483648", "80000000"},
        {CB_TYPE_I64, -1, "-1", "18446744073709551615", "ffffffffffffffff"},
        {CB_TYPE_I64, INT64_MIN, "-9223372036854775808", "9223372036854775808", "8000000000000000"},
        {CB_TYPE_U8, 255, "255", "255", "ff"},
        {CB_TYPE_U16, 65535, "65535", "65535", "ffff"},
        {CB_TYPE_U32, 4294967295, "4294967295", "4294967295", "ffffffff"},
        {CB_TYPE_U64, 0, "0", "0", "0"},
        {CB_TYPE_U64, INT64_MAX, "9223372036854775807", "9223372036854775807", "7fffffffffffffff"},
        {CB_TYPE_U64, INT64_MIN, "9223372036854775808", "9223372036854775808", "8000000000000000"},
        {CB_TYPE_U64, -1, "18446744073709551615", "18446744073709551615", "ffffffffffffffff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cb_value value = integer(rows[i].type, rows[i].number);
        expect("%d", value, rows[i].as_signed);
        expect("%i", value, rows[i].as_signed);
        expect("%u", value, rows[i].as_unsigned);
        expect("%x", value, rows[i].as_hex);
    }
    expect("%25d|", integer(CB_TYPE_U64, -1), "     18446744073709551615|");
    expect("%c%%", integer(CB_TYPE_I32, 'a' + 256), "a%");
    expect("%3c|", integer(CB_TYPE_U8, 'a'), "  a|");
    expect("%-3c|", integer(CB_TYPE_I64, 'a'), "a  |");
    expect("%.0c|", integer(CB_TYPE_I64, 'a'), "|");
}

/* Each letter with each type: what takes it, and what is said otherwise. */
static void each_letter_takes_its_types(void)
{
    for (int letter = 1; letter < 256; letter++) {
        bool of_integer = strchr("diuxXoc", letter) != NULL;
        bool of_text = letter == 's';
        bool of_real = strchr("fFeEgG", letter) != NULL;
        bool is_modifier = strchr("-+ #0123456789.hlzjt", letter) != NULL;
        for (int type = 0; type < CB_TYPE_COUNT; type++) {
            char spec[] = {'%', (char)letter, '\0'};
            char wanted[80];
            cb_value value = {.type = (cb_type)type, .data = (const uint8_t *)"", .size = 0};
            bool fits = (of_integer && type >= CB_TYPE_I8 && type <= CB_TYPE_U64) ||
                        (of_text && (type == CB_TYPE_STRING || type == CB_TYPE_BLOB)) ||
                        (of_real && (type == CB_TYPE_FLOAT || type == CB_TYPE_DOUBLE)) ||
                        letter == '%';
            cb_status status = format(spec, &value);
            CU_ASSERT_EQUAL(status, fits ? CB_OK : CB_SCRIPT);
            if (of_integer || of_text || of_real)
                (void)snprintf(wanted, sizeof wanted,
                               "%%%c in the format does not fit its argument", letter);
            else if (is_modifier)
                (void)snprintf(wanted, sizeof wanted, "the format ends inside a conversion");
            else
                (void)snprintf(wanted, sizeof wanted, "the format has an unknown conversion %%%c",
                               letter >= 32 && letter < 127 ? letter : '?');
            if (!fits)
                CU_ASSERT_STRING_EQUAL(error.text, wanted);
        }
    }
    CU_ASSERT_EQUAL(format_bytes("%\0", 2, NULL, 0, 100), CB_SCRIPT);
    cb_value one = integer(CB_TYPE_I32, 1);
    CU_ASSERT_EQUAL(format_bytes("%\0", 2, &one, 1, 100), CB_SCRIPT);
    CU_ASSERT_STRING_EQUAL(error.text, "the format has an unknown conversion %?");
}

static void length_letters_mean_nothing(void)
{
    static const char *const lengths[] = {"h", "hh", "l", "ll", "z", "j", "t", "hlzjt"};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char spec[32];
        (void)snprintf(spec, sizeof spec, "%%5%sd|", lengths[i]);
        expect(spec, integer(CB_TYPE_I32, 70000), "70000|");
        (void)snprintf(spec, sizeof spec, "%%%ss", lengths[i]);
        expect(spec, bytes_of(CB_TYPE_STRING, "abc", 3), "abc");
        (void)snprintf(spec, sizeof spec, "%%%sg", lengths[i]);
        expect(spec, real(0.5), "0.5");
    }
}

/* --- bounds --- */

static void widths_and_precisions_are_bounded(void)
{
    static const char *const parts[] = {"%", "%.", "%0", "%-", "%#", "%5."};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bool is_precision = strchr(parts[i], '.') != NULL;
        for (int number = 4095; number <= 4097; number++) {
            for (int kind = 0; kind < 2; kind++) {
                char spec[32];
                cb_value value =
                    kind == 0 ? integer(CB_TYPE_I32, 1) : bytes_of(CB_TYPE_STRING, "x", 1);
                (void)snprintf(spec, sizeof spec, "%s%d%c", parts[i], number,
                               kind == 0 ? 'd' : 's');
                CU_ASSERT_EQUAL(format(spec, &value), number <= 4096 ? CB_OK : CB_SCRIPT);
                const char *wanted = is_precision ? "a precision in the format is larger than 4096"
                                                  : "a width in the format is larger than 4096";
                if (number > 4096)
                    CU_ASSERT_STRING_EQUAL(error.text, wanted);
                if (number <= 4096 && (kind == 0 || !is_precision))
                    CU_ASSERT_EQUAL(strlen(text), (size_t)number);
            }
        }
    }
    cb_value one = integer(CB_TYPE_I32, 1);
    CU_ASSERT_EQUAL(format("%00000004096d", &one), CB_OK);
    CU_ASSERT_EQUAL(format("%40960d", &one), CB_SCRIPT);
    CU_ASSERT_EQUAL(format("%4294967297d", &one), CB_SCRIPT);
    CU_ASSERT_EQUAL(format("%18446744073709551617d", &one), CB_SCRIPT);
}

/* The longest that any conversion gives: each goes into memory of its own first. */
static void the_longest_numbers(void)
{
    cb_value large = real(-DBL_MAX);
    CU_ASSERT_EQUAL(format("%#+4096.4096f", &large), CB_OK);
    CU_ASSERT_EQUAL(strlen(text), 1 + 309 + 1 + 4096);
    CU_ASSERT_EQUAL(format("%#+4096.4096e", &large), CB_OK);
    CU_ASSERT_EQUAL(strlen(text), 1 + 1 + 1 + 4096 + 5);
    cb_value whole = integer(CB_TYPE_I64, INT64_MIN);
    CU_ASSERT_EQUAL(format("%#.4096x", &whole), CB_OK);
    CU_ASSERT_EQUAL(strlen(text), 2 + 4096);
    CU_ASSERT_EQUAL(format("%+.4096d", &whole), CB_OK);
    CU_ASSERT_EQUAL(strlen(text), 1 + 4096);
}

static void texts_are_bounded(void)
{
    cb_value text_of_five = bytes_of(CB_TYPE_STRING, "abcde", 5);
    for (size_t most = 0; most <= 12; most++) {
        CU_ASSERT_EQUAL(format_bytes("%s", 2, &text_of_five, 1, most),
                        most >= 5 ? CB_OK : CB_LIMIT);
        if (most < 5) {
            char wanted[80];
            (void)snprintf(wanted, sizeof wanted, "the text would be longer than %zu bytes", most);
            CU_ASSERT_STRING_EQUAL(error.text, wanted);
        }
        CU_ASSERT_EQUAL(format_bytes("x%sy", 4, &text_of_five, 1, most),
                        most >= 7 ? CB_OK : CB_LIMIT);
        CU_ASSERT_EQUAL(format_bytes("%9s", 3, &text_of_five, 1, most),
                        most >= 9 ? CB_OK : CB_LIMIT);
        CU_ASSERT_EQUAL(format_bytes("%-9s", 4, &text_of_five, 1, most),
                        most >= 9 ? CB_OK : CB_LIMIT);
        CU_ASSERT_EQUAL(format_bytes("%%%%%%", 6, NULL, 0, most), most >= 3 ? CB_OK : CB_LIMIT);
        CU_ASSERT_EQUAL(format_bytes("abc", 3, NULL, 0, most), most >= 3 ? CB_OK : CB_LIMIT);
        CU_ASSERT_EQUAL(format_bytes("", 0, NULL, 0, most), CB_OK);
    }
}

static void formats_end_with_their_bytes(void)
{
    static const char *const open[] = {"%",   "%-",   "%+ #0", "%5",        "%05", "%.",
                                       "%5.", "%5.5", "%l",    "%5.5hlzjt", "x%",  "%%%"};
    cb_value one = integer(CB_TYPE_I32, 1);
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        CU_ASSERT_EQUAL(format(open[i], &one), CB_SCRIPT);
        CU_ASSERT_STRING_EQUAL(error.text, "the format ends inside a conversion");
    }
    CU_ASSERT_EQUAL(format_bytes("a\0b", 3, NULL, 0, 100), CB_OK);
    CU_ASSERT_EQUAL(memcmp(text, "a\0b", 4), 0);
}

static void arguments_are_taken_in_order(void)
{
    const cb_value values[] = {integer(CB_TYPE_I32, 1), integer(CB_TYPE_I32, 2),
                               integer(CB_TYPE_I32, 3)};
    CU_ASSERT_EQUAL(format_bytes("%d%%%d-%d", 9, values, 3, 100), CB_OK);
    CU_ASSERT_STRING_EQUAL(text, "1%2-3");
    CU_ASSERT_EQUAL(format_bytes("%d", 2, values, 3, 100), CB_OK);
    CU_ASSERT_STRING_EQUAL(text, "1");
    CU_ASSERT_EQUAL(format_bytes("%d%d%d", 6, values, 2, 100), CB_SCRIPT);
    CU_ASSERT_STRING_EQUAL(error.text, "the format wants more arguments than there are");
    CU_ASSERT_EQUAL(format_bytes("%d", 2, values, 0, 100), CB_SCRIPT);
    CU_ASSERT_STRING_EQUAL(error.text, "the format wants more arguments than there are");
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("formats", NULL, NULL);
    CU_ADD_TEST(suite, integers_print_as_in_c);
    CU_ADD_TEST(suite, reals_print_as_in_c);
    CU_ADD_TEST(suite, texts_print_as_in_c);
    CU_ADD_TEST(suite, numbers_are_shown_in_their_own_width);
    CU_ADD_TEST(suite, each_letter_takes_its_types);
    CU_ADD_TEST(suite, length_letters_mean_nothing);
    CU_ADD_TEST(suite, widths_and_precisions_are_bounded);
    CU_ADD_TEST(suite, the_longest_numbers);
    CU_ADD_TEST(suite, texts_are_bounded);
    CU_ADD_TEST(suite, formats_end_with_their_bytes);
    CU_ADD_TEST(suite, arguments_are_taken_in_order);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
