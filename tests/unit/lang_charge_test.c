/* What scripts are charged for, to the instruction: every 20,000 of them the machine asks whether
 * to stop. A call costs its function's length, a turn of a loop its own, a verb a hundred, and
 * eight bytes that are moved one. What is copied also tells whether a block or function has let go
 * of what it had: the last owner of bytes writes them in place. */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "script_double.h"

static script_run run;

enum { BUDGET = 20000, MOST_COSTS = 8 };

/* A loop in main. */
typedef struct charged {
    const char *script;
    int first;             /* what is charged before the loop */
    int turns;             /* of the loop */
    int costs[MOST_COSTS]; /* of each turn; the last one is the jump back */
} charged;

static const charged loops[] = {
    /* turns: what is jumped over, and the jump */
    {"void main() { for (i32 $i = 0; $i < 1000000; $i++) { } }", 0, 1000000, {1}},
    {"void main() { i32 $i = 0; i32 $n = 0; while ($n < 300000) { $i++; $n += 3; } }",
     0,
     100000,
     {3}},
    /* calls: the function's length, also of what is never reached */
    {"void main() { for (i32 $i = 0; $i < 100000; $i++) { f(); } } void f() { i32 $a = 1; }",
     0,
     100000,
     {2, 2}},
    {"void main() { for (i32 $i = 0; $i < 100000; $i++) { f(); } }"
     "void f() { i32 $a = 1; return; $a = 2; $a = 3; }",
     0,
     100000,
     {5, 2}},
    /* with strings: one more, as bytes are charged there too */
    {"void main() { string $t = \"a\"; for (i32 $i = 0; $i < 100000; $i++) { f($t); } }"
     "string f(string $s) { return $s; }",
     2,
     100000,
     {2, 4}},
    /* verbs */
    {"void main() { for (i32 $i = 0; $i < 10000; $i++) { test.Space(); } }", 0, 10000, {101, 2}},
    {"void main() { for (i32 $i = 0; $i < 10000; $i++) { printf(\"a\"); } }", 0, 10000, {101, 3}},
    /* bytes: declared, written for the first time, compared, filled, formatted */
    {"void main() { for (i32 $i = 0; $i < 2000; $i++) { blob $b[8007]; } }", 0, 2000, {1001, 3}},
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 2000; $i++)"
     "{ blob $b = $a; $b[0] = 1; } }",
     1001,
     2000,
     {1, 1, 1001, 5}},
    {"void main() { string $a[8000]; string $b[8000]; $a := $b; i32 $n;"
     "for (i32 $i = 0; $i < 2000; $i++) { $n = $a == $b; } }",
     3,
     2000,
     {1, 3}},
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 2000; $i++) { blob $b[100]; $b := $a; } }",
     1001,
     2000,
     {13, 13, 4}},
    /* A block and a function have let go: the write moves nothing. */
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 10000; $i++)"
     "{ { blob $b = $a; } $a[0] = 1; } }",
     1001,
     10000,
     {1, 1, 5}},
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 10000; $i++)"
     "{ { blob $b; blob $c = $a; } $a[0] = 1; } }",
     1001,
     10000,
     {1, 1, 1, 6}},
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 10000; $i++) { f($a); $a[0] = 1; } }"
     "void f(blob $x) { }",
     1001,
     10000,
     {2, 4}},
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 10000; $i++) { f($a); $a[0] = 1; } }"
     "i32 f(blob $x) { return 1; }",
     1001,
     10000,
     {3, 4}},
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 10000; $i++) { f($a); $a[0] = 1; } }"
     "double f(blob $x) { return 1.0; }",
     1001,
     10000,
     {3, 4}},
    {"void main() { blob $a[8000]; for (i32 $i = 0; $i < 10000; $i++) { f($a); $a[0] = 1; } }"
     "blob f(blob $x) { blob $b; return $b; }",
     1001,
     10000,
     {3, 1, 5}},
};

static void charge(int *budget, int *checks, int cost)
{
    *budget -= cost;
    if (*budget < 0) {
        ++*checks;
        *budget = BUDGET;
    }
}

static int checks_of(const charged *loop)
{
    int budget = BUDGET;
    int checks = 0;
    charge(&budget, &checks, loop->first);
    for (int turn = 1; turn <= loop->turns; turn++) {
        for (int i = 0; i < MOST_COSTS && loop->costs[i] != 0; i++) {
            bool jumps = i + 1 == MOST_COSTS || loop->costs[i + 1] == 0;
            if (!jumps || turn < loop->turns)
                charge(&budget, &checks, loop->costs[i]);
        }
    }
    return checks;
}

static void loops_are_charged(void)
{
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        script_main(&run, loops[i].script);
        CU_ASSERT_EQUAL(run.status, CB_OK);
        int checks = checks_of(&loops[i]);
        CU_ASSERT_EQUAL(run.checks, checks);
        if (run.status != CB_OK || run.checks != checks)
            (void)printf("%s: %d checks, not %d\n%s", loops[i].script, run.checks, checks,
                         run.errors);
    }
}

/* No loop at all: 21,891 calls of nine instructions. */
static void calls_are_charged(void)
{
    script_main(&run, "i32 f(i32 $n) { return $n > 1 ? f($n - 1) + f($n - 2) : 1; }"
                      "i32 main() { return f(20) & 127; }");
    CU_ASSERT_EQUAL(run.status, CB_OK);
    CU_ASSERT_EQUAL(run.exit_status, 10946 & 127);
    CU_ASSERT_EQUAL(run.checks, 21891 / (BUDGET / 9 + 1));
}

/* The machine belongs to no function any more: one that has left something behind is caught. */
static void functions_leave_nothing(void)
{
    static const char *const scripts[] = {
        "void f() { string $s = \"x\"; } void main() { f(); }",
        "i32 f() { string $s = \"x\"; return 5; } i32 main() { return f(); }",
        "double f() { string $s = \"x\"; return 5.0; } i32 main() { return (i32)f(); }",
        "string f() { string $t; string $s = \"x\"; return $s; }"
        "i32 main() { string $u = f(); return $u.Length + 4; }",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        script_main(&run, scripts[i]);
        CU_ASSERT_EQUAL(run.status, CB_OK);
        CU_ASSERT_EQUAL(run.exit_status, i == 0 ? 0 : 5);
        if (run.status != CB_OK)
            (void)printf("%s: %s\n", scripts[i], run.errors);
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return CU_get_error();
    CU_pSuite suite = CU_add_suite("what scripts are charged for", NULL, NULL);
    CU_ADD_TEST(suite, loops_are_charged);
    CU_ADD_TEST(suite, calls_are_charged);
    CU_ADD_TEST(suite, functions_leave_nothing);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
