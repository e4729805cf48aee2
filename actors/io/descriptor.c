/* The table of descriptors, in chunks that never move. */
#include "actors/io/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Entries allocated at once: about 24 KiB. */
#define CHUNK_SIZE 256u

cb_descriptor *cb_table_known(const cb_descriptor_table *table, cb_socket socket)
{
    size_t chunk = (size_t)socket / CHUNK_SIZE;
    if (socket < 0 || chunk >= table->chunk_count || table->chunks[chunk] == NULL)
        return NULL;
    return &table->chunks[chunk][(size_t)socket % CHUNK_SIZE];
}

static bool widen(cb_descriptor_table *table, size_t chunk)
{
    size_t count = chunk + 1 > table->chunk_count * 2 ? chunk + 1 : table->chunk_count * 2;
    cb_descriptor **chunks = cb_io_realloc(table->chunks, count * sizeof *chunks);
    if (chunks == NULL)
        return false;
    memset(chunks + table->chunk_count, 0, (count - table->chunk_count) * sizeof *chunks);
    table->chunks = chunks;
    table->chunk_count = count;
    return true;
}

cb_descriptor *cb_table_entry(cb_descriptor_table *table, cb_socket socket, cb_io_error *error)
{
    cb_descriptor *found = cb_table_known(table, socket);
    if (found != NULL)
        return found;
    /* Asked only when the table grows, so that a wild number cannot make it huge. */
    *error = CB_IO_BAD_SOCKET;
    if (socket < 0 || fcntl(socket, F_GETFD) < 0)
        return NULL;
    *error = CB_IO_NO_MEMORY;
    size_t chunk = (size_t)socket / CHUNK_SIZE;
    if (chunk >= table->chunk_count && !widen(table, chunk))
        return NULL;
    cb_descriptor *entries = cb_io_realloc(NULL, CHUNK_SIZE * sizeof *entries);
    if (entries == NULL)
        return NULL;
    memset(entries, 0, CHUNK_SIZE * sizeof *entries);
    for (size_t i = 0; i < CHUNK_SIZE; i++) {
        entries[i].socket = (cb_socket)(chunk * CHUNK_SIZE + i);
        entries[i].readable = true;
        entries[i].writable = true;
    }
    table->chunks[chunk] = entries;
    return &entries[(size_t)socket % CHUNK_SIZE];
}

cb_descriptor *cb_table_next(const cb_descriptor_table *table, const cb_descriptor *previous)
{
    size_t number = previous != NULL ? (size_t)previous->socket + 1 : 0;
    size_t chunk = number / CHUNK_SIZE;
    if (chunk < table->chunk_count && table->chunks[chunk] != NULL)
        return &table->chunks[chunk][number % CHUNK_SIZE];
    while (++chunk < table->chunk_count)
        if (table->chunks[chunk] != NULL)
            return &table->chunks[chunk][0];
    return NULL;
}

void cb_table_reset(cb_descriptor *descriptor)
{
    assert(descriptor->reading.first == NULL && descriptor->writing.first == NULL);
    assert(descriptor->others.first == NULL);
    assert(descriptor->ahead.state == CB_AHEAD_NOT && descriptor->ahead.held_first == 0);
    assert(descriptor->ahead.first == NULL);
    descriptor->generation++;
    descriptor->stream = CB_STREAM_UNKNOWN;
    descriptor->registered = false;
    descriptor->readable = true;
    descriptor->writable = true;
    descriptor->sticky = false;
    descriptor->closing = false;
    descriptor->drained = false;
    descriptor->ahead = (cb_ahead){0};
    descriptor->no_delay = CB_NO_DELAY_UNKNOWN;
}

void cb_table_free(cb_descriptor_table *table)
{
    for (size_t i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    free(table->chunks);
}

void cb_table_make_eager(cb_descriptor_table *table, cb_descriptor *descriptor)
{
    if (descriptor->eager)
        return;
    descriptor->eager = true;
    descriptor->next_eager = NULL;
    if (table->eager_last != NULL)
        table->eager_last->next_eager = descriptor;
    else
        table->eager_first = descriptor;
    table->eager_last = descriptor;
}

cb_descriptor *cb_table_take_eager(cb_descriptor_table *table)
{
    cb_descriptor *first = table->eager_first;
    table->eager_first = NULL;
    table->eager_last = NULL;
    return first;
}

static cb_op *older(cb_op *a, cb_op *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    return a->own.sequence < b->own.sequence ? a : b;
}

cb_op *cb_descriptor_oldest(const cb_descriptor *descriptor)
{
    return older(descriptor->others.first,
                 older(descriptor->reading.first, descriptor->writing.first));
}

bool cb_table_is_file_closing(const cb_descriptor_table *table, const cb_op *op)
{
    const cb_descriptor *file =
        op->type == CB_NBIO_SENDFILE ? cb_table_known(table, op->sendfile.file) : NULL;
    return file != NULL && file->closing;
}

cb_socket cb_op_descriptor(const cb_op *op)
{
    switch (op->type) {
    case CB_NBIO_ACCEPT:
        return op->accept.socket;
    case CB_NBIO_RECV:
        return op->recv.socket;
    case CB_NBIO_SEND:
        return op->send.socket;
    case CB_NBIO_READ:
        return op->read.file;
    case CB_NBIO_WRITE:
        return op->write.file;
    case CB_NBIO_SENDFILE:
        return op->sendfile.socket;
    case CB_NBIO_STAT:
        return op->stat.file;
    case CB_NBIO_POLL:
        return op->poll.socket;
    case CB_NBIO_CLOSE:
        return op->close.socket;
    default:
        return CB_NO_SOCKET;
    }
}
