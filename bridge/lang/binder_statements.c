#include <stdio.h>
#include <string.h>

#include "bridge/lang/binder_internal.h"

typedef struct statement_list {
    cb_ast_stmt *first;
    cb_ast_stmt *last;
} statement_list;

static cb_ast_stmt *bind_statement(cb_binder *binder, const cb_syntax *syntax);

static cb_ast_stmt *make(cb_binder *binder, cb_stmt_kind kind, cb_place place)
{
    cb_ast_stmt *node = cb_arena_get(binder->arena, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->place = place;
    }
    return node;
}

static cb_ast_stmt *bind_list(cb_binder *binder, const cb_syntax *syntax)
{
    statement_list list = {0};
    for (; syntax != NULL; syntax = syntax->next) {
        cb_ast_stmt *statement = bind_statement(binder, syntax);
        if (statement == NULL)
            continue;
        if (list.last == NULL)
            list.first = statement;
        else
            list.last->next = statement;
        list.last = statement;
    }
    return list.first;
}

/* A list in a block of its own. */
static cb_ast_stmt *bind_block(cb_binder *binder, const cb_syntax *syntax)
{
    cb_scope_mark mark = cb_scope_enter(&binder->scope);
    cb_ast_stmt *list = bind_list(binder, syntax);
    cb_scope_leave(&binder->scope, mark);
    return list;
}

/* ---- declarations ---- */

/* A new local; false if the name is taken or there are too many. */
static bool add_local(cb_binder *binder, const cb_syntax *syntax, cb_local_kind kind,
                      uint32_t *number)
{
    cb_symbol *symbol = cb_bind_declare(binder, syntax->text, CB_SYMBOL_VARIABLE, syntax->place);
    if (symbol == NULL)
        return false;
    if (binder->local_count == CB_MAX_LOCALS) {
        cb_bind_fail(binder, syntax->place, "a function holds at most %u variables", CB_MAX_LOCALS);
        symbol->kind = CB_SYMBOL_UNKNOWN;
        return false;
    }
    *number = binder->local_count++;
    symbol->index = *number;
    const char *name = syntax->text[0] == '$' ? syntax->text + 1 : syntax->text;
    binder->locals[*number] = (cb_ast_local){name, syntax->type, kind, syntax->place};
    return true;
}

/* A name that was reported: what is done with it tells nothing. */
static void declare_unknown(cb_binder *binder, const cb_syntax *syntax)
{
    if (cb_scope_find(&binder->scope, syntax->text) == NULL)
        (void)cb_scope_add(&binder->scope, syntax->text, CB_SYMBOL_UNKNOWN, syntax->place);
}

static bool bind_size(cb_binder *binder, const cb_syntax *syntax, uint32_t *size)
{
    *size = 0;
    if (syntax->a == NULL)
        return true;
    if (cb_type_is_scalar(syntax->type)) {
        cb_bind_fail(binder, syntax->a->place, "only strings and blobs have a size, not %s",
                     cb_type_name(syntax->type));
        return false;
    }
    const cb_ast_expr *value = cb_bind_value(binder, syntax->a);
    if (value == NULL)
        return false;
    if (!cb_bind_is_constant(value) || value->integer < 0 ||
        value->integer > CB_MAX_DECLARED_BYTES) {
        cb_bind_fail(binder, value->place, "a size is a constant number of bytes, 0..%d",
                     CB_MAX_DECLARED_BYTES);
        return false;
    }
    *size = (uint32_t)value->integer;
    return true;
}

static cb_ast_stmt *bind_declare(cb_binder *binder, const cb_syntax *syntax)
{
    if (syntax->type == CB_TYPE_VOID) {
        declare_unknown(binder, syntax);
        return cb_bind_fail(binder, syntax->place, "a variable can't be void");
    }
    uint32_t size;
    uint32_t local;
    bool is_good = bind_size(binder, syntax, &size);
    /* The value is bound before the name is in sight. */
    cb_ast_expr *value = syntax->b != NULL ? cb_bind_value(binder, syntax->b) : NULL;
    if (value != NULL)
        value = cb_bind_give(binder, value, syntax->type, syntax->text);
    is_good = is_good && (syntax->b == NULL || value != NULL);
    if (!add_local(binder, syntax, CB_LOCAL_VALUE, &local))
        return NULL;
    if (syntax->b != NULL)
        cb_flow_assign(binder, local);
    else
        cb_flow_forget(binder, local);
    cb_ast_stmt *node = make(binder, CB_STMT_DECLARE, syntax->place);
    if (!is_good || node == NULL)
        return NULL;
    node->declare.local = local;
    node->declare.size = size;
    node->declare.value = value;
    return node;
}

static cb_ast_stmt *bind_alias(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *value = cb_bind_value(binder, syntax->b);
    if (syntax->type != CB_TYPE_BLOB)
        return cb_bind_fail(binder, syntax->place, "only a blob can stand for memory: ref blob &%s",
                            syntax->text);
    bool is_call = value != NULL && value->type == CB_TYPE_BLOB &&
                   (value->kind == CB_EXPR_VERB || value->kind == CB_EXPR_CALL);
    if (value != NULL && !is_call)
        cb_bind_fail(binder, value->place, "&%s takes a call that gives a blob", syntax->text);
    uint32_t local;
    cb_ast_stmt *node = make(binder, CB_STMT_DECLARE, syntax->place);
    if (!add_local(binder, syntax, CB_LOCAL_ALIAS, &local) || !is_call || node == NULL)
        return NULL;
    node->declare.local = local;
    node->declare.value = value;
    return node;
}

static void bind_lay_struct(cb_binder *binder, const cb_syntax *syntax)
{
    cb_symbol *variable = cb_bind_find_variable(binder, syntax->text, syntax->place);
    const cb_symbol *layout = cb_scope_find(&binder->scope, syntax->detail);
    if (layout == NULL || layout->kind != CB_SYMBOL_STRUCT) {
        const char *near = cb_scope_suggest(&binder->scope, 1u << CB_SYMBOL_STRUCT, syntax->detail);
        if (!binder->is_file_broken)
            cb_bind_fail(binder, syntax->detail_place, "no struct named %s%s%s%s", syntax->detail,
                         near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                         near != NULL ? "?" : "");
        /* Its fields are unknown from here on. */
        binder->is_function_broken = true;
        return;
    }
    if (variable == NULL)
        return;
    if (binder->locals[variable->index].type != CB_TYPE_BLOB) {
        cb_bind_fail(binder, syntax->place, "a struct is laid over a blob; %s is %s", syntax->text,
                     cb_type_name(binder->locals[variable->index].type));
        return;
    }
    cb_scope_lay(&binder->scope, variable, layout->layout);
}

/* ---- expressions as statements ---- */

static cb_ast_expr *bind_effect(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *expression = cb_bind_expression(binder, syntax);
    if (expression == NULL)
        return NULL;
    switch (expression->kind) {
    case CB_EXPR_ASSIGN:
    case CB_EXPR_ASSIGN_BOUNDED:
    case CB_EXPR_ASSIGN_OP:
    case CB_EXPR_STEP:
    case CB_EXPR_CALL:
    case CB_EXPR_VERB:
        return expression;
    default:
        return cb_bind_fail(binder, syntax->place, "this statement has no effect");
    }
}

static cb_ast_stmt *bind_expression(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *expression = bind_effect(binder, syntax->a);
    cb_ast_stmt *node = make(binder, CB_STMT_EXPRESSION, syntax->place);
    if (expression == NULL || node == NULL)
        return NULL;
    node->expression = expression;
    return node;
}

static cb_ast_expr *bind_condition(cb_binder *binder, const cb_syntax *syntax)
{
    return cb_bind_truth(binder, cb_bind_value(binder, syntax));
}

/* ---- branches and loops ---- */

static cb_ast_stmt *bind_if(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_stmt *node = make(binder, CB_STMT_IF, syntax->place);
    cb_ast_expr *condition = bind_condition(binder, syntax->a);
    cb_flow before = binder->flow;
    cb_ast_stmt *yes = bind_block(binder, syntax->b);
    cb_flow after_yes = binder->flow;
    binder->flow = before;
    cb_ast_stmt *no = bind_block(binder, syntax->c);
    cb_flow_join(&binder->flow, &after_yes);
    if (node == NULL || condition == NULL)
        return NULL;
    node->branch.condition = condition;
    node->branch.yes = yes;
    node->branch.no = no;
    return node;
}

static void enter_jumps(cb_binder *binder, cb_jumps *jumps, bool is_switch)
{
    jumps->is_switch = is_switch;
    jumps->at_break.is_reachable = false;
    jumps->at_continue.is_reachable = false;
    jumps->outer = binder->jumps;
    binder->jumps = jumps;
}

static bool is_always_true(const cb_ast_expr *condition)
{
    return condition != NULL && condition->kind == CB_EXPR_INT && condition->integer != 0;
}

static cb_ast_stmt *bind_while(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_stmt *node = make(binder, CB_STMT_WHILE, syntax->place);
    cb_ast_expr *condition = bind_condition(binder, syntax->a);
    cb_flow after = binder->flow;
    if (is_always_true(condition))
        after.is_reachable = false;
    cb_jumps jumps;
    enter_jumps(binder, &jumps, false);
    cb_ast_stmt *body = bind_block(binder, syntax->b);
    binder->jumps = jumps.outer;
    binder->flow = after;
    cb_flow_join(&binder->flow, &jumps.at_break);
    if (node == NULL || condition == NULL)
        return NULL;
    node->loop.condition = condition;
    node->loop.body = body;
    return node;
}

static cb_ast_stmt *bind_do(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_stmt *node = make(binder, CB_STMT_DO, syntax->place);
    cb_jumps jumps;
    enter_jumps(binder, &jumps, false);
    cb_ast_stmt *body = bind_block(binder, syntax->b);
    binder->jumps = jumps.outer;
    cb_flow_join(&binder->flow, &jumps.at_continue);
    cb_ast_expr *condition = bind_condition(binder, syntax->a);
    if (is_always_true(condition))
        cb_flow_stop(binder);
    cb_flow_join(&binder->flow, &jumps.at_break);
    if (node == NULL || condition == NULL)
        return NULL;
    node->loop.condition = condition;
    node->loop.body = body;
    return node;
}

/* The steps of a for: a list of effects. */
static cb_ast_expr *bind_steps(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *first = NULL;
    cb_ast_expr **end = &first;
    for (; syntax != NULL; syntax = syntax->next) {
        *end = bind_effect(binder, syntax);
        if (*end != NULL)
            end = &(*end)->next;
    }
    return first;
}

static cb_ast_stmt *bind_for(cb_binder *binder, const cb_syntax *syntax)
{
    cb_scope_mark mark = cb_scope_enter(&binder->scope);
    cb_ast_stmt *node = make(binder, CB_STMT_FOR, syntax->place);
    cb_ast_stmt *start = bind_list(binder, syntax->a);
    cb_ast_expr *condition = syntax->b != NULL ? bind_condition(binder, syntax->b) : NULL;
    cb_flow after = binder->flow;
    if (syntax->b == NULL || is_always_true(condition))
        after.is_reachable = false;
    cb_jumps jumps;
    enter_jumps(binder, &jumps, false);
    cb_ast_stmt *body = bind_block(binder, syntax->d);
    binder->jumps = jumps.outer;
    cb_flow_join(&binder->flow, &jumps.at_continue);
    cb_ast_expr *step = bind_steps(binder, syntax->c);
    binder->flow = after;
    cb_flow_join(&binder->flow, &jumps.at_break);
    cb_scope_leave(&binder->scope, mark);
    if (node == NULL || (syntax->b != NULL && condition == NULL))
        return NULL;
    node->loop.start = start;
    node->loop.condition = condition;
    node->loop.step = step;
    node->loop.body = body;
    return node;
}

/* ---- switch ---- */

static bool bind_case_value(cb_binder *binder, const cb_syntax *syntax, cb_type type,
                            const cb_ast_case *cases, cb_ast_case *one)
{
    cb_ast_expr *value = cb_bind_value(binder, syntax->a);
    if (value == NULL)
        return false;
    if (value->kind != CB_EXPR_INT) {
        cb_bind_fail(binder, value->place, "a case is an integer constant");
        return false;
    }
    if (!value->is_flexible) /* a cast one is as good as its number */
        value = value->type == CB_TYPE_U64
                    ? cb_bind_integer(binder, (uint64_t)value->integer, value->place)
                    : cb_bind_signed(binder, value->integer, value->place);
    value = cb_bind_give(binder, value, type, "the value of the switch");
    if (value == NULL)
        return false;
    one->value = value->integer;
    for (; cases != NULL; cases = cases->next) {
        if (cases->is_default || cases->value != one->value)
            continue;
        cb_bind_fail(binder, syntax->place, "this case is already in line %u", cases->place.line);
        return false;
    }
    return true;
}

/* The last default before it, or NULL. */
static const cb_ast_case *find_default(const cb_ast_case *cases)
{
    while (cases != NULL && !cases->is_default)
        cases = cases->next;
    return cases;
}

static cb_ast_case *bind_cases(cb_binder *binder, const cb_syntax *syntax, cb_type type)
{
    cb_flow entry = binder->flow;
    cb_ast_case *first = NULL;
    cb_ast_case **end = &first;
    uint32_t count = 0;
    cb_flow_stop(binder); /* nothing falls into the first case */
    for (; syntax != NULL; syntax = syntax->next) {
        cb_ast_case *one = cb_arena_get(binder->arena, sizeof *one);
        if (one == NULL)
            break;
        one->is_default = syntax->a == NULL;
        one->place = syntax->place;
        const cb_ast_case *other = one->is_default ? find_default(first) : NULL;
        bool is_good =
            one->is_default ? other == NULL : bind_case_value(binder, syntax, type, first, one);
        if (other != NULL)
            cb_bind_fail(binder, syntax->place, "this default is already in line %u",
                         other->place.line);
        cb_flow_join(&binder->flow, &entry);
        one->body = bind_block(binder, syntax->b);
        /* One without a value of its own is not compared with others. */
        if (is_good) {
            *end = one;
            end = &one->next;
        }
        if (++count > CB_MAX_CASES) {
            cb_bind_fail(binder, syntax->place, "a switch holds at most %u cases", CB_MAX_CASES);
            break;
        }
    }
    if (find_default(first) == NULL)
        cb_flow_join(&binder->flow, &entry);
    return first;
}

static cb_ast_stmt *bind_switch(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_stmt *node = make(binder, CB_STMT_SWITCH, syntax->place);
    cb_ast_expr *value = cb_bind_value(binder, syntax->a);
    cb_bind_settle(value);
    cb_type type = value != NULL ? value->type : CB_TYPE_I64;
    if (!cb_type_is_integer(type)) {
        value = cb_bind_fail(binder, value->place, "a switch takes an integer, not %s",
                             cb_type_name(type));
        type = CB_TYPE_I64;
    }
    cb_jumps jumps;
    enter_jumps(binder, &jumps, true);
    cb_ast_case *cases = bind_cases(binder, syntax->b, type);
    binder->jumps = jumps.outer;
    cb_flow_join(&binder->flow, &jumps.at_break);
    if (node == NULL || value == NULL)
        return NULL;
    node->choice.value = value;
    node->choice.cases = cases;
    return node;
}

/* ---- jumps ---- */

static cb_ast_stmt *bind_jump(cb_binder *binder, const cb_syntax *syntax)
{
    bool is_break = syntax->kind == CB_SYNTAX_BREAK;
    cb_jumps *jumps = binder->jumps;
    while (!is_break && jumps != NULL && jumps->is_switch)
        jumps = jumps->outer;
    if (jumps == NULL) {
        if (binder->is_function_broken)
            return NULL;
        return cb_bind_fail(binder, syntax->place,
                            is_break ? "break outside a loop or switch"
                                     : "continue outside a loop");
    }
    cb_flow_join(is_break ? &jumps->at_break : &jumps->at_continue, &binder->flow);
    cb_flow_stop(binder);
    return make(binder, is_break ? CB_STMT_BREAK : CB_STMT_CONTINUE, syntax->place);
}

static cb_ast_stmt *bind_return(cb_binder *binder, const cb_syntax *syntax)
{
    const cb_ast_function *function = binder->function;
    cb_ast_expr *value = syntax->a != NULL ? cb_bind_value(binder, syntax->a) : NULL;
    bool is_good = syntax->a == NULL || value != NULL;
    if (function->result == CB_TYPE_VOID && syntax->a != NULL) {
        cb_bind_fail(binder, syntax->place, "%s is void and returns no value", function->name);
        is_good = false;
    } else if (function->result != CB_TYPE_VOID && syntax->a == NULL) {
        cb_bind_fail(binder, syntax->place, "%s returns %s: a value is missing", function->name,
                     cb_type_name(function->result));
        is_good = false;
    } else if (value != NULL) {
        char what[128];
        (void)snprintf(what, sizeof what, "the result of %.80s", function->name);
        value = cb_bind_give(binder, value, function->result, what);
        is_good = value != NULL;
    }
    cb_flow_stop(binder);
    cb_ast_stmt *node = make(binder, CB_STMT_RETURN, syntax->place);
    if (!is_good || node == NULL)
        return NULL;
    node->expression = value;
    return node;
}

static cb_ast_stmt *bind_statement(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_stmt *node;
    switch (syntax->kind) {
    case CB_SYNTAX_DECLARE:
        return bind_declare(binder, syntax);
    case CB_SYNTAX_ALIAS:
        return bind_alias(binder, syntax);
    case CB_SYNTAX_LAY_STRUCT:
        bind_lay_struct(binder, syntax);
        return NULL;
    case CB_SYNTAX_BLOCK:
        node = make(binder, CB_STMT_BLOCK, syntax->place);
        if (node != NULL)
            node->body = bind_block(binder, syntax->a);
        return node;
    case CB_SYNTAX_IF:
        return bind_if(binder, syntax);
    case CB_SYNTAX_WHILE:
        return bind_while(binder, syntax);
    case CB_SYNTAX_DO:
        return bind_do(binder, syntax);
    case CB_SYNTAX_FOR:
        return bind_for(binder, syntax);
    case CB_SYNTAX_SWITCH:
        return bind_switch(binder, syntax);
    case CB_SYNTAX_BREAK:
    case CB_SYNTAX_CONTINUE:
        return bind_jump(binder, syntax);
    case CB_SYNTAX_RETURN:
        return bind_return(binder, syntax);
    default:
        return bind_expression(binder, syntax);
    }
}

/* ---- functions ---- */

/* Each parameter is a local, also one whose name is taken: callers count them. */
static void bind_parameter(cb_binder *binder, const cb_syntax *syntax)
{
    uint32_t local;
    cb_local_kind kind = syntax->flag ? CB_LOCAL_REF : CB_LOCAL_VALUE;
    if (syntax->type == CB_TYPE_VOID)
        declare_unknown(binder, syntax);
    else if (add_local(binder, syntax, kind, &local))
        cb_flow_assign(binder, local);
    else if (binder->local_count < CB_MAX_LOCALS)
        binder->locals[binder->local_count++] =
            (cb_ast_local){syntax->text + 1, syntax->type, kind, syntax->place};
}

void cb_bind_body(cb_binder *binder, cb_ast_function *function, const cb_syntax *syntax)
{
    binder->function = function;
    binder->is_function_broken = syntax->is_broken;
    binder->jumps = NULL;
    binder->local_count = 0;
    memset(&binder->flow, 0, sizeof binder->flow);
    binder->flow.is_reachable = true;
    cb_scope_mark mark = cb_scope_enter(&binder->scope);
    for (const cb_syntax *one = syntax->a; one != NULL; one = one->next)
        bind_parameter(binder, one);
    function->body = bind_list(binder, syntax->b);
    cb_scope_leave(&binder->scope, mark);
    if (binder->flow.is_reachable && function->result != CB_TYPE_VOID && !syntax->is_broken)
        cb_bind_fail(binder, syntax->end, "%s returns %s, but a path reaches its end without one",
                     function->name, cb_type_name(function->result));
    size_t size = binder->local_count * sizeof binder->locals[0];
    cb_ast_local *locals = cb_arena_get(binder->arena, size);
    if (locals == NULL)
        return;
    memcpy(locals, binder->locals, size);
    function->locals = locals;
    function->local_count = binder->local_count;
}
