/* Inside the simulated back end: its sockets and files. */
#ifndef CALLBOARD_ACTORS_IO_SIMULATED_WORLD_H
#define CALLBOARD_ACTORS_IO_SIMULATED_WORLD_H

#include "actors/io/attempt.h"
#include "actors/io/simulated/simulated.h"

enum { CB_SIM_STREAM = 1, CB_SIM_DATAGRAM, CB_SIM_LISTENER, CB_SIM_FILE, CB_SIM_DIRECTORY };

typedef struct cb_sim_packet {
    struct cb_sim_packet *next;
    cb_endpoint source;
    size_t size;
    char bytes[];
} cb_sim_packet;

/* A file's content; stays when all its descriptors are closed. */
typedef struct cb_sim_content {
    struct cb_sim_content *next;
    char *name;
    char *bytes;
    size_t size, capacity;
    uint32_t permissions;
    int64_t modified_ns;
} cb_sim_content;

typedef struct cb_sim_node {
    int number; /* CB_SIM_FIRST_DESCRIPTOR and up */
    uint8_t kind;
    bool closing;
    cb_op_list reading, writing, others;
    /* sockets */
    cb_endpoint bound, remote;
    struct cb_sim_node *peer; /* the other end while both are open */
    char *inbox;              /* bytes that have come and were not received yet */
    size_t inbox_size;
    bool connected, ended, broken; /* the peer has ended; the connection was reset */
    bool shut;                     /* this end has ended */
    bool resets;                   /* closing it is a reset for the peer */
    cb_sim_packet *packets, **packets_end;
    struct cb_sim_node *waiting[128]; /* a listener's connections that are not accepted yet */
    size_t waiting_count, backlog;
    /* files */
    cb_sim_content *content;
    uint32_t flags;
} cb_sim_node;

typedef struct cb_sim {
    cb_sim_options options;
    uint64_t random;
    uint64_t hash;
    _Atomic int64_t clock_ns;
    cb_sim_node **nodes; /* by number; NULL: free */
    size_t node_count, open_count;
    cb_sim_content *contents;
    uint16_t next_port;
    cb_op_list opening; /* ops that belong to no descriptor yet: dials and opens */
    cb_io_error fail_next[CB_NBIO_TYPE_COUNT];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken; /* under the lock */
} cb_sim;

/* NULL if the number is not that of an open descriptor. */
cb_sim_node *cb_sim_find(const cb_sim *sim, int number);
/* NULL: no memory. */
cb_sim_node *cb_sim_add(cb_sim *sim, uint8_t kind);
/* Closes a descriptor: its peer sees the end, or a reset if some bytes were not received. */
void cb_sim_remove(cb_sim *sim, cb_sim_node *node);
void cb_sim_break(cb_sim_node *node);
void cb_sim_free_all(cb_sim *sim);
/* A random number from 0 to below - 1. */
uint64_t cb_sim_random(cb_sim *sim, uint64_t below);
/* One attempt at an op; an op that cannot go on yet is not done. */
cb_attempt cb_sim_attempt(cb_sim *sim, cb_sim_node *node, cb_op *op);
cb_attempt cb_sim_dial(cb_sim *sim, cb_op *op);
/* Opens or makes a file. */
cb_attempt cb_sim_open(cb_sim *sim, const char *path, uint32_t flags, uint32_t permissions,
                       cb_file *file);

extern const cb_loop_world cb_sim_world;

#endif
