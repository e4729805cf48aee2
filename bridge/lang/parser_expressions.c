#include "bridge/lang/parser_internal.h"

/* Expressions: precedence climbing over C's table. Every composed node knows the depth of its tree,
 * so that a long chain of operators is refused before anything walks it recursively. */

static uint16_t depth_of(const cb_syntax *node)
{
    return node != NULL ? node->depth : 0;
}

/* Closes a composed node: NULL if it became too deep. */
static cb_syntax *finish(cb_parser *parser, cb_syntax *node)
{
    if (node == NULL)
        return NULL;
    uint16_t depth = depth_of(node->b) > depth_of(node->c) ? depth_of(node->b) : depth_of(node->c);
    for (const cb_syntax *child = node->a; child != NULL; child = child->next)
        depth = child->depth > depth ? child->depth : depth;
    node->depth = (uint16_t)(depth + 1);
    if (node->depth <= CB_MAX_CHAIN)
        return node;
    cb_parser_error(parser, node->place, "this expression is a chain of more than %u operators",
                    CB_MAX_CHAIN);
    return NULL;
}

static cb_syntax *parse_unary(cb_parser *parser);

/* The arguments from behind `(` to behind `)`. */
static bool parse_arguments(cb_parser *parser, cb_syntax **arguments)
{
    cb_syntax_list list = {0};
    if (!cb_parser_at(parser, CB_TOKEN_RIGHT_PAREN)) {
        do {
            cb_syntax *argument = cb_parse_expression(parser);
            if (argument == NULL)
                return false;
            cb_syntax_append(&list, argument);
        } while (cb_parser_take(parser, CB_TOKEN_COMMA));
    }
    *arguments = list.first;
    return cb_parser_expect(parser, CB_TOKEN_RIGHT_PAREN, "after the arguments");
}

static const char *word_of(const cb_token *token)
{
    switch (token->kind) {
    case CB_TOKEN_NAME:
    case CB_TOKEN_TYPE:
    case CB_TOKEN_PLUGIN:
    case CB_TOKEN_STRUCT:
        return token->text;
    default:
        return NULL;
    }
}

/* `S.field`, where S is a name without `$`; both were read. */
static cb_syntax *parse_alias_field(cb_parser *parser, cb_token alias, cb_token field)
{
    cb_syntax *object = cb_parser_node(parser, CB_SYNTAX_NAME, alias.place);
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_MEMBER, alias.place);
    if (object == NULL || node == NULL)
        return NULL;
    object->text = alias.text;
    node->a = object;
    node->detail = field.text;
    node->detail_place = field.place;
    return finish(parser, node);
}

/* `space.Verb(...)`, the parser being at the dot; `space` was read. Words such as blob and string
 * are types elsewhere and namespaces here. */
static cb_syntax *parse_verb(cb_parser *parser, cb_token space)
{
    cb_parser_advance(parser);
    cb_token name = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "of a verb or field after '.'"))
        return NULL;
    if (space.kind == CB_TOKEN_NAME && !cb_parser_at(parser, CB_TOKEN_LEFT_PAREN))
        return parse_alias_field(parser, space, name);
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_CALL, space.place);
    if (node == NULL || !cb_parser_expect(parser, CB_TOKEN_LEFT_PAREN, "after the verb's name"))
        return NULL;
    node->text = name.text;
    node->detail = space.text;
    node->detail_place = name.place;
    if (name.place.line == space.place.line)
        node->place.length = name.place.offset + name.place.length - space.place.offset;
    return parse_arguments(parser, &node->a) ? finish(parser, node) : NULL;
}

static cb_syntax *parse_named(cb_parser *parser)
{
    cb_token name = parser->token;
    cb_parser_advance(parser);
    if (cb_parser_at(parser, CB_TOKEN_LEFT_PAREN)) {
        cb_parser_advance(parser);
        cb_syntax *call = cb_parser_node(parser, CB_SYNTAX_CALL, name.place);
        if (call == NULL || !parse_arguments(parser, &call->a))
            return NULL;
        call->text = name.text;
        return finish(parser, call);
    }
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_NAME, name.place);
    if (node != NULL)
        node->text = name.text;
    return node;
}

static cb_syntax *parse_structsize(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_STRUCTSIZE, parser->token.place);
    cb_parser_advance(parser);
    if (!cb_parser_expect(parser, CB_TOKEN_LEFT_PAREN, "after 'structsize'"))
        return NULL;
    cb_token name = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "of a struct") || node == NULL)
        return NULL;
    node->text = name.text;
    node->detail_place = name.place;
    return cb_parser_expect(parser, CB_TOKEN_RIGHT_PAREN, "after the struct's name") ? node : NULL;
}

static cb_syntax *parse_constant(cb_parser *parser)
{
    static const cb_syntax_kind kinds[] = {[CB_TOKEN_INTEGER] = CB_SYNTAX_INTEGER,
                                           [CB_TOKEN_REAL] = CB_SYNTAX_REAL,
                                           [CB_TOKEN_STRING] = CB_SYNTAX_STRING};
    cb_token token = parser->token;
    cb_syntax *node = cb_parser_node(parser, kinds[token.kind], token.place);
    cb_parser_advance(parser);
    if (node == NULL)
        return NULL;
    node->integer = token.integer;
    node->real = token.real;
    node->text = token.text;
    node->size = token.size;
    return node;
}

/* The rest of `( expression )`; the first parenthesis was read. */
static cb_syntax *parse_enclosed(cb_parser *parser)
{
    cb_syntax *inner = cb_parse_expression(parser);
    if (inner == NULL || !cb_parser_expect(parser, CB_TOKEN_RIGHT_PAREN, "after the expression"))
        return NULL;
    return inner;
}

static cb_syntax *parse_primary(cb_parser *parser)
{
    switch (parser->token.kind) {
    case CB_TOKEN_INTEGER:
    case CB_TOKEN_REAL:
    case CB_TOKEN_STRING:
        return parse_constant(parser);
    case CB_TOKEN_STRUCTSIZE:
        return parse_structsize(parser);
    case CB_TOKEN_VARIABLE:
    case CB_TOKEN_NAME:
    case CB_TOKEN_TYPE:
    case CB_TOKEN_PLUGIN:
    case CB_TOKEN_STRUCT: {
        cb_token word = parser->token;
        if (parser->ahead.kind == CB_TOKEN_DOT && word_of(&word) != NULL) {
            cb_parser_advance(parser);
            return parse_verb(parser, word);
        }
        if (word.kind == CB_TOKEN_VARIABLE || word.kind == CB_TOKEN_NAME)
            return parse_named(parser);
        break;
    }
    case CB_TOKEN_LEFT_PAREN:
        cb_parser_advance(parser);
        return parse_enclosed(parser);
    default:
        break;
    }
    cb_parser_expected(parser, "an expression");
    return NULL;
}

static cb_syntax *parse_member(cb_parser *parser, cb_syntax *object)
{
    cb_parser_advance(parser);
    cb_token name = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "of a field after '.'"))
        return NULL;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_MEMBER, object->place);
    if (node == NULL)
        return NULL;
    node->a = object;
    node->detail = name.text;
    node->detail_place = name.place;
    return finish(parser, node);
}

static cb_syntax *parse_index(cb_parser *parser, cb_syntax *object)
{
    cb_parser_advance(parser);
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_INDEX, object->place);
    cb_syntax *at = cb_parse_expression(parser);
    if (node == NULL || at == NULL ||
        !cb_parser_expect(parser, CB_TOKEN_RIGHT_BRACKET, "after the index"))
        return NULL;
    node->a = object;
    node->b = at;
    return finish(parser, node);
}

static cb_syntax *parse_step(cb_parser *parser, cb_syntax *target, bool is_postfix)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_STEP, parser->token.place);
    cb_token_kind op = parser->token.kind;
    cb_parser_advance(parser);
    if (!is_postfix)
        target = parse_unary(parser);
    if (node == NULL || target == NULL)
        return NULL;
    node->op = op;
    node->a = target;
    node->flag = is_postfix;
    return finish(parser, node);
}

/* What may follow `node`, which is NULL if it failed. */
static cb_syntax *parse_suffixes(cb_parser *parser, cb_syntax *node)
{
    while (node != NULL) {
        switch (parser->token.kind) {
        case CB_TOKEN_DOT:
            node = parse_member(parser, node);
            break;
        case CB_TOKEN_LEFT_BRACKET:
            node = parse_index(parser, node);
            break;
        case CB_TOKEN_PLUS_PLUS:
        case CB_TOKEN_MINUS_MINUS:
            node = parse_step(parser, node, true);
            break;
        default:
            return node;
        }
    }
    return NULL;
}

static cb_syntax *parse_postfix(cb_parser *parser)
{
    return parse_suffixes(parser, parse_primary(parser));
}

/* `(i8)$x`, or what begins like it: `(blob.Overflow($b))`, a type's word being a namespace. */
static cb_syntax *parse_cast(cb_parser *parser)
{
    cb_place place = parser->token.place;
    cb_parser_advance(parser);
    if (parser->ahead.kind == CB_TOKEN_DOT)
        return parse_suffixes(parser, parse_enclosed(parser));
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_CAST, place);
    cb_type type = (cb_type)parser->token.integer;
    cb_parser_advance(parser);
    if (!cb_parser_expect(parser, CB_TOKEN_RIGHT_PAREN, "after the type of a cast"))
        return NULL;
    cb_syntax *operand = parse_unary(parser);
    if (node == NULL || operand == NULL)
        return NULL;
    node->type = type;
    node->a = operand;
    return finish(parser, node);
}

static cb_syntax *parse_prefix(cb_parser *parser)
{
    switch (parser->token.kind) {
    case CB_TOKEN_PLUS_PLUS:
    case CB_TOKEN_MINUS_MINUS:
        return parse_step(parser, NULL, false);
    case CB_TOKEN_MINUS:
    case CB_TOKEN_PLUS:
    case CB_TOKEN_TILDE:
    case CB_TOKEN_NOT: {
        cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_UNARY, parser->token.place);
        cb_token_kind op = parser->token.kind;
        cb_parser_advance(parser);
        cb_syntax *operand = parse_unary(parser);
        if (node == NULL || operand == NULL)
            return NULL;
        node->op = op;
        node->a = operand;
        return finish(parser, node);
    }
    case CB_TOKEN_LEFT_PAREN:
        if (parser->ahead.kind == CB_TOKEN_TYPE)
            return parse_cast(parser);
        return parse_postfix(parser);
    default:
        return parse_postfix(parser);
    }
}

/* All recursion of expressions passes here, so here it is bounded. */
static cb_syntax *parse_unary(cb_parser *parser)
{
    cb_syntax *node = cb_parser_enter(parser) ? parse_prefix(parser) : NULL;
    cb_parser_leave(parser);
    return node;
}

/* C's binary operators: a higher number binds tighter; 0 is none. */
static int precedence_of(cb_token_kind kind)
{
    switch (kind) {
    case CB_TOKEN_STAR:
    case CB_TOKEN_SLASH:
    case CB_TOKEN_PERCENT:
        return 10;
    case CB_TOKEN_PLUS:
    case CB_TOKEN_MINUS:
        return 9;
    case CB_TOKEN_SHIFT_LEFT:
    case CB_TOKEN_SHIFT_RIGHT:
        return 8;
    case CB_TOKEN_LESS:
    case CB_TOKEN_LESS_EQUAL:
    case CB_TOKEN_GREATER:
    case CB_TOKEN_GREATER_EQUAL:
        return 7;
    case CB_TOKEN_EQUAL:
    case CB_TOKEN_NOT_EQUAL:
        return 6;
    case CB_TOKEN_AND:
        return 5;
    case CB_TOKEN_XOR:
        return 4;
    case CB_TOKEN_OR:
        return 3;
    case CB_TOKEN_AND_AND:
        return 2;
    case CB_TOKEN_OR_OR:
        return 1;
    default:
        return 0;
    }
}

/* Recursion is at most one call a precedence. */
static cb_syntax *parse_binary(cb_parser *parser, int least)
{
    cb_syntax *left = parse_unary(parser);
    for (;;) {
        int precedence = precedence_of(parser->token.kind);
        if (left == NULL || precedence == 0 || precedence < least)
            return left;
        cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_BINARY, parser->token.place);
        cb_token_kind op = parser->token.kind;
        cb_parser_advance(parser);
        cb_syntax *right = parse_binary(parser, precedence + 1);
        if (node == NULL || right == NULL)
            return NULL;
        node->op = op;
        node->a = left;
        node->b = right;
        left = finish(parser, node);
    }
}

static cb_syntax *parse_choose(cb_parser *parser)
{
    cb_syntax *condition = parse_binary(parser, 1);
    if (condition == NULL || !cb_parser_at(parser, CB_TOKEN_QUESTION))
        return condition;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_CHOOSE, parser->token.place);
    cb_parser_advance(parser);
    cb_syntax *yes = cb_parser_enter(parser) ? cb_parse_expression(parser) : NULL;
    cb_parser_leave(parser);
    if (yes == NULL || !cb_parser_expect(parser, CB_TOKEN_COLON, "between the two values of '?'"))
        return NULL;
    cb_syntax *no = cb_parser_enter(parser) ? parse_choose(parser) : NULL;
    cb_parser_leave(parser);
    if (node == NULL || no == NULL)
        return NULL;
    node->a = condition;
    node->b = yes;
    node->c = no;
    return finish(parser, node);
}

static bool is_assignment(cb_token_kind kind)
{
    switch (kind) {
    case CB_TOKEN_ASSIGN:
    case CB_TOKEN_BOUNDED_ASSIGN:
    case CB_TOKEN_PLUS_ASSIGN:
    case CB_TOKEN_MINUS_ASSIGN:
    case CB_TOKEN_STAR_ASSIGN:
    case CB_TOKEN_SLASH_ASSIGN:
    case CB_TOKEN_PERCENT_ASSIGN:
    case CB_TOKEN_AND_ASSIGN:
    case CB_TOKEN_OR_ASSIGN:
    case CB_TOKEN_XOR_ASSIGN:
    case CB_TOKEN_SHIFT_LEFT_ASSIGN:
    case CB_TOKEN_SHIFT_RIGHT_ASSIGN:
        return true;
    default:
        return false;
    }
}

cb_syntax *cb_parse_expression(cb_parser *parser)
{
    cb_syntax *target = parse_choose(parser);
    if (target == NULL || !is_assignment(parser->token.kind))
        return target;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_ASSIGN, parser->token.place);
    cb_token_kind op = parser->token.kind;
    cb_parser_advance(parser);
    cb_syntax *value = cb_parser_enter(parser) ? cb_parse_expression(parser) : NULL;
    cb_parser_leave(parser);
    if (node == NULL || value == NULL)
        return NULL;
    node->op = op;
    node->a = target;
    node->b = value;
    return finish(parser, node);
}
