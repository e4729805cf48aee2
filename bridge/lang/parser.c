#include "bridge/lang/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bridge/lang/parser_internal.h"

void cb_parser_advance(cb_parser *parser)
{
    parser->previous = parser->token;
    parser->token = parser->ahead;
    parser->ahead = cb_lexer_next(&parser->lexer);
}

bool cb_parser_at(const cb_parser *parser, cb_token_kind kind)
{
    return parser->token.kind == kind;
}

bool cb_parser_take(cb_parser *parser, cb_token_kind kind)
{
    if (!cb_parser_at(parser, kind))
        return false;
    cb_parser_advance(parser);
    return true;
}

void cb_parser_error(cb_parser *parser, cb_place place, const char *format, ...)
{
    bool is_consequence =
        parser->previous.is_broken || parser->token.is_broken || parser->arena->failed;
    parser->had_error = true;
    if (is_consequence)
        return;
    char text[CB_DIAGNOSTIC_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cb_diagnostics_add(parser->diagnostics, place, "%s", text);
}

/* The next token as an error quotes it. */
static void describe(const cb_token *token, char *text, size_t size)
{
    if (token->kind == CB_TOKEN_NAME || token->kind == CB_TOKEN_VARIABLE ||
        token->kind == CB_TOKEN_TYPE)
        (void)snprintf(text, size, "'%s'", token->text);
    else
        (void)snprintf(text, size, "%s", cb_token_name(token->kind));
}

void cb_parser_expected(cb_parser *parser, const char *what)
{
    char found[CB_NAME_MAX_BYTES + 8];
    describe(&parser->token, found, sizeof found);
    cb_parser_error(parser, parser->token.place, "expected %s, not %s", what, found);
}

bool cb_parser_expect(cb_parser *parser, cb_token_kind kind, const char *where)
{
    if (cb_parser_take(parser, kind))
        return true;
    char what[96];
    (void)snprintf(what, sizeof what, "%s %s", cb_token_name(kind), where);
    cb_parser_expected(parser, what);
    return false;
}

bool cb_parser_close(cb_parser *parser, cb_place open, const char *where)
{
    if (!cb_parser_at(parser, CB_TOKEN_END))
        return cb_parser_expect(parser, CB_TOKEN_RIGHT_BRACE, where);
    /* The innermost open one tells most, and one error is enough. */
    if (!parser->is_cut_off)
        cb_parser_error(parser, open, "this '{' has no '}'");
    parser->is_cut_off = true;
    return false;
}

bool cb_parser_end_statement(cb_parser *parser)
{
    if (cb_parser_take(parser, CB_TOKEN_SEMICOLON))
        return true;
    cb_place place = parser->previous.place;
    bool is_line_end = parser->token.place.line > place.line ||
                       cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE) ||
                       cb_parser_at(parser, CB_TOKEN_END);
    if (!is_line_end) {
        cb_parser_expected(parser, "';'");
        return false;
    }
    /* A point right behind the last token, on whose line it is missing. */
    place.offset += place.length;
    place.column += place.length;
    place.length = 0;
    cb_parser_error(parser, place, "expected ';' at the end of the statement");
    return true;
}

void cb_parser_recover(cb_parser *parser)
{
    uint32_t depth = 0;
    while (!cb_parser_at(parser, CB_TOKEN_END)) {
        if (cb_parser_at(parser, CB_TOKEN_LEFT_BRACE))
            depth++;
        if (cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE)) {
            if (depth == 0)
                return;
            depth--;
            if (depth == 0) {
                cb_parser_advance(parser);
                return;
            }
        }
        if (cb_parser_take(parser, CB_TOKEN_SEMICOLON)) {
            if (depth == 0)
                return;
            continue;
        }
        cb_parser_advance(parser);
    }
}

bool cb_parser_enter(cb_parser *parser)
{
    parser->nesting++;
    if (parser->nesting <= CB_MAX_NESTING)
        return true;
    cb_parser_error(parser, parser->token.place, "nested deeper than %u levels", CB_MAX_NESTING);
    return false;
}

void cb_parser_leave(cb_parser *parser)
{
    parser->nesting--;
}

cb_syntax *cb_parser_node(cb_parser *parser, cb_syntax_kind kind, cb_place place)
{
    cb_syntax *node = cb_arena_get(parser->arena, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->place = place;
    }
    return node;
}

void cb_syntax_append(cb_syntax_list *list, cb_syntax *node)
{
    if (node == NULL)
        return;
    if (list->last == NULL)
        list->first = node;
    else
        list->last->next = node;
    while (node->next != NULL)
        node = node->next;
    list->last = node;
}

/* Skips to what can begin a declaration outside functions. */
static void recover_outside(cb_parser *parser)
{
    uint32_t depth = 0;
    while (!cb_parser_at(parser, CB_TOKEN_END)) {
        switch (parser->token.kind) {
        case CB_TOKEN_LEFT_BRACE:
            depth++;
            break;
        case CB_TOKEN_RIGHT_BRACE:
            if (depth <= 1) {
                cb_parser_advance(parser);
                (void)cb_parser_take(parser, CB_TOKEN_SEMICOLON);
                return;
            }
            depth--;
            break;
        case CB_TOKEN_SEMICOLON:
            if (depth == 0) {
                cb_parser_advance(parser);
                return;
            }
            break;
        case CB_TOKEN_PLUGIN:
        case CB_TOKEN_STRUCT:
        case CB_TOKEN_CALLBACK:
        case CB_TOKEN_DEFINE:
            if (depth == 0)
                return;
            break;
        default:
            break;
        }
        cb_parser_advance(parser);
    }
}

static cb_syntax *parse_plugin(cb_parser *parser, bool is_late)
{
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_PLUGIN, parser->token.place);
    if (is_late)
        cb_parser_error(parser, parser->token.place,
                        "plugin lines stand before structs and functions");
    cb_parser_advance(parser);
    cb_token path = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_STRING, "with the plugin's path") || node == NULL)
        return NULL;
    node->text = path.text;
    node->size = path.size;
    node->place = path.place;
    return cb_parser_end_statement(parser) ? node : NULL;
}

/* The literal of a #define: a number with an optional sign, or a string. */
static cb_syntax *parse_literal(cb_parser *parser)
{
    cb_place place = parser->token.place;
    bool is_negative = cb_parser_take(parser, CB_TOKEN_MINUS);
    cb_token token = parser->token;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_INTEGER, token.place);
    if (node == NULL)
        return NULL;
    node->integer = token.integer;
    node->real = token.real;
    node->text = token.text;
    node->size = token.size;
    if (cb_parser_take(parser, CB_TOKEN_REAL)) {
        node->kind = CB_SYNTAX_REAL;
    } else if (!is_negative && cb_parser_take(parser, CB_TOKEN_STRING)) {
        node->kind = CB_SYNTAX_STRING;
    } else if (!cb_parser_take(parser, CB_TOKEN_INTEGER)) {
        cb_parser_expected(parser, "a number or a string");
        return NULL;
    }
    if (!is_negative)
        return node;
    cb_syntax *minus = cb_parser_node(parser, CB_SYNTAX_UNARY, place);
    if (minus != NULL) {
        minus->op = CB_TOKEN_MINUS;
        minus->a = node;
        minus->depth = 1;
    }
    return minus;
}

static cb_syntax *parse_define(cb_parser *parser)
{
    uint32_t line = parser->token.place.line;
    cb_parser_advance(parser);
    cb_token name = parser->token;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_DEFINE, name.place);
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "after '#define'") || node == NULL)
        return NULL;
    node->text = name.text;
    if (parser->token.place.line == line) {
        node->a = parse_literal(parser);
        if (node->a == NULL)
            return NULL;
    }
    /* A sign alone is none, whatever the next line begins with. */
    if (node->a == NULL || parser->previous.place.line != line) {
        cb_parser_error(parser, name.place, "#define %s has no value on its line", name.text);
        return NULL;
    }
    if (parser->token.place.line == line && !cb_parser_at(parser, CB_TOKEN_END)) {
        cb_parser_error(parser, parser->token.place,
                        "#define takes one literal and nothing more on its line");
        return NULL;
    }
    return node;
}

static cb_syntax *parse_field(cb_parser *parser)
{
    cb_token type = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_TYPE, "of a field"))
        return NULL;
    cb_token name = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "of the field (without '$')"))
        return NULL;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_FIELD, name.place);
    if (node == NULL || !cb_parser_end_statement(parser))
        return NULL;
    node->type = (cb_type)type.integer;
    node->text = name.text;
    return node;
}

static cb_syntax *parse_struct(cb_parser *parser)
{
    cb_parser_advance(parser);
    cb_token name = parser->token;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_STRUCT, name.place);
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "after 'struct'") || node == NULL)
        return NULL;
    node->text = name.text;
    if (cb_parser_at(parser, CB_TOKEN_NAME) && strcmp(parser->token.text, "packet") == 0) {
        node->flag = true;
        cb_parser_advance(parser);
    }
    cb_place open = parser->token.place;
    if (!cb_parser_expect(parser, CB_TOKEN_LEFT_BRACE, "before the fields"))
        return NULL;
    cb_syntax_list fields = {0};
    while (!cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE) && !cb_parser_at(parser, CB_TOKEN_END)) {
        cb_syntax *field = parse_field(parser);
        if (field == NULL) {
            node->is_broken = true;
            cb_parser_recover(parser);
        }
        cb_syntax_append(&fields, field);
    }
    node->a = fields.first;
    if (!cb_parser_close(parser, open, "after the fields"))
        return NULL;
    (void)cb_parser_take(parser, CB_TOKEN_SEMICOLON); /* C's habit */
    return node;
}

static cb_syntax *parse_parameter(cb_parser *parser)
{
    bool is_ref = cb_parser_take(parser, CB_TOKEN_REF);
    cb_token type = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_TYPE, "of a parameter"))
        return NULL;
    cb_token name = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_VARIABLE, "as the parameter's name"))
        return NULL;
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_PARAMETER, name.place);
    if (node == NULL)
        return NULL;
    node->type = (cb_type)type.integer;
    node->text = name.text;
    node->flag = is_ref;
    return node;
}

static bool parse_parameters(cb_parser *parser, cb_syntax *function)
{
    if (!cb_parser_expect(parser, CB_TOKEN_LEFT_PAREN, "after the function's name"))
        return false;
    cb_syntax_list parameters = {0};
    if (!cb_parser_at(parser, CB_TOKEN_RIGHT_PAREN)) {
        do {
            cb_syntax *parameter = parse_parameter(parser);
            if (parameter == NULL)
                return false;
            cb_syntax_append(&parameters, parameter);
        } while (cb_parser_take(parser, CB_TOKEN_COMMA));
    }
    function->a = parameters.first;
    return cb_parser_expect(parser, CB_TOKEN_RIGHT_PAREN, "after the parameters");
}

static cb_syntax *parse_function(cb_parser *parser)
{
    parser->had_error = false;
    bool is_callback = cb_parser_take(parser, CB_TOKEN_CALLBACK);
    cb_token type = parser->token;
    if (!cb_parser_expect(parser, CB_TOKEN_TYPE, "of the result"))
        return NULL;
    cb_token name = parser->token;
    if (cb_parser_at(parser, CB_TOKEN_VARIABLE)) {
        cb_parser_error(parser, name.place, "there are no globals: %s belongs into a function",
                        name.text);
        return NULL;
    }
    cb_syntax *node = cb_parser_node(parser, CB_SYNTAX_FUNCTION, name.place);
    if (!cb_parser_expect(parser, CB_TOKEN_NAME, "of a function") || node == NULL)
        return NULL;
    node->type = (cb_type)type.integer;
    node->text = name.text;
    node->flag = is_callback;
    if (!parse_parameters(parser, node) || !cb_parse_block(parser, &node->b, &node->end))
        return NULL;
    node->is_broken = parser->had_error;
    return node;
}

static void parse_declaration(cb_parser *parser, cb_parsed *parsed, cb_syntax_list lists[4])
{
    cb_syntax *node = NULL;
    uint32_t line = parser->token.place.line;
    int list = 3;
    switch (parser->token.kind) {
    case CB_TOKEN_PLUGIN:
        list = 0;
        node = parse_plugin(parser, lists[2].first != NULL || lists[3].first != NULL);
        break;
    case CB_TOKEN_DEFINE:
        list = 1;
        node = parse_define(parser);
        break;
    case CB_TOKEN_STRUCT:
        list = 2;
        node = parse_struct(parser);
        break;
    case CB_TOKEN_CALLBACK:
    case CB_TOKEN_TYPE:
        node = parse_function(parser);
        break;
    default:
        cb_parser_expected(parser, "plugin, #define, struct, a callback or a function");
        if (cb_parser_at(parser, CB_TOKEN_RIGHT_BRACE)) {
            cb_parser_advance(parser);
            return;
        }
        break;
    }
    if (node == NULL) {
        parsed->is_broken = true;
        if (list != 1)
            recover_outside(parser);
        while (list == 1 && parser->token.place.line == line && !cb_parser_at(parser, CB_TOKEN_END))
            cb_parser_advance(parser);
    }
    cb_syntax_append(&lists[list], node);
}

cb_status cb_parse(const cb_source *source, cb_arena *arena, cb_diagnostics *diagnostics,
                   cb_parsed *parsed)
{
    *parsed = (cb_parsed){0};
    cb_parser parser = {.arena = arena, .diagnostics = diagnostics};
    cb_lexer_start(&parser.lexer, source, arena, diagnostics);
    parser.token = cb_lexer_next(&parser.lexer);
    parser.ahead = cb_lexer_next(&parser.lexer);
    cb_syntax_list lists[4] = {0};
    while (!cb_parser_at(&parser, CB_TOKEN_END) && !diagnostics->more)
        parse_declaration(&parser, parsed, lists);
    parsed->plugins = lists[0].first;
    parsed->defines = lists[1].first;
    parsed->structs = lists[2].first;
    parsed->functions = lists[3].first;
    parsed->is_broken = parsed->is_broken || diagnostics->more;
    return arena->failed ? CB_NO_MEMORY : CB_OK;
}
