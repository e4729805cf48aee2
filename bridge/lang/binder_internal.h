/* Declarations that the binder's files share.
 *
 * A function that returns NULL for an expression has reported the reason (or the arena is out of
 * memory). Its callers pass NULL on without a report, so one mistake is one error.
 */
#ifndef CALLBOARD_LANG_BINDER_INTERNAL_H
#define CALLBOARD_LANG_BINDER_INTERNAL_H

#include "bridge/lang/binder.h"
#include "bridge/lang/scope.h"
#include "bridge/lang/types.h"

/* The locals that have a value at a place of the program. At an unreachable place all have one. */
typedef struct cb_flow {
    bool is_reachable;
    uint64_t assigned[CB_MAX_LOCALS / 64];
} cb_flow;

/* A loop or switch that `break` and `continue` may leave, and the states in which they do. */
typedef struct cb_jumps {
    bool is_switch;
    cb_flow at_break; /* unreachable until the first break */
    cb_flow at_continue;
    struct cb_jumps *outer;
} cb_jumps;

typedef struct cb_binder {
    const cb_catalog *catalog;
    cb_diagnostics *diagnostics;
    cb_arena *arena;
    cb_ast_program *program;
    cb_scope scope;
    bool is_file_broken;   /* declarations were lost, so unknown names are not reported */
    bool is_plugin_broken; /* a plugin was not loaded, so unknown namespaces are not reported */
    /* state of the current function */
    cb_ast_function *function;
    bool is_function_broken; /* the parser lost a part of it */
    cb_flow flow;
    cb_jumps *jumps;
    uint32_t local_count;
    cb_ast_local locals[CB_MAX_LOCALS];
} cb_binder;

/* ---- binder.c ---- */

/* Reports and returns NULL. */
void *cb_bind_fail(cb_binder *binder, cb_place place, const char *format, ...) CB_PRINTF_LIKE(3, 4);
/* Makes a node; NULL when out of memory. */
cb_ast_expr *cb_bind_node(cb_binder *binder, cb_expr_kind kind, cb_type type, cb_place place);
/* Declares a name that must be new; NULL and an error if it is not. */
cb_symbol *cb_bind_declare(cb_binder *binder, const char *name, cb_symbol_kind kind,
                           cb_place place);
/* The namespace with this name that a `plugin` line made known; NULL if none did. */
const cb_namespace *cb_bind_find_namespace(const cb_binder *binder, const char *name,
                                           uint32_t *index);

/* ---- binder_flow.c ---- */

void cb_flow_assign(cb_binder *binder, uint32_t local);
void cb_flow_forget(cb_binder *binder, uint32_t local); /* a declaration without a value */
bool cb_flow_has(const cb_binder *binder, uint32_t local);
/* Joins two states: afterwards holds what both have in common. */
void cb_flow_join(cb_flow *into, const cb_flow *other);
void cb_flow_stop(cb_binder *binder); /* after return, break and continue */

/* ---- binder_convert.c ---- */

/* Gives a literal its own type if its place gives it none: i32, i64 or u64 by size; double. */
void cb_bind_settle(cb_ast_expr *expression);
/* True if the constant is an unsigned number of 2^63 or more. */
bool cb_bind_is_big(const cb_ast_expr *expression);
/* Converts the expression to `type`, if that needs no cast; otherwise returns false, and
 * *expression is unchanged. Out of memory sets it to NULL. */
bool cb_bind_convert(cb_binder *binder, cb_ast_expr **expression, cb_type type);
/* The same, and reports a failure: "<what> is i32, but its value is i64: ...". */
cb_ast_expr *cb_bind_give(cb_binder *binder, cb_ast_expr *expression, cb_type type,
                          const char *what);
/* A hint for a value of type `from` that is not accepted as `to`; "" if none is known. The text
 * begins with ": ". */
const char *cb_bind_hint(cb_type from, cb_type to);
/* Converts both to the smallest type that holds both; false, with an error, if there is none. */
bool cb_bind_unify(cb_binder *binder, cb_place place, const char *op, cb_ast_expr **left,
                   cb_ast_expr **right);
/* `(type)operand` */
cb_ast_expr *cb_bind_cast(cb_binder *binder, cb_ast_expr *operand, cb_type type, cb_place place);
/* The expression as an i32 that is 0 for false. */
cb_ast_expr *cb_bind_truth(cb_binder *binder, cb_ast_expr *expression);

/* ---- binder_constants.c ---- */

cb_ast_expr *cb_bind_integer(cb_binder *binder, uint64_t value, cb_place place);
cb_ast_expr *cb_bind_signed(cb_binder *binder, int64_t value, cb_place place);
bool cb_bind_is_constant(const cb_ast_expr *expression); /* a literal integer below 2^63 */
/* Computes - or ~ of a literal integer. */
cb_ast_expr *cb_bind_fold_unary(cb_binder *binder, cb_token_kind op, cb_ast_expr *operand,
                                cb_place place);
/* Computes two literal integers, exact in 64 bits. */
cb_ast_expr *cb_bind_fold_binary(cb_binder *binder, cb_operator op, const cb_ast_expr *left,
                                 const cb_ast_expr *right, cb_place place);

/* ---- binder_expressions.c, binder_operators.c ---- */

cb_ast_expr *cb_bind_expression(cb_binder *binder, const cb_syntax *syntax);
/* The same, but VOID is an error. */
cb_ast_expr *cb_bind_value(cb_binder *binder, const cb_syntax *syntax);
cb_ast_expr *cb_bind_unary(cb_binder *binder, const cb_syntax *syntax);
cb_ast_expr *cb_bind_binary(cb_binder *binder, const cb_syntax *syntax);
cb_ast_expr *cb_bind_choose(cb_binder *binder, const cb_syntax *syntax);
cb_ast_expr *cb_bind_assign(cb_binder *binder, const cb_syntax *syntax);
cb_ast_expr *cb_bind_step(cb_binder *binder, const cb_syntax *syntax);
/* An expression that can be assigned to; does not check whether it has a value. */
cb_ast_expr *cb_bind_target(cb_binder *binder, const cb_syntax *syntax);
/* Reports a scalar that is read but has no value on some path. */
bool cb_bind_check_read(cb_binder *binder, const cb_ast_expr *target);
/* The variable with this name; NULL and an error if it is not a variable. */
cb_symbol *cb_bind_find_variable(cb_binder *binder, const char *name, cb_place place);
/* Checks a literal count of a shift, or a literal divisor. False, with an error, if it is always
 * wrong. */
bool cb_bind_check_right(cb_binder *binder, cb_operator op, cb_type type, const cb_ast_expr *right);
bool cb_bind_operator(cb_token_kind kind, cb_operator *op);

/* ---- binder_calls.c, binder_format.c ---- */

cb_ast_expr *cb_bind_call(cb_binder *binder, const cb_syntax *syntax);
/* Checks a literal format, which is the call's argument `number` (from 1), against the arguments
 * after it. */
void cb_bind_check_format(cb_binder *binder, const char *callee, const cb_ast_expr *format,
                          uint32_t number);

/* ---- binder_statements.c ---- */

void cb_bind_body(cb_binder *binder, cb_ast_function *function, const cb_syntax *syntax);

#endif
