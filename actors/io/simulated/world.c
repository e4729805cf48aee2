/* The simulated world: descriptors, addresses, and files. */
#include "actors/io/simulated/world.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PORT 30000u

uint64_t cb_sim_random(cb_sim *sim, uint64_t below)
{
    sim->random = sim->random * 6364136223846793005u + 1442695040888963407u;
    return (sim->random >> 33) % below;
}

/* -- descriptors ------------------------------------------------------------------------------ */

cb_sim_node *cb_sim_find(const cb_sim *sim, int number)
{
    if (number < CB_SIM_FIRST_DESCRIPTOR)
        return NULL;
    size_t index = (size_t)(number - CB_SIM_FIRST_DESCRIPTOR);
    return index < sim->node_count ? sim->nodes[index] : NULL;
}

cb_sim_node *cb_sim_add(cb_sim *sim, uint8_t kind)
{
    size_t index = 0;
    while (index < sim->node_count && sim->nodes[index] != NULL)
        index++;
    if (index == sim->node_count) {
        size_t count = sim->node_count == 0 ? 16 : sim->node_count * 2;
        cb_sim_node **nodes = cb_io_realloc(sim->nodes, count * sizeof *nodes);
        if (nodes == NULL)
            return NULL;
        memset(nodes + sim->node_count, 0, (count - sim->node_count) * sizeof *nodes);
        sim->nodes = nodes;
        sim->node_count = count;
    }
    cb_sim_node *node = cb_io_realloc(NULL, sizeof *node);
    if (node == NULL)
        return NULL;
    memset(node, 0, sizeof *node);
    node->number = CB_SIM_FIRST_DESCRIPTOR + (int)index;
    node->kind = kind;
    node->packets_end = &node->packets;
    if (kind == CB_SIM_STREAM) {
        node->inbox = cb_io_realloc(NULL, sim->options.window_bytes);
        if (node->inbox == NULL) {
            free(node);
            return NULL;
        }
    }
    sim->nodes[index] = node;
    sim->open_count++;
    return node;
}

void cb_sim_break(cb_sim_node *node)
{
    cb_sim_node *peer = node->peer;
    node->broken = true;
    node->peer = NULL;
    node->inbox_size = 0;
    if (peer == NULL)
        return;
    peer->broken = true;
    peer->peer = NULL;
    peer->inbox_size = 0;
}

void cb_sim_remove(cb_sim *sim, cb_sim_node *node)
{
    for (size_t i = 0; i < node->waiting_count; i++) {
        cb_sim_break(node->waiting[i]);
        cb_sim_remove(sim, node->waiting[i]);
    }
    if (node->peer != NULL && (node->inbox_size > 0 || node->resets)) {
        cb_sim_break(node);
    } else if (node->peer != NULL) {
        node->peer->ended = true;
        node->peer->peer = NULL;
    }
    while (node->packets != NULL) {
        cb_sim_packet *next = node->packets->next;
        free(node->packets);
        node->packets = next;
    }
    sim->nodes[node->number - CB_SIM_FIRST_DESCRIPTOR] = NULL;
    sim->open_count--;
    free(node->inbox);
    free(node);
}

void cb_sim_free_all(cb_sim *sim)
{
    /* Listeners first: they refer to connections that wait, and take them along. */
    for (size_t i = 0; i < sim->node_count; i++)
        if (sim->nodes[i] != NULL && sim->nodes[i]->kind == CB_SIM_LISTENER)
            cb_sim_remove(sim, sim->nodes[i]);
    for (size_t i = 0; i < sim->node_count; i++)
        if (sim->nodes[i] != NULL)
            cb_sim_remove(sim, sim->nodes[i]);
    free(sim->nodes);
    while (sim->contents != NULL) {
        cb_sim_content *next = sim->contents->next;
        free(sim->contents->name);
        free(sim->contents->bytes);
        free(sim->contents);
        sim->contents = next;
    }
}

/* -- files ------------------------------------------------------------------------------------ */

static cb_attempt failed(cb_io_error error, int sys_errno)
{
    return (cb_attempt){true, error, sys_errno};
}

static cb_sim_content *content_of(const cb_sim *sim, const char *name)
{
    cb_sim_content *content = sim->contents;
    while (content != NULL && strcmp(content->name, name) != 0)
        content = content->next;
    return content;
}

static cb_sim_content *make_content(cb_sim *sim, const char *name, uint32_t permissions)
{
    size_t size = strlen(name) + 1;
    cb_sim_content *content = cb_io_realloc(NULL, sizeof *content);
    char *copy = cb_io_realloc(NULL, size);
    if (content == NULL || copy == NULL) {
        free(content);
        free(copy);
        return NULL;
    }
    memcpy(copy, name, size);
    *content = (cb_sim_content){.name = copy,
                                .next = sim->contents,
                                .permissions = permissions,
                                .modified_ns = sim->clock_ns};
    sim->contents = content;
    return content;
}

/* There is one directory, /tmp, and no other. */
cb_attempt cb_sim_open(cb_sim *sim, const char *path, uint32_t flags, uint32_t permissions,
                       cb_file *file)
{
    static const char folder[] = "/tmp/";
    bool is_folder = strcmp(path, "/tmp") == 0;
    cb_sim_content *content = NULL;
    if (is_folder && (flags & CB_FILE_WRITE) != 0)
        return failed(CB_IO_IS_DIRECTORY, EISDIR);
    if (!is_folder) {
        if (path[0] == '/' && strncmp(path, folder, sizeof folder - 1) != 0)
            return failed(CB_IO_NOT_FOUND, ENOENT);
        const char *name = path[0] == '/' ? path + sizeof folder - 1 : path;
        content = content_of(sim, name);
        if (content != NULL && (flags & CB_FILE_DIRECTORY) != 0)
            return failed(CB_IO_NOT_DIRECTORY, ENOTDIR);
        if (content != NULL && (flags & CB_FILE_EXCLUSIVE) != 0)
            return failed(CB_IO_EXISTS, EEXIST);
        if (content == NULL && (flags & CB_FILE_CREATE) == 0)
            return failed(CB_IO_NOT_FOUND, ENOENT);
        if (content == NULL)
            content = make_content(sim, name, permissions);
        if (content == NULL)
            return failed(CB_IO_NO_MEMORY, 0);
        if ((flags & CB_FILE_TRUNCATE) != 0)
            content->size = 0;
    }
    cb_sim_node *node = cb_sim_add(sim, is_folder ? CB_SIM_DIRECTORY : CB_SIM_FILE);
    if (node == NULL)
        return failed(CB_IO_NO_MEMORY, 0);
    node->content = content;
    node->flags = flags;
    *file = node->number;
    return failed(CB_IO_OK, 0);
}

/* -- what is not an operation ----------------------------------------------------------------- */

static int64_t world_clock(const cb_loop *loop)
{
    const cb_sim *sim = loop->backend_state;
    return sim->clock_ns;
}

static bool world_owns(const cb_loop *loop, int descriptor)
{
    return cb_sim_find(loop->backend_state, descriptor) != NULL;
}

static cb_status world_create(cb_loop *loop, cb_family family, cb_protocol protocol,
                              cb_socket *socket, cb_error *error)
{
    cb_sim_node *node = cb_sim_add(loop->backend_state,
                                   protocol == CB_PROTOCOL_TCP ? CB_SIM_STREAM : CB_SIM_DATAGRAM);
    if (node == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for a socket");
    node->bound = cb_endpoint_any(family, 0);
    *socket = node->number;
    return CB_OK;
}

static cb_sim_node *who_has_port(const cb_sim *sim, uint16_t port, bool datagram)
{
    for (size_t i = 0; i < sim->node_count; i++) {
        cb_sim_node *node = sim->nodes[i];
        if (node != NULL && node->bound.port == port && !node->connected &&
            (node->kind == CB_SIM_DATAGRAM) == datagram)
            return node;
    }
    return NULL;
}

static uint16_t free_port(cb_sim *sim, bool datagram)
{
    do {
        sim->next_port++;
        if (sim->next_port < FIRST_PORT)
            sim->next_port = FIRST_PORT;
    } while (who_has_port(sim, sim->next_port, datagram) != NULL);
    return sim->next_port;
}

static cb_status world_bind(cb_loop *loop, cb_socket socket, const cb_endpoint *endpoint,
                            cb_error *error)
{
    cb_sim *sim = loop->backend_state;
    cb_sim_node *node = cb_sim_find(sim, socket);
    char text[CB_ENDPOINT_TEXT_SIZE];
    bool datagram = node->kind == CB_SIM_DATAGRAM;
    if (endpoint->port != 0 && who_has_port(sim, endpoint->port, datagram) != NULL)
        return cb_fail_errno(error, CB_IO, EADDRINUSE, "cannot bind %s",
                             cb_endpoint_to_string(endpoint, text, sizeof text));
    node->bound = *endpoint;
    if (endpoint->port == 0)
        node->bound.port = free_port(sim, datagram);
    return CB_OK;
}

static cb_status world_listen(cb_loop *loop, cb_socket socket, int backlog, cb_error *error)
{
    cb_sim_node *node = cb_sim_find(loop->backend_state, socket);
    (void)error;
    const size_t most = sizeof node->waiting / sizeof node->waiting[0];
    node->kind = CB_SIM_LISTENER;
    node->backlog = (size_t)backlog < most ? (size_t)backlog : most;
    return CB_OK;
}

static cb_status world_bound(cb_loop *loop, cb_socket socket, cb_endpoint *endpoint,
                             cb_error *error)
{
    (void)error;
    *endpoint = cb_sim_find(loop->backend_state, socket)->bound;
    return CB_OK;
}

static cb_status world_peer(cb_loop *loop, cb_socket socket, cb_endpoint *endpoint, cb_error *error)
{
    cb_sim_node *node = cb_sim_find(loop->backend_state, socket);
    if (!node->connected)
        return cb_fail_errno(error, CB_IO, ENOTCONN, "descriptor %d is not connected", socket);
    *endpoint = node->remote;
    return CB_OK;
}

static cb_status world_shutdown_send(cb_loop *loop, cb_socket socket, cb_error *error)
{
    cb_sim_node *node = cb_sim_find(loop->backend_state, socket);
    if (!node->connected)
        return cb_fail_errno(error, CB_IO, ENOTCONN, "descriptor %d is not connected", socket);
    node->shut = true;
    if (node->peer != NULL)
        node->peer->ended = true;
    return CB_OK;
}

static void world_reset_at_close(cb_loop *loop, cb_socket socket)
{
    cb_sim_find(loop->backend_state, socket)->resets = true;
}

static cb_status world_open(cb_loop *loop, const char *path, uint32_t flags, cb_file *file,
                            cb_error *error)
{
    cb_attempt attempt =
        cb_sim_open(loop->backend_state, path, flags, CB_PERMIT_DEFAULT_FILE, file);
    if (attempt.error == CB_IO_OK)
        return CB_OK;
    *file = CB_NO_FILE;
    return cb_fail_errno(error, CB_IO, attempt.sys_errno, "cannot open %s", path);
}

cb_attempt cb_sim_dial(cb_sim *sim, cb_op *op)
{
    const cb_endpoint *to = &op->dial.endpoint;
    if (to->family == CB_FAMILY_NONE)
        return failed(CB_IO_INVALID, 0);
    if (to->port == 0)
        return failed(CB_IO_PORT_REQUIRED, 0);
    cb_sim_node *listener = who_has_port(sim, to->port, false);
    if (listener == NULL || listener->kind != CB_SIM_LISTENER || listener->closing)
        return failed(CB_IO_REFUSED, ECONNREFUSED);
    if (listener->waiting_count >= listener->backlog)
        return (cb_attempt){false, CB_IO_OK, 0};
    cb_sim_node *here = cb_sim_add(sim, CB_SIM_STREAM);
    cb_sim_node *there = here != NULL ? cb_sim_add(sim, CB_SIM_STREAM) : NULL;
    if (there == NULL) {
        if (here != NULL)
            cb_sim_remove(sim, here);
        return failed(CB_IO_NO_MEMORY, 0);
    }
    here->peer = there;
    there->peer = here;
    here->connected = there->connected = true;
    here->bound = cb_endpoint_loopback((cb_family)to->family, free_port(sim, false));
    there->bound = *to;
    here->remote = there->bound;
    there->remote = here->bound;
    listener->waiting[listener->waiting_count++] = there;
    op->dial.socket = here->number;
    return failed(CB_IO_OK, 0);
}

const cb_loop_world cb_sim_world = {
    .clock = world_clock,
    .owns = world_owns,
    .create = world_create,
    .bind = world_bind,
    .listen = world_listen,
    .bound = world_bound,
    .peer = world_peer,
    .shutdown_send = world_shutdown_send,
    .reset_at_close = world_reset_at_close,
    .open = world_open,
};
