/* Tokens: one list for their kinds and spellings. */
#ifndef CALLBOARD_LANG_TOKEN_H
#define CALLBOARD_LANG_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/lang/source.h"

/* X(NAME, spelling): words that cannot be names. `packet` and `assign` are keywords only in their
 * place, and can be names elsewhere. */
#define CB_KEYWORDS(X)                                                                             \
    X(PLUGIN, "plugin")                                                                            \
    X(STRUCT, "struct")                                                                            \
    X(CALLBACK, "callback")                                                                        \
    X(REF, "ref")                                                                                  \
    X(STRUCTSIZE, "structsize")                                                                    \
    X(IF, "if")                                                                                    \
    X(ELSE, "else")                                                                                \
    X(WHILE, "while")                                                                              \
    X(DO, "do")                                                                                    \
    X(FOR, "for")                                                                                  \
    X(SWITCH, "switch")                                                                            \
    X(CASE, "case")                                                                                \
    X(DEFAULT, "default")                                                                          \
    X(BREAK, "break")                                                                              \
    X(CONTINUE, "continue")                                                                        \
    X(RETURN, "return")

/* X(NAME, spelling). A longer spelling comes before its own beginnings. */
#define CB_PUNCTUATION(X)                                                                          \
    X(SHIFT_LEFT_ASSIGN, "<<=")                                                                    \
    X(SHIFT_RIGHT_ASSIGN, ">>=")                                                                   \
    X(BOUNDED_ASSIGN, ":=")                                                                        \
    X(PLUS_PLUS, "++")                                                                             \
    X(MINUS_MINUS, "--")                                                                           \
    X(PLUS_ASSIGN, "+=")                                                                           \
    X(MINUS_ASSIGN, "-=")                                                                          \
    X(STAR_ASSIGN, "*=")                                                                           \
    X(SLASH_ASSIGN, "/=")                                                                          \
    X(PERCENT_ASSIGN, "%=")                                                                        \
    X(AND_ASSIGN, "&=")                                                                            \
    X(OR_ASSIGN, "|=")                                                                             \
    X(XOR_ASSIGN, "^=")                                                                            \
    X(SHIFT_LEFT, "<<")                                                                            \
    X(SHIFT_RIGHT, ">>")                                                                           \
    X(EQUAL, "==")                                                                                 \
    X(NOT_EQUAL, "!=")                                                                             \
    X(LESS_EQUAL, "<=")                                                                            \
    X(GREATER_EQUAL, ">=")                                                                         \
    X(AND_AND, "&&")                                                                               \
    X(OR_OR, "||")                                                                                 \
    X(LEFT_PAREN, "(")                                                                             \
    X(RIGHT_PAREN, ")")                                                                            \
    X(LEFT_BRACE, "{")                                                                             \
    X(RIGHT_BRACE, "}")                                                                            \
    X(LEFT_BRACKET, "[")                                                                           \
    X(RIGHT_BRACKET, "]")                                                                          \
    X(SEMICOLON, ";")                                                                              \
    X(COMMA, ",")                                                                                  \
    X(DOT, ".")                                                                                    \
    X(COLON, ":")                                                                                  \
    X(QUESTION, "?")                                                                               \
    X(ASSIGN, "=")                                                                                 \
    X(PLUS, "+")                                                                                   \
    X(MINUS, "-")                                                                                  \
    X(STAR, "*")                                                                                   \
    X(SLASH, "/")                                                                                  \
    X(PERCENT, "%")                                                                                \
    X(AND, "&")                                                                                    \
    X(OR, "|")                                                                                     \
    X(XOR, "^")                                                                                    \
    X(TILDE, "~")                                                                                  \
    X(NOT, "!")                                                                                    \
    X(LESS, "<")                                                                                   \
    X(GREATER, ">")

typedef enum cb_token_kind {
    CB_TOKEN_END,
    CB_TOKEN_NAME,     /* text */
    CB_TOKEN_VARIABLE, /* text, with its `$` */
    CB_TOKEN_TYPE,     /* i8 .. blob, void; `integer` is the cb_type, text its spelling */
    CB_TOKEN_INTEGER,  /* integer; character literals too */
    CB_TOKEN_REAL,     /* real */
    CB_TOKEN_STRING,   /* text, decoded, up to its first NUL */
    CB_TOKEN_DEFINE,   /* `#define` */
#define CB_TOKEN_ENUM(name, spelling) CB_TOKEN_##name,
    CB_KEYWORDS(CB_TOKEN_ENUM) CB_PUNCTUATION(CB_TOKEN_ENUM)
#undef CB_TOKEN_ENUM
        CB_TOKEN_COUNT
} cb_token_kind;

typedef struct cb_token {
    cb_token_kind kind;
    cb_place place;
    const char *text; /* NUL after it; NULL for kinds without text */
    size_t size;      /* of text in bytes */
    uint64_t integer;
    double real;
    bool is_broken; /* a literal without an end, or after stray characters. This was reported;
                       further errors about it are of no use */
} cb_token;

/* The name of the token's kind in errors: "a name", "';'". Never NULL. */
const char *cb_token_name(cb_token_kind kind);

#endif
