/* The lexer: source text to tokens, one at a time. Pure, except for the arena and the diagnostics.
 *
 * Text that is no token is reported and skipped, so the parser sees only good tokens. After the end
 * every further token is END. Texts live in the arena.
 */
#ifndef CALLBOARD_LANG_LEXER_H
#define CALLBOARD_LANG_LEXER_H

#include <stdbool.h>

#include "bridge/lang/arena.h"
#include "bridge/lang/diagnostics.h"
#include "bridge/lang/token.h"

#define CB_NAME_MAX_BYTES 63u /* of any name, without `$`; fits a line of output */
#define CB_STRING_MAX_BYTES                                                                        \
    (1024u * 1024u)              /* of a string literal; larger data belongs in a file             \
                                  */
#define CB_NUMBER_MAX_BYTES 100u /* of a number as written */

typedef struct cb_lexer {
    const cb_source *source;
    cb_arena *arena;
    cb_diagnostics *diagnostics;
    size_t at; /* offset of the next byte */
    uint32_t line;
    uint32_t column;
} cb_lexer;

void cb_lexer_start(cb_lexer *lexer, const cb_source *source, cb_arena *arena,
                    cb_diagnostics *diagnostics);
/* The next token. Out of memory: END, and arena->failed is set. */
cb_token cb_lexer_next(cb_lexer *lexer);

/* True if the text is UTF-8 without NUL bytes. Otherwise reports the first fault. */
bool cb_lexer_check_text(const cb_source *source, cb_diagnostics *diagnostics);

#endif
