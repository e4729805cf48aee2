/* What scripts do when they run: output, errors with places, limits, stops, callbacks. */
#include <CUnit/Basic.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "script_double.h"

static script_run run;

typedef struct example {
    const char *script; /* main's body */
    const char *output;
} example;

static const example examples[] = {
    /* widths */
    {"i8 $a = 127; $a++; printf(\"%d\", $a);", "-128"},
    {"i16 $a = -32768; $a--; printf(\"%d\", $a);", "32767"},
    {"i32 $a = 2147483647; $a += 1; printf(\"%d\", $a);", "-2147483648"},
    {"i64 $a = 9223372036854775807; $a++; printf(\"%d\", $a);", "-9223372036854775808"},
    {"u8 $a = 255; $a++; printf(\"%d\", $a);", "0"},
    {"u16 $a = 0; $a--; printf(\"%d\", $a);", "65535"},
    {"u32 $a = 0; $a -= 1; printf(\"%d\", $a);", "4294967295"},
    {"u64 $a = 0; $a--; printf(\"%d\", $a);", "18446744073709551615"},
    {"i32 $a = 65536; $a *= 65536; printf(\"%d\", $a);", "0"},
    {"u64 $a = 18446744073709551615; printf(\"%d %d\", $a / 10, $a % 10);",
     "1844674407370955161 5"},
    {"u64 $a = 18446744073709551615; u64 $b = 1; printf(\"%d%d\", $a > $b, $a < $b);", "10"},
    /* division */
    {"i32 $a = -2147483647 - 1; i32 $b = -1; printf(\"%d %d\", $a / $b, $a % $b);",
     "-2147483648 0"},
    {"i64 $a = -9223372036854775807 - 1; i64 $b = -1; printf(\"%d %d\", $a / $b, $a % $b);",
     "-9223372036854775808 0"},
    {"i8 $a = -128; i8 $b = -1; $a = (i8)($a / $b); printf(\"%d\", $a);", "-128"},
    {"i32 $a = 7; i32 $b = -2; printf(\"%d %d\", $a / $b, $a % $b);", "-3 1"},
    /* bits */
    {"i32 $a = 1; i32 $n = 31; printf(\"%d\", $a << $n);", "-2147483648"},
    {"i32 $a = -8; printf(\"%d\", $a >> 1);", "-4"},
    {"u32 $a = 4294967288; printf(\"%d\", $a >> 1);", "2147483644"},
    {"u64 $a = 18446744073709551615; printf(\"%d\", $a >> 63);", "1"},
    {"i32 $a = 12; printf(\"%d %d %d %d\", $a & 10, $a | 3, $a ^ 5, ~$a);", "8 15 9 -13"},
    {"u8 $a = 1; u8 $b = (u8)~$a; printf(\"%d\", $b);", "254"},
    /* reals */
    {"double $d = 1.0; $d /= 4; printf(\"%g\", $d);", "0.25"},
    {"float $f = 0.1; double $d = $f; printf(\"%.10f\", $d);", "0.1000000015"},
    {"double $n = 0.0; $n = $n / $n; printf(\"%d%d%d%d\", $n == $n, $n != $n, $n < 1.0, $n >= "
     "1.0);",
     "0100"},
    {"double $n = 0.0; $n = $n / $n; if ($n < 1.0) { printf(\"a\"); } if (!($n < 1.0)) "
     "{ printf(\"b\"); } if ($n >= 1.0) { printf(\"c\"); }",
     "b"},
    {"double $d = -3.99; printf(\"%d %d\", (i32)$d, (u8)255.9);", "-3 255"},
    {"i64 $a = -1; double $d = (double)$a; u64 $b = 18446744073709551615; "
     "printf(\"%g %g\", $d, (double)$b);",
     "-1 1.84467e+19"},
    {"i64 $a = 300; printf(\"%d %d %d\", (u8)$a, (i8)$a, (i16)70000);", "44 44 4464"},
    /* logic and order of evaluation */
    {"i32 $a = 0; i32 $b = $a && ($a = 5); printf(\"%d %d\", $a, $b);", "0 0"},
    {"i32 $a = 1; i32 $b = $a || ($a = 5); printf(\"%d %d\", $a, $b);", "1 1"},
    {"i32 $a = 3; i32 $b = $a + ($a = 5) + $a; printf(\"%d\", $b);", "13"},
    {"i32 $a = 3; printf(\"%d %d %d %d\", $a, $a++, ++$a, $a--);", "3 3 5 5"},
    {"i32 $a = 3; $a += ($a = 10); printf(\"%d\", $a);", "13"},
    {"i32 $a = 1; i32 $b; i32 $c = ($b = $a + 1) * 2; printf(\"%d %d\", $b, $c);", "2 4"},
    {"i32 $a = 5; printf(\"%d%d%d\", !$a, !!$a, $a ? 7 : 8);", "017"},
    {"i64 $a = 40000; printf(\"%d%d%d\", $a < 40000, $a <= 40000, $a > 39999);", "011"},
    {"i32 $a = -32768; printf(\"%d%d\", $a <= 32767, $a == -32768);", "11"},
    /* loops */
    {"for (i32 $i = 0; $i < 5; $i++) { if ($i == 1) { continue; } if ($i == 4) { break; } "
     "printf(\"%d\", $i); }",
     "023"},
    {"i32 $i = 0; while ($i <= 3) { printf(\"%d\", $i); $i++; }", "0123"},
    {"i32 $i = 9; do { printf(\"%d\", $i); $i++; } while ($i < 9);", "9"},
    {"i32 $i = 0; while ($i < 5) { $i++; if ($i == 2) { continue; } printf(\"%d\", $i); }", "1345"},
    {"i32 $n = 0; for (;;) { if (++$n > 3) { break; } } printf(\"%d\", $n);", "4"},
    {"for (i32 $i = 0; $i < 2; $i++) { for (i32 $k = 0; $k < 9; $k++) { if ($k == 2) { break; } "
     "printf(\"%d%d \", $i, $k); } }",
     "00 01 10 11 "},
    {"i64 $s = 0; for (i64 $i = 100000; $i > 0; $i -= 3) { $s += $i * 70000; } "
     "printf(\"%d\", $s);",
     "116670166690000"},
    {"i64 $s = 0; i64 $i = 0; for (; $i < 1000000; $i++) { } printf(\"%d\", $i);", "1000000"},
    {"double $x = 0.0; i32 $n = 0; while ($x < 2.0) { $x += 0.25; $n++; } printf(\"%d\", $n);",
     "8"},
    /* switch */
    {"for (i32 $i = 0; $i < 5; $i++) { switch ($i) { case 0: printf(\"a\"); break; case 1: "
     "printf(\"b\"); case 2: printf(\"c\"); break; default: printf(\"d\"); } }",
     "abccdd"},
    {"i64 $v = 5000000000; switch ($v) { default: printf(\"d\"); break; case 5000000000: "
     "printf(\"big\"); }",
     "big"},
    {"for (i32 $i = 0; $i < 3; $i++) { switch ($i) { case 1: continue; } printf(\"%d\", $i); }",
     "02"},
    /* strings */
    {"string $s[64]; printf(\"[%s] %d %d\", $s, $s.Length, string.Capacity($s));", "[] 0 64"},
    {"string $s[2]; $s = \"hello\"; printf(\"%s %d\", $s, string.Capacity($s));", "hello 5"},
    {"string $s[3]; $s := \"hello\"; printf(\"%s %d\", $s, string.Overflow($s));", "hel 1"},
    {"string $s[16] = \"Hello\"; $s := \"abc\"; printf(\"%s %d\", $s, string.Overflow($s));",
     "abclo 0"},
    {"string $s[3]; $s := \"hello\"; $s := \"a\"; printf(\"%s %d\", $s, string.Overflow($s));",
     "ael 0"},
    {"string $s; $s := \"x\"; printf(\"[%s]%d\", $s, string.Overflow($s));", "[]1"},
    {"string $a = \"x\"; string $b = $a; $b = \"y\"; printf(\"%s%s\", $a, $b);", "xy"},
    {"string $a = \"b\"; printf(\"%d%d%d%d\", $a == \"b\", $a != \"b\", $a < \"bb\", $a > \"a\");",
     "1011"},
    {"string $a; string $b; $a = $b = \"same\"; printf(\"%s %s\", $a, $b);", "same same"},
    {"string $s = string.Format(\"%05d|%-4s|%x\", 42, \"ab\", 255); printf(\"%s\", $s);",
     "00042|ab  |ff"},
    {"string $s = \"abc\"; printf(\"%d\", $s[1]);", "98"},
    {"i32 $n = 1; string $s = $n > 0 ? \"yes\" : \"no\"; printf(\"%s\", $s);", "yes"},
    {"for (i32 $i = 0; $i < 2; $i++) { string $s[4]; printf(\"[%s]\", $s); $s = \"full\"; }",
     "[][]"},
    {"string $s = test.Same(test.Same(\"deep\")); printf(\"%s\", $s);", "deep"},
    {"string $s = \"tail\"; printf(\"%d %s\", test.GrowText($s, 2), $s);", "6 tailxx"},
    /* blobs */
    {"blob $b[3]; $b[0] = 65; printf(\"%d %d %d\", $b[0], $b[1], $b.Length);", "65 0 3"},
    {"blob $b[1]; i32 $n = 300; i32 $v = ($b[0] = $n); printf(\"%d %d\", $b[0], $v);", "44 44"},
    {"blob $a[2]; blob $b[5]; $b[4] = 9; $a = $b; $a[4] = 1; printf(\"%d %d %d\", $a.Length, "
     "$a[4], "
     "$b[4]);",
     "5 1 9"},
    {"blob $a[2]; blob $b[5]; $b[0] = 7; $a := $b; printf(\"%d %d %d\", $a.Length, $a[0], "
     "blob.Overflow($a));",
     "2 7 1"},
    {"blob $a[4]; $a[3] = 9; blob $b[1]; $b[0] = 5; $a := $b; printf(\"%d %d %d %d\", $a.Length, "
     "$a[0], $a[3], blob.Overflow($a));",
     "4 5 9 0"},
    {"blob $b[2]; $b[1]++; $b[1] += 254; $b[1]++; $b[0] -= 1; printf(\"%d %d\", $b[0], $b[1]);",
     "255 0"},
    {"blob $b[1]; $b[0] = 3; blob $c = test.Keep($b); $b[0] = 4; printf(\"%d %d\", $b[0], $c[0]);",
     "4 3"},
    {"blob $b[1]; $b[0] = 3; blob $c = test.Swap($b, $b); printf(\"%d %d %d %d\", $b.Length, "
     "$b[0], "
     "$c.Length, $c[0]);",
     "100 122 1 3"},
    /* overlays */
    {"blob $b[13]; $b assign P; $b.a = -2; $b.b = 1.5; $b.c = 255; printf(\"%d %g %d %d\", $b.a, "
     "$b.b, $b.c, $b[0]);",
     "-2 1.5 255 254"},
    {"blob $b[13]; $b assign P; $b.a = 1; $b.a += 5; $b.a++; $b.c--; i32 $v = $b.a--; "
     "printf(\"%d %d %d\", $b.a, $b.c, $v);",
     "6 255 7"},
    {"blob $b[13]; $b assign P; $b.a = 1; blob $c = $b; $b.a = 2; $c assign P; "
     "printf(\"%d %d\", $b.a, $c.a);",
     "2 1"},
    {"printf(\"%d %d\", structsize(P), structsize(Q));", "13 16"},
    {"ref blob &S = blob.RefFromPointer(0, 0); printf(\"%d\", S.Length);", "0"},
    {"ref blob &S = blob.RefFromPointer(1, 0); printf(\"%d\", S.Length);", "0"},
    /* functions */
    {"printf(\"%d\", fib(15));", "610"},
    {"i32 $x = 1; double $d = 2; bump($x, $d); printf(\"%d %g\", $x, $d);", "6 3"},
    {"string $s = \"a\"; blob $b[1]; change($s, $b); printf(\"%s %d\", $s, $b.Length);", "ab 2"},
    {"printf(\"%s\", join(join(\"a\", \"b\"), join(\"c\", \"d\")));", "abcd"},
    {"printf(\"%d\", sum(1, 2.5, \"abc\", sum(1, 1.5, \"\", 2)));", "10"},
    {"i32 $x = 2; printf(\"%d\", $x + twice($x) + $x);", "10"},
    {"printf(\"%s\", down(3));", "3210"},
    {"printf(\"%d %d\", test.Twice8(100), test.Space());", "-56 7"},
    {"printf(\"%g\", test.Half(5));", "2.5"},
    {"printf(\"%d %d\", test.Entry(\"Echo\"), test.Entry(\"Other\"));", "4 105"},
    {"string $n = \"Other\"; printf(\"%d\", test.Entry($n));", "105"},
};

static const char library[] =
    "struct P packet { i32 a; double b; u8 c; } struct Q { i32 a; double b; }"
    "i32 fib(i32 $n) { if ($n < 2) { return $n; } return fib($n - 1) + fib($n - 2); }"
    "void bump(ref i32 $x, ref double $d) { $x += 5; $d = $d * 1.5; }"
    "i32 twice(ref i32 $x) { $x *= 2; return $x; }"
    "void change(ref string $s, ref blob $b) { $s = join($s, \"b\"); blob $c[2]; $b = $c; }"
    "string join(string $a, string $b) { return string.Format(\"%s%s\", $a, $b); }"
    "i32 sum(i32 $a, double $d, string $s, i64 $b) "
    "{ return $a + (i32)$d + $s.Length + (i32)$b; }"
    "string down(i32 $n) { if ($n == 0) { return \"0\"; } string $s = string.Format(\"%d\", $n); "
    "return join($s, down($n - 1)); }"
    "callback i32 Echo(ref blob $X) { return 1; }"
    "callback i32 Other(ref blob $X) { return 1; }"
    "void boom(i32 $n) { if ($n > 0) { boom($n - 1); } i32 $z = 0; printf(\"%d\", 1 / $z); }\n";

/* `body` is what main does; its first character is line 2, column 1. */
static void run_body(const char *body)
{
    static char text[8192];
    snprintf(text, sizeof text, "%svoid main() {\n%s\n}", library, body);
    script_main(&run, text);
}

static void test_output(void)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        run_body(examples[i].script);
        bool same = run.status == CB_OK && strcmp(run.output, examples[i].output) == 0;
        CU_ASSERT_TRUE(same);
        if (!same) {
            printf("\n%s\n  wants %s\n  gives %s %s%s\n", examples[i].script, examples[i].output,
                   run.output, run.errors, run.status != CB_OK ? run.error.message : "");
        }
    }
}

typedef struct failure {
    const char *script;
    const char *text;
    cb_status status;
} failure;

static const failure failures[] = {
    {"i32 $z = 0; i32 $a = 5 / $z;", "t.dom:3:24: runtime error: division by zero", CB_SCRIPT},
    {"i64 $z = 0; $z %= $z;", "t.dom:3:16: runtime error: division by zero", CB_SCRIPT},
    {"u64 $z = 0; $z /= $z;", "t.dom:3:16: runtime error: division by zero", CB_SCRIPT},
    {"i32 $n = 32; i32 $a = 1 << $n;", "t.dom:3:25: runtime error: shift count 32 is outside 0..31",
     CB_SCRIPT},
    {"i64 $a = 1; i32 $n = -1; $a >>= $n;",
     "t.dom:3:29: runtime error: shift count -1 is outside 0..63", CB_SCRIPT},
    {"blob $b[3]; i32 $i = 3; $b[$i] = 1;",
     "t.dom:3:25: runtime error: index 3 is out of range: the length is 3", CB_SCRIPT},
    {"blob $b[3]; i32 $i = -1; printf(\"%d\", $b[$i]);",
     "t.dom:3:39: runtime error: index -1 is out of range: the length is 3", CB_SCRIPT},
    {"string $s; printf(\"%d\", $s[0]);",
     "t.dom:3:25: runtime error: index 0 is out of range: the length is 0", CB_SCRIPT},
    {"blob $b[3]; $b assign P; $b.a = 1;",
     "t.dom:3:26: runtime error: a field at byte 0 of 4 bytes is out of range: the length is 3",
     CB_SCRIPT},
    {"blob $b[12]; $b assign P; printf(\"%d\", $b.c);",
     "t.dom:3:40: runtime error: a field at byte 12 of 1 bytes is out of range: the length is 12",
     CB_SCRIPT},
    {"double $d = 1e10; i32 $i = (i32)$d;",
     "t.dom:3:28: runtime error: 1e+10 is outside the range of i32", CB_SCRIPT},
    {"double $d = 0.0; $d = $d / $d; i64 $i = (i64)$d;",
     "t.dom:3:41: runtime error: not a number is outside the range of i64", CB_SCRIPT},
    {"string $n = \"Nobody\"; test.Entry($n);",
     "t.dom:3:23: runtime error: there is no callback named \"Nobody\"", CB_SCRIPT},
    {"test.Fail(7);", "t.dom:3:1: runtime error: test.Fail: no listener 7", CB_UNKNOWN},
    {"string $f = \"%d\"; printf($f, \"text\");",
     "t.dom:3:19: runtime error: printf: %d in the format does not fit its argument", CB_SCRIPT},
    {"string $f = \"%d %d\"; printf($f, 1);",
     "t.dom:3:22: runtime error: printf: the format wants more arguments than there are",
     CB_SCRIPT},
    {"ref blob &S = blob.RefFromPointer(1, -1);",
     "t.dom:3:15: runtime error: blob.RefFromPointer: size -1 is negative", CB_INVALID},
    {"ref blob &S = blob.RefFromPointer(0, 1);",
     "t.dom:3:15: runtime error: blob.RefFromPointer: the address is 0", CB_INVALID},
    {"ref blob &S = blob.RefFromPointer(0, 5);",
     "t.dom:3:15: runtime error: blob.RefFromPointer: the address is 0", CB_INVALID},
};

static void test_failures(void)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        char text[512] = "";
        run_body(failures[i].script);
        if (run.errors[0] == 0) {
            cb_vm_error_text(&run.error, text, sizeof text);
        }
        cb_status wanted = failures[i].status;
        bool same = run.status == wanted && strcmp(text, failures[i].text) == 0;
        CU_ASSERT_TRUE(same);
        if (!same) {
            printf("\n%s\n  wants %s (%d)\n  gives %s (%d) %s\n", failures[i].script,
                   failures[i].text, (int)wanted, text, (int)run.status, run.errors);
        }
    }
}

static void test_call_stack(void)
{
    char text[1024] = "";
    run_body("boom(1);");
    FILE *out = fmemopen(text, sizeof text, "w");
    cb_vm_error_print(&run.error, NULL, out);
    fclose(out);
    CU_ASSERT_EQUAL(run.status, CB_SCRIPT);
    CU_ASSERT_EQUAL(run.error.frame_count, 3);
    CU_ASSERT_STRING_EQUAL(run.error.frames[0].function, "boom");
    CU_ASSERT_STRING_EQUAL(run.error.frames[2].function, "main");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "runtime error: division by zero\n  in boom at t.dom:1:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n  called from boom at t.dom:1:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n  called from main at t.dom:3:1\n"));
}

/* Sixteen calls are told, one by one; of more it is told how many there are. */
static void test_long_call_stack(void)
{
    for (int depth = 15; depth <= 18; depth++) {
        char script[256];
        char text[2048] = "";
        char wanted[2048];
        (void)snprintf(script, sizeof script,
                       "void down(i32 $n) { i32 $z = 0; if ($n == 1) { $z = 1 / $z; }\n"
                       "down($n - 1); }\nvoid main() { down(%d); }",
                       depth - 1);
        script_main(&run, script);
        CU_ASSERT_EQUAL(run.status, CB_SCRIPT);
        CU_ASSERT_EQUAL(run.error.frame_count, (uint32_t)depth);
        const cb_vm_place *place = &run.error.frames[depth <= 16 ? depth - 1 : 15];
        CU_ASSERT_STRING_EQUAL(place->function, depth <= 16 ? "main" : "down");
        CU_ASSERT_EQUAL(place->line, depth <= 16 ? 3 : 2);
        FILE *out = fmemopen(text, sizeof text, "w");
        cb_vm_error_print(&run.error, NULL, out);
        fclose(out);
        int size = snprintf(wanted, sizeof wanted,
                            "t.dom:1:%u: runtime error: division by zero\n"
                            "  in down at t.dom:1:%u\n",
                            run.error.column, run.error.column);
        for (int i = 1; i < depth && i < 16; i++)
            size += snprintf(wanted + size, sizeof wanted - (size_t)size,
                             i < depth - 1 ? "  called from down at t.dom:2:1\n"
                                           : "  called from main at t.dom:3:15\n");
        if (depth > 16)
            (void)snprintf(wanted + size, sizeof wanted - (size_t)size, "  and %d calls more\n",
                           depth - 16);
        CU_ASSERT_STRING_EQUAL(text, wanted);
    }
}

static void test_exit_status(void)
{
    script_main(&run, "i32 main() { return 300; }");
    CU_ASSERT_EQUAL(run.exit_status, 44);
    script_main(&run, "i32 main() { return(-1); }");
    CU_ASSERT_EQUAL(run.exit_status, 255);
    script_main(&run, "void main() { return; }");
    CU_ASSERT_EQUAL(run.exit_status, 0);
}

static void test_recursion_is_bounded(void)
{
    static const char scalars[] =
        "i32 f(i32 $n) { return f($n + 1) + 1; } i32 main() { return f(0); }";
    static const char objects[] = "string f(string $s) { string $t = f($s); return $t; }"
                                  "void main() { string $s = f(\"x\"); }";
    cb_limits limits = cb_limits_default();
    script_main(&run, scalars);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
    CU_ASSERT_STRING_EQUAL(run.error.message, "too many nested calls");
    CU_ASSERT_EQUAL(run.error.frame_count, 10001);
    script_main(&run, objects);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
    limits.vm_stack_kib = 16;
    script_main_with(&run, scalars, &limits);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
    script_main_with(&run, objects, &limits);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
}

static void test_objects_are_bounded(void)
{
    cb_limits limits = cb_limits_default();
    limits.max_object = 1024;
    script_main_with(&run, "void main() { blob $b[1025]; }", &limits);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
    script_main_with(&run, "void main() { blob $b[1000]; test.Grow($b, 25); }", &limits);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
    script_main_with(&run, "void main() { string $s = string.Format(\"%2000d\", 1); }", &limits);
    CU_ASSERT_EQUAL(run.status, CB_LIMIT);
}

static const char *const endless[] = {
    "void main() { while (1) { } }",
    "void main() { for (;;) { string $s = \"x\"; blob $b[10]; $b[0] = 1; } }",
    "i32 f(i32 $n) { return $n > 30 ? 1 : f($n + 1) + f($n + 1); } void main() { f(0); }",
    "void main() { i32 $i = 0; do { $i++; } while ($i != -5 || $i != 3); }",
    "void main() { double $d = 0.0; while ($d < 1e300) { $d += 1.0; } }",
    "void main() { blob $b[1]; while ($b[0] < 256) { $b[0]++; } }",
    "string f(string $s) { while (1) { } } void main() { string $s = f(\"held\"); }",
};

static void test_stops(void)
{
    for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
        run.stop_after = 3;
        script_main(&run, endless[i]);
        CU_ASSERT_EQUAL(run.status, CB_STOPPED);
        CU_ASSERT_STRING_EQUAL(run.errors, "");
        CU_ASSERT_EQUAL(run.checks, 3);
        CU_ASSERT_NOT_EQUAL(run.error.line, 0);
    }
    run.stop_after = 0;
    script_main(&run, "void main() { test.Stop(); }");
    CU_ASSERT_EQUAL(run.status, CB_STOPPED);
}

/* Bytes are charged: a script that moves a lot is asked often. */
static void test_bytes_are_charged(void)
{
    script_main(&run, "void main() { for (i32 $i = 0; $i < 100; $i++) { blob $b[1000000]; } }");
    CU_ASSERT_EQUAL(run.status, CB_OK);
    CU_ASSERT_TRUE(run.checks >= 100);
}

static const char service[] =
    "callback i32 Echo(ref blob $X) { return 1; }"
    "callback i32 Touch(ref blob $X) { $X[0] = 33; return 2; }"
    "callback i32 Answer(ref blob $X) { blob $r[5]; $r[4] = 7; $X = $r; return 3; }"
    "void set(ref blob $Y) { $Y[1] = 9; }"
    "callback i32 Deep(ref blob $X) { set($X); return 4; }"
    "callback i32 Fail(ref blob $X) { string $s = \"held\"; blob $c = $X; i32 $z = 0; return 1 / "
    "$z; }"
    "callback i32 Lost(ref blob $X) { while (1) { } return 0; }"
    "callback i32 Forever(ref blob $X) { return Forever2($X); }"
    "i32 Forever2(ref blob $X) { blob $c = $X; return Forever2($c); }"
    "void main() { }";

static void call(cb_vm *vm, const cb_program *program, const char *name, cb_buffer **blob,
                 bool *written, int32_t *returned)
{
    static const uint8_t request[3] = {1, 2, 3};
    *blob = cb_buffer_copy(request, sizeof request);
    run.status = cb_vm_run_callback(vm, program, cb_program_callback(program, name), blob, written,
                                    returned, &run.error);
}

static void test_callbacks(void)
{
    bool written;
    int32_t returned;
    cb_buffer *blob;
    memset(&run, 0, sizeof run);
    cb_program *program = script_compile(&run, service);
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    cb_vm *vm = script_vm(&run, NULL);
    CU_ASSERT_EQUAL(cb_program_callback_count(program), 7);
    CU_ASSERT_EQUAL(cb_program_callback(program, "Nobody"), -1);
    CU_ASSERT_STRING_EQUAL(cb_program_callback_name(program, 1), "Touch");
    CU_ASSERT_PTR_NULL(cb_program_callback_name(program, 7));

    call(vm, program, "Echo", &blob, &written, &returned);
    CU_ASSERT_TRUE(run.status == CB_OK && !written && returned == 1 && blob->size == 3);
    cb_buffer_release(blob);
    call(vm, program, "Touch", &blob, &written, &returned);
    CU_ASSERT_TRUE(run.status == CB_OK && written && returned == 2 && blob->data[0] == 33);
    cb_buffer_release(blob);
    call(vm, program, "Answer", &blob, &written, &returned);
    CU_ASSERT_TRUE(written && returned == 3 && blob->size == 5 && blob->data[4] == 7);
    cb_buffer_release(blob);
    call(vm, program, "Deep", &blob, &written, &returned);
    CU_ASSERT_TRUE(written && returned == 4 && blob->data[1] == 9);
    cb_buffer_release(blob);
    blob = NULL;
    run.status = cb_vm_run_callback(vm, program, 2, &blob, &written, &returned, &run.error);
    CU_ASSERT_TRUE(run.status == CB_OK && blob->size == 5);
    cb_buffer_release(blob);
    blob = NULL;
    CU_ASSERT_EQUAL(cb_vm_run_callback(vm, program, 99, &blob, &written, &returned, &run.error),
                    CB_INVALID);
    cb_vm_free(&vm);
    cb_program_release(program);
}

/* A thousand of each kind of failure on one machine; the sanitizer counts what is left. */
static void test_callbacks_fail_alone(void)
{
    bool written;
    int32_t returned;
    cb_buffer *blob;
    memset(&run, 0, sizeof run);
    cb_program *program = script_compile(&run, service);
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    cb_vm *vm = script_vm(&run, NULL);
    for (int i = 0; i < 1000; i++) {
        call(vm, program, "Fail", &blob, &written, &returned);
        CU_ASSERT_TRUE(run.status == CB_SCRIPT && blob == NULL);
        run.checks = 0;
        run.stop_after = 1;
        call(vm, program, "Lost", &blob, &written, &returned);
        CU_ASSERT_TRUE(run.status == CB_STOPPED && blob == NULL);
        run.stop_after = 0;
        if (i % 100 == 0) {
            call(vm, program, "Forever", &blob, &written, &returned);
            CU_ASSERT_TRUE(run.status == CB_LIMIT && blob == NULL);
        }
    }
    call(vm, program, "Touch", &blob, &written, &returned);
    CU_ASSERT_TRUE(run.status == CB_OK && returned == 2);
    cb_buffer_release(blob);
    cb_vm_free(&vm);
    cb_program_release(program);
}

typedef struct sharing {
    cb_program *program;
    int failed;
} sharing;

static void *share(void *argument)
{
    sharing *with = argument;
    script_run *own = calloc(1, sizeof *own);
    cb_vm *vm = script_vm(own, NULL);
    for (int i = 0; i < 2000; i++) {
        bool written;
        int32_t returned;
        cb_buffer *blob = cb_buffer_new(4, 4);
        int64_t entry = i % 4;
        cb_status status =
            cb_vm_run_callback(vm, with->program, entry, &blob, &written, &returned, &own->error);
        with->failed += status != CB_OK || returned != entry + 1;
        cb_buffer_release(blob);
    }
    cb_vm_free(&vm);
    free(own);
    cb_program_release(with->program);
    return NULL;
}

static void test_threads_share_a_program(void)
{
    pthread_t threads[4];
    sharing with[4];
    memset(&run, 0, sizeof run);
    cb_program *program = script_compile(&run, service);
    CU_ASSERT_PTR_NOT_NULL_FATAL(program);
    for (int i = 0; i < 4; i++) {
        with[i] = (sharing){cb_program_retain(program), 0};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, share, &with[i]), 0);
    }
    cb_program_release(program);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
        CU_ASSERT_EQUAL(with[i].failed, 0);
    }
}

/* Foreign memory is written in place through an alias, and copied by everything else. */
static void test_foreign_memory(void)
{
    static uint8_t memory[16];
    static char text[1024];
    snprintf(text, sizeof text,
             "struct T { i32 f; } void main() { ref blob &S = blob.RefFromPointer(%lld, 16);"
             "S assign T; S.f = 77; S[8] = 5; blob $c = S; $c[9] = 1;"
             "blob $d = blob.RefFromPointer(%lld, 16); $d[10] = 1;"
             "printf(\"%%d %%d %%d\", S.f, $c[8], S.Length); }",
             (long long)(intptr_t)memory, (long long)(intptr_t)memory);
    script_main(&run, text);
    CU_ASSERT_EQUAL(run.status, CB_OK);
    CU_ASSERT_STRING_EQUAL(run.errors, "");
    CU_ASSERT_STRING_EQUAL(run.output, "77 5 16");
    CU_ASSERT_TRUE(memory[0] == 77 && memory[8] == 5 && memory[9] == 0 && memory[10] == 0);
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        {"output", test_output},
        {"failures", test_failures},
        {"call stack", test_call_stack},
        {"long call stack", test_long_call_stack},
        {"exit status", test_exit_status},
        {"recursion is bounded", test_recursion_is_bounded},
        {"objects are bounded", test_objects_are_bounded},
        {"stops", test_stops},
        {"bytes are charged", test_bytes_are_charged},
        {"callbacks", test_callbacks},
        {"callbacks fail alone", test_callbacks_fail_alone},
        {"threads share a program", test_threads_share_a_program},
        {"foreign memory", test_foreign_memory},
        CU_TEST_INFO_NULL,
    };
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 1;
    }
    CU_pSuite suite = CU_add_suite("vm", NULL, NULL);
    for (size_t i = 0; tests[i].pName != NULL; i++) {
        CU_add_test(suite, tests[i].pName, tests[i].pTestFunc);
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
