#include "bridge/lang/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Big enough that a usual script takes a handful of blocks. */
#define BLOCK_BYTES (64u * 1024u)

struct cb_arena_block {
    cb_arena_block *older;
    size_t used;
    size_t size;
    max_align_t data[];
};

void *cb_arena_get(cb_arena *arena, size_t size)
{
    const size_t align = sizeof(max_align_t);
    if (size > SIZE_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    size = (size + align - 1) / align * align;
    cb_arena_block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = malloc(sizeof *block + room);
        if (block == NULL) {
            arena->failed = true;
            return NULL;
        }
        block->used = 0;
        block->size = room;
        block->older = arena->newest;
        arena->newest = block;
    }
    void *memory = (char *)block->data + block->used;
    block->used += size;
    return memset(memory, 0, size);
}

char *cb_arena_text(cb_arena *arena, const char *bytes, size_t size)
{
    char *text = size < SIZE_MAX ? cb_arena_get(arena, size + 1) : NULL;
    if (text != NULL && size > 0)
        memcpy(text, bytes, size);
    return text;
}

void cb_arena_free(cb_arena *arena)
{
    while (arena->newest != NULL) {
        cb_arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    arena->failed = false;
}
