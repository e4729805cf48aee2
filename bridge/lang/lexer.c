#include "bridge/lang/lexer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "callboard/plugin.h"

void cb_lexer_start(cb_lexer *lexer, const cb_source *source, cb_arena *arena,
                    cb_diagnostics *diagnostics)
{
    *lexer = (cb_lexer){source, arena, diagnostics, 0, 1, 1};
}

static char peek(const cb_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->source->size ? lexer->source->text[at] : '\0';
}

static bool at_end(const cb_lexer *lexer)
{
    return lexer->at >= lexer->source->size;
}

/* Steps over one byte and keeps line and column; the second half of a character adds no column. */
static void step(cb_lexer *lexer)
{
    unsigned char byte = (unsigned char)lexer->source->text[lexer->at++];
    if (byte == '\n') {
        lexer->line++;
        lexer->column = 1;
    } else if ((byte & 0xC0u) != 0x80u) {
        lexer->column++;
    }
}

static void step_many(cb_lexer *lexer, size_t count)
{
    for (size_t i = 0; i < count; i++)
        step(lexer);
}

static cb_place place_here(const cb_lexer *lexer, size_t length)
{
    return (cb_place){(uint32_t)lexer->at, (uint32_t)length, lexer->line, lexer->column};
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_word(char byte)
{
    return is_letter(byte) || is_digit(byte);
}

static void skip_block_comment(cb_lexer *lexer)
{
    cb_place start = place_here(lexer, 2);
    step_many(lexer, 2);
    while (!at_end(lexer)) {
        if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            step_many(lexer, 2);
            return;
        }
        step(lexer);
    }
    cb_diagnostics_add(lexer->diagnostics, start, "this comment has no end");
}

static void skip_blanks(cb_lexer *lexer)
{
    while (!at_end(lexer)) {
        char byte = peek(lexer, 0);
        if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n') {
            step(lexer);
        } else if (byte == '/' && peek(lexer, 1) == '/') {
            while (!at_end(lexer) && peek(lexer, 0) != '\n')
                step(lexer);
        } else if (byte == '/' && peek(lexer, 1) == '*') {
            skip_block_comment(lexer);
        } else {
            return;
        }
    }
}

static size_t word_length(const cb_lexer *lexer, size_t ahead)
{
    size_t length = 0;
    while (is_word(peek(lexer, ahead + length)))
        length++;
    return length;
}

static const struct {
    const char *spelling;
    cb_token_kind kind;
} keywords[] = {
#define KEYWORD(name, spelling) {spelling, CB_TOKEN_##name},
    CB_KEYWORDS(KEYWORD)
#undef KEYWORD
};

static const struct {
    const char *spelling;
    cb_token_kind kind;
} punctuation[] = {
#define PUNCTUATION(name, spelling) {spelling, CB_TOKEN_##name},
    CB_PUNCTUATION(PUNCTUATION)
#undef PUNCTUATION
};

/* Tells a keyword or a type from a name. */
static void classify_word(cb_token *token)
{
    token->kind = CB_TOKEN_NAME;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        if (strcmp(token->text, keywords[i].spelling) == 0)
            token->kind = keywords[i].kind;
    }
    static const char *const types[] = {
#define TYPE_NAME(name, spelling, size) [CB_TYPE_##name] = spelling,
        CB_TYPES(TYPE_NAME)
#undef TYPE_NAME
    };
    for (unsigned i = 0; i < CB_TYPE_CALLBACK; i++) {
        if (strcmp(token->text, types[i]) == 0) {
            token->kind = CB_TOKEN_TYPE;
            token->integer = i;
        }
    }
}

/* A name, keyword or type; or a variable with its `$`. */
static cb_token read_word(cb_lexer *lexer)
{
    size_t sign = peek(lexer, 0) == '$' ? 1 : 0;
    size_t length = sign + word_length(lexer, sign);
    cb_token token = {.place = place_here(lexer, length), .size = length};
    if (length - sign > CB_NAME_MAX_BYTES) {
        cb_diagnostics_add(lexer->diagnostics, token.place, "this name is longer than %u bytes",
                           CB_NAME_MAX_BYTES);
        token.size = sign + CB_NAME_MAX_BYTES;
    }
    token.text = cb_arena_text(lexer->arena, lexer->source->text + lexer->at, token.size);
    step_many(lexer, length);
    if (token.text == NULL)
        return token; /* END */
    if (sign != 0)
        token.kind = CB_TOKEN_VARIABLE;
    else
        classify_word(&token);
    return token;
}

static int digit_value(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return 99;
}

/* NULL, or what is wrong with the number. */
static const char *read_digits(const char *digits, size_t count, unsigned base, uint64_t *value)
{
    *value = 0;
    if (count == 0)
        return "this number has no digits";
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)digit_value(digits[i]);
        if (digit >= base)
            return "this is no number";
        if (*value > (UINT64_MAX - digit) / base)
            return "this number does not fit 64 bits";
        *value = *value * base + digit;
    }
    return NULL;
}

static const char *read_integer(const char *text, size_t length, uint64_t *value)
{
    if (length > 1 && text[0] == '0') {
        if (text[1] == 'x' || text[1] == 'X')
            return read_digits(text + 2, length - 2, 16, value);
        if (text[1] == 'b' || text[1] == 'B')
            return read_digits(text + 2, length - 2, 2, value);
        return "a number can't begin with 0: write decimal digits, 0x or 0b";
    }
    return read_digits(text, length, 10, value);
}

static const char *read_real(const char *text, size_t length, double *value)
{
    char copy[CB_NUMBER_MAX_BYTES + 1];
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *end;
    *value = strtod(copy, &end);
    const char *point = strchr(copy, '.');
    /* strtod also reads hexadecimal ones. */
    bool is_hex = strpbrk(copy, "xX") != NULL;
    if (*end != '\0' || is_hex || (point != NULL && !is_digit(point[1])))
        return "this is no number";
    return isfinite(*value) ? NULL : "this number is too large for a double";
}

/* The whole run of letters, digits, points and exponent signs, so that "1.5x" is one error. */
static size_t number_length(const cb_lexer *lexer, bool *is_real)
{
    bool is_hex = peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X');
    size_t length = 0;
    *is_real = false;
    for (;; length++) {
        char byte = peek(lexer, length);
        char last = length > 0 ? peek(lexer, length - 1) : '\0';
        bool is_exponent = !is_hex && (byte == 'e' || byte == 'E');
        bool is_sign = (byte == '+' || byte == '-') && !is_hex && (last == 'e' || last == 'E');
        if (!is_word(byte) && byte != '.' && !is_sign)
            return length;
        if (byte == '.' || is_exponent)
            *is_real = true;
    }
}

static cb_token read_number(cb_lexer *lexer)
{
    bool is_real;
    size_t length = number_length(lexer, &is_real);
    const char *text = lexer->source->text + lexer->at;
    cb_token token = {.place = place_here(lexer, length)};
    token.kind = is_real ? CB_TOKEN_REAL : CB_TOKEN_INTEGER;
    const char *problem;
    if (length > CB_NUMBER_MAX_BYTES)
        problem = "this number is too long";
    else if (is_real)
        problem = read_real(text, length, &token.real);
    else
        problem = read_integer(text, length, &token.integer);
    if (problem != NULL)
        cb_diagnostics_add(lexer->diagnostics, token.place, "%s", problem);
    step_many(lexer, length);
    return token;
}

/* Reads the escape at the backslash; false if it was reported. */
static bool read_escape(cb_lexer *lexer, char *byte)
{
    static const char letters[] = "ntr0\\\"'";
    static const char values[] = "\n\t\r\0\\\"'";
    cb_place place = place_here(lexer, 2);
    char letter = peek(lexer, 1);
    const char *known = letter != '\0' ? strchr(letters, letter) : NULL;
    if (known != NULL) {
        *byte = values[known - letters];
        step_many(lexer, 2);
        return true;
    }
    int high = digit_value(peek(lexer, 2));
    int low = digit_value(peek(lexer, 3));
    if (letter == 'x' && high < 16 && low < 16) {
        *byte = (char)(high * 16 + low);
        step_many(lexer, 4);
        return true;
    }
    cb_diagnostics_add(lexer->diagnostics, place, "%s",
                       letter == 'x'
                           ? "\\x takes two hexadecimal digits"
                           : "there is no such escape: \\n \\t \\r \\0 \\\\ \\\" \\' \\xHH");
    step(lexer);
    return false;
}

/* Offset just past the closing quote on this line, or 0 if there is none. */
static size_t find_close(const cb_lexer *lexer, char quote)
{
    for (size_t i = lexer->at + 1; i < lexer->source->size; i++) {
        char byte = lexer->source->text[i];
        if (byte == '\n')
            return 0;
        if (byte == quote)
            return i + 1;
        if (byte == '\\' && i + 1 < lexer->source->size && lexer->source->text[i + 1] != '\n')
            i++;
    }
    return 0;
}

/* Skips the rest of a line whose literal has no end. */
static void report_open(cb_lexer *lexer, const char *what)
{
    cb_diagnostics_add(lexer->diagnostics, place_here(lexer, 1), "this %s has no end on its line",
                       what);
    while (!at_end(lexer) && peek(lexer, 0) != '\n')
        step(lexer);
}

static cb_token read_string(cb_lexer *lexer)
{
    size_t end = find_close(lexer, '"');
    cb_token token = {.kind = CB_TOKEN_STRING, .place = place_here(lexer, 1), .text = ""};
    if (end == 0) {
        report_open(lexer, "string");
        token.is_broken = true;
        return token;
    }
    token.place.length = (uint32_t)(end - lexer->at);
    if (end - lexer->at > CB_STRING_MAX_BYTES) {
        cb_diagnostics_add(lexer->diagnostics, token.place,
                           "this string literal is longer than %u bytes", CB_STRING_MAX_BYTES);
        step_many(lexer, end - lexer->at);
        return token;
    }
    char *text = cb_arena_get(lexer->arena, end - lexer->at);
    if (text == NULL)
        return (cb_token){.place = token.place};
    step(lexer);
    size_t size = 0;
    while (lexer->at < end - 1) {
        char byte = peek(lexer, 0);
        if (byte == '\\') {
            if (!read_escape(lexer, &byte))
                continue;
        } else {
            step(lexer);
        }
        text[size++] = byte;
    }
    step(lexer);
    token.text = text;
    token.size = strlen(text);
    return token;
}

static cb_token read_character(cb_lexer *lexer)
{
    size_t end = find_close(lexer, '\'');
    cb_token token = {.kind = CB_TOKEN_INTEGER, .place = place_here(lexer, 1)};
    if (end == 0) {
        report_open(lexer, "character");
        token.is_broken = true;
        return token;
    }
    token.place.length = (uint32_t)(end - lexer->at);
    step(lexer);
    char byte = peek(lexer, 0);
    bool is_good = true;
    if (byte == '\\') {
        is_good = read_escape(lexer, &byte);
    } else if (lexer->at < end - 1) {
        step(lexer);
    }
    if (is_good && (lexer->at != end - 1 || token.place.length < 3))
        cb_diagnostics_add(lexer->diagnostics, token.place,
                           "a character literal holds exactly one byte");
    while (lexer->at < end)
        step(lexer);
    token.integer = (unsigned char)byte;
    return token;
}

static bool read_punctuation(cb_lexer *lexer, cb_token *token)
{
    for (size_t i = 0; i < sizeof punctuation / sizeof punctuation[0]; i++) {
        size_t length = strlen(punctuation[i].spelling);
        size_t same = 0;
        while (same < length && peek(lexer, same) == punctuation[i].spelling[same])
            same++;
        if (same == length) {
            *token = (cb_token){.kind = punctuation[i].kind, .place = place_here(lexer, length)};
            step_many(lexer, length);
            return true;
        }
    }
    return false;
}

/* `#define` is the only directive; true if it is one. */
static bool read_directive(cb_lexer *lexer, cb_token *token)
{
    size_t length = 1 + word_length(lexer, 1);
    *token = (cb_token){.kind = CB_TOKEN_DEFINE, .place = place_here(lexer, length)};
    bool is_define = length == 7 && memcmp(lexer->source->text + lexer->at, "#define", length) == 0;
    if (!is_define) {
        cb_diagnostics_add(lexer->diagnostics, token->place, "the only directive is #define");
        while (!at_end(lexer) && peek(lexer, 0) != '\n')
            step(lexer);
        return false;
    }
    step_many(lexer, length);
    return true;
}

static void skip_strange(cb_lexer *lexer)
{
    unsigned char byte = (unsigned char)peek(lexer, 0);
    cb_place place = place_here(lexer, 1);
    if (byte == '$')
        cb_diagnostics_add(lexer->diagnostics, place, "a name must follow '$'");
    else if (byte >= 0x80)
        cb_diagnostics_add(lexer->diagnostics, place,
                           "only comments and literals may hold characters that are not ASCII");
    else if (byte < 0x20 || byte == 0x7F)
        cb_diagnostics_add(lexer->diagnostics, place, "stray control character 0x%02X", byte);
    else
        cb_diagnostics_add(lexer->diagnostics, place, "stray character '%c'", byte);
    /* A whole run of them is one error. */
    do {
        step(lexer);
    } while (!at_end(lexer) && byte >= 0x80 && (unsigned char)peek(lexer, 0) >= 0x80);
}

/* The next token; false if there was none but something to skip. */
static bool read_token(cb_lexer *lexer, cb_token *token)
{
    char byte = peek(lexer, 0);
    if (is_letter(byte) || (byte == '$' && is_letter(peek(lexer, 1))))
        *token = read_word(lexer);
    else if (is_digit(byte))
        *token = read_number(lexer);
    else if (byte == '"')
        *token = read_string(lexer);
    else if (byte == '\'')
        *token = read_character(lexer);
    else if (byte == '#')
        return read_directive(lexer, token);
    else if (!read_punctuation(lexer, token)) {
        skip_strange(lexer);
        return false;
    }
    return true;
}

cb_token cb_lexer_next(cb_lexer *lexer)
{
    bool skipped = false;
    for (;;) {
        skip_blanks(lexer);
        if (at_end(lexer) || lexer->arena->failed)
            return (cb_token){.kind = CB_TOKEN_END, .place = place_here(lexer, 0)};
        cb_token token;
        bool is_directive = peek(lexer, 0) == '#';
        if (read_token(lexer, &token)) {
            token.is_broken = token.is_broken || skipped;
            return token;
        }
        skipped = !is_directive;
    }
}

/* Length of the well-formed character at `at`, or 0. */
static size_t character_length(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0u) != 0x80u)
            return 0;
    }
    /* Overlong forms, surrogates, and past the last code point. */
    bool is_bad = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
                  (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F);
    return is_bad ? 0 : length;
}

bool cb_lexer_check_text(const cb_source *source, cb_diagnostics *diagnostics)
{
    cb_lexer walk;
    cb_lexer_start(&walk, source, NULL, diagnostics);
    const char *problem = NULL;
    while (!at_end(&walk) && problem == NULL) {
        const unsigned char *at = (const unsigned char *)source->text + walk.at;
        size_t length = character_length(at, source->size - walk.at);
        if (*at == 0)
            problem = "the file holds a NUL byte";
        else if (length == 0)
            problem = "the file is not UTF-8 from here on";
        else
            step_many(&walk, length);
    }
    if (problem != NULL)
        cb_diagnostics_add(diagnostics, place_here(&walk, 1), "%s", problem);
    return problem == NULL;
}
