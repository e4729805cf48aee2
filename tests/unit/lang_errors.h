/* Scripts with mistakes, and all errors that are reported for them. Include it in one file of a
 * test program. */
#ifndef CALLBOARD_TESTS_LANG_ERRORS_H
#define CALLBOARD_TESTS_LANG_ERRORS_H

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "bridge/lang/front.h"
#include "tests/unit/lang_tables.h"
#include "tests/unit/script_text.h"

/* The text before the body of main, which begins in line 6, column 1. */
#define ERRORS_HEAD                                                                                \
    "plugin \"demo/DemoPlugin\"; plugin \"builtin:blob\"; plugin \"builtin:string\"; "             \
    "plugin \"print/PrintPlugin\";\n#define N 5\n"                                                 \
    "struct P packet { u8 a; i32 b; } i32 add(i32 $a, i32 $b) { return $a + $b; }\n"               \
    "void bump(ref i32 $a) { $a++; } void nothing() { } "                                          \
    "callback i32 Echo(ref blob $X) { return 1; }\nvoid main() {\n"

typedef struct row {
    const char *script;
    const char *says; /* each error as LINE:COLUMN+LENGTH TEXT, separated by bars; NULL: none */
} row;

static inline void check_rows(const row *rows, size_t count, const char *head, const char *tail)
{
    for (size_t i = 0; i < count; i++) {
        script_text script = {0};
        script_text said = {0};
        cb_source source;
        cb_diagnostics errors = {0};
        cb_ast_program *program = NULL;
        script_add(&script, "%s%s%s", head, rows[i].script, tail);
        script_add(&said, "%s", "");
        CU_ASSERT_EQUAL_FATAL(
            cb_source_from_bytes("t.dom", script.bytes, script.size, &source, NULL), CB_OK);
        cb_status status = cb_front_analyze(&source, &lang_tables_catalog, &program, &errors);
        for (size_t k = 0; k < errors.count; k++)
            script_add(&said, "%s%u:%u+%u %s", k > 0 ? " | " : "", errors.items[k].place.line,
                       errors.items[k].place.column, errors.items[k].place.length,
                       errors.items[k].text);
        const char *wanted = rows[i].says != NULL ? rows[i].says : "";
        bool same = strcmp(said.bytes, wanted) == 0;
        CU_ASSERT_TRUE(same);
        CU_ASSERT_EQUAL(status, rows[i].says != NULL ? CB_SCRIPT : CB_OK);
        CU_ASSERT_EQUAL(program != NULL, status == CB_OK);
        if (!same)
            printf("\n%s\n  wants %s\n  says %s\n", rows[i].script, wanted, said.bytes);
        cb_ast_free(program);
        cb_source_free(&source);
        script_clear(&script);
        script_clear(&said);
    }
}

#endif
