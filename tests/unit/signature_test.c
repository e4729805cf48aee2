/* Signatures of verbs: what is read, what is refused, and how they print. */
#include <CUnit/Basic.h>
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

static void test_cut(void)
{
    cb_signature signature;
    char small[8];
    CU_ASSERT_EQUAL(cb_signature_parse("i64(i32 abc)", &signature, NULL), CB_OK);
    cb_signature_print(&signature, small, sizeof small);
    CU_ASSERT_STRING_EQUAL(small, "i64(i32");
    cb_signature_print(&signature, small, 0);
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
    CU_add_test(suite, "types: common, widening, ranges", test_types);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return code != CUE_SUCCESS || failures != 0;
}
