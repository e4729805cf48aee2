/* A binary heap whose nodes can be taken out from anywhere. */
#include <assert.h>
#include <string.h>

#include "actors/step/tables.h"

#define FIRST_CAPACITY 16u

void cb_heap_init(cb_heap *heap)
{
    memset(heap, 0, sizeof *heap);
    heap->free_head = CB_NONE;
}

bool cb_heap_reserve(cb_heap *heap, uint32_t capacity, cb_resize_fn *resize)
{
    if (capacity <= heap->capacity) {
        return true;
    }
    if (capacity < FIRST_CAPACITY) {
        capacity = FIRST_CAPACITY;
    }
    void *nodes = resize(heap->nodes, (size_t)capacity * sizeof *heap->nodes);
    if (nodes == NULL) {
        return false;
    }
    heap->nodes = nodes;
    void *places = resize(heap->places, (size_t)capacity * sizeof *heap->places);
    if (places == NULL) {
        return false;
    }
    heap->places = places;
    heap->capacity = capacity;
    return true;
}

static bool before(const cb_heap *heap, uint32_t left, uint32_t right)
{
    const cb_heap_node *a = &heap->nodes[left];
    const cb_heap_node *b = &heap->nodes[right];
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void settle(cb_heap *heap, uint32_t place, uint32_t node)
{
    heap->places[place] = node;
    heap->nodes[node].place = place;
}

static void sift(cb_heap *heap, uint32_t place, uint32_t node)
{
    while (place > 0 && before(heap, node, heap->places[(place - 1u) / 2u])) {
        settle(heap, place, heap->places[(place - 1u) / 2u]);
        place = (place - 1u) / 2u;
    }
    for (;;) {
        uint32_t child = place * 2u + 1u;
        if (child >= heap->count) {
            break;
        }
        if (child + 1u < heap->count &&
            before(heap, heap->places[child + 1u], heap->places[child])) {
            child++;
        }
        if (!before(heap, heap->places[child], node)) {
            break;
        }
        settle(heap, place, heap->places[child]);
        place = child;
    }
    settle(heap, place, node);
}

uint32_t cb_heap_push(cb_heap *heap, int64_t key, uint32_t kind, uint32_t owner)
{
    uint32_t node = heap->free_head;
    if (node != CB_NONE) {
        heap->free_head = heap->nodes[node].place;
    } else {
        assert(heap->high < heap->capacity);
        node = heap->high++;
    }
    heap->nodes[node] = (cb_heap_node){key, heap->next_order++, 0, owner, kind, 0};
    heap->count++;
    sift(heap, heap->count - 1u, node);
    return node + 1u;
}

void cb_heap_remove(cb_heap *heap, uint32_t *number)
{
    if (*number == 0) {
        return;
    }
    uint32_t node = *number - 1u;
    uint32_t place = heap->nodes[node].place;
    assert(place < heap->count && heap->places[place] == node);
    uint32_t last = heap->places[--heap->count];
    if (last != node) {
        sift(heap, place, last);
    }
    heap->nodes[node].place = heap->free_head;
    heap->free_head = node;
    *number = 0;
}

bool cb_heap_copy(cb_heap *to, const cb_heap *from, cb_resize_fn *resize)
{
    *to = *from;
    to->nodes = NULL;
    to->places = NULL;
    to->capacity = 0;
    if (!cb_heap_reserve(to, from->capacity, resize)) {
        return false;
    }
    if (from->capacity > 0) {
        memcpy(to->nodes, from->nodes, (size_t)from->high * sizeof *to->nodes);
        memcpy(to->places, from->places, (size_t)from->count * sizeof *to->places);
    }
    return true;
}
