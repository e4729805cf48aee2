/* The syntax tree: the parser makes it from the tokens, before names and types have a meaning.
 *
 * There is one type of node; `kind` says which fields and children it uses. Lists are linked by
 * `next`.
 */
#ifndef CALLBOARD_LANG_SYNTAX_H
#define CALLBOARD_LANG_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/lang/source.h"
#include "bridge/lang/token.h"
#include "callboard/plugin.h"

/* The comments below call the children a, b, c, d. */
typedef enum cb_syntax_kind {
    /* top level */
    CB_SYNTAX_PLUGIN,    /* text: the path */
    CB_SYNTAX_DEFINE,    /* text: the name; a: the literal */
    CB_SYNTAX_STRUCT,    /* text: the name; flag: packet; a: FIELD list */
    CB_SYNTAX_FIELD,     /* type, text */
    CB_SYNTAX_FUNCTION,  /* type: result, text; flag: callback; a: PARAMETER list; b: body list;
                            is_broken: it held a syntax error */
    CB_SYNTAX_PARAMETER, /* type, text with `$`; flag: ref */
    /* statements */
    CB_SYNTAX_DECLARE,    /* type, text with `$`; a: size in [] or NULL; b: value or NULL */
    CB_SYNTAX_ALIAS,      /* type; text: the name; b: value */
    CB_SYNTAX_LAY_STRUCT, /* text: the variable; detail: the struct */
    CB_SYNTAX_BLOCK,      /* a: list */
    CB_SYNTAX_IF,         /* a: condition; b: yes list; c: no list; flag: has else */
    CB_SYNTAX_WHILE,      /* a: condition; b: body */
    CB_SYNTAX_DO,         /* a: condition; b: body */
    CB_SYNTAX_FOR,        /* a: start list; b: condition or NULL; c: step list; d: body */
    CB_SYNTAX_SWITCH,     /* a: value; b: CASE list */
    CB_SYNTAX_CASE,       /* a: constant, NULL for default; b: body list */
    CB_SYNTAX_BREAK,
    CB_SYNTAX_CONTINUE,
    CB_SYNTAX_RETURN,     /* a: value or NULL */
    CB_SYNTAX_EXPRESSION, /* a */
    /* expressions */
    CB_SYNTAX_INTEGER,    /* integer */
    CB_SYNTAX_REAL,       /* real */
    CB_SYNTAX_STRING,     /* text, size */
    CB_SYNTAX_NAME,       /* text, with `$` if it is a variable */
    CB_SYNTAX_STRUCTSIZE, /* text */
    CB_SYNTAX_UNARY,      /* op: - ~ ! +; a */
    CB_SYNTAX_CAST,       /* type; a */
    CB_SYNTAX_BINARY,     /* op; a, b */
    CB_SYNTAX_CHOOSE,     /* a ? b : c */
    CB_SYNTAX_ASSIGN,     /* op: = := += ...; a: target; b: value */
    CB_SYNTAX_STEP,       /* op: ++ --; flag: postfix; a: target */
    CB_SYNTAX_INDEX,      /* a[b] */
    CB_SYNTAX_MEMBER,     /* a.detail */
    CB_SYNTAX_CALL        /* [detail.]text(a); detail NULL for a bare name */
} cb_syntax_kind;

typedef struct cb_syntax cb_syntax;
struct cb_syntax {
    cb_syntax_kind kind;
    cb_token_kind op;
    cb_type type;
    bool flag;
    bool is_broken;
    uint16_t depth; /* depth of the tree of expressions below; bounded */
    cb_place place;
    cb_place end; /* FUNCTION: of its closing brace */
    const char *text;
    const char *detail;
    cb_place detail_place;
    size_t size; /* of text in bytes */
    uint64_t integer;
    double real;
    cb_syntax *a;
    cb_syntax *b;
    cb_syntax *c;
    cb_syntax *d;
    cb_syntax *next;
};

#endif
