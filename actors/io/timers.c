/* The heap of deadlines: 4 children a node keeps it shallow, and an op knows its place, so that a
 * deadline is removed as cheaply as it is added. New deadlines are mostly the latest, which makes
 * adding one cost a comparison or two. */
#include <assert.h>

#include "actors/io/loop.h"

#define FIRST_CAPACITY 64u
#define CHILDREN       4u

static bool earlier(const cb_timer *a, const cb_timer *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->sequence < b->sequence;
}

static void put(cb_timer_heap *heap, uint32_t index, cb_timer timer)
{
    heap->timers[index] = timer;
    timer.op->own.timer_index = index + 1;
}

static void sift_up(cb_timer_heap *heap, uint32_t index, cb_timer timer)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / CHILDREN;
        if (!earlier(&timer, &heap->timers[parent]))
            break;
        put(heap, index, heap->timers[parent]);
        index = parent;
    }
    put(heap, index, timer);
}

static void sift_down(cb_timer_heap *heap, uint32_t index, cb_timer timer)
{
    for (;;) {
        uint32_t first = index * CHILDREN + 1;
        if (first >= heap->count)
            break;
        uint32_t end = first + CHILDREN < heap->count ? first + CHILDREN : heap->count;
        uint32_t least = first;
        for (uint32_t child = first + 1; child < end; child++)
            if (earlier(&heap->timers[child], &heap->timers[least]))
                least = child;
        if (!earlier(&heap->timers[least], &timer))
            break;
        put(heap, index, heap->timers[least]);
        index = least;
    }
    put(heap, index, timer);
}

static bool grow(cb_timer_heap *heap)
{
    if (heap->capacity > UINT32_MAX / 8)
        return false;
    uint32_t capacity = heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity * 2;
    cb_timer *timers = cb_io_realloc(heap->timers, capacity * sizeof *timers);
    if (timers == NULL)
        return false;
    heap->timers = timers;
    heap->capacity = capacity;
    return true;
}

bool cb_timers_add(cb_timer_heap *heap, cb_op *op)
{
    assert(op->own.timer_index == 0);
    if (heap->count == heap->capacity && !grow(heap))
        return false;
    cb_timer timer = {op->own.deadline_ns, op->own.sequence, op};
    sift_up(heap, heap->count++, timer);
    return true;
}

void cb_timers_remove(cb_timer_heap *heap, cb_op *op)
{
    if (op->own.timer_index == 0)
        return;
    uint32_t index = op->own.timer_index - 1;
    assert(index < heap->count && heap->timers[index].op == op);
    op->own.timer_index = 0;
    cb_timer last = heap->timers[--heap->count];
    if (index == heap->count)
        return;
    if (index > 0 && earlier(&last, &heap->timers[(index - 1) / CHILDREN]))
        sift_up(heap, index, last);
    else
        sift_down(heap, index, last);
}
