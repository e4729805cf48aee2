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

unsigned cb_name_distance(const char *left, const char *right)
{
    size_t rows = strlen(left);
    size_t columns = strlen(right);
    unsigned row[CB_NAME_MAX_BYTES + 2];
    if (rows > CB_NAME_MAX_BYTES || columns > CB_NAME_MAX_BYTES)
        return TOO_FAR;
    for (size_t j = 0; j <= columns; j++)
        row[j] = (unsigned)j * 2;
    for (size_t i = 1; i <= rows; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i * 2;
        for (size_t j = 1; j <= columns; j++) {
            int a = (unsigned char)left[i - 1];
            int b = (unsigned char)right[j - 1];
            unsigned change = a == b ? 0 : tolower(a) == tolower(b) ? 1 : 2;
            unsigned best = least(least(row[j], row[j - 1]) + 2, diagonal + change);
            diagonal = row[j];
            row[j] = best;
        }
    }
    size_t longest = rows > columns ? rows : columns;
    unsigned allowed = longest <= 2 ? 1u : longest <= 4 ? 2u : longest <= 8 ? 4u : 6u;
    bool only_case = strcasecmp(left, right) == 0;
    return row[columns] <= allowed || only_case ? (row[columns] + 1) / 2 : TOO_FAR;
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
