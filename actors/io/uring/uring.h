/* Inside the io_uring back end: its state, and how ops become submissions and completions results.
 */
#ifndef CALLBOARD_ACTORS_IO_URING_URING_H
#define CALLBOARD_ACTORS_IO_URING_URING_H

#include <liburing.h>

#include "actors/io/address.h"
#include "actors/io/attempt.h"

/* Pieces of one list that one submission carries on with after a short transfer. */
#define CB_URING_PIECES 16u

/* What the kernel reads or writes beside an op's own memory; lives while the op is in flight. */
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

/* Marks completions that are no op's: of cancellations, of the wake-up descriptor; and, in the low
 * bits of a descriptor's address, of its multishot receive or accept. */
#define CB_URING_NOBODYS 0u
#define CB_URING_WAKE    1u
#define CB_URING_RECV    2u
#define CB_URING_ACCEPT  4u
#define CB_URING_MARKS   7u

/* Bytes of one buffer of those that are received ahead: a request or a line mostly fits, and what
 * does not is received directly. */
#define CB_URING_BUFFER_SIZE 2048u

struct cb_uring_buffers;

typedef struct cb_uring {
    struct io_uring ring;
    struct cb_uring_buffers *buffers; /* NULL until something is read ahead */
    bool no_buffers;                  /* the kernel, or lack of memory, refuses them */
    int wake;
    bool stuck; /* a submission failed for good: the next poll says so */
    int stuck_errno;
    cb_descriptor_table table;
    cb_uring_note *free_notes;
} cb_uring;

/* -- backend_uring.c -- */
/* Ends an op that is not with the kernel (any more). */
void cb_uring_end_op(cb_loop *loop, cb_op *op, cb_attempt attempt);
/* Takes all that the kernel has reported. */
void cb_uring_take_completions(cb_loop *loop);

/* -- uring_ahead.c -- */
/* True if what is received on this descriptor goes through the buffers, or has to from now on. */
bool cb_uring_reads_ahead(const cb_descriptor *descriptor, const cb_op *op);
/* True if there is something to receive or to accept without asking the kernel. */
bool cb_uring_has_held(const cb_descriptor *descriptor);
/* Serves the receives that wait, from what is held as far as that goes. */
void cb_uring_receive(cb_loop *loop, cb_descriptor *descriptor);
/* A completion of the descriptor's multishot receive. */
void cb_uring_received(cb_loop *loop, cb_descriptor *descriptor, int result, uint32_t flags);
/* Asks the kernel to end the descriptor's multishot, if it has one, but does not wait for that. */
void cb_uring_stop(cb_loop *loop, cb_descriptor *descriptor);
/* Waits for it too, and throws away what nobody has taken. Clients are reset. */
void cb_uring_end_ahead(cb_loop *loop, cb_descriptor *descriptor);
void cb_uring_end_all_ahead(cb_loop *loop);
void cb_uring_free_buffers(cb_uring *back);

/* -- uring_accept.c -- */
/* Serves the accepts that wait, from the clients that are there as far as they go. */
void cb_uring_accept(cb_loop *loop, cb_descriptor *descriptor);
/* A completion of the descriptor's multishot accept. */
void cb_uring_accepted(cb_loop *loop, cb_descriptor *descriptor, int result, uint32_t flags);
void cb_uring_reset_clients(cb_loop *loop, cb_descriptor *descriptor);

/* -- uring_submit.c -- */
/* Room for one submission; what is there is handed to the kernel if need be. NULL: the kernel
 * refuses to take any (`stuck` is set). */
struct io_uring_sqe *cb_uring_room(cb_uring *back);
/* Hands an op to the kernel with the next batch. Done: it could not be, or came out at once. */
cb_attempt cb_uring_submit(cb_loop *loop, cb_descriptor *descriptor, cb_op *op);
void cb_uring_free_note(cb_uring *back, cb_op *op);
void cb_uring_free_notes(cb_uring *back);

/* -- uring_settle.c -- */
/* Takes in what the kernel says of an op: `result` is >= 0 or a negative errno. Not done: the rest
 * is to be submitted anew. */
cb_attempt cb_uring_settle(cb_loop *loop, cb_descriptor *descriptor, cb_op *op, int result,
                           uint32_t flags);
/* A fresh entry for a descriptor that the kernel has just handed out. */
void cb_uring_adopt(cb_loop *loop, int descriptor, bool stream);

#endif
