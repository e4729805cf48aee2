/* The parser: tokens to a syntax tree, by recursive descent.
 *
 * After an error it goes on at the next `;` or `}`, so that one run shows many errors of a file.
 * Limits keep a file of brackets from exhausting the C stack.
 */
#ifndef CALLBOARD_LANG_PARSER_H
#define CALLBOARD_LANG_PARSER_H

#include <stdbool.h>

#include "bridge/lang/arena.h"
#include "bridge/lang/diagnostics.h"
#include "bridge/lang/source.h"
#include "bridge/lang/syntax.h"

#define CB_MAX_NESTING 200u  /* nested blocks, brackets and `else if`s */
#define CB_MAX_CHAIN   1000u /* operators in a row in one expression: the depth of its tree */

typedef struct cb_parsed {
    cb_syntax *plugins; /* lists, in the order of the text */
    cb_syntax *defines;
    cb_syntax *structs;
    cb_syntax *functions;
    bool is_broken; /* a declaration was lost because of an error */
} cb_parsed;

/* Parses all of the file that can be understood. CB_OK, or CB_NO_MEMORY. */
cb_status cb_parse(const cb_source *source, cb_arena *arena, cb_diagnostics *diagnostics,
                   cb_parsed *parsed);

#endif
