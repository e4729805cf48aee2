#include "bridge/lang/scope.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "bridge/lang/lexer.h"

#define TOO_FAR 100u

static cb_symbol **bucket_of(const cb_scope *scope, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return (cb_symbol **)&scope->buckets[hash % CB_SCOPE_BUCKETS];
}

cb_symbol *cb_scope_find(const cb_scope *scope, const char *name)
{
    for (cb_symbol *symbol = *bucket_of(scope, name); symbol != NULL; symbol = symbol->next) {
        if (strcmp(symbol->name, name) == 0)
            return symbol;
    }
    return NULL;
}

cb_symbol *cb_scope_add(cb_scope *scope, const char *name, cb_symbol_kind kind, cb_place place)
{
    cb_symbol *symbol = cb_arena_get(scope->arena, sizeof *symbol);
    if (symbol == NULL)
        return NULL;
    cb_symbol **bucket = bucket_of(scope, name);
    symbol->name = name;
    symbol->kind = kind;
    symbol->place = place;
    symbol->next = *bucket;
    symbol->older = scope->newest;
    *bucket = symbol;
    scope->newest = symbol;
    return symbol;
}

void cb_scope_lay(cb_scope *scope, cb_symbol *symbol, const cb_ast_struct *layout)
{
    cb_scope_undo *undo = cb_arena_get(scope->arena, sizeof *undo);
    if (undo == NULL)
        return;
    undo->symbol = symbol;
    undo->layout = symbol->layout;
    undo->older = scope->undo;
    scope->undo = undo;
    symbol->layout = layout;
}

cb_scope_mark cb_scope_enter(const cb_scope *scope)
{
    return (cb_scope_mark){scope->newest, scope->undo};
}

void cb_scope_leave(cb_scope *scope, cb_scope_mark mark)
{
    while (scope->undo != mark.undo) {
        scope->undo->symbol->layout = scope->undo->layout;
        scope->undo = scope->undo->older;
    }
    while (scope->newest != mark.newest) {
        /* Names leave in the reverse order of their coming, so each heads its bucket now. */
        *bucket_of(scope, scope->newest->name) = scope->newest->next;
        scope->newest = scope->newest->older;
    }
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How far a slip of the fingers may go, in half letters. */
static unsigned most_distance(size_t longest)
{
    return longest <= 2 ? 1 : longest <= 4 ? 2 : longest <= 8 ? 4 : 6;
}

unsigned cb_name_distance(const char *left, const char *right)
{
    size_t rows = strlen(left);
    size_t columns = strlen(right);
    unsigned table[3][CB_NAME_MAX_BYTES + 2]; /* the row at hand and the two before it */
    if (rows > CB_NAME_MAX_BYTES || columns > CB_NAME_MAX_BYTES)
        return TOO_FAR;
    for (size_t j = 0; j <= columns; j++)
        table[0][j] = (unsigned)j * 2;
    for (size_t i = 1; i <= rows; i++) {
        unsigned *row = table[i % 3];
        const unsigned *above = table[(i + 2) % 3];
        const unsigned *two_above = table[(i + 1) % 3];
        row[0] = (unsigned)i * 2;
        for (size_t j = 1; j <= columns; j++) {
            char a = left[i - 1];
            char b = right[j - 1];
            bool same_letter = tolower((unsigned char)a) == tolower((unsigned char)b);
            unsigned change = a == b ? 0 : same_letter ? 1 : 2;
            row[j] = least(least(above[j], row[j - 1]) + 2, above[j - 1] + change);
            bool is_swapped = i > 1 && j > 1 && a == right[j - 2] && left[i - 2] == b;
            if (is_swapped)
                row[j] = least(row[j], two_above[j - 2] + 2);
        }
    }
    unsigned distance = table[rows % 3][columns];
    bool is_near = distance <= most_distance(rows > columns ? rows : columns);
    return is_near || strcasecmp(left, right) == 0 ? (distance + 1) / 2 : TOO_FAR;
}

const char *cb_scope_suggest(const cb_scope *scope, unsigned kinds, const char *name)
{
    const char *best = NULL;
    unsigned best_distance = TOO_FAR;
    for (const cb_symbol *symbol = scope->newest; symbol != NULL; symbol = symbol->older) {
        if ((kinds & 1u << symbol->kind) == 0)
            continue;
        unsigned distance = cb_name_distance(symbol->name, name);
        if (distance < best_distance) {
            best = symbol->name;
            best_distance = distance;
        }
    }
    return best;
}
