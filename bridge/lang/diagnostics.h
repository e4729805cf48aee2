/* The errors of a script: gathered during the analysis, then printed in the order of their places.
 *
 *     shop.dom:9:12: error: callbacktcp.Open takes (callback, i32), got (callback, string)
 *         $lid = callbacktcp.Open("Echo", "5000");
 *                ^~~~~~~~~~~~~~~~
 *
 * Threads: one at a time.
 */
#ifndef CALLBOARD_LANG_DIAGNOSTICS_H
#define CALLBOARD_LANG_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bridge/lang/source.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* More than one screen of errors is of no use, and a file of noise must not cost much. */
#define CB_DIAGNOSTICS_MAX      20u
#define CB_DIAGNOSTIC_TEXT_SIZE 384u

typedef struct cb_diagnostic {
    cb_place place;
    char text[CB_DIAGNOSTIC_TEXT_SIZE]; /* one sentence without "error:" and full stop */
} cb_diagnostic;

/* Zero it before use, and again to reuse it. It owns nothing. */
typedef struct cb_diagnostics {
    cb_diagnostic items[CB_DIAGNOSTICS_MAX];
    size_t count;
    bool more; /* there were more errors than fit */
} cb_diagnostics;

/* Adds an error; past the maximum it only sets `more`. An error with the same place and text is
 * kept once. */
CB_PUBLIC void cb_diagnostics_add(cb_diagnostics *diagnostics, cb_place place, const char *format,
                                  ...) CB_PRINTF_LIKE(3, 4);
/* Sorts by place. cb_front_analyze does this itself. */
CB_PUBLIC void cb_diagnostics_sort(cb_diagnostics *diagnostics);
/* Prints all, each with its source line and caret; ends with one line if `more`. */
CB_PUBLIC void cb_diagnostics_print(const cb_diagnostics *diagnostics, const cb_source *source,
                                    FILE *out);

/* Prints a place's source line and a caret under it, as above; prints nothing if there is no such
 * place. */
CB_PUBLIC void cb_diagnostics_print_excerpt(const cb_source *source, uint32_t line, uint32_t column,
                                            FILE *out);

#ifdef __cplusplus
}
#endif
#endif
