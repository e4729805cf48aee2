/* Inside the epoll back end: what it knows of each descriptor, and the attempts at system calls.
 *
 * Each descriptor is registered once, edge-triggered, for everything, when an operation on it first
 * has to wait; from then on no epoll_ctl is needed. `readable` and `writable` say that trying is
 * worth while: they start out true, become false when the kernel said EAGAIN, and true again by an
 * event. An op waits only while the flag of its direction is false, so no edge is ever missed.
 */
#ifndef CALLBOARD_ACTORS_IO_EPOLL_H
#define CALLBOARD_ACTORS_IO_EPOLL_H

#include "actors/io/loop.h"

enum { CB_STREAM_UNKNOWN = 0, CB_STREAM_YES = 1, CB_STREAM_NO = 2 };

/* How a listener's clients get TCP_NODELAY: cb_listen_tcp sets it before listening, then they
 * inherit it; clients that came before it was set on another's listener do not. */
enum { CB_NO_DELAY_UNKNOWN = 0, CB_NO_DELAY_INHERITED = 1, CB_NO_DELAY_EACH = 2 };

typedef struct cb_descriptor {
    cb_op_list reading; /* accepts and recvs, in the order of execution */
    cb_op_list writing; /* sends and dials */
    cb_op_list polling;
    struct cb_descriptor *next_eager;
    cb_socket socket;
    uint32_t generation; /* tells events of an earlier descriptor with this number */
    uint8_t stream;      /* CB_STREAM_* */
    uint8_t no_delay;    /* CB_NO_DELAY_* */
    bool registered;
    bool readable, writable;
    bool sticky;  /* hang-up or urgent data: a short read does not mean that nothing is left */
    bool closing; /* between the close's execution and its report */
    bool eager;   /* on the list of those to try in the next poll */
} cb_descriptor;

/* What an attempt came to. */
typedef struct cb_attempt {
    bool done; /* false: would block */
    cb_io_error error;
    int sys_errno;
} cb_attempt;

/* One try at what is left of a transfer or an accept; never blocks. */
cb_attempt cb_attempt_accept(cb_descriptor *descriptor, cb_op *op);
cb_attempt cb_attempt_recv(cb_descriptor *descriptor, cb_op *op);
cb_attempt cb_attempt_send(cb_op *op);
/* Begins a connection: op->dial.socket is the new descriptor unless it is done with an error. */
cb_attempt cb_attempt_dial(cb_op *op);
/* How a connection that was begun came out. */
cb_attempt cb_attempt_dial_result(cb_op *op);

#endif
