/* An arena: allocations that are freed together, such as the tree of one program.
 *
 * Memory is zeroed and aligned for any type. No allocation is freed alone; cb_arena_free frees all.
 * Threads: one at a time.
 */
#ifndef CALLBOARD_LANG_ARENA_H
#define CALLBOARD_LANG_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cb_arena_block cb_arena_block;

typedef struct cb_arena {
    cb_arena_block *newest;
    bool failed; /* set once by the first allocation that fails, and stays */
} cb_arena;

/* `size` zero bytes; NULL when out of memory (and `failed` is set). */
void *cb_arena_get(cb_arena *arena, size_t size);
/* A copy of the bytes with a NUL after them; NULL when out of memory. */
char *cb_arena_text(cb_arena *arena, const char *bytes, size_t size);
/* Frees everything; the arena is then empty and can be used again. */
void cb_arena_free(cb_arena *arena);

#endif
