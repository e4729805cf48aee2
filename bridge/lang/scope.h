/* The visible names: constants, structs, functions, and the variables of the open blocks.
 *
 * The scope is one hash table. A name means one thing at a time, because nothing shadows anything;
 * so the caller reports a name that is declared twice as an error. Leaving a block forgets its
 * variables and the structs that were laid over blobs in it.
 */
#ifndef CALLBOARD_LANG_SCOPE_H
#define CALLBOARD_LANG_SCOPE_H

#include <stddef.h>

#include "bridge/lang/arena.h"
#include "bridge/lang/ast.h"
#include "bridge/lang/syntax.h"

#define CB_SCOPE_BUCKETS 1024u

typedef enum cb_symbol_kind {
    CB_SYMBOL_CONSTANT, /* constant */
    CB_SYMBOL_STRUCT,   /* layout */
    CB_SYMBOL_FUNCTION, /* index */
    CB_SYMBOL_VARIABLE, /* index: number of the local; layout: the struct laid over it, or NULL */
    CB_SYMBOL_UNKNOWN   /* was reported as undeclared; later uses are not reported */
} cb_symbol_kind;

typedef struct cb_symbol {
    const char *name; /* with its `$` for a variable */
    cb_symbol_kind kind;
    cb_place place;
    uint32_t index;
    const cb_ast_struct *layout;
    const cb_syntax *constant;
    struct cb_symbol *next;  /* in its bucket, newest first */
    struct cb_symbol *older; /* the symbol declared before it */
} cb_symbol;

/* The layout that a LAY_STRUCT replaced; restored at the end of its block. */
typedef struct cb_scope_undo {
    cb_symbol *symbol;
    const cb_ast_struct *layout;
    struct cb_scope_undo *older;
} cb_scope_undo;

typedef struct cb_scope {
    cb_arena *arena;
    cb_symbol *buckets[CB_SCOPE_BUCKETS];
    cb_symbol *newest;
    cb_scope_undo *undo;
} cb_scope;

/* A point to return to: the start of a block. */
typedef struct cb_scope_mark {
    cb_symbol *newest;
    cb_scope_undo *undo;
} cb_scope_mark;

/* NULL if the name is not visible. */
cb_symbol *cb_scope_find(const cb_scope *scope, const char *name);
/* Adds a name that is not visible yet. NULL when out of memory. */
cb_symbol *cb_scope_add(cb_scope *scope, const char *name, cb_symbol_kind kind, cb_place place);
/* Lays a struct over a variable until the end of the block. */
void cb_scope_lay(cb_scope *scope, cb_symbol *symbol, const cb_ast_struct *layout);

cb_scope_mark cb_scope_enter(const cb_scope *scope);
void cb_scope_leave(cb_scope *scope, cb_scope_mark mark);

/* The known name, of one of the kinds (a set of 1 << kind), that is nearest to a mistyped name;
 * NULL if none is near. */
const char *cb_scope_suggest(const cb_scope *scope, unsigned kinds, const char *name);

/* How many letters must change to turn one name into the other; a change of letter case counts
 * half. 100 if the names are too different for a typing error. */
unsigned cb_name_distance(const char *left, const char *right);

#endif
