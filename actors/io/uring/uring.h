/* Inside the io_uring back end: its state, how ops become submissions, and how completions become
 * results.
 */
#ifndef CALLBOARD_ACTORS_IO_URING_URING_H
#define CALLBOARD_ACTORS_IO_URING_URING_H

#include <liburing.h>

#include "actors/io/address.h"
#include "actors/io/attempt.h"

/* Most pieces of a list in the one submission that continues a short transfer. */
#define CB_URING_PIECES 16u

/* Memory that the kernel reads or writes beside an op's own memory. It lives while the op is in
 * flight. */
typedef struct cb_uring_note {
    struct cb_uring_note *next; /* on the free list */
    union {
        struct {
            struct msghdr header;
            cb_address address;
            socklen_t address_size;
            struct iovec pieces[CB_URING_PIECES];
        };
        struct statx about;
    };
} cb_uring_note;

/* Marks of completions that belong to no op: of cancellations, and of the wake-up descriptor. In
 * the low bits of a descriptor's address: of its multishot receive or accept. */
#define CB_URING_NOBODYS 0u
#define CB_URING_WAKE    1u
#define CB_URING_RECV    2u
#define CB_URING_ACCEPT  4u
#define CB_URING_MARKS   7u

/* Bytes of one buffer for receiving ahead. A request or a line mostly fits; larger data is received
 * directly. */
#define CB_URING_BUFFER_SIZE 2048u

struct cb_uring_buffers;

typedef struct cb_uring {
    struct io_uring ring;
    struct cb_uring_buffers *buffers; /* NULL until the first read-ahead */
    bool no_buffers;                  /* the kernel refused them, or memory was lacking */
    int wake;
    bool stuck; /* a submission failed for good: the next poll returns the error */
    int stuck_errno;
    cb_descriptor_table table;
    cb_uring_note *free_notes;
} cb_uring;

/* -- backend.c -- */
/* Ends an op that is not with the kernel, or no longer. */
void cb_uring_end_op(cb_loop *loop, cb_op *op, cb_attempt attempt);
/* Takes all completions that the kernel has reported. */
void cb_uring_take_completions(cb_loop *loop);

/* -- ahead.c -- */
/* True if receives on this descriptor go through the buffers, or have to from now on. */
bool cb_uring_reads_ahead(const cb_descriptor *descriptor, const cb_op *op);
/* True if bytes or clients are held, so that a receive or accept needs no call of the kernel. */
bool cb_uring_has_held(const cb_descriptor *descriptor);
/* Serves the waiting receives from the held bytes, as far as these go. */
void cb_uring_receive(cb_loop *loop, cb_descriptor *descriptor);
/* Takes a completion of the descriptor's multishot receive. */
void cb_uring_received(cb_loop *loop, cb_descriptor *descriptor, int result, uint32_t flags);
/* Asks the kernel to end the descriptor's multishot, if it has one. Does not wait for the end. */
void cb_uring_stop(cb_loop *loop, cb_descriptor *descriptor);
/* The same, but also waits for the end. Then drops the bytes that no op has taken; clients are
 * reset. */
void cb_uring_end_ahead(cb_loop *loop, cb_descriptor *descriptor);
void cb_uring_end_all_ahead(cb_loop *loop);
void cb_uring_free_buffers(cb_uring *back);

/* -- accept.c -- */
/* Serves the waiting accepts with the clients that are there, as far as these go. */
void cb_uring_accept(cb_loop *loop, cb_descriptor *descriptor);
/* Takes a completion of the descriptor's multishot accept. */
void cb_uring_accepted(cb_loop *loop, cb_descriptor *descriptor, int result, uint32_t flags);
void cb_uring_reset_clients(cb_loop *loop, cb_descriptor *descriptor);

/* -- submit.c -- */
/* Room for one submission. If the queue is full, the kernel first gets what is in it. NULL: the
 * kernel takes no submission (`stuck` is set). */
struct io_uring_sqe *cb_uring_room(cb_uring *back);
/* Adds an op to the next batch for the kernel. Done: that was not possible, or the op completed at
 * once. */
cb_attempt cb_uring_submit(cb_loop *loop, cb_descriptor *descriptor, cb_op *op);
void cb_uring_free_note(cb_uring *back, cb_op *op);
void cb_uring_free_notes(cb_uring *back);

/* -- settle.c -- */
/* Takes the kernel's result of an op: `result` is >= 0 or a negative errno. Not done: the rest has
 * to be submitted again. */
cb_attempt cb_uring_settle(cb_loop *loop, cb_descriptor *descriptor, cb_op *op, int result,
                           uint32_t flags);
/* Makes a fresh entry for a descriptor that the kernel has just handed out. */
void cb_uring_adopt(cb_loop *loop, int descriptor, bool stream);

#endif
