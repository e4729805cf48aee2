/* The data that the back ends on the kernel's descriptors keep about each descriptor: one table for
 * each loop. */
#ifndef CALLBOARD_ACTORS_IO_DESCRIPTOR_H
#define CALLBOARD_ACTORS_IO_DESCRIPTOR_H

#include "actors/io/loop.h"

enum { CB_STREAM_UNKNOWN = 0, CB_STREAM_YES = 1, CB_STREAM_NO = 2 };

/* How a listener's clients get TCP_NODELAY. cb_listen_tcp sets it before listening, so the clients
 * inherit it. On a listener of other code it may be set later; clients that came before do not have
 * it. */
enum { CB_NO_DELAY_UNKNOWN = 0, CB_NO_DELAY_INHERITED = 1, CB_NO_DELAY_EACH = 2 };

enum { CB_AHEAD_NOT = 0, CB_AHEAD_ARMED, CB_AHEAD_STOPPING };

/* uring only: the one multishot receive or accept of a descriptor, and its results that no op has
 * taken yet. See uring/ahead.c and uring/accept.c. */
typedef struct cb_ahead {
    uint8_t state;                      /* CB_AHEAD_*: whether the kernel has a multishot */
    bool direct;                        /* much data comes at a time: receive without own buffers */
    bool ended;                         /* the stream has ended, after the held bytes */
    int sys_errno;                      /* the stream failed, after the held bytes; 0: it did not */
    uint32_t held_first, held_last;     /* buffers with bytes: number + 1; 0: none */
    bool accepts;                       /* the multishot is an accept */
    struct cb_descriptor *first, *last; /* clients of a listener, linked by `next_client` */
} cb_ahead;

/* Entries never move, because ops on the lists point into them. */
typedef struct cb_descriptor {
    cb_op_list reading; /* accepts and recvs, in the order of execution */
    cb_op_list writing; /* sends, sendfiles and dials */
    cb_op_list others;  /* polls and operations on files; independent of each other */
    struct cb_descriptor *next_eager;
    cb_socket socket;
    uint32_t generation; /* tells apart the events of an earlier descriptor with this number */
    uint8_t stream;      /* CB_STREAM_* */
    uint8_t no_delay;    /* CB_NO_DELAY_* */
    bool closing;        /* between the close's execution and its report */
    bool eager;          /* on the list of descriptors for the next poll */
    /* epoll only, see backend_epoll.c */
    bool registered;
    bool readable, writable;
    bool sticky; /* hang-up or urgent data: more may be left after a short read */
    /* uring only */
    bool drained; /* the last receive took all that was there */
    cb_ahead ahead;
    struct cb_descriptor *next_client; /* after this client in its listener's list */
} cb_descriptor;

typedef struct cb_descriptor_table {
    cb_descriptor **chunks;
    size_t chunk_count;
    cb_descriptor *eager_first, *eager_last;
} cb_descriptor_table;

/* The entry of a descriptor. NULL if neither the descriptor nor a neighbour was seen before. */
cb_descriptor *cb_table_known(const cb_descriptor_table *table, cb_socket socket);
/* The descriptor's entry, made if necessary. NULL with *error: the number is not open, or no
 * memory. */
cb_descriptor *cb_table_entry(cb_descriptor_table *table, cb_socket socket, cb_io_error *error);
/* The next entry after `previous` (NULL: the first of all), seen or not. NULL: there is none. */
cb_descriptor *cb_table_next(const cb_descriptor_table *table, const cb_descriptor *previous);
/* Resets the entry as if the descriptor had never been seen. No op may be pending on it. */
void cb_table_reset(cb_descriptor *descriptor);
void cb_table_free(cb_descriptor_table *table);
/* Puts a descriptor on the list of eager ones, once. */
void cb_table_make_eager(cb_descriptor_table *table, cb_descriptor *descriptor);
/* Takes the whole list, linked by next_eager. The caller clears `eager` of each. */
cb_descriptor *cb_table_take_eager(cb_descriptor_table *table);
/* The pending op of a descriptor that was executed first; NULL if none is pending. */
cb_op *cb_descriptor_oldest(const cb_descriptor *descriptor);
/* True if the file that an op sends is being closed: between the close's execution and its
 * report. */
bool cb_table_is_file_closing(const cb_descriptor_table *table, const cb_op *op);
/* The descriptor that an op waits for, CB_NO_SOCKET for kinds that have none. */
cb_socket cb_op_descriptor(const cb_op *op);

#endif
