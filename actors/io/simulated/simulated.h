/* A back end without a kernel, for tests: sockets and files in memory, a clock that jumps, and an
 * order of completion that follows from a seed. Ops complete in any order that the rules allow, and
 * in pieces of any size; the same seed gives the same run, as long as no other thread takes part.
 */
#ifndef CALLBOARD_ACTORS_IO_SIMULATED_SIMULATED_H
#define CALLBOARD_ACTORS_IO_SIMULATED_SIMULATED_H

#include "actors/io/loop.h"

/* Descriptors of this world; the kernel never hands out such numbers. */
#define CB_SIM_FIRST_DESCRIPTOR 0x40000000

typedef struct cb_sim_options {
    uint64_t seed;
    /* 0: a transfer moves all it can; otherwise it moves any part of that. */
    bool short_transfers;
    /* Of a hundred ops that could go on, so many wait for another turn, 0 to 90. */
    unsigned late_percent;
    /* Of a thousand transfers over connections, so many break the connection. */
    unsigned reset_permille;
    /* Bytes that a connection holds in each direction; 0: 256 KiB. */
    size_t window_bytes;
} cb_sim_options;

extern const cb_loop_backend cb_backend_simulated;

/* What the next loops of this thread are like. */
void cb_sim_configure(const cb_sim_options *options);
/* Lets time pass. */
void cb_sim_advance(cb_loop *loop, int64_t ns);
/* The next op of a kind that the world would have let go on fails with this instead. */
void cb_sim_fail_next(cb_loop *loop, cb_op_type type, cb_io_error error);
/* Breaks a connection: both ends see a reset. */
void cb_sim_reset(cb_loop *loop, cb_socket socket);
/* How many descriptors are open. */
size_t cb_sim_open_count(const cb_loop *loop);
/* Of everything that has completed so far, in its order. */
uint64_t cb_sim_hash(const cb_loop *loop);

#endif
