#include <string.h>

#include "bridge/lang/parser_internal.h"

/* Statements. A compound one returns its node even when a part of it was wrong and reported: the
 * function is marked broken and never runs, but the binder still sees the rest. */

static cb_syntax *parse_body(cb_parser *parser)
{
    cb_syntax *statement = cb_parse_statement(parser);
    /* A body is a block of its own, with or without braces. */
    if (statement != NULL && statement->kind == CB_SYNTAX_BLOCK && statement->next == NULL)
        return statement->a;
    return statement;
}

static cb_syntax *parse_condition(cb_parser *parser, const char *after)
{
    if (!cb_parser_expect(parser, CB_TOKEN_LEFT_PAREN, after))
        return NULL;
    cb_syntax *condition = cb_parse_expression(parser);
    if (condition == NULL || !cb_parser_expect(parser, CB_TOKEN_RIGHT_PAREN, "after the condition"))
        return NULL;
    return condition;
}

/* One variable of a declaration: `$name`, `[size]`, `= value`. */
static cb_syntax *parse_declarator(cb_parser *parser, cb_type type)
{
    cb_token name = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_VARIABLE, "after the type (names carry '$')"))
        return NULL;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_DECLARE, name.place);
    if (node == NULL)
        return NULL;
    node->type = type;
    node->text = name.text;
    if (cb_parser_take(parser, CB_TOKEN_LEFT_BRACKET)) {
        node->a = cb_parse_expression(parser);
        if (node->a == NULL || !cb_parser_expect(parser, CB_TOKEN_RIGHT_BRACKET, "after the size"))
            return NULL;
    }
    if (cb_parser_take(parser, CB_TOKEN_ASSIGN)) {
        node->b = cb_parse_expression(parser);
        if (node->b == NULL)
            return NULL;
    }
    return node;
}

static cb_syntax *parse_declarators(cb_parser *parser)
{
    cb_type type = (cb_type)parser->token.integer;
    cb_parser_advance(parser);
    cb_syntax_list list = {0};
    do {
        cb_syntax *one = parse_declarator(parser, type);
        if (one == NULL)
            return NULL;
        cb_syntax_append(&list, one);
    } while (cb_parser_take(parser, CB_TOKEN_COMMA));
    return list.first;
}

/* `ref blob &S = value` */
static cb_syntax *parse_alias(cb_parser *parser)
{
    cb_parser_advance(parser);
    cb_token type = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_TYPE, "after 'ref'") ||
        !cb_parser_expect(parser, CB_TOKEN_AND, "before the name (ref blob &NAME = ...)"))
        return NULL;
    cb_token name = parser->token;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_ALIAS, name.place);
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "after '&' (without '$')") || node == NULL ||
        !cb_parser_expect(parser, CB_TOKEN_ASSIGN, "after the name"))
        return NULL;
    node->type = (cb_type)type.integer;
    node->text = name.text;
    node->b = cb_parse_expression(parser);
    return node->b != NULL ? node : NULL;
}

static bool is_declaration(const cb_parser *parser)
{
    return cb_parser_at(parser, CB_TOKEN_TYPE) && parser->ahead.kind != CB_TOKEN_DOT;
}

static bool is_lay_struct(const cb_parser *parser)
{
    return (cb_parser_at(parser, CB_TOKEN_VARIABLE) || cb_parser_at(parser, CB_TOKEN_NAME)) &&
           parser->ahead.kind == CB_TOKEN_NAME && strcmp(parser->ahead.text, "assign") == 0;
}

/* `$X assign NAME` */
static cb_syntax *parse_lay_struct(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_LAY_STRUCT, parser->token.place);
    cb_token variable = parser->token;
    cb_parser_advance(parser);
    cb_parser_advance(parser);
    cb_token name = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "of a struct after 'assign'") || node == NULL)
        return NULL;
    node->text = variable.text;
    node->detail = name.text;
    node->detail_place = name.place;
    return node;
}

static cb_syntax *parse_expression_statement(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_EXPRESSION, parser->token.place);
    cb_syntax *expression = cb_parse_expression(parser);
    if (node == NULL || expression == NULL)
        return NULL;
    node->a = expression;
    return node;
}

static cb_syntax *parse_if(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_IF, parser->token.place);
    cb_parser_advance(parser);
    cb_syntax *condition = parse_condition(parser, "after 'if'");
    if (node == NULL || condition == NULL)
        return NULL;
    node->a = condition;
    node->b = parse_body(parser);
    if (cb_parser_take(parser, CB_TOKEN_ELSE)) {
        node->flag = true;
        node->c = parse_body(parser);
    }
    return node;
}

static cb_syntax *parse_while(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_WHILE, parser->token.place);
    cb_parser_advance(parser);
    cb_syntax *condition = parse_condition(parser, "after 'while'");
    if (node == NULL || condition == NULL)
        return NULL;
    node->a = condition;
    node->b = parse_body(parser);
    return node;
}

static cb_syntax *parse_do(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_DO, parser->token.place);
    cb_parser_advance(parser);
    cb_syntax *body = parse_body(parser);
    if (!cb_parser_expect(parser, CB_TOKEN_WHILE, "after the body of 'do'") || node == NULL)
        return NULL;
    node->b = body;
    node->a = parse_condition(parser, "after 'while'");
    if (node->a == NULL || !cb_parser_end_statement(parser))
        return NULL;
    return node;
}

static bool parse_for_head(cb_parser *parser, cb_syntax *node)
{
    if (!cb_parser_expect(parser, CB_TOKEN_LEFT_PAREN, "after 'for'"))
        return false;
    if (!cb_parser_at(parser, CB_TOKEN_SEMICOLON)) {
        node->a =
            is_declaration(parser) ? parse_declarators(parser) : parse_expression_statement(parser);
        if (node->a == NULL)
            return false;
    }
    if (!cb_parser_expect(parser, CB_TOKEN_SEMICOLON, "after the start of 'for'"))
        return false;
    if (!cb_parser_at(parser, CB_TOKEN_SEMICOLON)) {
        node->b = cb_parse_expression(parser);
        if (node->b == NULL)
            return false;
    }
    if (!cb_parser_expect(parser, CB_TOKEN_SEMICOLON, "after the condition of 'for'"))
        return false;
    cb_syntax_list steps = {0};
    if (!cb_parser_at(parser, CB_TOKEN_RIGHT_PAREN)) {
        do {
            cb_syntax *one = cb_parse_expression(parser);
            if (one == NULL)
                return false;
            cb_syntax_append(&steps, one);
        } while (cb_parser_take(parser, CB_TOKEN_COMMA));
    }
    node->c = steps.first;
    return cb_parser_expect(parser, CB_TOKEN_RIGHT_PAREN, "after the head of 'for'");
}

static cb_syntax *parse_for(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_FOR, parser->token.place);
    cb_parser_advance(parser);
    if (node == NULL || !parse_for_head(parser, node))
        return NULL;
    node->d = parse_body(parser);
    return node;
}

static bool ends_case(const cb_parser *parser)
{
    return cb_parser_at(parser, CB_TOKEN_CASE) || cb_parser_at(parser, CB_TOKEN_DEFAULT) ||
           cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE) || cb_parser_at(parser, CB_TOKEN_END);
}

static cb_syntax *parse_case(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_CASE, parser->token.place);
    if (node == NULL)
        return NULL;
    if (cb_parser_take(parser, CB_TOKEN_CASE)) {
        node->a = cb_parse_expression(parser);
        if (node->a == NULL)
            return NULL;
        node->place = node->a->place;
    } else if (!cb_parser_expect(parser, CB_TOKEN_DEFAULT, "or 'case' inside a switch")) {
        return NULL;
    }
    if (!cb_parser_expect(parser, CB_TOKEN_COLON, "after the case"))
        return NULL;
    cb_syntax_list body = {0};
    while (!ends_case(parser))
        cb_syntax_append(&body, cb_parse_statement(parser));
    node->b = body.first;
    return node;
}

static cb_syntax *parse_switch(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_SWITCH, parser->token.place);
    cb_parser_advance(parser);
    cb_syntax *value = parse_condition(parser, "after 'switch'");
    cb_place open = parser->token.place;
    if (node == NULL || value == NULL ||
        !cb_parser_expect(parser, CB_TOKEN_LEFT_BRACE, "after the value of 'switch'"))
        return NULL;
    cb_syntax_list cases = {0};
    while (!cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE) && !cb_parser_at(parser, CB_TOKEN_END)) {
        cb_syntax *one = parse_case(parser);
        if (one == NULL)
            cb_parser_recover(parser);
        cb_syntax_append(&cases, one);
    }
    node->a = value;
    node->b = cases.first;
    (void)cb_parser_close(parser, open, "after the cases");
    return node;
}

static cb_syntax *parse_return(cb_parser *parser)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_RETURN, parser->token.place);
    cb_parser_advance(parser);
    if (node == NULL || cb_parser_at(parser, CB_TOKEN_SEMICOLON))
        return node;
    node->a = cb_parse_expression(parser);
    return node->a != NULL ? node : NULL;
}

/* Statements that end with `;`; NULL after an error. */
static cb_syntax *parse_simple(cb_parser *parser)
{
    cb_syntax *node;
    switch (parser->token.kind) {
    case CB_TOKEN_BREAK:
    case CB_TOKEN_CONTINUE:
        node = cb_parser_node(
            parser, cb_parser_at(parser, CB_TOKEN_BREAK) ? CB_SYNTAX_BREAK : CB_SYNTAX_CONTINUE,
            parser->token.place);
        cb_parser_advance(parser);
        break;
    case CB_TOKEN_RETURN:
        node = parse_return(parser);
        break;
    case CB_TOKEN_REF:
        node = parse_alias(parser);
        break;
    case CB_TOKEN_DEFINE:
        cb_parser_error(parser, parser->token.place, "#define stands outside functions");
        return NULL;
    case CB_TOKEN_ELSE:
        cb_parser_error(parser, parser->token.place, "this 'else' has no 'if'");
        return NULL;
    case CB_TOKEN_CASE:
    case CB_TOKEN_DEFAULT:
        cb_parser_error(parser, parser->token.place, "%s outside a switch",
                        cb_token_name(parser->token.kind));
        return NULL;
    default:
        if (is_declaration(parser))
            node = parse_declarators(parser);
        else if (is_lay_struct(parser))
            node = parse_lay_struct(parser);
        else
            node = parse_expression_statement(parser);
        break;
    }
    return node != NULL && cb_parser_end_statement(parser) ? node : NULL;
}

/* Sets *failed where the parser has to recover. */
static cb_syntax *parse_any(cb_parser *parser, bool *failed)
{
    cb_syntax *node;
    switch (parser->token.kind) {
    case CB_TOKEN_SEMICOLON:
        cb_parser_advance(parser);
        return NULL;
    case CB_TOKEN_LEFT_BRACE: {
        node = cb_parser_node(parser, CB_SYNTAX_BLOCK, parser->token.place);
        cb_syntax *list = NULL;
        cb_place end;
        (void)cb_parse_block(parser, &list, &end);
        if (node != NULL)
            node->a = list;
        break;
    }
    case CB_TOKEN_IF:
        node = parse_if(parser);
        break;
    case CB_TOKEN_WHILE:
        node = parse_while(parser);
        break;
    case CB_TOKEN_DO:
        node = parse_do(parser);
        break;
    case CB_TOKEN_FOR:
        node = parse_for(parser);
        break;
    case CB_TOKEN_SWITCH:
        node = parse_switch(parser);
        break;
    default:
        node = parse_simple(parser);
        break;
    }
    *failed = node == NULL;
    return node;
}

cb_syntax *cb_parse_statement(cb_parser *parser)
{
    bool failed = true;
    size_t start = parser->token.place.offset;
    cb_syntax *node = NULL;
    if (cb_parser_enter(parser)) {
        failed = false;
        node = parse_any(parser, &failed);
    }
    cb_parser_leave(parser);
    if (failed) {
        /* A word that begins no statement must not be met again. */
        if (parser->token.place.offset == start && !cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE) &&
            !cb_parser_at(parser, CB_TOKEN_LEFT_BRACE))
            cb_parser_advance(parser);
        cb_parser_recover(parser);
        /* The rest of an `if` whose beginning was lost. */
        while (cb_parser_take(parser, CB_TOKEN_ELSE) && cb_parser_enter(parser)) {
            (void)parse_body(parser);
            cb_parser_leave(parser);
        }
    }
    return node;
}

bool cb_parse_block(cb_parser *parser, cb_syntax **list, cb_place *end)
{
    cb_place open = parser->token.place;
    if (!cb_parser_expect(parser, CB_TOKEN_LEFT_BRACE, "before the body"))
        return false;
    cb_syntax_list body = {0};
    while (!cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE) && !cb_parser_at(parser, CB_TOKEN_END) &&
           !parser->diagnostics->more)
        cb_syntax_append(&body, cb_parse_statement(parser));
    *list = body.first;
    *end = parser->token.place;
    return cb_parser_close(parser, open, "at the end of the body");
}
