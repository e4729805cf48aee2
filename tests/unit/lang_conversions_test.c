/* Every number type turned into every other: by itself where it widens, by a cast, in an operation
 * with both, and as a literal; at the ends of the ranges and one step behind them. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "script_double.h"
#include "script_text.h"

__extension__ typedef __int128 wide;

typedef struct number_type {
    const char *name;
    unsigned bits;
    bool is_signed;
} number_type;

static const number_type types[] = {
    {"i8", 8, true},  {"i16", 16, true},  {"i32", 32, true},  {"i64", 64, true},
    {"u8", 8, false}, {"u16", 16, false}, {"u32", 32, false}, {"u64", 64, false},
};
#define TYPE_COUNT (sizeof types / sizeof types[0])

static wide least(const number_type *type)
{
    return type->is_signed ? -((wide)1 << (type->bits - 1)) : 0;
}

static wide most(const number_type *type)
{
    return ((wide)1 << (type->bits - (type->is_signed ? 1 : 0))) - 1;
}

static bool fits(wide value, const number_type *type)
{
    return value >= least(type) && value <= most(type);
}

static wide wrapped(const number_type *type, wide value)
{
    wide low = value & (((wide)1 << type->bits) - 1);
    return low > most(type) ? low - ((wide)1 << type->bits) : low;
}

static void add_number(script_text *to, wide value)
{
    if (value < 0)
        script_add(to, "-%llu", (unsigned long long)-value);
    else
        script_add(to, "%llu", (unsigned long long)value);
}

/* What a script has to print, gathered beside it. */
static script_text script;
static script_text wanted;
static script_run run;

static void begin(void)
{
    script_clear(&script);
    script_clear(&wanted);
    script_add(&script, "%s", "");
    script_add(&wanted, "%s", "");
}

static void check(void)
{
    script_main(&run, script.bytes);
    bool same = run.status == CB_OK && strcmp(run.output, wanted.bytes) == 0;
    CU_ASSERT_TRUE(same);
    if (!same)
        printf("\n%.900s\n  wants %.200s\n  gives %.200s %.300s%s\n", script.bytes, wanted.bytes,
               run.output, run.errors, run.status != CB_OK ? run.error.message : "");
    script_clear(&script);
    script_clear(&wanted);
}

#define MOST_VALUES 8

static size_t values_of(const number_type *type, wide *values)
{
    const wide all[MOST_VALUES] = {least(type), least(type) + 1, -1,        0, 1,
                                   127,         most(type) - 1,  most(type)};
    size_t count = 0;
    for (size_t i = 0; i < MOST_VALUES; i++)
        if (fits(all[i], type))
            values[count++] = all[i];
    return count;
}

/* --- integers to integers --- */

/* The smallest signed type, or the larger of two alike; NULL if none holds both. */
static const number_type *common(const number_type *one, const number_type *other)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        const number_type *type = &types[i];
        bool holds = least(type) <= least(one) && least(type) <= least(other) &&
                     most(type) >= most(one) && most(type) >= most(other);
        bool is_like = one->is_signed == other->is_signed ? type->is_signed == one->is_signed
                                                          : type->is_signed;
        if (holds && is_like)
            return type;
    }
    return NULL;
}

static void casts_keep_the_low_bits(void)
{
    for (size_t from = 0; from < TYPE_COUNT; from++) {
        for (size_t to = 0; to < TYPE_COUNT; to++) {
            wide values[MOST_VALUES];
            size_t count = values_of(&types[from], values);
            const char *target = types[to].name;
            begin();
            script_add(&script, "%s f(%s $a) { return (%s)$a; } ", target, types[from].name,
                       target);
            script_add(&script, "%s g(%s $a) { %s $b = 0; $b = (%s)($a); return $b; } ", target,
                       types[from].name, target, target);
            script_add(&script, "void main() {\n");
            for (size_t i = 0; i < count; i++) {
                script_add(&script, "printf(\"%%d %%d %%d \", f(");
                add_number(&script, values[i]);
                script_add(&script, "), g(");
                add_number(&script, values[i]);
                script_add(&script, "), (%s)(%s)", target, types[from].name);
                add_number(&script, values[i]);
                script_add(&script, ");\n");
                for (int k = 0; k < 3; k++) {
                    add_number(&wanted, wrapped(&types[to], values[i]));
                    script_add(&wanted, " ");
                }
            }
            script_add(&script, "}");
            check();
        }
    }
}

/* By itself where every value fits; else it is an error, which says what to do. */
static void integers_widen_by_themselves(void)
{
    for (size_t from = 0; from < TYPE_COUNT; from++) {
        for (size_t to = 0; to < TYPE_COUNT; to++) {
            char text[256];
            bool widens = common(&types[from], &types[to]) == &types[to];
            (void)snprintf(text, sizeof text,
                           "%s f(%s $a) { %s $b = $a; return $b; } void main() {\n"
                           "printf(\"%%d\", f(%s7)); }",
                           types[to].name, types[from].name, types[to].name,
                           types[from].is_signed ? "-" : "");
            script_main(&run, text);
            if (widens) {
                CU_ASSERT_STRING_EQUAL(run.output, types[from].is_signed ? "-7" : "7");
                continue;
            }
            (void)snprintf(text, sizeof text,
                           "error: $b is %s, but its value is %s: a cast converts it, (%s)\n",
                           types[to].name, types[from].name, types[to].name);
            CU_ASSERT_PTR_NOT_NULL(strstr(run.errors, text));
        }
    }
}

static bool is_less(wide one, wide other)
{
    return one < other;
}

/* Computed and compared in the common type, whichever side is which. */
static void operands_meet_in_the_common_type(void)
{
    for (size_t left = 0; left < TYPE_COUNT; left++) {
        for (size_t right = 0; right < TYPE_COUNT; right++) {
            wide ones[MOST_VALUES];
            wide others[MOST_VALUES];
            const number_type *type = common(&types[left], &types[right]);
            begin();
            script_add(&script,
                       "void f(%s $a, %s $b) { printf(\"%%d %%d %%d \", $a + $b, $a < $b, "
                       "1 ? $a : $b); } void main() {\n",
                       types[left].name, types[right].name);
            for (size_t i = 0; i < values_of(&types[left], ones); i++) {
                for (size_t k = 0; type != NULL && k < values_of(&types[right], others); k++) {
                    script_add(&script, "f(");
                    add_number(&script, ones[i]);
                    script_add(&script, ", ");
                    add_number(&script, others[k]);
                    script_add(&script, ");\n");
                    add_number(&wanted, wrapped(type, ones[i] + others[k]));
                    script_add(&wanted, " %d ", is_less(ones[i], others[k]));
                    add_number(&wanted, ones[i]);
                    script_add(&wanted, " ");
                }
            }
            script_add(&script, "}");
            if (type != NULL) {
                check();
                continue;
            }
            char error[128];
            (void)snprintf(error, sizeof error,
                           "error: no type holds both %s and %s at '+': cast one of them\n",
                           types[left].name, types[right].name);
            script_main(&run, script.bytes);
            CU_ASSERT_PTR_NOT_NULL(strstr(run.errors, error));
        }
    }
}

/* A literal has to fit where it lands, and one more does not. */
static void literals_fit_or_not(void)
{
    for (size_t to = 0; to < TYPE_COUNT; to++) {
        for (int side = 0; side < 2; side++) {
            wide last = side == 0 ? least(&types[to]) : most(&types[to]);
            wide beyond = side == 0 ? last - 1 : last + 1;
            begin();
            script_add(&script, "void main() { %s $a = ", types[to].name);
            add_number(&script, last);
            script_add(&script, "; printf(\"%%d\", $a); }");
            add_number(&wanted, last);
            check();
            if (beyond > most(&types[7]) || beyond < least(&types[3]))
                continue;
            begin();
            script_add(&script, "void main() { %s $a = ", types[to].name);
            add_number(&script, beyond);
            script_add(&script, "; }");
            script_add(&wanted, "error: $a is %s, which ", types[to].name);
            add_number(&wanted, beyond);
            script_add(&wanted, " does not fit\n");
            script_main(&run, script.bytes);
            CU_ASSERT_PTR_NOT_NULL(strstr(run.errors, wanted.bytes));
        }
    }
}

/* --- integers and reals --- */

static void integers_become_reals(void)
{
    static const char *const rows[][3] = {
        /* a value of a type, as a double, rounded once to float */
        {"i8", "-128", "-128 -128"},
        {"u8", "255", "255 255"},
        {"i16", "-32768", "-32768 -32768"},
        {"u16", "65535", "65535 65535"},
        {"i32", "16777217", "16777217 16777216"},
        {"i32", "-2147483648", "-2147483648 -2147483648"},
        {"u32", "4294967295", "4294967295 4294967296"},
        {"i64", "-9223372036854775808", "-9.2233720368547758e+18 -9.2233720368547758e+18"},
        {"i64", "9007199254740993", "9007199254740992 9007199254740992"},
        {"i64", "9007199791611905", "9007199791611904 9007200328482816"},
        {"u64", "18446744073709551615", "1.8446744073709552e+19 1.8446744073709552e+19"},
        {"u64", "9223372036854775808", "9.2233720368547758e+18 9.2233720368547758e+18"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        script_add(&script,
                   "void main() { %s $a = %s; double $d = (double)$a; float $f = (float)$a;"
                   "printf(\"%%.17g %%.17g\", $d, $f); }",
                   rows[i][0], rows[i][1]);
        script_add(&wanted, "%s", rows[i][2]);
        check();
    }
}

/* All integers become a double by themselves; those of 16 bits at most become a float, too. */
static void reals_take_what_they_hold(void)
{
    for (size_t from = 0; from < TYPE_COUNT; from++) {
        bool is_narrow = types[from].bits <= 16;
        begin();
        script_add(&script,
                   "void main() { %s $a = 7; double $d = $a; float $f = 0.5; $d += $a;"
                   "printf(\"%%g %%g\", $d, $a + $f); }",
                   types[from].name);
        script_add(&wanted, "14 7.5");
        check();
        char text[160];
        (void)snprintf(text, sizeof text, "void main() { %s $a = 7; float $f = $a; }",
                       types[from].name);
        script_main(&run, text);
        CU_ASSERT_EQUAL(run.status == CB_OK, is_narrow);
        /* 0.1 shows whether it was rounded to float. */
        (void)snprintf(text, sizeof text,
                       "void main() { %s $a = 0; float $f = 0.5; double $d = 0.1;"
                       "printf(\"%%.10f %%d\", $a + $f * 0.2, ($a + $f) / 5 == $d); }",
                       types[from].name);
        script_main(&run, text);
        CU_ASSERT_STRING_EQUAL(run.output, is_narrow ? "0.1000000015 0" : "0.1000000015 1");
    }
    script_main(&run, "void main() { double $d = 0.5; float $f = $d; }");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(run.errors, "$f is float, but its value is double: a cast converts it, (float)"));
}

typedef struct bound {
    const char *type;
    const char *inside;  /* the last real that is cut to a number of the type */
    const char *value;   /* that number */
    const char *outside; /* the next one, or one that is far away */
} bound;

static const bound bounds[] = {
    {"i8", "-128.99999999999997", "-128", "-129.0"},
    {"i8", "127.99999999999999", "127", "128.0"},
    {"i16", "-32768.999999999993", "-32768", "-32769.0"},
    {"i16", "32767.999999999996", "32767", "32768.0"},
    {"i32", "-2147483648.9999995", "-2147483648", "-2147483649.0"},
    {"i32", "2147483647.9999998", "2147483647", "2147483648.0"},
    {"i64", "-9223372036854775808.0", "-9223372036854775808", "-9223372036854777856.0"},
    {"i64", "9223372036854774784.0", "9223372036854774784", "9223372036854775808.0"},
    {"u8", "-0.99999999999999989", "0", "-1.0"},
    {"u8", "255.99999999999997", "255", "256.0"},
    {"u16", "-0.99999999999999989", "0", "-1.0"},
    {"u16", "65535.999999999993", "65535", "65536.0"},
    {"u32", "-0.99999999999999989", "0", "-1.0"},
    {"u32", "4294967295.9999995", "4294967295", "4294967296.0"},
    {"u64", "-0.99999999999999989", "0", "-1.0"},
    {"u64", "18446744073709549568.0", "18446744073709549568", "18446744073709551616.0"},
    {"u64", "9223372036854775808.0", "9223372036854775808", "1e300"},
};

/* When the script runs, and as a literal. */
static void reals_are_cut_toward_zero(void)
{
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        const bound *one = &bounds[i];
        char text[256];
        char shown[64];
        double outside = strtod(one->outside, NULL);
        begin();
        script_add(&script,
                   "void main() { double $d = %s; %s $a = (%s)$d; %s $b = (%s)%s;"
                   "printf(\"%%d %%d\", $a, $b); }",
                   one->inside, one->type, one->type, one->type, one->type, one->inside);
        script_add(&wanted, "%s %s", one->value, one->value);
        check();
        (void)snprintf(text, sizeof text, "void main() { double $d = %s; %s $a = (%s)$d; }",
                       one->outside, one->type, one->type);
        script_main(&run, text);
        CU_ASSERT_EQUAL(run.status, CB_SCRIPT);
        (void)snprintf(shown, sizeof shown, "%g is outside the range of %s", outside, one->type);
        CU_ASSERT_STRING_EQUAL(run.error.message, shown);
        (void)snprintf(text, sizeof text, "void main() { %s $a = (%s)%s; }", one->type, one->type,
                       one->outside);
        script_main(&run, text);
        (void)snprintf(shown, sizeof shown, "error: %.17g does not fit %s\n", outside, one->type);
        CU_ASSERT_PTR_NOT_NULL(strstr(run.errors, shown));
    }
}

static void what_is_no_number_has_no_type(void)
{
    for (size_t to = 0; to < TYPE_COUNT; to++) {
        for (int kind = 0; kind < 3; kind++) {
            static const char *const sides[] = {"0.0", "1.0", "-1.0"};
            static const char *const names[] = {"not a number", "inf", "-inf"};
            char text[256];
            (void)snprintf(text, sizeof text,
                           "void main() { double $z = 0.0; double $d = %s / $z; %s $a = (%s)$d; }",
                           sides[kind], types[to].name, types[to].name);
            script_main(&run, text);
            CU_ASSERT_EQUAL(run.status, CB_SCRIPT);
            (void)snprintf(text, sizeof text, "%s is outside the range of %s", names[kind],
                           types[to].name);
            CU_ASSERT_STRING_EQUAL(run.error.message, text);
        }
    }
}

/* --- literals beside reals --- */

typedef struct literal_row {
    const char *body;
    const char *output; /* NULL: error is part of what is reported */
    const char *error;
} literal_row;

static const literal_row literals[] = {
    /* the largest integers that a real holds with all below */
    {"double $d = 9007199254740992; printf(\"%.0f\", $d);", "9007199254740992", NULL},
    {"double $d = -9007199254740992; printf(\"%.0f\", $d);", "-9007199254740992", NULL},
    {"double $d = 9007199254740993;", NULL, "$d is double, which 9007199254740993 does not fit"},
    {"double $d = -9007199254740993;", NULL, "$d is double, which -9007199254740993 does not fit"},
    {"float $f = 16777216; printf(\"%.0f\", $f);", "16777216", NULL},
    {"float $f = -16777216; printf(\"%.0f\", $f);", "-16777216", NULL},
    {"float $f = 16777217;", NULL, "$f is float, which 16777217 does not fit"},
    {"float $f = -16777217;", NULL, "$f is float, which -16777217 does not fit"},
    {"double $d = 18446744073709551615;", NULL,
     "$d is double, which 18446744073709551615 does not fit"},
    {"float $f = 3.4028234663852886e38; printf(\"%.9g\", $f);", "3.40282347e+38", NULL},
    {"float $f = -3.4028234663852886e38; printf(\"%.9g\", $f);", "-3.40282347e+38", NULL},
    {"float $f = 3.4028234663852889e38;", NULL,
     "$f is float, which 3.402823466385289e+38 does not fit"},
    {"float $f = -3.4028234663852889e38;", NULL,
     "$f is float, which -3.402823466385289e+38 does not fit"},
    {"i32 $a = 1.5;", NULL, "$a is i32, but its value is double: a cast converts it, (i32)"},
    {"i32 $a = 1.0;", NULL, "$a is i32, but its value is double: a cast converts it, (i32)"},
    {"float $f = 0.1; printf(\"%.10f\", $f);", "0.1000000015", NULL},
    {"float $f = 0.5; printf(\"%.10f\", $f + 0.1);", "0.6000000238", NULL},
    {"float $f = 0.5; printf(\"%.10f\", $f + 1e300 / 1e300);", "1.5000000000", NULL},
    {"double $d = -1.5; printf(\"%g %g %g\", -$d, +$d, -(-1.5));", "1.5 -1.5 1.5", NULL},
    {"double $d = 0.0; printf(\"%g %g\", -$d, -0.0);", "-0 -0", NULL},
    {"printf(\"%d %d %d\", !0.0, !0.5, !(-0.0));", "1 0 1", NULL},
    {"i64 $a = 5000000000; printf(\"%d %d\", $a == 5e9, 5e9 < $a);", "1 0", NULL},
    {"u64 $a = 18446744073709551615; printf(\"%d\", $a == 18446744073709551615);", "1", NULL},
    {"i8 $a = 1; printf(\"%d\", $a + 127);", "-128", NULL},
    {"i8 $a = 1; printf(\"%d\", $a + 128);", "129", NULL},
    {"u8 $a = 1; printf(\"%d\", $a + 255);", "0", NULL},
    {"u8 $a = 1; printf(\"%d\", $a + 256);", "257", NULL},
    {"u8 $a = 1; printf(\"%d\", $a - (-1));", "2", NULL},
    {"i32 $a = 1; printf(\"%d\", $a + 2147483648);", "2147483649", NULL},
    {"u64 $a = 1; printf(\"%d\", $a + (-1));", NULL, "no type holds both u64 and i32 at '+'"},
};

static void literals_take_the_type_beside_them(void)
{
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        begin();
        script_add(&script, "void main() { %s }", literals[i].body);
        if (literals[i].output != NULL) {
            script_add(&wanted, "%s", literals[i].output);
            check();
            continue;
        }
        script_main(&run, script.bytes);
        CU_ASSERT_PTR_NOT_NULL(strstr(run.errors, literals[i].error));
        if (strstr(run.errors, literals[i].error) == NULL)
            printf("\n%s\n  %s%s\n", literals[i].body, run.errors, run.output);
    }
    begin();
}

/* Floats are rounded after each operation, doubles are not. */
static void floats_are_rounded(void)
{
    static const char *const rows[][2] = {
        {"$a + $b", "16777216 16777217"},
        {"$a * $b + $b - $a", "0 1"},
        {"($a - $b) / 3", "5592405 5592405"},
        {"-$a - $b", "-16777216 -16777217"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        script_add(&script,
                   "double f(float $a, float $b) { return %s; } "
                   "double g(double $a, double $b) { return %s; }"
                   "void main() { printf(\"%%.8g %%.8g\", f(16777216, 1), g(16777216, 1)); }",
                   rows[i][0], rows[i][0]);
        script_add(&wanted, "%s", rows[i][1]);
        check();
    }
    begin();
    script_add(&script, "void main() { float $f = 16777216; $f += 1; float $g = 16777216; $g++;"
                        "double $d = 16777216; $d++; float $h = 0.5; $h--; --$h;"
                        "printf(\"%%.8g %%.8g %%.8g %%g\", $f, $g, $d--, $h); }");
    script_add(&wanted, "16777216 16777216 16777217 -1.5");
    check();
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("conversions", NULL, NULL);
    CU_ADD_TEST(suite, casts_keep_the_low_bits);
    CU_ADD_TEST(suite, integers_widen_by_themselves);
    CU_ADD_TEST(suite, operands_meet_in_the_common_type);
    CU_ADD_TEST(suite, literals_fit_or_not);
    CU_ADD_TEST(suite, integers_become_reals);
    CU_ADD_TEST(suite, reals_take_what_they_hold);
    CU_ADD_TEST(suite, reals_are_cut_toward_zero);
    CU_ADD_TEST(suite, what_is_no_number_has_no_type);
    CU_ADD_TEST(suite, literals_take_the_type_beside_them);
    CU_ADD_TEST(suite, floats_are_rounded);
    CU_basic_run_tests();
    script_clear(&script);
    script_clear(&wanted);
    unsigned failures = CU_get_number_of_failures();
    unsigned run_count = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
