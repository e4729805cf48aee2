/* Containers of the step: slot tables, lists through them, a hash map and a heap.
 *
 * All are arrays that link by index, so a state is copied by copying bytes. Growing may fail, and
 * reports it; no other operation fails. None shrinks before it is freed.
 */
#ifndef CALLBOARD_ACTORS_STEP_TABLES_H
#define CALLBOARD_ACTORS_STEP_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CB_NONE        UINT32_MAX        /* no index */
#define CB_SLOT_IN_USE (UINT32_MAX - 1u) /* cb_slot.link of a live object */

/* realloc, or a test double of it. */
typedef void *cb_resize_fn(void *memory, size_t size_bytes);

/* -- slots: objects with a place and a generation; a place is used again, a pair never -- */

typedef struct cb_slot { /* first member of every object */
    uint32_t generation; /* from 1; counts the objects that had this place */
    uint32_t link;       /* CB_SLOT_IN_USE, or the next free place */
} cb_slot;

typedef struct cb_slots {
    unsigned char *items;
    size_t item_bytes;
    uint32_t capacity;
    uint32_t limit;     /* most places */
    uint32_t high;      /* places that were ever used */
    uint32_t count;     /* live objects */
    uint32_t free_head; /* the place that was freed last, or CB_NONE */
} cb_slots;

void cb_slots_init(cb_slots *slots, size_t item_bytes, uint64_t limit);
static inline bool cb_slots_full(const cb_slots *slots)
{
    return slots->free_head == CB_NONE && slots->high == slots->capacity;
}
static inline bool cb_slots_at_limit(const cb_slots *slots)
{
    return slots->count >= slots->limit;
}
/* Makes room for at least one more object; false when out of memory or at the limit. */
bool cb_slots_grow(cb_slots *slots, cb_resize_fn *resize);
/* Adds a zeroed object and returns its place. There must be room. */
uint32_t cb_slots_add(cb_slots *slots);
void cb_slots_remove(cb_slots *slots, uint32_t index);
static inline void *cb_slots_item(const cb_slots *slots, uint32_t index)
{
    return slots->items + (size_t)index * slots->item_bytes;
}
/* The object at `index`, or NULL if no live object is there. */
void *cb_slots_live(const cb_slots *slots, uint32_t index);
bool cb_slots_copy(cb_slots *to, const cb_slots *from, cb_resize_fn *resize);

/* -- lists through a cb_link that lies `offset` bytes into each object of a slot table -- */

typedef struct cb_link {
    uint32_t previous;
    uint32_t next;
} cb_link;

typedef struct cb_list {
    uint32_t first;
    uint32_t last;
    uint32_t count;
} cb_list;

#define CB_LIST_EMPTY ((cb_list){CB_NONE, CB_NONE, 0})

void cb_list_append(cb_list *list, cb_slots *slots, size_t offset, uint32_t index);
/* Inserts after `after`, which must be on the list; CB_NONE: at the head. */
void cb_list_insert(cb_list *list, cb_slots *slots, size_t offset, uint32_t after, uint32_t index);
void cb_list_remove(cb_list *list, cb_slots *slots, size_t offset, uint32_t index);

/* -- map: u64 -> u32 (never CB_NONE); open addressing -- */

typedef struct cb_map_entry {
    uint64_t key;
    uint32_t value; /* CB_NONE: empty */
    uint32_t unused;
} cb_map_entry;

typedef struct cb_map {
    cb_map_entry *entries;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t count;
} cb_map;

/* Makes room for one more key; false when out of memory. */
bool cb_map_reserve(cb_map *map, cb_resize_fn *resize);
/* The key must be new, and there must be room. */
void cb_map_put(cb_map *map, uint64_t key, uint32_t value);
uint32_t cb_map_get(const cb_map *map, uint64_t key); /* CB_NONE if the key is missing */
void cb_map_remove(cb_map *map, uint64_t key);        /* nothing happens if it is missing */
bool cb_map_copy(cb_map *to, const cb_map *from, cb_resize_fn *resize);

/* -- heap: least key first, in order of insertion among equals -- */

typedef struct cb_heap_node {
    int64_t key;
    uint64_t order;
    uint32_t place; /* index in the heap, or the next free node */
    uint32_t owner;
    uint32_t kind;
    uint32_t unused;
} cb_heap_node;

typedef struct cb_heap {
    cb_heap_node *nodes; /* a node's number is its index + 1; 0: none */
    uint32_t *places;    /* the heap: indices of nodes */
    uint32_t capacity;
    uint32_t high; /* nodes that were ever used */
    uint32_t count;
    uint32_t free_head;
    uint64_t next_order;
} cb_heap;

void cb_heap_init(cb_heap *heap);
/* Makes room for `capacity` nodes in all; false when out of memory. */
bool cb_heap_reserve(cb_heap *heap, uint32_t capacity, cb_resize_fn *resize);
/* Adds a node and returns its number. There must be room. */
uint32_t cb_heap_push(cb_heap *heap, int64_t key, uint32_t kind, uint32_t owner);
/* Takes the node out; *number becomes 0. Nothing happens if it is 0. */
void cb_heap_remove(cb_heap *heap, uint32_t *number);
/* The least node, or NULL. */
static inline const cb_heap_node *cb_heap_first(const cb_heap *heap)
{
    return heap->count == 0 ? NULL : &heap->nodes[heap->places[0]];
}
bool cb_heap_copy(cb_heap *to, const cb_heap *from, cb_resize_fn *resize);

#endif
