/* Queues of bytes that wait to be sent. Small writes are gathered in chunks; what a send of the
 * kernel refers to stays where it is until it is dropped. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/tcp/inside.h"

static cb_tcp_chunk *take_chunk(cb_tcp_turn *turn, size_t capacity)
{
    cb_tcp_chunk *chunk = turn->spare_chunks;
    if (capacity <= CB_TCP_CHUNK && chunk != NULL) {
        turn->spare_chunks = chunk->next;
        turn->spare_chunk_count--;
        capacity = CB_TCP_CHUNK;
    } else {
        if (capacity < CB_TCP_CHUNK)
            capacity = CB_TCP_CHUNK;
        if (capacity > SIZE_MAX - sizeof *chunk)
            return NULL;
        chunk = cb_tcp_malloc_counted(sizeof *chunk + capacity);
        if (chunk == NULL)
            return NULL;
    }
    *chunk = (cb_tcp_chunk){.data = (uint8_t *)(chunk + 1), .capacity = capacity};
    return chunk;
}

static void give_chunk(cb_tcp_turn *turn, cb_tcp_chunk *chunk)
{
    if (chunk->owner != NULL) {
        cb_buffer_release(chunk->owner);
        free(chunk);
    } else if (chunk->capacity == CB_TCP_CHUNK && turn->spare_chunk_count < CB_TCP_SPARE_CHUNKS) {
        chunk->next = turn->spare_chunks;
        turn->spare_chunks = chunk;
        turn->spare_chunk_count++;
    } else {
        cb_tcp_free_counted(chunk, sizeof *chunk + chunk->capacity);
    }
}

void cb_tcp_chunks_free(cb_tcp_turn *turn)
{
    while (turn->spare_chunks != NULL) {
        cb_tcp_chunk *chunk = turn->spare_chunks;
        turn->spare_chunks = chunk->next;
        cb_tcp_free_counted(chunk, sizeof *chunk + CB_TCP_CHUNK);
    }
    turn->spare_chunk_count = 0;
}

static void append(cb_tcp_queue *queue, cb_tcp_chunk *chunk)
{
    if (queue->last != NULL)
        queue->last->next = chunk;
    else
        queue->first = chunk;
    queue->last = chunk;
}

static size_t room_left(const cb_tcp_queue *queue)
{
    const cb_tcp_chunk *last = queue->last;
    return last != NULL && last->owner == NULL ? last->capacity - last->end : 0;
}

cb_status cb_tcp_queue_add(cb_tcp_turn *turn, cb_tcp_queue *queue, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t fits = room_left(queue);
    if (fits > size)
        fits = size;
    size_t rest = size - fits;
    if (rest > 0) {
        cb_tcp_chunk *chunk = take_chunk(turn, rest);
        if (chunk == NULL)
            return CB_NO_MEMORY;
        memcpy(chunk->data, bytes + fits, rest);
        chunk->end = rest;
        if (fits > 0) {
            memcpy(queue->last->data + queue->last->end, bytes, fits);
            queue->last->end += fits;
        }
        append(queue, chunk);
    } else if (fits > 0) {
        memcpy(queue->last->data + queue->last->end, bytes, fits);
        queue->last->end += fits;
    }
    queue->size += size;
    return CB_OK;
}

cb_status cb_tcp_queue_refer(cb_tcp_turn *turn, cb_tcp_queue *queue, cb_buffer *buffer,
                             size_t offset, size_t size)
{
    (void)turn;
    cb_tcp_chunk *chunk = cb_tcp_malloc(sizeof *chunk);
    if (chunk == NULL)
        return CB_NO_MEMORY;
    *chunk = (cb_tcp_chunk){.owner = cb_buffer_retain(buffer),
                            .data = buffer->data,
                            .begin = offset,
                            .end = offset + size,
                            .capacity = offset + size};
    append(queue, chunk);
    queue->size += size;
    return CB_OK;
}

uint8_t *cb_tcp_queue_room(cb_tcp_turn *turn, cb_tcp_queue *queue, size_t *size)
{
    if (room_left(queue) == 0) {
        cb_tcp_chunk *chunk = take_chunk(turn, CB_TCP_CHUNK);
        if (chunk == NULL)
            return NULL;
        append(queue, chunk);
    }
    *size = room_left(queue);
    return queue->last->data + queue->last->end;
}

void cb_tcp_queue_grow(cb_tcp_queue *queue, size_t size)
{
    assert(size <= room_left(queue));
    queue->last->end += size;
    queue->size += size;
}

void cb_tcp_queue_drop(cb_tcp_turn *turn, cb_tcp_queue *queue, size_t size)
{
    assert(size <= queue->size);
    queue->size -= size;
    while (queue->first != NULL) {
        cb_tcp_chunk *chunk = queue->first;
        size_t here = chunk->end - chunk->begin;
        if (here > size) {
            chunk->begin += size;
            return;
        }
        size -= here;
        queue->first = chunk->next;
        if (queue->first == NULL)
            queue->last = NULL;
        give_chunk(turn, chunk);
    }
}

void cb_tcp_queue_clear(cb_tcp_turn *turn, cb_tcp_queue *queue)
{
    cb_tcp_queue_drop(turn, queue, queue->size);
}

size_t cb_tcp_queue_pieces(const cb_tcp_queue *queue, cb_bytes *pieces, size_t count)
{
    size_t used = 0;
    for (cb_tcp_chunk *chunk = queue->first; chunk != NULL && used < count; chunk = chunk->next)
        if (chunk->end > chunk->begin)
            pieces[used++] = (cb_bytes){chunk->data + chunk->begin, chunk->end - chunk->begin};
    return used;
}
