/* Every operator on every integer type at the ends of its range, in each way that a script can
 * write it: with variables and with literals, as a value, as a condition, behind a reference, and
 * folded at compile time. What must come out is computed here, in wider numbers. */
#include <CUnit/Basic.h>
#include <string.h>

#include "script_double.h"
#include "script_text.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

typedef struct integer_type {
    const char *name;
    unsigned bits;
    bool is_signed;
} integer_type;

static const integer_type types[] = {
    {"i8", 8, true},  {"i16", 16, true},  {"i32", 32, true},  {"i64", 64, true},
    {"u8", 8, false}, {"u16", 16, false}, {"u32", 32, false}, {"u64", 64, false},
};
#define TYPE_COUNT (sizeof types / sizeof types[0])

static wide least(const integer_type *type)
{
    return type->is_signed ? -((wide)1 << (type->bits - 1)) : 0;
}

static wide most(const integer_type *type)
{
    return ((wide)1 << (type->bits - (type->is_signed ? 1 : 0))) - 1;
}

/* The low bits, as the type has them. */
static wide wrapped(const integer_type *type, wide value)
{
    wide low = value & (((wide)1 << type->bits) - 1);
    return low > most(type) ? low - ((wide)1 << type->bits) : low;
}

#define MOST_VALUES 20

/* Values around every end that an instruction's operand or a register could have. */
static size_t values_of(const integer_type *type, wide *values)
{
    const wide wanted[MOST_VALUES] = {least(type),
                                      least(type) + 1,
                                      -32769,
                                      -32768,
                                      -2,
                                      -1,
                                      0,
                                      1,
                                      2,
                                      7,
                                      100,
                                      127,
                                      32767,
                                      32768,
                                      2147483647,
                                      2147483648,
                                      most(type) / 2,
                                      most(type) / 2 + 1,
                                      most(type) - 1,
                                      most(type)};
    size_t count = 0;
    for (size_t i = 0; i < MOST_VALUES; i++) {
        bool is_new = wanted[i] >= least(type) && wanted[i] <= most(type);
        for (size_t k = 0; k < count; k++)
            is_new = is_new && values[k] != wanted[i];
        if (is_new)
            values[count++] = wanted[i];
    }
    return count;
}

static size_t counts_of(const integer_type *type, wide *values)
{
    const wide wanted[] = {0, 1, 2, type->bits / 2, type->bits - 2, type->bits - 1};
    memcpy(values, wanted, sizeof wanted);
    return sizeof wanted / sizeof wanted[0];
}

/* A number as a script writes it, in parentheses. */
static const char *number(wide value, char *text)
{
    if (value < 0)
        (void)sprintf(text, "(-%llu)", (unsigned long long)-value);
    else
        (void)sprintf(text, "(%llu)", (unsigned long long)value);
    return text;
}

/* --- what must come out --- */

static bool is_shift(const char *op)
{
    return strcmp(op, "<<") == 0 || strcmp(op, ">>") == 0;
}

static bool has_result(const char *op, wide b)
{
    return b != 0 || (strcmp(op, "/") != 0 && strcmp(op, "%") != 0);
}

/* Exactly, or the low 128 bits. */
static wide exact(const char *op, wide a, wide b)
{
    switch (op[0]) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return (wide)((unsigned_wide)a * (unsigned_wide)b);
    case '/':
        return a / b;
    case '%':
        return a % b;
    case '&':
        return a & b;
    case '|':
        return a | b;
    case '^':
        return a ^ b;
    case '<':
        return a * ((wide)1 << b);
    default:
        return a >> b;
    }
}

static bool compares(const char *op, wide a, wide b)
{
    if (strcmp(op, "<") == 0)
        return a < b;
    if (strcmp(op, "<=") == 0)
        return a <= b;
    if (strcmp(op, ">") == 0)
        return a > b;
    if (strcmp(op, ">=") == 0)
        return a >= b;
    return (a == b) == (strcmp(op, "==") == 0);
}

/* --- the ways to write it --- */

/* In a body: @a and @b the operands, @o the operator, @t the type. */
typedef struct form {
    const char *body;
    bool a_is_number;
    bool b_is_number;
} form;

static void expand(script_text *script, const char *body, const char *type, const char *op,
                   const char *a, const char *b)
{
    while (*body != '\0') {
        size_t plain = strcspn(body, "@");
        script_add(script, "%.*s", (int)plain, body);
        body += plain;
        if (*body == '\0')
            return;
        char which = body[1];
        script_add(script, "%s", which == 'a' ? a : which == 'b' ? b : which == 'o' ? op : type);
        body += 2;
    }
}

typedef struct batch {
    script_text script;
    script_text calls;
    script_text expected;
    unsigned functions;
} batch;

/* A function of that form, called for the pair. One without numbers serves all pairs. */
static void add_pair(batch *into, const form *way, const integer_type *type, const char *op, wide a,
                     wide b, wide result)
{
    char left[48];
    char right[48];
    number(a, left);
    number(b, right);
    bool is_comparison = op[0] == '=' || op[0] == '!' || (op[1] != op[0] && op[0] == '<') ||
                         (op[1] != op[0] && op[0] == '>');
    if (into->functions == 0 || way->a_is_number || way->b_is_number) {
        into->functions++;
        script_add(&into->script, "%s f%u(%s $a, %s $b) { ", is_comparison ? "i32" : type->name,
                   into->functions, type->name, is_shift(op) ? "i32" : type->name);
        expand(&into->script, way->body, type->name, op, way->a_is_number ? left : "$a",
               way->b_is_number ? right : "$b");
        script_add(&into->script, " }\n");
    }
    if (into->calls.size == 0)
        script_add(&into->script, "void p(%s $r) { printf(\"%%d\\n\", $r); }\n",
                   is_comparison ? "i32" : type->name);
    script_add(&into->calls, "p(f%u(%s,%s));\n", into->functions, left, right);
    if (result < 0)
        script_add(&into->expected, "-%llu\n", (unsigned long long)-result);
    else
        script_add(&into->expected, "%llu\n", (unsigned long long)result);
}

/* The line of that number. */
static const char *line_of(const char *text, size_t number)
{
    for (; number > 0 && *text != '\0'; number--)
        text += strcspn(text, "\n") + 1;
    return text;
}

/* Runs what was gathered; prints the first call that gives something else. */
static void check(batch *what, const char *type, const char *op, const char *body)
{
    static script_run run;
    script_add(&what->calls, "%s", "");
    script_add(&what->expected, "%s", "");
    script_add(&what->script, "struct Field { %s value; }\n", type);
    script_add(&what->script, "void main() {\n%s}\n", what->calls.bytes);
    script_main(&run, what->script.bytes);
    bool same = run.status == CB_OK && strcmp(run.output, what->expected.bytes) == 0;
    CU_ASSERT_TRUE(same);
    if (!same) {
        size_t lines = 0;
        for (size_t at = 0; run.output[at] != '\0' && run.output[at] == what->expected.bytes[at];
             at++)
            lines += run.output[at] == '\n';
        printf("\n%s %s %s: %.40s\n  wants %.24s\n  gives %.24s %.300s%s\n", type, op, body,
               line_of(what->calls.bytes, lines), line_of(what->expected.bytes, lines),
               line_of(run.output, lines), run.errors,
               run.status != CB_OK ? run.error.message : "");
    }
    script_clear(&what->script);
    script_clear(&what->calls);
    script_clear(&what->expected);
    *what = (batch){0};
}

static const form calculations[] = {
    {"return @a @o @b;", false, false},
    {"return @a @o @b;", false, true},
    {"return (@t)@a @o @b;", true, false},
    {"@t $r = 1; $r = @a @o @b; return $r;", false, false},
    {"$a @o= @b; return $a;", false, false},
    {"$a @o= @b; return $a;", false, true},
    {"$a = @a @o @b; return $a;", false, true},
    {"@t $r = ($a @o= @b); return $r;", false, false},
    {"change($a, $b); return $a;", false, false},
    {"blob $x[8]; $x assign Field; $x.value = $a; $x.value @o= @b; return $x.value;", false, false},
    {"blob $x[8]; $x assign Field; $x.value = $a; return $x.value @o= @b;", false, true},
    {"for (i32 $i = 0; $i < 1; $i++) { $a = @a @o @b; } return $a;", false, true},
    {"for (i32 $i = 0; $i < 1; $i++) { $a = (@t)@a @o @b; } return $a;", true, false},
};

static void check_calculation(const integer_type *type, const char *op, const form *way)
{
    wide left[MOST_VALUES];
    wide right[MOST_VALUES];
    size_t lefts = values_of(type, left);
    size_t rights = is_shift(op) ? counts_of(type, right) : values_of(type, right);
    batch all = {0};
    script_add(&all.script, "void change(ref %s $x, %s $b) { $x %s= $b; }\n", type->name,
               is_shift(op) ? "i32" : type->name, op);
    /* All pairs in the first form; every number on either side in the others, too. */
    size_t each = way == calculations ? 1 : 5;
    for (size_t i = 0; i < lefts; i++)
        for (size_t k = 0; k < rights; k++)
            if (has_result(op, right[k]) && (i + k) % each == 0)
                add_pair(&all, way, type, op, left[i], right[k],
                         wrapped(type, exact(op, left[i], right[k])));
    check(&all, type->name, op, way->body);
}

static const char *const operators[] = {"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"};
#define OPERATOR_COUNT (sizeof operators / sizeof operators[0])

static void operators_on_all_types(void)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        for (size_t op = 0; op < OPERATOR_COUNT; op++)
            for (size_t way = 0; way < sizeof calculations / sizeof calculations[0]; way++)
                check_calculation(&types[i], operators[op], &calculations[way]);
}

/* --- comparisons --- */

#define LOOP "i32 $n = 0; do { if ($n == 1) { return 1; } $n = 1; } while "

static const form comparisons[] = {
    {"return @a @o @b;", false, false},
    {"return @a @o @b;", false, true},
    {"return @a @o @b;", true, false},
    {"if (@a @o @b) { return 1; } return 0;", false, false},
    {"if (@a @o @b) { return 1; } return 0;", false, true},
    {"if (@a @o @b) { return 1; } return 0;", true, false},
    {"if (!(@a @o @b)) { return 0; } return 1;", false, false},
    {"if (!(@a @o @b)) { return 0; } return 1;", false, true},
    {"return @a @o @b ? 1 : 0;", true, false},
    {"while (@a @o @b) { return 1; } return 0;", false, true},
    {LOOP "(@a @o @b); return 0;", false, false},
    {LOOP "(@a @o @b); return 0;", false, true},
    {LOOP "(@a @o @b); return 0;", true, false},
    {LOOP "(!(!(@a @o @b))); return 0;", false, false},
    {LOOP "($n == 1 && @a @o @b); return 0;", false, false},
    {LOOP "($n != 1 || @a @o @b); return 0;", false, true},
    {"i32 $t = 1; return $t && @a @o @b;", false, false},
    {"i32 $t = 0; return $t || @a @o @b;", false, true},
};

/* All pairs in the first form; equal ones, neighbours and some more in the others. Types of 8 and
 * 16 bits lie in their registers as others do, so one of them stands for all. */
static void comparisons_on_all_types(void)
{
    static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (types[i].bits <= 16 && i > 0)
            continue;
        wide values[MOST_VALUES];
        size_t count = values_of(&types[i], values);
        for (size_t op = 0; op < 6; op++) {
            for (size_t way = 0; way < sizeof comparisons / sizeof comparisons[0]; way++) {
                batch all = {0};
                for (size_t a = 0; a < count; a++)
                    for (size_t b = 0; b < count; b++)
                        if (way == 0 || a == b || a + 1 == b || b + 1 == a || (a + b) % 9 == 0)
                            add_pair(&all, &comparisons[way], &types[i], signs[op], values[a],
                                     values[b], compares(signs[op], values[a], values[b]));
                check(&all, types[i].name, signs[op], comparisons[way].body);
            }
        }
    }
}

/* --- one operand --- */

typedef struct change {
    const char *body; /* @a the operand */
    int add;          /* to the operand, ... */
    int times;        /* ... which is taken so many times; 0: its complement */
} change;

#define FIELD "blob $x[8]; $x assign Field; $x.value = $a; "

static const change changes[] = {
    {"return (@t)-@a;", 0, -1},
    {"@t $r = -@a; return $r;", 0, -1},
    {"return +@a;", 0, 1},
    {"return ~@a;", 0, 0},
    {"$a++; return $a;", 1, 1},
    {"$a--; return $a;", -1, 1},
    {"return ++$a;", 1, 1},
    {"return --$a;", -1, 1},
    {"return $a++;", 0, 1},
    {"return $a--;", 0, 1},
    {"$a = $a++; return $a;", 0, 1},
    {"$a = ++$a; return $a;", 1, 1},
    {"up($a); return $a;", 1, 1},
    {"return down($a);", 0, 1},
    {FIELD "$x.value++; return $x.value;", 1, 1},
    {FIELD "return $x.value--;", 0, 1},
    {FIELD "return --$x.value;", -1, 1},
};

static void changes_on_all_types(void)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        const integer_type *type = &types[i];
        wide values[MOST_VALUES];
        size_t count = values_of(type, values);
        for (size_t way = 0; way < sizeof changes / sizeof changes[0]; way++) {
            const change *one = &changes[way];
            const form shape = {one->body, false, false};
            batch all = {0};
            script_add(&all.script,
                       "void up(ref %s $x) { $x++; } %s down(ref %s $x) "
                       "{ return $x--; }\n",
                       type->name, type->name, type->name);
            for (size_t k = 0; k < count; k++) {
                wide result = one->times == 0 ? ~values[k] : values[k] * one->times + one->add;
                add_pair(&all, &shape, type, "^^", values[k], 0, wrapped(type, result));
            }
            check(&all, type->name, "", one->body);
        }
    }
}

/* --- literals, folded --- */

static bool fits(wide value, const integer_type *type)
{
    return value >= least(type) && value <= most(type);
}

/* Literals are computed exactly in 64 bits, signed; what does not fit is an error. */
static void check_folding(batch *all, const char *op, wide a, wide b)
{
    static script_run run;
    static const form folded = {"return @a @o @b;", true, true};
    char left[48];
    char right[48];
    char script[256];
    wide result = exact(op, a, b);
    if (fits(result, &types[3])) {
        add_pair(all, &folded, &types[3], op, a, b, result);
        return;
    }
    (void)snprintf(script, sizeof script, "void main() { i64 $r = %s %s %s; }", number(a, left), op,
                   number(b, right));
    CU_ASSERT_PTR_NULL(script_compile(&run, script));
    CU_ASSERT_PTR_NOT_NULL(strstr(run.errors, "error: this constant does not fit 64 bits"));
}

static void literals_are_computed_exactly(void)
{
    static const wide third = (wide)3037000499; /* the root of 2^63 */
    const wide values[] = {least(&types[3]),
                           least(&types[3]) + 1,
                           least(&types[3]) / 2,
                           least(&types[3]) / 2 - 1,
                           -third - 1,
                           -third,
                           -3,
                           -2,
                           -1,
                           0,
                           1,
                           2,
                           3,
                           third,
                           third + 1,
                           most(&types[3]) / 2,
                           most(&types[3]) / 2 + 1,
                           most(&types[3]) - 1,
                           most(&types[3])};
    const size_t count = sizeof values / sizeof values[0];
    for (size_t op = 0; op < OPERATOR_COUNT; op++) {
        bool shifts = is_shift(operators[op]);
        batch all = {0};
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < (shifts ? 64 : count); k++) {
                wide right = shifts ? (wide)k : values[k];
                if (has_result(operators[op], right))
                    check_folding(&all, operators[op], values[i], right);
            }
        }
        check(&all, "i64", operators[op], "folded");
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("integers", NULL, NULL);
    CU_ADD_TEST(suite, operators_on_all_types);
    CU_ADD_TEST(suite, comparisons_on_all_types);
    CU_ADD_TEST(suite, changes_on_all_types);
    CU_ADD_TEST(suite, literals_are_computed_exactly);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
