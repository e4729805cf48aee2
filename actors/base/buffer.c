/* The memory orders of the reference counter:
 *  - retain: relaxed. A thread that retains holds a reference already, so the buffer cannot be
 *    freed meanwhile. The new reference reaches another thread only through an operation that
 *    orders memory by itself.
 *  - release: acquire and release. Each holder's accesses to the bytes happen before the last
 *    holder frees them. (It is one read-modify-write, not a release with a fence, because thread
 *    sanitizers do not understand fences.)
 *  - is_unique: acquire. It pairs with the release of the holder that left last, so that the reads
 *    of this holder are over before the bytes are written.
 * The field is a plain uint32_t, because the header is also for C++. So the built-ins of gcc and
 * clang are used in place of C11's atomic types.
 */
#include "callboard/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/budget.h"
#include "actors/base/spare.h"

/* Bytes lie behind the struct; malloc aligns the struct for any type, and its size keeps that up.
 */
_Static_assert(sizeof(cb_buffer) % _Alignof(max_align_t) == 0, "inline bytes are aligned");

#define MOST_CAPACITY (SIZE_MAX / 2 - sizeof(cb_buffer))

/* Granted by the budget, but the system has none. */
static void not_had(size_t bytes)
{
    cb_budget_add(-(int64_t)bytes);
    cb_budget_was_not_it();
}

static cb_buffer *allocate(size_t size, size_t capacity)
{
    if (capacity < size) {
        capacity = size;
    }
    if (capacity > MOST_CAPACITY) {
        cb_budget_was_not_it();
        return NULL;
    }
    size_t whole = sizeof(cb_buffer) + capacity;
    if (!cb_budget_take(whole, whole)) {
        return NULL;
    }
    size_t got = whole;
    cb_buffer *buffer = cb_spare_malloc(&got);
    if (buffer == NULL) {
        not_had(whole);
        return NULL;
    }
    capacity += got - whole;
    cb_budget_add((int64_t)(got - whole));
    buffer->data = (uint8_t *)(buffer + 1);
    buffer->size = size;
    buffer->capacity = capacity;
    buffer->refs = 1;
    buffer->flags = 0;
    return buffer;
}

cb_buffer *cb_buffer_new(size_t size, size_t capacity)
{
    cb_buffer *buffer = allocate(size, capacity);
    if (buffer != NULL && size > 0) {
        memset(buffer->data, 0, size);
    }
    return buffer;
}

cb_buffer *cb_buffer_copy(const void *bytes, size_t size)
{
    assert(bytes != NULL || size == 0);
    cb_buffer *buffer = allocate(size, size);
    if (buffer != NULL && size > 0) {
        memcpy(buffer->data, bytes, size);
    }
    return buffer;
}

cb_buffer *cb_buffer_foreign(void *bytes, size_t size)
{
    assert(bytes != NULL || size == 0);
    cb_buffer *buffer = allocate(0, 0);
    if (buffer != NULL) {
        buffer->data = bytes;
        buffer->size = size;
        buffer->capacity = size;
        buffer->flags = CB_BUFFER_FOREIGN;
    }
    return buffer;
}

/* What lies behind the struct of a buffer that holds an object. */
typedef struct held {
    void (*drop)(void *object);
    size_t size; /* of the room for the object */
    max_align_t object[];
} held;

cb_buffer *cb_buffer_holding(const void *object, size_t size, void (*drop)(void *object))
{
    cb_buffer *buffer = allocate(0, sizeof(held) + size);
    if (buffer != NULL) {
        held *inside = (held *)(void *)(buffer + 1);
        inside->drop = drop;
        inside->size = buffer->capacity - sizeof(held);
        memcpy(inside->object, object, size);
        buffer->data = (uint8_t *)inside->object;
        buffer->capacity = 0;
        buffer->flags = CB_BUFFER_HOLDS;
    }
    return buffer;
}

cb_buffer *cb_buffer_retain(cb_buffer *buffer)
{
    if (buffer != NULL) {
        uint32_t before = __atomic_fetch_add(&buffer->refs, 1u, __ATOMIC_RELAXED);
        assert(before > 0 && before < UINT32_MAX);
        (void)before;
    }
    return buffer;
}

/* What the budget counts it as. */
static size_t counted_size(const cb_buffer *buffer)
{
    if ((buffer->flags & CB_BUFFER_HOLDS) != 0) {
        return sizeof *buffer + sizeof(held) + ((const held *)(const void *)(buffer + 1))->size;
    }
    return sizeof *buffer + ((buffer->flags & CB_BUFFER_FOREIGN) != 0 ? 0 : buffer->capacity);
}

void cb_buffer_release(cb_buffer *buffer)
{
    if (buffer == NULL) {
        return;
    }
    uint32_t before = __atomic_fetch_sub(&buffer->refs, 1u, __ATOMIC_ACQ_REL);
    assert(before > 0);
    if (before == 1) {
        if ((buffer->flags & CB_BUFFER_HOLDS) != 0) {
            held *inside = (held *)(void *)(buffer + 1);
            inside->drop(inside->object);
        }
        size_t size = counted_size(buffer);
        cb_budget_add(-(int64_t)size);
        cb_spare_free(buffer, size);
    }
}

bool cb_buffer_is_unique(const cb_buffer *buffer)
{
    return __atomic_load_n(&buffer->refs, __ATOMIC_ACQUIRE) == 1;
}

/* Half as much again, so that a value which grows byte by byte is moved O(log n) times. */
static size_t grown_capacity(const cb_buffer *buffer, size_t capacity)
{
    size_t grown = buffer->capacity + buffer->capacity / 2;
    return grown > capacity && grown <= MOST_CAPACITY ? grown : capacity;
}

/* To `room`, which is more than there is. */
static cb_status resize(cb_buffer **buffer, size_t room)
{
    if (room > MOST_CAPACITY) {
        cb_budget_was_not_it();
        return CB_NO_MEMORY;
    }
    size_t more = room - (*buffer)->capacity;
    if (!cb_budget_take(sizeof **buffer + room, more)) {
        return CB_NO_MEMORY;
    }
    cb_buffer *moved = realloc(*buffer, sizeof *moved + room);
    if (moved == NULL) {
        not_had(more);
        return CB_NO_MEMORY;
    }
    moved->data = (uint8_t *)(moved + 1);
    moved->capacity = room;
    *buffer = moved;
    return CB_OK;
}

/* What nobody asked for may be left out. */
static cb_status grow_in_place(cb_buffer **buffer, size_t capacity)
{
    size_t grown = grown_capacity(*buffer, capacity);
    cb_status status = resize(buffer, grown);
    return status != CB_OK && grown > capacity ? resize(buffer, capacity) : status;
}

bool cb_buffer_was_refused(void)
{
    return cb_budget_was_it();
}

const char *cb_buffer_why_not(void)
{
    return cb_budget_was_it() ? "out of memory: the budget is used up (CALLBOARD_MEMORY)"
                              : "out of memory";
}

static cb_status make_writable(cb_buffer **buffer, size_t capacity,
                               cb_status (*grow)(cb_buffer **buffer, size_t capacity))
{
    cb_buffer *old = *buffer;
    if (old == NULL) {
        *buffer = cb_buffer_new(0, capacity);
        return *buffer != NULL ? CB_OK : CB_NO_MEMORY;
    }
    assert(old->size <= old->capacity);
    assert((old->flags & CB_BUFFER_HOLDS) == 0);
    bool foreign = (old->flags & CB_BUFFER_FOREIGN) != 0;
    if (old->capacity >= capacity && (foreign || cb_buffer_is_unique(old))) {
        return CB_OK;
    }
    if (!foreign && cb_buffer_is_unique(old)) {
        return grow(buffer, capacity);
    }
    cb_buffer *copy = allocate(old->size, capacity);
    if (copy == NULL) {
        return CB_NO_MEMORY;
    }
    if (old->size > 0) {
        memcpy(copy->data, old->data, old->size);
    }
    cb_buffer_release(old);
    *buffer = copy;
    return CB_OK;
}

cb_status cb_buffer_writable(cb_buffer **buffer, size_t capacity)
{
    return make_writable(buffer, capacity, grow_in_place);
}

cb_status cb_buffer_writable_exactly(cb_buffer **buffer, size_t capacity)
{
    return make_writable(buffer, capacity, resize);
}

void cb_buffer_count(int64_t bytes)
{
    cb_budget_add(bytes);
}

bool cb_buffer_has_room(size_t bytes)
{
    return cb_budget_could_read(0, bytes);
}
