/* A back end without a kernel, for tests: sockets and files in memory, a clock that jumps, and an
 * order of completion that follows from a seed. Ops complete in any order that the rules allow, and
 * in pieces of any size. The same seed gives the same run, as long as no other thread takes part.
 */
#ifndef CALLBOARD_ACTORS_IO_SIMULATED_SIMULATED_H
#define CALLBOARD_ACTORS_IO_SIMULATED_SIMULATED_H

#include "actors/io/loop.h"

/* The first descriptor of this world; the kernel never hands out such numbers. */
#define CB_SIM_FIRST_DESCRIPTOR 0x40000000

typedef struct cb_sim_options {
    uint64_t seed;
    /* False: a transfer moves all that it can. True: it moves any part of that. */
    bool short_transfers;
    /* How many of a hundred ops that could complete wait for another turn, 0 to 90. */
    unsigned late_percent;
    /* How many of a thousand transfers over connections break the connection. */
    unsigned reset_permille;
    /* Bytes that a connection holds in each direction; 0: 256 KiB. */
    size_t window_bytes;
} cb_sim_options;

extern const cb_loop_backend cb_backend_simulated;

/* Sets the options of this thread's next loops. */
void cb_sim_configure(const cb_sim_options *options);
/* Lets time pass. */
void cb_sim_advance(cb_loop *loop, int64_t ns);
/* Makes the next op of a kind, when it could go on, fail with this error instead. */
void cb_sim_fail_next(cb_loop *loop, cb_op_type type, cb_io_error error);
/* Breaks a connection: both ends see a reset. */
void cb_sim_reset(cb_loop *loop, cb_socket socket);
/* How many descriptors are open. */
size_t cb_sim_open_count(const cb_loop *loop);
/* A hash of everything that has completed so far, in order. */
uint64_t cb_sim_hash(const cb_loop *loop);

#endif
