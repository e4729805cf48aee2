/* What the back ends that work on the kernel's descriptors know of each: one table a loop. */
#ifndef CALLBOARD_ACTORS_IO_DESCRIPTOR_H
#define CALLBOARD_ACTORS_IO_DESCRIPTOR_H

#include "actors/io/loop.h"

enum { CB_STREAM_UNKNOWN = 0, CB_STREAM_YES = 1, CB_STREAM_NO = 2 };

/* How a listener's clients get TCP_NODELAY: cb_listen_tcp sets it before listening, then they
 * inherit it; clients that came before it was set on another's listener do not. */
enum { CB_NO_DELAY_UNKNOWN = 0, CB_NO_DELAY_INHERITED = 1, CB_NO_DELAY_EACH = 2 };

enum { CB_AHEAD_NOT = 0, CB_AHEAD_ARMED, CB_AHEAD_STOPPING };

/* uring only: the one multishot receive or accept of a descriptor, and what it has brought that no
 * op has taken yet. See uring_ahead.c and uring_accept.c. */
typedef struct cb_ahead {
    uint8_t state;                      /* CB_AHEAD_*: whether the kernel has one */
    bool direct;                        /* much comes at a time: receive without buffers of ours */
    bool ended;                         /* the stream is over, after what is held */
    int sys_errno;                      /* it failed, after what is held; 0: it did not */
    uint32_t held_first, held_last;     /* buffers with bytes: number + 1; 0: none */
    bool accepts;                       /* the multishot is an accept */
    struct cb_descriptor *first, *last; /* clients of a listener, linked by `next_client` */
} cb_ahead;

/* Entries never move, because ops on the lists point into them. */
typedef struct cb_descriptor {
    cb_op_list reading; /* accepts and recvs, in the order of execution */
    cb_op_list writing; /* sends, sendfiles and dials */
    cb_op_list others;  /* polls, and what is done with files: independent of each other */
    struct cb_descriptor *next_eager;
    cb_socket socket;
    uint32_t generation; /* tells events of an earlier descriptor with this number */
    uint8_t stream;      /* CB_STREAM_* */
    uint8_t no_delay;    /* CB_NO_DELAY_* */
    bool closing;        /* between the close's execution and its report */
    bool eager;          /* on the list of those to look at in the next poll */
    /* epoll only, see backend_epoll.c */
    bool registered;
    bool readable, writable;
    bool sticky; /* hang-up or urgent data: a short read does not mean that nothing is left */
    /* uring only */
    bool drained; /* the last receive took all there was */
    cb_ahead ahead;
    struct cb_descriptor *next_client; /* after this client in its listener's list */
} cb_descriptor;

typedef struct cb_descriptor_table {
    cb_descriptor **chunks;
    size_t chunk_count;
    cb_descriptor *eager_first, *eager_last;
} cb_descriptor_table;

/* The entry of a descriptor that was seen before, or whose neighbour was; else NULL. */
cb_descriptor *cb_table_known(const cb_descriptor_table *table, cb_socket socket);
/* The descriptor's entry, made if need be. NULL with *error: a number that is not open, no memory.
 */
cb_descriptor *cb_table_entry(cb_descriptor_table *table, cb_socket socket, cb_io_error *error);
/* The first entry after `previous` (NULL: of all), known or not; NULL: there is none. */
cb_descriptor *cb_table_next(const cb_descriptor_table *table, const cb_descriptor *previous);
/* As if the descriptor had never been seen. Nothing may be pending on it. */
void cb_table_reset(cb_descriptor *descriptor);
void cb_table_free(cb_descriptor_table *table);
/* Puts a descriptor on the list of eager ones, once. */
void cb_table_make_eager(cb_descriptor_table *table, cb_descriptor *descriptor);
/* Takes the whole list, linked by next_eager; each one's `eager` is the caller's to clear. */
cb_descriptor *cb_table_take_eager(cb_descriptor_table *table);
/* Of all that is pending on a descriptor, what was executed first; NULL if nothing is. */
cb_op *cb_descriptor_oldest(const cb_descriptor *descriptor);
/* True between the execution and the report of a close of the file that an op sends. */
bool cb_table_is_file_closing(const cb_descriptor_table *table, const cb_op *op);
/* The descriptor that an op waits for, CB_NO_SOCKET for kinds that have none. */
cb_socket cb_op_descriptor(const cb_op *op);

#endif
