/* What each kind of op does in the simulated world. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/io/files.h"
#include "actors/io/simulated/world.h"

static const cb_attempt success = {true, CB_IO_OK, 0};
static const cb_attempt again = {false, CB_IO_OK, 0};

static cb_attempt failed(cb_io_error error, int sys_errno)
{
    return (cb_attempt){true, error, sys_errno};
}

static bool is_socket(const cb_sim_node *node)
{
    return node->kind == CB_SIM_STREAM || node->kind == CB_SIM_LISTENER ||
           node->kind == CB_SIM_DATAGRAM;
}

/* How much of what could be moved is moved this time; at least 1 byte. */
static size_t share_of(cb_sim *sim, size_t size)
{
    if (!sim->options.short_transfers || size < 2)
        return size;
    return 1 + (size_t)cb_sim_random(sim, size);
}

static bool breaks_now(cb_sim *sim)
{
    return sim->options.reset_permille > 0 &&
           cb_sim_random(sim, 1000) < sim->options.reset_permille;
}

static cb_attempt try_accept(cb_sim_node *node, cb_op *op)
{
    if (!is_socket(node) || node->kind == CB_SIM_DATAGRAM)
        return failed(CB_IO_BAD_SOCKET, ENOTSOCK);
    if (node->kind != CB_SIM_LISTENER)
        return failed(CB_IO_NOT_LISTENING, EINVAL);
    if (node->waiting_count == 0)
        return again;
    cb_sim_node *client = node->waiting[0];
    node->waiting_count--;
    memmove(node->waiting, node->waiting + 1, node->waiting_count * sizeof node->waiting[0]);
    op->accept.client = client->number;
    op->accept.peer = client->remote;
    return success;
}

/* Copies out of or into a list of buffers, from `skip` bytes on. */
static void spread(const cb_bytes *bufs, size_t count, size_t skip, char *bytes, size_t size,
                   bool into)
{
    for (size_t i = 0; i < count && size > 0; i++) {
        if (skip >= bufs[i].size) {
            skip -= bufs[i].size;
            continue;
        }
        size_t part = bufs[i].size - skip < size ? bufs[i].size - skip : size;
        if (into)
            memcpy((char *)bufs[i].data + skip, bytes, part);
        else
            memcpy(bytes, (const char *)bufs[i].data + skip, part);
        bytes += part;
        size -= part;
        skip = 0;
    }
}

static cb_attempt try_recv_datagram(cb_sim_node *node, cb_op *op)
{
    cb_sim_packet *packet = node->packets;
    size_t room = cb_total_size(op->recv.bufs, op->recv.buf_count);
    if (packet == NULL)
        return again;
    bool truncated = packet->size > room;
    op->recv.received = truncated ? room : packet->size;
    op->recv.source = packet->source;
    spread(op->recv.bufs, op->recv.buf_count, 0, packet->bytes, op->recv.received, true);
    node->packets = packet->next;
    if (node->packets == NULL)
        node->packets_end = &node->packets;
    free(packet);
    return truncated ? failed(CB_IO_TRUNCATED, 0) : success;
}

static cb_attempt try_recv(cb_sim *sim, cb_sim_node *node, cb_op *op)
{
    if (!is_socket(node))
        return failed(CB_IO_BAD_SOCKET, ENOTSOCK);
    if (node->kind == CB_SIM_DATAGRAM)
        return try_recv_datagram(node, op);
    if (!node->connected)
        return failed(CB_IO_NOT_CONNECTED, ENOTCONN);
    if (node->broken)
        return failed(CB_IO_RESET, ECONNRESET);
    if (node->inbox_size == 0) {
        op->recv.ended = node->ended;
        return node->ended ? success : again;
    }
    if (breaks_now(sim)) {
        cb_sim_break(node);
        return failed(CB_IO_RESET, ECONNRESET);
    }
    size_t room = cb_total_size(op->recv.bufs, op->recv.buf_count) - op->recv.received;
    size_t part = share_of(sim, room < node->inbox_size ? room : node->inbox_size);
    spread(op->recv.bufs, op->recv.buf_count, op->recv.received, node->inbox, part, true);
    node->inbox_size -= part;
    memmove(node->inbox, node->inbox + part, node->inbox_size);
    op->recv.received += part;
    return op->own.transfer == CB_TRANSFER_ALL && part < room ? again : success;
}

static cb_attempt try_send_datagram(cb_sim *sim, cb_sim_node *node, cb_op *op)
{
    size_t size = cb_total_size(op->send.bufs, op->send.buf_count);
    if (op->send.endpoint.family == CB_FAMILY_NONE)
        return failed(CB_IO_ENDPOINT_REQUIRED, EDESTADDRREQ);
    if (size > 65507)
        return failed(CB_IO_MESSAGE_SIZE, EMSGSIZE);
    for (size_t i = 0; i < sim->node_count; i++) {
        cb_sim_node *to = sim->nodes[i];
        if (to == NULL || to->kind != CB_SIM_DATAGRAM || to->bound.port != op->send.endpoint.port)
            continue;
        cb_sim_packet *packet = cb_io_realloc(NULL, sizeof *packet + size);
        if (packet == NULL)
            return failed(CB_IO_NO_MEMORY, 0);
        packet->next = NULL;
        packet->source = node->bound;
        packet->size = size;
        spread(op->send.bufs, op->send.buf_count, 0, packet->bytes, size, false);
        *to->packets_end = packet;
        to->packets_end = &packet->next;
        break;
    }
    op->send.sent = size;
    return success;
}

/* Whether anything can be sent now, and how much. */
static cb_attempt room_at_peer(cb_sim *sim, cb_sim_node *node, size_t *room)
{
    if (!is_socket(node))
        return failed(CB_IO_BAD_SOCKET, ENOTSOCK);
    if (node->broken)
        return failed(CB_IO_RESET, ECONNRESET);
    if (!node->connected || node->shut || node->peer == NULL)
        return failed(CB_IO_CLOSED, EPIPE);
    if (breaks_now(sim)) {
        cb_sim_break(node);
        return failed(CB_IO_RESET, ECONNRESET);
    }
    *room = sim->options.window_bytes - node->peer->inbox_size;
    return again;
}

static cb_attempt try_send(cb_sim *sim, cb_sim_node *node, cb_op *op)
{
    size_t room;
    if (node->kind == CB_SIM_DATAGRAM)
        return try_send_datagram(sim, node, op);
    cb_attempt attempt = room_at_peer(sim, node, &room);
    if (attempt.done)
        return attempt;
    size_t left = cb_total_size(op->send.bufs, op->send.buf_count) - op->send.sent;
    if (left == 0)
        return success;
    if (room == 0)
        return again;
    size_t part = share_of(sim, left < room ? left : room);
    spread(op->send.bufs, op->send.buf_count, op->send.sent,
           node->peer->inbox + node->peer->inbox_size, part, false);
    node->peer->inbox_size += part;
    op->send.sent += part;
    return part == left || op->own.transfer == CB_TRANSFER_PARTIAL ? success : again;
}

static cb_attempt try_sendfile(cb_sim *sim, cb_sim_node *node, cb_op *op)
{
    size_t room;
    cb_sim_node *file = cb_sim_find(sim, op->sendfile.file);
    if (file == NULL)
        return failed(CB_IO_BAD_SOCKET, EBADF);
    if (op->sendfile.sent == 0) {
        if (file->kind != CB_SIM_FILE || op->sendfile.offset > (int64_t)file->content->size)
            return failed(CB_IO_INVALID, 0);
        if (op->sendfile.entire)
            op->sendfile.nbytes = (int64_t)file->content->size - op->sendfile.offset;
    }
    cb_attempt attempt = room_at_peer(sim, node, &room);
    if (attempt.done)
        return attempt;
    size_t from = (size_t)(op->sendfile.offset + op->sendfile.sent);
    size_t left = (size_t)(op->sendfile.nbytes - op->sendfile.sent);
    if (left == 0)
        return success;
    if (from >= file->content->size)
        return failed(CB_IO_END_OF_FILE, 0);
    if (room == 0)
        return again;
    size_t part = file->content->size - from;
    part = part < left ? part : left;
    part = share_of(sim, part < room ? part : room);
    memcpy(node->peer->inbox + node->peer->inbox_size, file->content->bytes + from, part);
    node->peer->inbox_size += part;
    op->sendfile.sent += (int64_t)part;
    return part == left ? success : again;
}

static cb_attempt try_read(cb_sim *sim, cb_sim_node *node, cb_op *op)
{
    if (node->kind == CB_SIM_DIRECTORY)
        return failed(CB_IO_IS_DIRECTORY, EISDIR);
    if (is_socket(node))
        return failed(CB_IO_INVALID, ESPIPE);
    const cb_sim_content *content = node->content;
    size_t from = (size_t)op->read.offset + op->read.received;
    if (from >= content->size)
        return cb_file_moved(op, 0);
    size_t part = op->read.size - op->read.received;
    part = part < content->size - from ? part : content->size - from;
    bool all = op->own.transfer == CB_TRANSFER_ALL;
    part = all ? share_of(sim, part) : part;
    memcpy((char *)op->read.data + op->read.received, content->bytes + from, part);
    return cb_file_moved(op, (ssize_t)part);
}

static cb_attempt try_write(cb_sim *sim, cb_sim_node *node, cb_op *op)
{
    if (is_socket(node))
        return failed(CB_IO_INVALID, ESPIPE);
    if (node->kind == CB_SIM_DIRECTORY || (node->flags & CB_FILE_WRITE) == 0)
        return failed(CB_IO_BAD_SOCKET, EBADF);
    cb_sim_content *content = node->content;
    size_t to = (size_t)op->write.offset + op->write.written;
    size_t part = share_of(sim, op->write.size - op->write.written);
    if ((node->flags & CB_FILE_APPEND) != 0)
        to = content->size;
    if (to > SIZE_MAX / 4 - part)
        return failed(CB_IO_TOO_LARGE, EFBIG);
    if (to + part > content->capacity) {
        char *bytes = cb_io_realloc(content->bytes, 2 * (to + part));
        if (bytes == NULL)
            return failed(CB_IO_NO_SPACE, ENOSPC);
        content->bytes = bytes;
        content->capacity = 2 * (to + part);
    }
    if (to > content->size)
        memset(content->bytes + content->size, 0, to - content->size);
    memcpy(content->bytes + to, (const char *)op->write.data + op->write.written, part);
    content->size = to + part > content->size ? to + part : content->size;
    content->modified_ns = sim->clock_ns;
    return cb_file_moved(op, (ssize_t)part);
}

static cb_attempt try_stat(const cb_sim *sim, const cb_sim_node *node, cb_op *op)
{
    op->stat.permissions = CB_PERMIT_ALL;
    op->stat.modified_ns = sim->clock_ns;
    if (is_socket(node)) {
        op->stat.type = CB_FILE_TYPE_SOCKET;
    } else if (node->kind == CB_SIM_DIRECTORY) {
        op->stat.type = CB_FILE_TYPE_DIRECTORY;
    } else {
        op->stat.type = CB_FILE_TYPE_REGULAR;
        op->stat.size = (int64_t)node->content->size;
        op->stat.permissions = node->content->permissions;
        op->stat.modified_ns = node->content->modified_ns;
    }
    return success;
}

static cb_attempt try_poll(const cb_sim *sim, const cb_sim_node *node, cb_op *op)
{
    uint32_t ready = 0;
    if (!is_socket(node) || node->inbox_size > 0 || node->ended || node->waiting_count > 0 ||
        node->packets != NULL)
        ready |= CB_POLL_READABLE;
    if (!is_socket(node) || node->kind == CB_SIM_DATAGRAM ||
        (node->peer != NULL && node->peer->inbox_size < sim->options.window_bytes))
        ready |= CB_POLL_WRITABLE;
    ready &= op->poll.events;
    if (node->broken)
        ready |= CB_POLL_ERROR;
    op->poll.ready = ready;
    return ready != 0 ? success : again;
}

cb_attempt cb_sim_attempt(cb_sim *sim, cb_sim_node *node, cb_op *op)
{
    switch (op->type) {
    case CB_NBIO_ACCEPT:
        return try_accept(node, op);
    case CB_NBIO_RECV:
        return try_recv(sim, node, op);
    case CB_NBIO_SEND:
        return try_send(sim, node, op);
    case CB_NBIO_SENDFILE:
        return try_sendfile(sim, node, op);
    case CB_NBIO_READ:
        return try_read(sim, node, op);
    case CB_NBIO_WRITE:
        return try_write(sim, node, op);
    case CB_NBIO_STAT:
        return try_stat(sim, node, op);
    default:
        return try_poll(sim, node, op);
    }
}
