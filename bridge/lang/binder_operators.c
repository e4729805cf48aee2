#include "bridge/lang/binder_internal.h"

bool cb_bind_operator(cb_token_kind kind, cb_operator *op)
{
    static const struct {
        cb_token_kind token;
        cb_operator op;
    } table[] = {
        {CB_TOKEN_PLUS, CB_OP_ADD},
        {CB_TOKEN_MINUS, CB_OP_SUBTRACT},
        {CB_TOKEN_STAR, CB_OP_MULTIPLY},
        {CB_TOKEN_SLASH, CB_OP_DIVIDE},
        {CB_TOKEN_PERCENT, CB_OP_REMAINDER},
        {CB_TOKEN_AND, CB_OP_BIT_AND},
        {CB_TOKEN_OR, CB_OP_BIT_OR},
        {CB_TOKEN_XOR, CB_OP_BIT_XOR},
        {CB_TOKEN_SHIFT_LEFT, CB_OP_SHIFT_LEFT},
        {CB_TOKEN_SHIFT_RIGHT, CB_OP_SHIFT_RIGHT},
        {CB_TOKEN_EQUAL, CB_OP_EQUAL},
        {CB_TOKEN_NOT_EQUAL, CB_OP_NOT_EQUAL},
        {CB_TOKEN_LESS, CB_OP_LESS},
        {CB_TOKEN_LESS_EQUAL, CB_OP_LESS_EQUAL},
        {CB_TOKEN_GREATER, CB_OP_GREATER},
        {CB_TOKEN_GREATER_EQUAL, CB_OP_GREATER_EQUAL},
        {CB_TOKEN_PLUS_ASSIGN, CB_OP_ADD},
        {CB_TOKEN_MINUS_ASSIGN, CB_OP_SUBTRACT},
        {CB_TOKEN_STAR_ASSIGN, CB_OP_MULTIPLY},
        {CB_TOKEN_SLASH_ASSIGN, CB_OP_DIVIDE},
        {CB_TOKEN_PERCENT_ASSIGN, CB_OP_REMAINDER},
        {CB_TOKEN_AND_ASSIGN, CB_OP_BIT_AND},
        {CB_TOKEN_OR_ASSIGN, CB_OP_BIT_OR},
        {CB_TOKEN_XOR_ASSIGN, CB_OP_BIT_XOR},
        {CB_TOKEN_SHIFT_LEFT_ASSIGN, CB_OP_SHIFT_LEFT},
        {CB_TOKEN_SHIFT_RIGHT_ASSIGN, CB_OP_SHIFT_RIGHT},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].token == kind) {
            *op = table[i].op;
            return true;
        }
    }
    return false;
}

static bool is_shift(cb_operator op)
{
    return op == CB_OP_SHIFT_LEFT || op == CB_OP_SHIFT_RIGHT;
}

static bool wants_integers(cb_operator op)
{
    return op >= CB_OP_REMAINDER && op <= CB_OP_SHIFT_RIGHT;
}

/* The operator as the source has it, for errors: "'+'". */
static const char *spell(const cb_syntax *syntax)
{
    return cb_token_name(syntax->op);
}

bool cb_bind_check_right(cb_binder *binder, cb_operator op, cb_type type, const cb_ast_expr *right)
{
    if (right->kind != CB_EXPR_INT)
        return true;
    int64_t bits = (int64_t)cb_type_bytes(type) * 8;
    if (is_shift(op) && (right->integer < 0 || right->integer >= bits)) {
        cb_bind_fail(binder, right->place, "%s can be shifted by 0..%lld, not by %lld",
                     cb_type_name(type), (long long)bits - 1, (long long)right->integer);
        return false;
    }
    if ((op == CB_OP_DIVIDE || op == CB_OP_REMAINDER) && right->integer == 0) {
        cb_bind_fail(binder, right->place, "division by zero");
        return false;
    }
    return true;
}

cb_ast_expr *cb_bind_unary(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *operand = cb_bind_value(binder, syntax->a);
    if (operand == NULL)
        return NULL;
    if (syntax->op == CB_TOKEN_NOT) {
        operand = cb_bind_truth(binder, operand);
    } else {
        bool is_good = syntax->op == CB_TOKEN_TILDE ? cb_type_is_integer(operand->type)
                                                    : cb_type_is_scalar(operand->type);
        if (!is_good)
            return cb_bind_fail(binder, syntax->place, "%s takes %s, not %s", spell(syntax),
                                syntax->op == CB_TOKEN_TILDE ? "an integer" : "a number",
                                cb_type_name(operand->type));
        if (syntax->op == CB_TOKEN_PLUS)
            return operand;
        if (operand->is_flexible && operand->kind == CB_EXPR_INT)
            return cb_bind_fold_unary(binder, syntax->op, operand, syntax->place);
        if (operand->is_flexible) {
            operand->real = -operand->real;
            operand->place = syntax->place;
            return operand;
        }
    }
    if (operand == NULL)
        return NULL;
    cb_expr_kind kind = syntax->op == CB_TOKEN_NOT     ? CB_EXPR_NOT
                        : syntax->op == CB_TOKEN_TILDE ? CB_EXPR_COMPLEMENT
                                                       : CB_EXPR_NEGATE;
    cb_ast_expr *node = cb_bind_node(binder, kind, operand->type, syntax->place);
    if (node != NULL)
        node->unary.operand = operand;
    return node;
}

/* && and ||: what the right side assigns is not sure to have happened. */
static cb_ast_expr *bind_logic(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *left = cb_bind_value(binder, syntax->a);
    left = cb_bind_truth(binder, left);
    cb_flow before = binder->flow;
    cb_ast_expr *right = cb_bind_value(binder, syntax->b);
    right = cb_bind_truth(binder, right);
    binder->flow = before;
    cb_expr_kind kind = syntax->op == CB_TOKEN_AND_AND ? CB_EXPR_AND : CB_EXPR_OR;
    cb_ast_expr *node = cb_bind_node(binder, kind, CB_TYPE_I32, syntax->place);
    if (left == NULL || right == NULL || node == NULL)
        return NULL;
    node->binary.left = left;
    node->binary.right = right;
    return node;
}

static cb_ast_expr *make_binary(cb_binder *binder, cb_expr_kind kind, cb_type type,
                                const cb_syntax *syntax, cb_operator op, cb_ast_expr *left,
                                cb_ast_expr *right)
{
    cb_ast_expr *node = cb_bind_node(binder, kind, type, syntax->place);
    if (node == NULL)
        return NULL;
    node->binary.op = op;
    node->binary.left = left;
    node->binary.right = right;
    return node;
}

static void *wrong_operands(cb_binder *binder, const cb_syntax *syntax, cb_operator op,
                            cb_type left, cb_type right)
{
    const char *hint = "";
    if (op == CB_OP_ADD && left == CB_TYPE_STRING && right == CB_TYPE_STRING)
        hint = ": str.Concat or string.Format join strings";
    else if (op >= CB_OP_EQUAL && left == CB_TYPE_BLOB && right == CB_TYPE_BLOB)
        hint = ": blob.Compare compares blobs";
    return cb_bind_fail(binder, syntax->place, "%s takes %s, got %s and %s%s", spell(syntax),
                        wants_integers(op)  ? "integers"
                        : op >= CB_OP_EQUAL ? "two numbers or two strings"
                                            : "numbers",
                        cb_type_name(left), cb_type_name(right), hint);
}

static cb_ast_expr *bind_compare(cb_binder *binder, const cb_syntax *syntax, cb_operator op,
                                 cb_ast_expr *left, cb_ast_expr *right)
{
    bool are_strings = left->type == CB_TYPE_STRING && right->type == CB_TYPE_STRING;
    bool are_numbers = cb_type_is_scalar(left->type) && cb_type_is_scalar(right->type);
    if (!are_strings && !are_numbers)
        return wrong_operands(binder, syntax, op, left->type, right->type);
    if (are_numbers && !cb_bind_unify(binder, syntax->place, spell(syntax), &left, &right))
        return NULL;
    return make_binary(binder, CB_EXPR_COMPARE, CB_TYPE_I32, syntax, op, left, right);
}

static cb_ast_expr *bind_shift(cb_binder *binder, const cb_syntax *syntax, cb_operator op,
                               cb_ast_expr *left, cb_ast_expr *right)
{
    cb_bind_settle(left);
    right = cb_bind_give(binder, right, CB_TYPE_I32, "the count of a shift");
    if (right == NULL || !cb_bind_check_right(binder, op, left->type, right))
        return NULL;
    return make_binary(binder, CB_EXPR_BINARY, left->type, syntax, op, left, right);
}

cb_ast_expr *cb_bind_binary(cb_binder *binder, const cb_syntax *syntax)
{
    if (syntax->op == CB_TOKEN_AND_AND || syntax->op == CB_TOKEN_OR_OR)
        return bind_logic(binder, syntax);
    cb_ast_expr *left = cb_bind_value(binder, syntax->a);
    cb_ast_expr *right = cb_bind_value(binder, syntax->b);
    cb_operator op;
    if (left == NULL || right == NULL || !cb_bind_operator(syntax->op, &op))
        return NULL;
    if (op >= CB_OP_EQUAL)
        return bind_compare(binder, syntax, op, left, right);
    bool is_good = wants_integers(op)
                       ? cb_type_is_integer(left->type) && cb_type_is_integer(right->type)
                       : cb_type_is_scalar(left->type) && cb_type_is_scalar(right->type);
    if (!is_good)
        return wrong_operands(binder, syntax, op, left->type, right->type);
    if (cb_bind_is_constant(left) && cb_bind_is_constant(right))
        return cb_bind_fold_binary(binder, op, left, right, syntax->place);
    if (is_shift(op))
        return bind_shift(binder, syntax, op, left, right);
    if (!cb_bind_unify(binder, syntax->place, spell(syntax), &left, &right) ||
        !cb_bind_check_right(binder, op, left->type, right))
        return NULL;
    return make_binary(binder, CB_EXPR_BINARY, left->type, syntax, op, left, right);
}

cb_ast_expr *cb_bind_choose(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *condition = cb_bind_value(binder, syntax->a);
    condition = cb_bind_truth(binder, condition);
    cb_flow before = binder->flow;
    cb_ast_expr *yes = cb_bind_value(binder, syntax->b);
    cb_flow after_yes = binder->flow;
    binder->flow = before;
    cb_ast_expr *no = cb_bind_value(binder, syntax->c);
    cb_flow_join(&binder->flow, &after_yes);
    if (condition == NULL || yes == NULL || no == NULL)
        return NULL;
    bool are_numbers = cb_type_is_scalar(yes->type) && cb_type_is_scalar(no->type);
    if (!are_numbers && yes->type != no->type)
        return cb_bind_fail(binder, syntax->place, "the values of '?' are %s and %s%s",
                            cb_type_name(yes->type), cb_type_name(no->type),
                            cb_bind_hint(no->type, yes->type));
    if (are_numbers && !cb_bind_unify(binder, syntax->place, "'?'", &yes, &no))
        return NULL;
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_CHOOSE, yes->type, syntax->place);
    if (node == NULL)
        return NULL;
    node->choose.condition = condition;
    node->choose.yes = yes;
    node->choose.no = no;
    return node;
}

/* How an error names the target of an assignment. */
static const char *name_target(const cb_syntax *target)
{
    switch (target->kind) {
    case CB_SYNTAX_NAME:
        return target->text;
    case CB_SYNTAX_MEMBER:
        return target->detail;
    default:
        return "a byte";
    }
}

static cb_ast_expr *bind_compound(cb_binder *binder, const cb_syntax *syntax, cb_ast_expr *target,
                                  cb_ast_expr *value)
{
    cb_operator op;
    if (!cb_bind_operator(syntax->op, &op) || !cb_bind_check_read(binder, target))
        return NULL;
    bool is_good = wants_integers(op)
                       ? cb_type_is_integer(target->type) && cb_type_is_integer(value->type)
                       : cb_type_is_scalar(target->type) && cb_type_is_scalar(value->type);
    if (!is_good)
        return wrong_operands(binder, syntax, op, target->type, value->type);
    if (is_shift(op))
        value = cb_bind_give(binder, value, CB_TYPE_I32, "the count of a shift");
    else
        value = cb_bind_give(binder, value, target->type, name_target(syntax->a));
    if (value == NULL || !cb_bind_check_right(binder, op, target->type, value))
        return NULL;
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_ASSIGN_OP, target->type, syntax->place);
    if (node == NULL)
        return NULL;
    node->assign.op = op;
    node->assign.target = target;
    node->assign.value = value;
    return node;
}

static cb_ast_expr *bind_bounded(cb_binder *binder, const cb_syntax *syntax, cb_ast_expr *target,
                                 cb_ast_expr *value)
{
    if (target->kind != CB_EXPR_LOCAL || cb_type_is_scalar(target->type))
        return cb_bind_fail(binder, syntax->place, "':=' takes a string or blob variable");
    value = cb_bind_give(binder, value, target->type, name_target(syntax->a));
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_ASSIGN_BOUNDED, CB_TYPE_VOID, syntax->place);
    if (value == NULL || node == NULL)
        return NULL;
    node->assign.target = target;
    node->assign.value = value;
    return node;
}

cb_ast_expr *cb_bind_assign(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *target = cb_bind_target(binder, syntax->a);
    cb_ast_expr *value = cb_bind_value(binder, syntax->b);
    bool is_scalar_local =
        target != NULL && target->kind == CB_EXPR_LOCAL && cb_type_is_scalar(target->type);
    cb_ast_expr *node = NULL;
    if (target != NULL && value != NULL) {
        if (syntax->op == CB_TOKEN_BOUNDED_ASSIGN)
            return bind_bounded(binder, syntax, target, value);
        if (syntax->op != CB_TOKEN_ASSIGN)
            return bind_compound(binder, syntax, target, value);
        if (target->kind == CB_EXPR_INDEX && cb_bind_is_constant(value) &&
            (value->integer < 0 || value->integer > 255))
            node = cb_bind_fail(binder, value->place, "a byte holds 0..255, not %lld",
                                (long long)value->integer);
        else
            value = cb_bind_give(binder, value, target->type, name_target(syntax->a));
        if (value != NULL)
            node = cb_bind_node(binder, CB_EXPR_ASSIGN, target->type, syntax->place);
        if (node != NULL) {
            node->assign.target = target;
            node->assign.value = value;
        }
    }
    /* After a wrong value too, or the mistake would be reported again at each reading. */
    if (is_scalar_local)
        cb_flow_assign(binder, target->local);
    return node;
}

cb_ast_expr *cb_bind_step(cb_binder *binder, const cb_syntax *syntax)
{
    cb_ast_expr *target = cb_bind_target(binder, syntax->a);
    if (target == NULL || !cb_bind_check_read(binder, target))
        return NULL;
    if (!cb_type_is_scalar(target->type))
        return cb_bind_fail(binder, syntax->place, "%s takes a number, not %s", spell(syntax),
                            cb_type_name(target->type));
    cb_ast_expr *node = cb_bind_node(binder, CB_EXPR_STEP, target->type, syntax->place);
    if (node == NULL)
        return NULL;
    node->step.target = target;
    node->step.is_decrement = syntax->op == CB_TOKEN_MINUS_MINUS;
    node->step.is_postfix = syntax->flag;
    return node;
}
