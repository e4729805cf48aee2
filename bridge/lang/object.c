#include "bridge/lang/object.h"

#include <string.h>

static const uint8_t nothing[1] = {0};

const uint8_t *cb_object_data(const cb_object *object)
{
    return object->bytes != NULL ? object->bytes->data : nothing;
}

void cb_object_clear(cb_object *object)
{
    if (object->bytes != NULL) {
        cb_buffer_release(object->bytes);
        object->bytes = NULL;
    }
    object->target = NULL;
    object->capacity = 0;
    object->overflow = false;
    object->written = false;
    object->is_alias = false;
}

/* Puts `bytes` (one reference) in place of what is there. */
static void replace(cb_object *object, cb_buffer *bytes)
{
    cb_buffer *old = object->bytes;
    object->bytes = bytes;
    cb_buffer_release(old);
    object->written = true;
    object->overflow = false;
    if (cb_object_size(object) > object->capacity) {
        object->capacity = cb_object_size(object);
    }
}

cb_status cb_object_declare(cb_heap *heap, cb_object *object, size_t size)
{
    if (size > heap->most_bytes) {
        return CB_LIMIT;
    }
    cb_object_clear(object);
    object->capacity = size;
    if (object->is_string || size == 0) {
        return CB_OK;
    }
    object->bytes = cb_buffer_new(size, size);
    heap->bytes_moved += size;
    return object->bytes != NULL ? CB_OK : CB_NO_MEMORY;
}

cb_buffer *cb_object_share(cb_heap *heap, cb_object *object)
{
    const cb_object *source = cb_object_follow(object);
    if (source->bytes == NULL) {
        return cb_buffer_new(0, 1);
    }
    if ((source->bytes->flags & CB_BUFFER_FOREIGN) != 0) {
        heap->bytes_moved += source->bytes->size;
        return cb_buffer_copy(source->bytes->data, source->bytes->size);
    }
    return cb_buffer_retain(source->bytes);
}

cb_status cb_object_assign(cb_heap *heap, cb_object *target, cb_object *value)
{
    cb_object *to = cb_object_follow(target);
    const cb_object *from = cb_object_follow(value);
    if (from->bytes == NULL) {
        replace(to, NULL);
        return CB_OK;
    }
    if (to->bytes == from->bytes) {
        to->written = true;
        to->overflow = false;
        return CB_OK;
    }
    cb_buffer *bytes = cb_object_share(heap, value);
    if (bytes == NULL) {
        return CB_NO_MEMORY;
    }
    replace(to, bytes);
    return CB_OK;
}

/* Takes over one reference and gives one that `to` may hold; NULL when out of memory. */
static cb_buffer *without_foreign(cb_heap *heap, const cb_object *to, cb_buffer *bytes)
{
    if ((bytes->flags & CB_BUFFER_FOREIGN) == 0 || to->is_alias) {
        return bytes;
    }
    heap->bytes_moved += bytes->size;
    cb_buffer *copy = cb_buffer_copy(bytes->data, bytes->size);
    cb_buffer_release(bytes);
    return copy;
}

/* A string of its own with the first `size` bytes. */
static cb_buffer *string_copy(cb_heap *heap, const uint8_t *data, size_t size)
{
    cb_buffer *copy = cb_buffer_new(size, size + 1);
    if (copy != NULL) {
        memcpy(copy->data, data, size);
        copy->data[size] = 0;
        heap->bytes_moved += size;
    }
    return copy;
}

cb_status cb_object_take(cb_heap *heap, cb_object *target, cb_buffer *bytes)
{
    cb_object *to = cb_object_follow(target);
    if (bytes != NULL && bytes->size > heap->most_bytes) {
        cb_buffer_release(bytes);
        return CB_LIMIT;
    }
    if (bytes != NULL && !to->is_string) {
        bytes = without_foreign(heap, to, bytes);
        if (bytes == NULL) {
            return CB_NO_MEMORY;
        }
    }
    if (bytes == NULL || !to->is_string) {
        replace(to, bytes);
        return CB_OK;
    }
    size_t size = bytes->size == 0 ? 0 : strnlen((const char *)bytes->data, bytes->size);
    bool own = cb_buffer_is_unique(bytes) && (bytes->flags & CB_BUFFER_FOREIGN) == 0;
    if (own && bytes->capacity > size) {
        bytes->size = size;
        bytes->data[size] = 0;
    } else {
        cb_buffer *copy = string_copy(heap, bytes->data, size);
        cb_buffer_release(bytes);
        if (copy == NULL) {
            return CB_NO_MEMORY;
        }
        bytes = copy;
    }
    replace(to, bytes);
    return CB_OK;
}

cb_status cb_object_assign_constant(cb_heap *heap, cb_object *target, cb_buffer *bytes)
{
    if (bytes->size > heap->most_bytes) {
        return CB_LIMIT;
    }
    replace(cb_object_follow(target), cb_buffer_retain(bytes));
    return CB_OK;
}

cb_status cb_object_move(cb_heap *heap, cb_object *target, cb_object *value)
{
    if (value->target != NULL || target == value) {
        return cb_object_assign(heap, target, value);
    }
    cb_object *to = cb_object_follow(target);
    cb_buffer *bytes = value->bytes;
    value->bytes = NULL;
    cb_object_clear(value);
    if (bytes != NULL) {
        bytes = without_foreign(heap, to, bytes);
        if (bytes == NULL) {
            return CB_NO_MEMORY;
        }
    }
    replace(to, bytes);
    return CB_OK;
}

/* Makes the bytes the object's own, with room for `capacity` (and a string's NUL). */
static cb_status own(cb_heap *heap, cb_object *object, size_t capacity)
{
    size_t room = capacity + (object->is_string ? 1u : 0u);
    if (object->bytes != NULL && cb_buffer_is_unique(object->bytes) &&
        object->bytes->capacity >= room) {
        return CB_OK;
    }
    heap->bytes_moved += cb_object_size(object);
    return cb_buffer_writable(&object->bytes, room);
}

cb_status cb_object_resize(cb_heap *heap, cb_object *object, size_t size, uint8_t **data)
{
    cb_object *to = cb_object_follow(object);
    if (size > heap->most_bytes) {
        return CB_LIMIT;
    }
    cb_status status = own(heap, to, size);
    if (status != CB_OK) {
        return status;
    }
    size_t old = to->bytes->size;
    if (size > old) {
        memset(to->bytes->data + old, 0, size - old);
        heap->bytes_moved += size - old;
    }
    to->bytes->size = size;
    if (to->is_string) {
        to->bytes->data[size] = 0;
    }
    if (size > to->capacity) {
        to->capacity = size;
    }
    to->written = true;
    *data = to->bytes->data;
    return CB_OK;
}

void cb_object_end_string(cb_object *object)
{
    cb_object *to = cb_object_follow(object);
    if (to->is_string && to->bytes != NULL) {
        to->bytes->size = strnlen((const char *)to->bytes->data, to->bytes->size);
    }
}

cb_status cb_object_fill(cb_heap *heap, cb_object *target, cb_object *value)
{
    cb_object *to = cb_object_follow(target);
    const cb_object *from = cb_object_follow(value);
    to->written = true;
    size_t size = cb_object_size(from);
    bool cut = size > to->capacity;
    if (cut) {
        size = to->capacity;
    }
    if (size != 0 && to->bytes != from->bytes) {
        size_t old = cb_object_size(to);
        uint8_t *data = NULL;
        cb_status status = cb_object_resize(heap, to, size > old ? size : old, &data);
        if (status != CB_OK) {
            return status;
        }
        memcpy(data, from->bytes->data, size);
        heap->bytes_moved += size;
    }
    to->overflow = cut;
    return CB_OK;
}

size_t cb_object_capacity(const cb_object *object)
{
    size_t size = cb_object_size(object);
    return object->capacity > size ? object->capacity : size;
}

int cb_object_compare(const cb_object *left, const cb_object *right)
{
    size_t left_size = cb_object_size(left);
    size_t right_size = cb_object_size(right);
    size_t shorter = left_size < right_size ? left_size : right_size;
    int order = memcmp(cb_object_data(left), cb_object_data(right), shorter);
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return left_size < right_size ? -1 : left_size > right_size;
}

static bool in_range(const cb_object *object, int64_t at, size_t count)
{
    size_t size = cb_object_size(object);
    return at >= 0 && count <= size && (uint64_t)at <= size - count;
}

cb_status cb_object_read(const cb_object *object, int64_t at, size_t count, const uint8_t **data)
{
    if (!in_range(object, at, count)) {
        return CB_INVALID;
    }
    *data = cb_object_data(object) + at;
    return CB_OK;
}

cb_status cb_object_write(cb_heap *heap, cb_object *object, int64_t at, size_t count,
                          uint8_t **data)
{
    if (!in_range(object, at, count)) {
        return CB_INVALID;
    }
    cb_status status = own(heap, object, cb_object_size(object));
    if (status == CB_OK) {
        object->written = true;
        *data = object->bytes->data + at;
    }
    return status;
}
