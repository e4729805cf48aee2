/* Inside the io_uring back end: its state, and how ops become submissions and completions results.
 */
#ifndef CALLBOARD_ACTORS_IO_URING_H
#define CALLBOARD_ACTORS_IO_URING_H

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

typedef struct cb_uring {
    struct io_uring ring;
    int wake;
    bool stuck; /* a submission failed for good: the next poll says so */
    int stuck_errno;
    cb_descriptor_table table;
    cb_uring_note *free_notes;
} cb_uring;

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
