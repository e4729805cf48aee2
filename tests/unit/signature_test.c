/* Signatures of verbs: what is read, what is refused, and how they print. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/signature.h"
#include "bridge/lang/types.h"

static void expect_prints(const char *text, const char *full, const char *types)
{
    cb_signature signature;
    cb_error error = {0};
    char printed[CB_SIGNATURE_TEXT_SIZE];
    CU_ASSERT_EQUAL_FATAL(cb_signature_parse(text, &signature, &error), CB_OK);
    cb_signature_print(&signature, printed, sizeof printed);
    CU_ASSERT_STRING_EQUAL(printed, full);
    cb_signature_print_types(&signature, printed, sizeof printed);
    CU_ASSERT_STRING_EQUAL(printed, types);
}

static void test_good(void)
{
    expect_prints("void()", "void()", "()");
    expect_prints(" i64 (callback name,i32 timeoutMs)", "i64(callback name, i32 timeoutMs)",
                  "(callback, i32)");
    expect_prints("blob(ref blob b, ref string s, u8 n?, float f?)",
                  "blob(ref blob b, ref string s, u8 n?, float f?)",
                  "(ref blob, ref string, [u8], [float])");
    expect_prints("i32(string format, ...)", "i32(string format, ...)", "(string, ...)");
    expect_prints("void(...)", "void(...)", "(...)");
}

static void test_parts(void)
{
    cb_signature signature;
    CU_ASSERT_EQUAL(cb_signature_parse("i64(callback name, i32 a?, ref blob b?)", &signature, NULL),
                    CB_OK);
    CU_ASSERT_EQUAL(signature.result, CB_TYPE_I64);
    CU_ASSERT_EQUAL(signature.parameter_count, 3);
    CU_ASSERT_EQUAL(signature.required_count, 1);
    CU_ASSERT_FALSE(signature.is_variadic);
    CU_ASSERT_EQUAL(signature.parameters[0].type, CB_TYPE_CALLBACK);
    CU_ASSERT_TRUE(signature.parameters[2].is_ref);
    CU_ASSERT_STRING_EQUAL(signature.parameters[1].name, "a");
}

static void test_bad(void)
{
    static const char *const wrong[] = {
        "",
        "i64",
        "i64(",
        "callback()",
        "int(i32 a)",
        "i64(i32)",
        "i64(i32 a,)",
        "i64(i32 a b)",
        "i64(void a)",
        "i64(ref i32 a)",
        "i64(i32 a?, i32 b)",
        "i64(i32 a?, ...)",
        "i64(..., i32 a)",
        "i64(i32 1a)",
        "i64() x",
        "i64(i32 a123456789012345678901234567890x)",
        "i32(i8 a,i8 b,i8 c,i8 d,i8 e,i8 f,i8 g,i8 h,i8 i,i8 j,i8 k,i8 l,i8 m,i8 n,i8 o,i8 p,i8 q)",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cb_signature signature;
        cb_error error = {0};
        cb_status status = cb_signature_parse(wrong[i], &signature, &error);
        CU_ASSERT_EQUAL(status, CB_FORMAT);
        CU_ASSERT_TRUE(strlen(error.text) > 0);
        if (status != CB_FORMAT)
            fprintf(stderr, "not refused: %s\n", wrong[i]);
    }
    cb_signature signature;
    CU_ASSERT_EQUAL(cb_signature_parse(NULL, &signature, NULL), CB_FORMAT);
}

/* What is wrong, and where. */
static void expect_wrong(const char *text, const char *what)
{
    cb_signature signature;
    cb_error error = {0};
    char wanted[512];
    (void)snprintf(wanted, sizeof wanted, "signature \"%s\": %s", text, what);
    CU_ASSERT_EQUAL(cb_signature_parse(text, &signature, &error), CB_FORMAT);
    CU_ASSERT_STRING_EQUAL(error.text, wanted);
    if (strcmp(error.text, wanted) != 0)
        fprintf(stderr, "%s\n", error.text);
}

static void expect_wrong_type(const char *text, const char *type)
{
    char what[256];
    (void)snprintf(what, sizeof what,
                   "\"%s\" is no parameter's type; the types are i8 to i64, u8 to u64, float, "
                   "double, string, blob and callback",
                   type);
    expect_wrong(text, what);
}

static void test_places(void)
{
    expect_wrong("", "no result type before this place at column 1");
    expect_wrong("i99()", "no result type before this place at column 4");
    expect_wrong("callback()", "no result type before this place at column 9");
    expect_wrong("i64", "no \"(\" at column 4");
    expect_wrong("i64 x", "no \"(\" at column 5");
    expect_wrong("i64()x", "more text after the end at column 6");
    expect_wrong("i64() )", "more text after the end at column 7");
    expect_wrong("i64(i32 a;i32 b)", "neither \",\" nor \")\" at column 10");
    expect_wrong("i64(i32 a, i32)",
                 "no parameter name, or one too long, before this place at column 15");
    expect_wrong("i64(i32 9a)",
                 "no parameter name, or one too long, before this place at column 11");
    expect_wrong("i64(ref i32 a)",
                 "only blob and string can be ref before this place at column 12");
    expect_wrong("i64(ref callback a)",
                 "only blob and string can be ref before this place at column 17");
    expect_wrong("i64(i32 a?, i32 b)", "a required parameter after an optional one at column 18");
    expect_wrong("i64(i32 a?, ...)", "an optional parameter before \"...\" at column 16");
    expect_wrong("i64(..., i32 a)", "no \")\" after \"...\" at column 8");
    expect_wrong("i64(i32 a", "neither \",\" nor \")\" at column 10");
    expect_wrong("i64(i32 a?", "neither \",\" nor \")\" at column 11");
    expect_wrong_type("i64(.. )", "");
    expect_wrong_type("i64(ref)", "");
    expect_wrong_type("i64(i32 a,", "");
    expect_wrong_type("i64(void a)", "void");
    expect_wrong_type("i64(refs a)", "refs");
    expect_wrong_type("i64(i321 a)", "i321");
    expect_wrong_type("i64(i3 a)", "i3");
    /* No more than 40 bytes of it are shown. */
    expect_wrong_type("i64(a23456789012345678901234567890123456789 a)",
                      "a23456789012345678901234567890123456789");
    expect_wrong_type("i64(a234567890123456789012345678901234567890 a)",
                      "a234567890123456789012345678901234567890");
    expect_wrong_type("i64(a2345678901234567890123456789012345678901 a)",
                      "a234567890123456789012345678901234567890");
}

/* 16 parameters, and names of 31 bytes; each on one side and the other. */
static void test_bounds(void)
{
    cb_signature signature;
    char text[CB_SIGNATURE_TEXT_SIZE + 64];
    char printed[CB_SIGNATURE_TEXT_SIZE];
    for (int count = 15; count <= 17; count++) {
        for (int size = 30; size <= 32; size++) {
            char *at = text + sprintf(text, "string(");
            for (int i = 0; i < count; i++)
                at += sprintf(at, "%sref string %.*s%c", i > 0 ? ", " : "", size - 1,
                              "abcdefghijklmnopqrstuvwxyz_ABCDEFGH", 'a' + i);
            (void)sprintf(at, ")");
            bool good = count <= 16 && size <= 31;
            CU_ASSERT_EQUAL(cb_signature_parse(text, &signature, NULL), good ? CB_OK : CB_FORMAT);
            if (!good)
                continue;
            CU_ASSERT_EQUAL(signature.parameter_count, (uint32_t)count);
            CU_ASSERT_EQUAL(signature.required_count, (uint32_t)count);
            CU_ASSERT_EQUAL(strlen(signature.parameters[count - 1].name), (size_t)size);
            cb_signature_print(&signature, printed, sizeof printed);
            CU_ASSERT_STRING_EQUAL(printed, text);
        }
    }
}

static void test_spaces(void)
{
    cb_signature signature;
    CU_ASSERT_EQUAL(
        cb_signature_parse("  void  (  ref  blob  a_1  ?  ,  u8  b  ?  )  ", &signature, NULL),
        CB_OK);
    CU_ASSERT_EQUAL(signature.parameter_count, 2);
    CU_ASSERT_EQUAL(signature.required_count, 0);
    CU_ASSERT_STRING_EQUAL(signature.parameters[0].name, "a_1");
    CU_ASSERT_EQUAL(cb_signature_parse("void(i32\ta)", &signature, NULL), CB_FORMAT);
}

/* On memory that ends with it, of each size. */
static void test_cut(void)
{
    static const char *const texts[] = {"i64(i32 abc, ref blob b?, ...)", "(i32, [ref blob], ...)"};
    cb_signature signature;
    CU_ASSERT_EQUAL(cb_signature_parse("i64(i32 abc, ref blob b)", &signature, NULL), CB_OK);
    signature.required_count = 1;
    signature.is_variadic = true;
    for (size_t which = 0; which < 2; which++) {
        for (size_t size = 1; size <= strlen(texts[which]) + 2; size++) {
            char *small = malloc(size);
            CU_ASSERT_PTR_NOT_NULL_FATAL(small);
            if (which == 0)
                cb_signature_print(&signature, small, size);
            else
                cb_signature_print_types(&signature, small, size);
            size_t shown = size - 1 < strlen(texts[which]) ? size - 1 : strlen(texts[which]);
            CU_ASSERT_EQUAL(strlen(small), shown);
            CU_ASSERT_EQUAL(memcmp(small, texts[which], shown), 0);
            free(small);
        }
    }
    cb_signature_print(&signature, NULL, 0);
    cb_signature_print_types(&signature, NULL, 0);
}

static void test_types(void)
{
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_I8, CB_TYPE_U8), CB_TYPE_I16);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_U32, CB_TYPE_I8), CB_TYPE_I64);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_I64, CB_TYPE_U32), CB_TYPE_I64);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_U64, CB_TYPE_I8), CB_TYPE_COUNT);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_U64, CB_TYPE_U8), CB_TYPE_U64);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_FLOAT, CB_TYPE_I16), CB_TYPE_FLOAT);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_FLOAT, CB_TYPE_I32), CB_TYPE_DOUBLE);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_DOUBLE, CB_TYPE_I64), CB_TYPE_DOUBLE);
    CU_ASSERT_EQUAL(cb_type_common(CB_TYPE_STRING, CB_TYPE_I64), CB_TYPE_COUNT);
    CU_ASSERT_TRUE(cb_type_widens(CB_TYPE_U8, CB_TYPE_I32));
    CU_ASSERT_FALSE(cb_type_widens(CB_TYPE_I32, CB_TYPE_U64));
    CU_ASSERT_EQUAL(cb_type_wrap(CB_TYPE_I8, 200), -56);
    CU_ASSERT_EQUAL(cb_type_wrap(CB_TYPE_U16, -1), 65535);
    CU_ASSERT_TRUE(cb_type_fits(CB_TYPE_U64, -1, true));
    CU_ASSERT_FALSE(cb_type_fits(CB_TYPE_I64, -1, true));
    CU_ASSERT_FALSE(cb_type_fits(CB_TYPE_U32, -1, false));
    CU_ASSERT_STRING_EQUAL(cb_type_name((cb_type)99), "?");
    CU_ASSERT_EQUAL(cb_type_find("u16x", 3), CB_TYPE_U16);
    CU_ASSERT_EQUAL(cb_type_find("int", 3), CB_TYPE_COUNT);
    CU_ASSERT_EQUAL(cb_type_find("i32", 2), CB_TYPE_COUNT);
    CU_ASSERT_EQUAL(cb_type_find("", 0), CB_TYPE_COUNT);
}

typedef struct range {
    cb_type type;
    int64_t least;
    int64_t most; /* of u64 as the same 64 bits */
} range;

static const range ranges[] = {
    {CB_TYPE_I8, INT8_MIN, INT8_MAX},    {CB_TYPE_I16, INT16_MIN, INT16_MAX},
    {CB_TYPE_I32, INT32_MIN, INT32_MAX}, {CB_TYPE_U8, 0, UINT8_MAX},
    {CB_TYPE_U16, 0, UINT16_MAX},        {CB_TYPE_U32, 0, UINT32_MAX},
};

static void test_ranges(void)
{
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const range *one = &ranges[i];
        CU_ASSERT(cb_type_fits(one->type, one->least, false));
        CU_ASSERT(cb_type_fits(one->type, one->most, false));
        CU_ASSERT_FALSE(cb_type_fits(one->type, one->least - 1, false));
        CU_ASSERT_FALSE(cb_type_fits(one->type, one->most + 1, false));
        CU_ASSERT_FALSE(cb_type_fits(one->type, 0, true));
        CU_ASSERT_EQUAL(cb_type_wrap(one->type, one->most + 1), one->least);
        CU_ASSERT_EQUAL(cb_type_wrap(one->type, one->least - 1), one->most);
        CU_ASSERT_EQUAL(cb_type_wrap(one->type, one->most), one->most);
        CU_ASSERT_EQUAL(cb_type_wrap(one->type, one->least), one->least);
        CU_ASSERT_EQUAL(cb_type_is_signed(one->type), one->least < 0);
    }
    CU_ASSERT(cb_type_fits(CB_TYPE_I64, INT64_MIN, false));
    CU_ASSERT(cb_type_fits(CB_TYPE_I64, INT64_MAX, false));
    CU_ASSERT_FALSE(cb_type_fits(CB_TYPE_I64, INT64_MIN, true));
    CU_ASSERT(cb_type_fits(CB_TYPE_U64, 0, false));
    CU_ASSERT_FALSE(cb_type_fits(CB_TYPE_U64, -1, false));
    CU_ASSERT(cb_type_fits(CB_TYPE_U64, INT64_MIN, true));
    CU_ASSERT_EQUAL(cb_type_wrap(CB_TYPE_I64, INT64_MIN), INT64_MIN);
    CU_ASSERT_EQUAL(cb_type_wrap(CB_TYPE_U64, -1), -1);
    CU_ASSERT_EQUAL(cb_type_wrap(CB_TYPE_DOUBLE, -1), -1);
    CU_ASSERT_EQUAL(cb_type_wrap(CB_TYPE_VOID, 300), 300);
}

static void test_families(void)
{
    for (int type = 0; type < CB_TYPE_COUNT; type++) {
        bool is_integer = type >= CB_TYPE_I8 && type <= CB_TYPE_U64;
        bool is_real = type == CB_TYPE_FLOAT || type == CB_TYPE_DOUBLE;
        CU_ASSERT_EQUAL(cb_type_is_integer((cb_type)type), is_integer);
        CU_ASSERT_EQUAL(cb_type_is_real((cb_type)type), is_real);
        CU_ASSERT_EQUAL(cb_type_is_scalar((cb_type)type), is_integer || is_real);
        CU_ASSERT_EQUAL(cb_type_bytes((cb_type)type) > 0, is_integer || is_real);
        CU_ASSERT_EQUAL(
            cb_type_find(cb_type_name((cb_type)type), strlen(cb_type_name((cb_type)type))),
            (cb_type)type);
        CU_ASSERT_EQUAL(cb_type_widens((cb_type)type, CB_TYPE_DOUBLE), is_integer || is_real);
        CU_ASSERT_FALSE(cb_type_widens((cb_type)type, CB_TYPE_STRING));
    }
    CU_ASSERT_EQUAL(cb_type_bytes(CB_TYPE_COUNT), 0);
    CU_ASSERT_STRING_EQUAL(cb_type_name(CB_TYPE_COUNT), "?");
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("signature", NULL, NULL);
    CU_add_test(suite, "good ones print as they are", test_good);
    CU_add_test(suite, "their parts", test_parts);
    CU_add_test(suite, "bad ones are refused", test_bad);
    CU_add_test(suite, "a small buffer cuts", test_cut);
    CU_add_test(suite, "what is wrong where", test_places);
    CU_add_test(suite, "bounds", test_bounds);
    CU_add_test(suite, "spaces", test_spaces);
    CU_add_test(suite, "ranges of types", test_ranges);
    CU_add_test(suite, "families of types", test_families);
    CU_add_test(suite, "types: common, widening, ranges", test_types);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return code != CUE_SUCCESS || failures != 0;
}
