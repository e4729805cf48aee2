/* Declarations that the parser's files share. A parse function that returns NULL has reported its
 * error, or the arena is out of memory. Its callers return NULL too, up to the statement that
 * recovers. */
#ifndef CALLBOARD_LANG_PARSER_INTERNAL_H
#define CALLBOARD_LANG_PARSER_INTERNAL_H

#include "bridge/lang/lexer.h"
#include "bridge/lang/parser.h"

typedef struct cb_parser {
    cb_lexer lexer;
    cb_arena *arena;
    cb_diagnostics *diagnostics;
    cb_token token;    /* the next token */
    cb_token ahead;    /* the token after it */
    cb_token previous; /* the last token that was read */
    uint32_t nesting;
    bool is_cut_off; /* the file ended inside braces, which was reported */
    bool had_error;  /* since the start of the present function */
} cb_parser;

/* A list under construction. */
typedef struct cb_syntax_list {
    cb_syntax *first;
    cb_syntax *last;
} cb_syntax_list;

void cb_parser_advance(cb_parser *parser);
bool cb_parser_at(const cb_parser *parser, cb_token_kind kind);
bool cb_parser_take(cb_parser *parser, cb_token_kind kind);
/* Takes the token, or reports "expected X <where>, not Y". */
bool cb_parser_expect(cb_parser *parser, cb_token_kind kind, const char *where);
/* Takes the `}` of the `{` at `open`, or reports it missing. */
bool cb_parser_close(cb_parser *parser, cb_place open, const char *where);
/* Takes the `;` at a statement's end, or reports it missing right after the last token. Returns
 * false if the tokens after it cannot begin anything, so that the caller has to recover. */
bool cb_parser_end_statement(cb_parser *parser);
void cb_parser_error(cb_parser *parser, cb_place place, const char *format, ...)
    CB_PRINTF_LIKE(3, 4);
/* "expected <what>, not <token>" at the next token. */
void cb_parser_expected(cb_parser *parser, const char *what);
/* Skips past the next `;`, or to the `}` that ends the present block. */
void cb_parser_recover(cb_parser *parser);
/* Goes one level deeper; false, with an error, past CB_MAX_NESTING. Call cb_parser_leave
 * afterwards, also after false. */
bool cb_parser_enter(cb_parser *parser);
void cb_parser_leave(cb_parser *parser);

cb_syntax *cb_parser_node(cb_parser *parser, cb_syntax_kind kind, cb_place place);
void cb_syntax_append(cb_syntax_list *list, cb_syntax *node);

cb_syntax *cb_parse_expression(cb_parser *parser);
/* Parses one statement; NULL also for an empty one. It recovers by itself. A declaration of several
 * variables gives a list. */
cb_syntax *cb_parse_statement(cb_parser *parser);
/* Parses `{ ... }`; false if a brace is missing. *end is the place of the closing brace. */
bool cb_parse_block(cb_parser *parser, cb_syntax **list, cb_place *end);

#endif
