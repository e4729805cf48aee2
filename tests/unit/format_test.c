/* printf for a script's values. */
#include <CUnit/Basic.h>
#include <string.h>

#include "bridge/lang/format.h"

static cb_error error;
static char text[8192];

static cb_status format(const char *spec, const cb_value *values, uint32_t count)
{
    cb_buffer *buffer = NULL;
    error.text[0] = 0;
    text[0] = 0;
    cb_status status = cb_format(spec, strlen(spec), values, count, 8000, &buffer, &error);
    if (buffer != NULL) {
        memcpy(text, buffer->data, buffer->size + 1);
        CU_ASSERT_EQUAL(buffer->data[buffer->size], 0);
    }
    cb_buffer_release(buffer);
    return status;
}

static void wants(const char *spec, cb_value value, const char *expected)
{
    CU_ASSERT_EQUAL(format(spec, &value, 1), CB_OK);
    CU_ASSERT_STRING_EQUAL(text, expected);
    if (strcmp(text, expected) != 0) {
        printf("\n%s gives %s, not %s\n", spec, text, expected);
    }
}

static cb_value integer(cb_type type, int64_t number)
{
    return (cb_value){.type = type, .integer = number};
}

static cb_value real(double number)
{
    return (cb_value){.type = CB_TYPE_DOUBLE, .real = number};
}

static cb_value string(const char *bytes)
{
    return (cb_value){
        .type = CB_TYPE_STRING, .data = (const uint8_t *)bytes, .size = strlen(bytes)};
}

static void test_integers(void)
{
    wants("%d", integer(CB_TYPE_I32, -5), "-5");
    wants("%i", integer(CB_TYPE_I64, INT64_MIN), "-9223372036854775808");
    wants("%d", integer(CB_TYPE_U64, -1), "18446744073709551615");
    wants("%u", integer(CB_TYPE_I32, -1), "4294967295");
    wants("%x", integer(CB_TYPE_I8, -1), "ff");
    wants("%X", integer(CB_TYPE_U16, 48879), "BEEF");
    wants("%#x", integer(CB_TYPE_I32, 255), "0xff");
    wants("%o", integer(CB_TYPE_I16, -1), "177777");
    wants("%c", integer(CB_TYPE_I32, 65), "A");
    wants("%3c|", integer(CB_TYPE_I32, 65), "  A|");
    wants("%05d", integer(CB_TYPE_I32, 42), "00042");
    wants("%-5d|", integer(CB_TYPE_I32, 42), "42   |");
    wants("%+d", integer(CB_TYPE_I32, 42), "+42");
    wants("% d", integer(CB_TYPE_I32, 42), " 42");
    wants("%.4d", integer(CB_TYPE_I32, 42), "0042");
    wants("%lld", integer(CB_TYPE_I64, 42), "42");
    wants("%hhd", integer(CB_TYPE_I32, 300), "300");
    wants("%++++++++++++d", integer(CB_TYPE_I32, 1), "+1");
}

static void test_reals(void)
{
    wants("%f", real(1.5), "1.500000");
    wants("%.2f", real(3.14159), "3.14");
    wants("%8.3f|", real(3.14159), "   3.142|");
    wants("%g", real(0.1), "0.1");
    wants("%e", real(12345.678), "1.234568e+04");
    wants("%G", real(1e-10), "1E-10");
    CU_ASSERT_EQUAL(format("%4096.4096f", &(cb_value){.type = CB_TYPE_DOUBLE, .real = 1e308}, 1),
                    CB_OK);
    CU_ASSERT_EQUAL(strlen(text), 309 + 1 + 4096);
}

static void test_texts(void)
{
    wants("%s", string("abc"), "abc");
    wants("%6s|", string("abc"), "   abc|");
    wants("%-6s|", string("abc"), "abc   |");
    wants("%.2s|", string("abc"), "ab|");
    wants("100%% %s", string(""), "100% ");
}

static void test_texts_wide(void)
{
    cb_value value = string("x");
    CU_ASSERT_EQUAL(format("%4096s", &value, 1), CB_OK);
    CU_ASSERT_EQUAL(strlen(text), 4096);
    CU_ASSERT_EQUAL(format("plain", NULL, 0), CB_OK);
    CU_ASSERT_STRING_EQUAL(text, "plain");
}

static void refused(const char *spec, cb_value value, cb_status status, const char *sentence)
{
    CU_ASSERT_EQUAL(format(spec, &value, 1), status);
    CU_ASSERT_STRING_EQUAL(error.text, sentence);
}

static void test_refusals(void)
{
    refused("%s", integer(CB_TYPE_I32, 1), CB_SCRIPT, "%s in the format does not fit its argument");
    refused("%d", string("x"), CB_SCRIPT, "%d in the format does not fit its argument");
    refused("%f", integer(CB_TYPE_I32, 1), CB_SCRIPT, "%f in the format does not fit its argument");
    refused("%n", integer(CB_TYPE_I32, 1), CB_SCRIPT, "the format has an unknown conversion %n");
    refused("%p", integer(CB_TYPE_I32, 1), CB_SCRIPT, "the format has an unknown conversion %p");
    refused("%*d", integer(CB_TYPE_I32, 1), CB_SCRIPT, "the format has an unknown conversion %*");
    refused("%", integer(CB_TYPE_I32, 1), CB_SCRIPT, "the format ends inside a conversion");
    refused("%-08.3", integer(CB_TYPE_I32, 1), CB_SCRIPT, "the format ends inside a conversion");
    refused("%4097d", integer(CB_TYPE_I32, 1), CB_SCRIPT,
            "a width in the format is larger than 4096");
    refused("%.99999999999999999999d", integer(CB_TYPE_I32, 1), CB_SCRIPT,
            "a precision in the format is larger than 4096");
    refused("%d %d", integer(CB_TYPE_I32, 1), CB_SCRIPT,
            "the format wants more arguments than there are");
    refused("%4000d%%%4000s", integer(CB_TYPE_I32, 1), CB_SCRIPT,
            "the format wants more arguments than there are");
    cb_value two[2] = {integer(CB_TYPE_I32, 1), integer(CB_TYPE_I32, 1)};
    CU_ASSERT_EQUAL(format("%4000d%4001d", two, 2), CB_LIMIT);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        {"integers", test_integers},     {"reals", test_reals},       {"texts", test_texts},
        {"wide texts", test_texts_wide}, {"refusals", test_refusals}, CU_TEST_INFO_NULL,
    };
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 1;
    }
    CU_pSuite suite = CU_add_suite("format", NULL, NULL);
    for (size_t i = 0; tests[i].pName != NULL; i++) {
        CU_add_test(suite, tests[i].pName, tests[i].pTestFunc);
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
