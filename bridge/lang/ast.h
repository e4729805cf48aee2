/* The typed, bound program: the front end gives it to the code generator.
 *
 * Everything is resolved and explicit. Every expression has its type. Every conversion is a node.
 * Every local has a number. Calls name a function by index, or a verb by namespace and table entry.
 * Conditions are i32. A code generator needs no lookups, and finds no errors of the user any more.
 *
 * Types are those of callboard/plugin.h (cb_type). Scalars are the integers, float and double.
 * Integer arithmetic is done in the node's type and wraps at its width.
 * Lists are linked by `next`. Memory is one arena: free with cb_ast_free. Texts end with a NUL.
 */
#ifndef CALLBOARD_LANG_AST_H
#define CALLBOARD_LANG_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/lang/arena.h"
#include "bridge/lang/catalog.h"
#include "bridge/lang/source.h"
#include "callboard/plugin.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CB_MAX_FUNCTIONS      65535u /* indexes fit 16 bits */
#define CB_MAX_LOCALS         4096u  /* of one function, parameters included */
#define CB_MAX_PARAMETERS     32u   /* of one script function; a call of a verb: CB_MAX_ARGUMENTS */
#define CB_MAX_ARGUMENTS      64u   /* written in one call */
#define CB_MAX_CASES          1024u /* of one switch */
#define CB_MAX_STRUCT_BYTES   65535u
#define CB_MAX_DECLARED_BYTES 1073741824 /* of a string or blob declared with a size */

typedef struct cb_ast_expr cb_ast_expr;
typedef struct cb_ast_stmt cb_ast_stmt;

/* ---- structs (fields laid over blobs) ---- */

typedef struct cb_ast_field {
    const char *name;
    cb_type type;    /* a scalar; stored little-endian */
    uint32_t offset; /* in bytes */
    struct cb_ast_field *next;
} cb_ast_field;

typedef struct cb_ast_struct {
    const char *name;
    bool is_packed;
    uint32_t size; /* in bytes, with padding: structsize() */
    cb_ast_field *fields;
    cb_place place;
    struct cb_ast_struct *next;
} cb_ast_struct;

/* ---- functions ---- */

/* How a local's slot holds its value. */
typedef enum cb_local_kind {
    CB_LOCAL_VALUE, /* the slot is the variable: a scalar, a string, or a blob */
    CB_LOCAL_REF,   /* a `ref` parameter: the slot refers to the caller's variable (of any type) */
    CB_LOCAL_ALIAS  /* `ref blob &S = ...;`: the slot holds the blob itself that the call returned,
                       not a copy, so writes reach its memory; `S = ...` is not possible, but it may
                       be passed to a `ref blob` */
} cb_local_kind;

typedef struct cb_ast_local {
    const char *name; /* without `$` */
    cb_type type;     /* a scalar, STRING or BLOB */
    cb_local_kind kind;
    cb_place place;
} cb_ast_local;

typedef struct cb_ast_function {
    const char *name;
    uint32_t index;           /* in cb_ast_program.functions */
    cb_type result;           /* VOID, a scalar, STRING or BLOB */
    bool is_callback;         /* `callback i32 NAME(ref blob $X)`: exactly this signature */
    bool is_broken;           /* its parameters were refused; calls of it are not reported */
    uint32_t parameter_count; /* parameters are the first locals: VALUE or REF */
    uint32_t local_count;
    cb_ast_local *locals; /* array; numbers are unique in the function; blocks never reuse them */
    cb_ast_stmt *body;    /* list. A function that is not void returns on every path; a void one may
                             reach its end */
    cb_place place;       /* of its name */
    cb_place end;         /* of its closing brace */
} cb_ast_function;

/* ---- expressions ---- */

typedef enum cb_expr_kind {
    CB_EXPR_INT,      /* `integer`: a constant of an integer type (u64 as the same 64 bits) */
    CB_EXPR_REAL,     /* `real`: a constant of type FLOAT or DOUBLE */
    CB_EXPR_STRING,   /* `string`: literal bytes without NUL inside; type STRING */
    CB_EXPR_CALLBACK, /* `function`: index of a callback named by a literal; type CALLBACK. Only as
                         an argument of a verb */
    CB_EXPR_LOCAL,    /* `local`: its value; type as the local's */
    CB_EXPR_CONVERT,  /* `unary.operand` to `type`: between scalars (see below), or STRING to
                         CALLBACK: look the name up at run time, unknown is a runtime error */
    CB_EXPR_NEGATE,   /* - `unary.operand`, same scalar type */
    CB_EXPR_COMPLEMENT, /* ~ `unary.operand`, same integer type */
    CB_EXPR_NOT,        /* ! `unary.operand` (i32): i32 0 or 1 */
    CB_EXPR_BINARY,     /* `binary`: ADD..SHIFT_RIGHT; operands have the node's type; only the right
                           operand of a shift is an i32 */
    CB_EXPR_COMPARE,    /* `binary`: EQUAL..GREATER_EQUAL; both operands of one type, a scalar or
                           STRING (by bytes); result i32 0 or 1 */
    CB_EXPR_AND,        /* `binary.left/right` (i32), short circuit; result i32 0 or 1 */
    CB_EXPR_OR,         /* likewise */
    CB_EXPR_CHOOSE,     /* `choose`: condition (i32) ? yes : no; both of the node's type, a scalar,
                           STRING or BLOB */
    CB_EXPR_ASSIGN,     /* `assign`: target = value, of one type; the value of the expression is the
                           target's new value */
    CB_EXPR_ASSIGN_BOUNDED, /* `assign`: target := value; target a LOCAL, both STRING or both BLOB;
                          type VOID: only as a statement */
    CB_EXPR_ASSIGN_OP, /* `assign`: target op= value, computed in the target's type; value is of
                          that type too (i32 for shifts); the target's index is evaluated once; its
                          value is the target's new value. Scalars only */
    CB_EXPR_STEP,      /* `step`: ++ and -- before or after a scalar target */
    CB_EXPR_INDEX,     /* `index`: byte `index.at` (i64) of local STRING or BLOB; type I32, 0..255;
                          out of range is a runtime error. As a target (BLOB only): the value's low
                          8 bits are stored, the expression's value is the stored byte */
    CB_EXPR_FIELD,     /* `field`: a scalar at field.offset of the local BLOB, little-endian,
                          unaligned; past the blob's length is a runtime error. May be a target */
    CB_EXPR_LENGTH,    /* `local`: length in bytes of a STRING or BLOB; type I32 */
    CB_EXPR_OVERFLOW,  /* `local`: its overflow flag (string.Overflow, blob.Overflow); I32 0 or 1 */
    CB_EXPR_CAPACITY,  /* `local`: declared or grown capacity in bytes (string.Capacity); I32 */
    CB_EXPR_REF,  /* `local`: an argument for a `ref` parameter; type as the local's. When the local
                     is a REF itself, its own target is passed on */
    CB_EXPR_CALL, /* `call`: script function `call.function`; the type is its result. Arguments
                     have the parameters' types; REF nodes for ref parameters */
    CB_EXPR_VERB  /* `verb`: a plugin's verb; the type is its result. Arguments as written (so
                     optional ones may be missing); for `...` any scalar, STRING or BLOB */
} cb_expr_kind;

/* CONVERT between scalars. To a wider integer: sign- or zero-extended by the operand's type. To a
 * narrower one or another signedness: the low bits (casts only). Integer to float/double: rounded
 * to nearest. Float to double: exact. Double to float: rounded (casts only). Float/double to
 * integer (casts only): toward zero; out of range or NaN is a runtime error. */

typedef enum cb_operator {
    CB_OP_ADD,
    CB_OP_SUBTRACT,
    CB_OP_MULTIPLY,
    CB_OP_DIVIDE,    /* integers: toward zero; by zero, and least / -1, see below */
    CB_OP_REMAINDER, /* integers only; sign of the left operand */
    CB_OP_BIT_AND,   /* integers only, as all following ones up to SHIFT_RIGHT */
    CB_OP_BIT_OR,
    CB_OP_BIT_XOR,
    CB_OP_SHIFT_LEFT,  /* a count outside 0..width-1 is a runtime error */
    CB_OP_SHIFT_RIGHT, /* arithmetic for signed types */
    CB_OP_EQUAL,
    CB_OP_NOT_EQUAL,
    CB_OP_LESS,
    CB_OP_LESS_EQUAL,
    CB_OP_GREATER,
    CB_OP_GREATER_EQUAL
} cb_operator;
/* Integer division by zero is a runtime error; least / -1 wraps to least, least % -1 is 0. */

struct cb_ast_expr {
    cb_expr_kind kind;
    cb_type type;      /* VOID only for calls of void functions or verbs, and for ASSIGN_BOUNDED */
    cb_place place;    /* of its first token; for operators, of the operator */
    cb_ast_expr *next; /* next argument of a call, or next step of a FOR */
    bool is_flexible;  /* private to the binder: a literal that still takes the type of its place */
    union {
        int64_t integer;
        double real;
        struct {
            const char *bytes; /* NUL after them */
            size_t size;
        } string;
        uint32_t function;
        uint32_t local;
        struct {
            cb_ast_expr *operand;
        } unary;
        struct {
            cb_operator op;
            cb_ast_expr *left;
            cb_ast_expr *right;
        } binary;
        struct {
            cb_ast_expr *condition;
            cb_ast_expr *yes;
            cb_ast_expr *no;
        } choose;
        struct {
            cb_operator op;      /* ASSIGN_OP only */
            cb_ast_expr *target; /* LOCAL, INDEX or FIELD */
            cb_ast_expr *value;
        } assign;
        struct {
            cb_ast_expr *target; /* LOCAL, INDEX or FIELD */
            bool is_decrement;
            bool is_postfix; /* the value is the old one */
        } step;
        struct {
            uint32_t local;
            cb_ast_expr *at; /* I64 */
        } index;
        struct {
            uint32_t local;
            uint32_t offset; /* in bytes */
            const char *name;
        } field; /* the field's type is the node's type */
        struct {
            uint32_t function; /* index */
            uint32_t count;
            cb_ast_expr *arguments; /* list of `count` */
        } call;
        struct {
            const cb_namespace *name_space;
            const cb_catalog_verb *verb;
            uint32_t name_space_index; /* in cb_ast_program.namespaces */
            uint32_t verb_index;       /* in name_space->verbs */
            uint32_t count;
            cb_ast_expr *arguments; /* list of `count` */
        } verb;
    };
};

/* ---- statements ---- */

typedef enum cb_stmt_kind {
    CB_STMT_EXPRESSION, /* `expression`: evaluated, its value dropped */
    CB_STMT_DECLARE,    /* `declare`: executed each time it is reached, in loops too */
    CB_STMT_BLOCK,      /* `body` */
    CB_STMT_IF,         /* `branch` */
    CB_STMT_WHILE,      /* `loop`: condition before the body */
    CB_STMT_DO,         /* `loop`: condition after the body */
    CB_STMT_FOR,        /* `loop`: start, condition, step, body; `continue` goes to step */
    CB_STMT_SWITCH,     /* `choice` */
    CB_STMT_BREAK,      /* leaves the innermost loop or switch */
    CB_STMT_CONTINUE,   /* of the innermost loop */
    CB_STMT_RETURN      /* `expression`, of the function's result type; NULL in a void function */
} cb_stmt_kind;

/* One `case` and the statements up to the next one. Its end falls through to the next case. */
typedef struct cb_ast_case {
    bool is_default;
    int64_t value;     /* fits the switch value's type; u64 as the same 64 bits; unique */
    cb_ast_stmt *body; /* list, may be NULL */
    cb_place place;
    struct cb_ast_case *next;
} cb_ast_case;

struct cb_ast_stmt {
    cb_stmt_kind kind;
    cb_place place;
    cb_ast_stmt *next;
    union {
        cb_ast_expr *expression;
        cb_ast_stmt *body; /* list */
        struct {
            uint32_t local;
            /* STRING: capacity in bytes, 0 if none was declared; the variable starts empty.
             * BLOB: length in zero bytes that it starts with. Scalars: 0. */
            uint32_t size;
            cb_ast_expr *value; /* of the local's type, assigned as by `=`; NULL: none. A scalar
                                   without a value is not read before it is assigned. An ALIAS
                                   always has one, a call of type BLOB */
        } declare;
        struct {
            cb_ast_expr *condition; /* I32 */
            cb_ast_stmt *yes;       /* list */
            cb_ast_stmt *no;        /* list, NULL if there is no else */
        } branch;
        struct {
            cb_ast_stmt *start;     /* FOR: declarations or expressions (list), may be NULL */
            cb_ast_expr *condition; /* I32; NULL: a FOR without condition, which runs for ever */
            cb_ast_expr *step;      /* FOR: list of expressions by `next`, may be NULL */
            cb_ast_stmt *body;      /* list */
        } loop;
        struct {
            cb_ast_expr *value; /* of an integer type */
            cb_ast_case *cases; /* list in the order written; at most one default, anywhere */
        } choice;
    };
};

/* ---- the program ---- */

typedef struct cb_ast_program {
    cb_arena arena; /* holds everything except this struct */
    const cb_source *source;
    const cb_namespace **namespaces; /* array; in the order of the `plugin` lines, each once */
    uint32_t namespace_count;
    cb_ast_struct *structs;
    cb_ast_function *functions; /* array; in the order written */
    uint32_t function_count;
    uint32_t main_index; /* `void main()` or `i32 main()` */
} cb_ast_program;

/* NULL is fine. */
CB_PUBLIC void cb_ast_free(cb_ast_program *program);

#ifdef __cplusplus
}
#endif
#endif
