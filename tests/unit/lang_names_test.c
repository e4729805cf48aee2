/* Names in sight: found, forgotten, laid over, and guessed from a mistyped one. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/scope.h"

/* --- how far one name is from another --- */

typedef struct pair {
    const char *one;
    const char *other;
    unsigned distance;
} pair;

#define FAR 100u

static const pair pairs[] = {
    {"", "", 0},
    {"a", "a", 0},
    {"a", "b", FAR},
    {"a", "A", 1},
    {"a", "", FAR},
    /* up to 2 letters: half a letter */
    {"ab", "aB", 1},
    {"ab", "AB", 1},
    {"ab", "ac", FAR},
    {"ab", "ba", FAR},
    /* 3 and 4: one */
    {"abc", "abd", 1},
    {"abc", "ab", 1},
    {"abc", "acb", 1},
    {"abc", "bac", 1},
    {"abc", "cba", FAR},
    {"abcd", "abdc", 1},
    {"abcd", "abcx", 1},
    {"abcd", "abXd", 1},
    {"abcd", "abCD", 1},
    {"abcd", "aBCD", 2},
    {"abcd", "abxy", FAR},
    {"abcd", "aXCd", FAR},
    /* 5 to 8: two */
    {"abcde", "abcxy", 2},
    {"abcde", "abc", 2},
    {"abcde", "abXYz", FAR},
    {"abcdefgh", "abcdefyx", 2},
    {"abcdefgh", "badcefgh", 2},
    {"abcdefgh", "badcfegh", FAR},
    {"abcdefgh", "abcdefxH", 2},
    {"abcdefgh", "abcdexyz", FAR},
    /* from 9 on: three */
    {"abcdefghi", "abcdefxyz", 3},
    {"abcdefghi", "badcfeghi", 3},
    {"abcdefghi", "badcfehgi", FAR},
    {"abcdefghi", "abcdewxyz", FAR},
    {"abcdefghi", "abcdefghiXYZ", 3},
    {"abcdefghi", "abcdefghiWXYZ", FAR},
    /* letter case alone is always near */
    {"abcdefghijkl", "ABCDEFGHIJKL", 6},
    {"abcdef", "ABCDEF", 3},
    {"abcdef", "ABCDEx", FAR},
    /* a letter more or less, anywhere */
    {"Send", "Sned", 1},
    {"Send", "Sen", 1},
    {"Send", "Sendd", 1},
    {"Send", "aSend", 1},
    {"RequestText", "RequestTxet", 1},
    {"RequestText", "requesttext", 1},
    {"printf", "prinft", 1},
    {"printf", "fprint", 2},
};

static void distances(void)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        unsigned there = cb_name_distance(pairs[i].one, pairs[i].other);
        unsigned back = cb_name_distance(pairs[i].other, pairs[i].one);
        CU_ASSERT_EQUAL(there, pairs[i].distance);
        CU_ASSERT_EQUAL(back, pairs[i].distance);
        if (there != pairs[i].distance)
            printf("\n%s %s: %u\n", pairs[i].one, pairs[i].other, there);
    }
}

/* The longest name there is, and one that is longer; on memory that ends with it. */
static void distances_of_the_longest(void)
{
    for (size_t size = 62; size <= 65; size++) {
        char *one = malloc(size + 1);
        char *other = malloc(size + 1);
        CU_ASSERT_FATAL(one != NULL && other != NULL);
        memset(one, 'a', size);
        memset(other, 'a', size);
        one[size] = other[size] = '\0';
        CU_ASSERT_EQUAL(cb_name_distance(one, other), size <= 63 ? 0 : FAR);
        other[0] = other[size - 1] = other[size / 2] = 'b';
        CU_ASSERT_EQUAL(cb_name_distance(one, other), size <= 63 ? 3 : FAR);
        CU_ASSERT_EQUAL(cb_name_distance(one, "a"), FAR);
        CU_ASSERT_EQUAL(cb_name_distance("a", one), FAR);
        free(one);
        free(other);
    }
}

/* --- the scope --- */

static cb_arena arena;
static cb_scope *scope;

static void begin(void)
{
    scope = calloc(1, sizeof *scope);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scope);
    scope->arena = &arena;
}

static void end(void)
{
    free(scope);
    cb_arena_free(&arena);
}

static cb_symbol *add(const char *name, cb_symbol_kind kind)
{
    const cb_place place = {.line = 7};
    cb_symbol *symbol = cb_scope_add(scope, cb_arena_text(&arena, name, strlen(name)), kind, place);
    CU_ASSERT_PTR_NOT_NULL_FATAL(symbol);
    return symbol;
}

/* More names than there are buckets; those of inner blocks are forgotten, and no others. */
static void names_of_blocks_are_forgotten(void)
{
    enum { EACH = 1000, BLOCKS = 3 };
    cb_scope_mark marks[BLOCKS];
    char name[32];
    begin();
    for (int i = 0; i < EACH * BLOCKS; i++) {
        if (i % EACH == 0)
            marks[i / EACH] = cb_scope_enter(scope);
        (void)snprintf(name, sizeof name, "$v%d", i);
        CU_ASSERT_PTR_NULL(cb_scope_find(scope, name));
        add(name, CB_SYMBOL_VARIABLE)->index = (uint32_t)i;
    }
    for (int left = BLOCKS; left >= 0; left--) {
        for (int i = 0; i < EACH * BLOCKS; i++) {
            (void)snprintf(name, sizeof name, "$v%d", i);
            const cb_symbol *found = cb_scope_find(scope, name);
            CU_ASSERT_EQUAL(found != NULL, i < left * EACH);
            if (found != NULL)
                CU_ASSERT(found->index == (uint32_t)i && found->place.line == 7);
        }
        if (left > 0)
            cb_scope_leave(scope, marks[left - 1]);
    }
    CU_ASSERT_PTR_NULL(scope->newest);
    end();
}

static void layouts_end_with_their_block(void)
{
    const cb_ast_struct one = {0};
    const cb_ast_struct other = {0};
    begin();
    cb_symbol *a = add("$a", CB_SYMBOL_VARIABLE);
    cb_symbol *b = add("$b", CB_SYMBOL_VARIABLE);
    cb_scope_lay(scope, a, &one);
    cb_scope_mark outer = cb_scope_enter(scope);
    cb_scope_lay(scope, b, &one);
    cb_scope_mark inner = cb_scope_enter(scope);
    cb_scope_lay(scope, a, &other);
    cb_scope_lay(scope, b, &other);
    cb_scope_lay(scope, b, NULL);
    CU_ASSERT(a->layout == &other && b->layout == NULL);
    cb_scope_leave(scope, inner);
    CU_ASSERT(a->layout == &one && b->layout == &one);
    cb_scope_leave(scope, outer);
    CU_ASSERT(a->layout == &one && b->layout == NULL);
    end();
}

static void the_nearest_name_is_suggested(void)
{
    const unsigned variables = 1u << CB_SYMBOL_VARIABLE;
    begin();
    CU_ASSERT_PTR_NULL(cb_scope_suggest(scope, ~0u, "counter"));
    add("counters", CB_SYMBOL_VARIABLE);
    add("countxx", CB_SYMBOL_VARIABLE);
    add("coumter", CB_SYMBOL_FUNCTION);
    CU_ASSERT_STRING_EQUAL(cb_scope_suggest(scope, variables, "counter"), "counters");
    CU_ASSERT_STRING_EQUAL(cb_scope_suggest(scope, 1u << CB_SYMBOL_FUNCTION, "counter"), "coumter");
    CU_ASSERT_STRING_EQUAL(cb_scope_suggest(scope, variables, "countxy"), "countxx");
    CU_ASSERT_PTR_NULL(cb_scope_suggest(scope, 1u << CB_SYMBOL_STRUCT, "counter"));
    CU_ASSERT_PTR_NULL(cb_scope_suggest(scope, variables, "something"));
    /* Of two that are as near, the newest. */
    CU_ASSERT_STRING_EQUAL(cb_scope_suggest(scope, ~0u, "counter"), "coumter");
    add("counterz", CB_SYMBOL_STRUCT);
    CU_ASSERT_STRING_EQUAL(cb_scope_suggest(scope, ~0u, "counter"), "counterz");
    end();
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("names", NULL, NULL);
    CU_ADD_TEST(suite, distances);
    CU_ADD_TEST(suite, distances_of_the_longest);
    CU_ADD_TEST(suite, names_of_blocks_are_forgotten);
    CU_ADD_TEST(suite, layouts_end_with_their_block);
    CU_ADD_TEST(suite, the_nearest_name_is_suggested);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
