#include "bridge/host/run_memory.h"

#include <stdlib.h>

struct cb_run_memory {
    cb_run_memory *next; /* the one that was made before */
    void (*end)(void *memory);
    uint8_t name_space;
    max_align_t bytes[]; /* what the plugin sees */
};

void *cb_run_memory_of(cb_run_memory **list, uint8_t name_space, size_t size,
                       void (*end)(void *memory))
{
    for (cb_run_memory *item = *list; item != NULL; item = item->next)
        if (item->name_space == name_space)
            return item->bytes;
    if (size > SIZE_MAX - sizeof(cb_run_memory))
        return NULL;
    cb_run_memory *item = calloc(1, sizeof(*item) + size);
    if (item == NULL)
        return NULL;
    item->name_space = name_space;
    item->end = end;
    item->next = *list;
    *list = item;
    return item->bytes;
}

void cb_run_memory_end(cb_run_memory **list)
{
    while (*list != NULL) {
        cb_run_memory *item = *list;
        *list = item->next;
        if (item->end != NULL)
            item->end(item->bytes);
        free(item);
    }
}
