/* The parser: tokens to a syntax tree, by recursive descent.
 *
 * After an error it goes on at the next `;` or `}`, so one file shows many errors. Bounds keep a
 * file of brackets from exhausting the C stack.
 */
#ifndef CALLBOARD_LANG_PARSER_H
#define CALLBOARD_LANG_PARSER_H

#include <stdbool.h>

#include "bridge/lang/arena.h"
#include "bridge/lang/diagnostics.h"
#include "bridge/lang/source.h"
#include "bridge/lang/syntax.h"

#define CB_MAX_NESTING 200u  /* blocks, brackets and `else if`s inside each other */
#define CB_MAX_CHAIN   1000u /* operators of one expression in a row: depth of its tree */

typedef struct cb_parsed {
    cb_syntax *plugins; /* lists, in the order written */
    cb_syntax *defines;
    cb_syntax *structs;
    cb_syntax *functions;
    bool is_broken; /* a declaration was lost to an error */
} cb_parsed;

/* All of the file that can be understood. CB_OK, or CB_NO_MEMORY. */
cb_status cb_parse(const cb_source *source, cb_arena *arena, cb_diagnostics *diagnostics,
                   cb_parsed *parsed);

#endif
