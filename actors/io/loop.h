/* Inside the event loop: its state, the functions of its parts, and the table that a back end
 * fills.
 *
 * Each execution has exactly one completion. The part that holds a pending op ends it by
 * cb_loop_complete, which puts it on a list. Only the tick takes ops from this list and runs
 * callbacks.
 *
 *     FREE -> PREPARED -> (QUEUED ->) PENDING -> DONE -> RUNNING -> FREE
 *                                        ^                  |
 *                                        +---- executed <---+-> IDLE (detached)
 *
 * An op is on at most one list, own.list. A DONE op is on one of the loop's two completion lists, a
 * PENDING op on one of the back end's. A pending timer is only in the heap. The heap also holds the
 * deadlines of other ops.
 */
#ifndef CALLBOARD_ACTORS_IO_LOOP_H
#define CALLBOARD_ACTORS_IO_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "callboard/nbio.h"

/* Most ops that other threads may have queued; then they have to wait. 32 KiB of pointers, some
 * milliseconds of work for the loop. */
#define CB_LOOP_REMOTE_MAX 4096u
/* Ops allocated at once: about 16 KiB. */
#define CB_LOOP_SLAB_OPS   64u

enum {
    CB_OP_STATE_FREE = 0,
    CB_OP_STATE_PREPARED,
    CB_OP_STATE_QUEUED, /* in the remote queue */
    CB_OP_STATE_PENDING,
    CB_OP_STATE_DONE,
    CB_OP_STATE_RUNNING,
    CB_OP_STATE_IDLE
};

enum {
    CB_OP_FLAG_DETACHED = 1,
    CB_OP_FLAG_REMOVED = 2,    /* removed in its own callback; freed when the callback returns */
    CB_OP_FLAG_FOREIGN = 4,    /* from the pool for other threads */
    CB_OP_FLAG_INVALID = 8,    /* the arguments cannot even be stored */
    CB_OP_FLAG_PROGRESS = 16,  /* on the list of ops whose progress is to be reported */
    CB_OP_FLAG_IN_FLIGHT = 32, /* uring: the kernel works on it */
    CB_OP_FLAG_TAKEN = 64,     /* uring: its cancellation is under way */
    CB_OP_FLAG_CAME_OUT = 128  /* uring: it completed before it could be canceled */
};

typedef struct cb_op_list {
    cb_op *first, *last;
} cb_op_list;

typedef struct cb_op_slab {
    struct cb_op_slab *next;
    cb_op ops[CB_LOOP_SLAB_OPS];
} cb_op_slab;

typedef struct cb_timer {
    int64_t deadline_ns;
    uint64_t sequence; /* ties are broken by the order of execution */
    cb_op *op;
} cb_timer;

/* A 4-ary heap, the earliest first. */
typedef struct cb_timer_heap {
    cb_timer *timers;
    uint32_t count, capacity;
} cb_timer_heap;

/* The calls that are no operations, as done by a back end whose sockets and files are not the
 * kernel's. They behave like the public functions of the same name. All run on the loop's thread,
 * except `clock`. */
typedef struct cb_loop_world {
    int64_t (*clock)(const cb_loop *loop);
    bool (*owns)(const cb_loop *loop, int descriptor);
    cb_status (*create)(cb_loop *loop, cb_family family, cb_protocol protocol, cb_socket *socket,
                        cb_error *error);
    cb_status (*bind)(cb_loop *loop, cb_socket socket, const cb_endpoint *endpoint,
                      cb_error *error);
    cb_status (*listen)(cb_loop *loop, cb_socket socket, int backlog, cb_error *error);
    cb_status (*bound)(cb_loop *loop, cb_socket socket, cb_endpoint *endpoint, cb_error *error);
    cb_status (*peer)(cb_loop *loop, cb_socket socket, cb_endpoint *endpoint, cb_error *error);
    cb_status (*shutdown_send)(cb_loop *loop, cb_socket socket, cb_error *error);
    void (*reset_at_close)(cb_loop *loop, cb_socket socket);
    cb_status (*open)(cb_loop *loop, const char *path, uint32_t flags, cb_file *file,
                      cb_error *error);
} cb_loop_world;

/* The functions of a back end. All run on the loop's thread, except `wake`. */
typedef struct cb_loop_backend {
    const char *name;
    /* Sets loop->backend_state. CB_UNSUPPORTED: the kernel does not offer this back end. */
    cb_status (*open)(cb_loop *loop, cb_error *error);
    /* Frees backend_state; no op is pending any more. */
    void (*shut)(cb_loop *loop);
    /* Begins an op (state PENDING): all kinds but timers and next_tick. It ends in one
     * cb_loop_complete, inside this call or later. */
    void (*start)(cb_loop *loop, cb_op *op);
    /* Takes a pending op back: when it returns, nothing refers to the op or its memory. Returns
     * true if the op completed before it could be taken back; its results and error are then filled
     * in. Other ops may complete meanwhile. */
    bool (*cancel)(cb_loop *loop, cb_op *op);
    /* Carries out a close when it is time to report it; sets its error. */
    void (*close)(cb_loop *loop, cb_op *op);
    /* Cancels all pending ops of a descriptor and forgets its data. */
    void (*forget)(cb_loop *loop, cb_socket socket);
    /* The same, and closes the descriptor at once. */
    void (*drop)(cb_loop *loop, cb_socket socket);
    /* True if `poll` has something to do without waiting: attempts of its own, or events that it
     * left in the kernel because there were many. With before_wait: true only for work because of
     * which the next poll must not wait. Work that `poll` does before every wait does not count
     * then. */
    bool (*is_eager)(const cb_loop *loop, bool before_wait);
    /* Waits for at most timeout_ns (< 0: without limit) and completes the ops that are ready. */
    cb_status (*poll)(cb_loop *loop, int64_t timeout_ns, cb_error *error);
    /* Ends a `poll` that sleeps. From any thread and from signal handlers. */
    void (*wake)(cb_loop *loop);
    const cb_loop_world *world; /* NULL: the kernel's clock, sockets and files */
} cb_loop_backend;

extern const cb_loop_backend cb_backend_epoll;
extern const cb_loop_backend cb_backend_uring;

struct cb_loop {
    /* -- the loop's thread only -- */
    const cb_loop_backend *backend;
    void *backend_state;
    uint32_t refs;
    bool in_tick;
    uint8_t filling;    /* index of the list in `done` that gets new completions */
    cb_op_list done[2]; /* the other list is being delivered */
    cb_op *running;     /* the op whose callback runs */
    cb_op *progress_first, *progress_last;
    cb_op *senders_first, *senders_last; /* pending sendfiles, in the order of execution */
    int64_t now_ns;
    uint64_t sequence;
    cb_timer_heap timers;
    cb_op *free_ops; /* linked by own.next */
    cb_op_slab *slabs;
    size_t taken; /* ops that were taken, without foreign ones */
    /* Called at the beginning of every tick, before the back end is polled. Does together what
     * callbacks of the last tick left to do. Runs no callbacks of the program. NULL: nothing. */
    void (*before_poll)(void *data);
    void *before_poll_data;

    /* -- any thread -- */
    atomic_bool ending;
    atomic_bool woken;    /* cb_loop_wake_up was called, and no tick has ended because of it yet */
    atomic_bool sleeping; /* the loop is, or is about to be, blocked in the back end */
    atomic_size_t foreign_taken;
    atomic_uint remote_count; /* a hint that is read without the lock */

    /* -- under `lock` -- */
    pthread_mutex_t lock;
    pthread_cond_t space; /* the remote queue has room */
    cb_op *foreign_free;
    cb_op_slab *foreign_slabs;
    unsigned remote_first, remote_used, remote_blocked;
    cb_op *remote[CB_LOOP_REMOTE_MAX];
};

/* -- loop.c -- */
/* Like cb_loop_acquire, with a given back end; a thread's first call decides. */
cb_status cb_loop_acquire_with(const cb_loop_backend *backend, cb_loop **loop, cb_error *error);
/* The loop's time; any thread. */
int64_t cb_loop_clock(const cb_loop *loop);
/* Ends an op that is RUNNING, PREPARED or PENDING (and off every list of the back end). It is then
 * DONE. */
void cb_loop_complete(cb_loop *loop, cb_op *op, cb_io_error error, int sys_errno);
/* Runs the progress callback of a pending sendfile in this tick. */
void cb_loop_report_progress(cb_loop *loop, cb_op *op);
/* Makes the back end begin a pending op. */
void cb_loop_begin(cb_loop *loop, cb_op *op);
/* Takes a pending op back from the back end; returns the result of cb_loop_backend.cancel. */
bool cb_loop_take_back(cb_loop *loop, cb_op *op);
/* Cancels the pending sendfiles that read from a file, because another file may soon get its
 * number. */
void cb_loop_call_file_in(cb_loop *loop, int file);
/* Starts an op on the loop's own thread. */
void cb_loop_start(cb_loop *loop, cb_op *op);
/* Returns `loop`, or this thread's loop for NULL. NULL if there is none. */
cb_loop *cb_loop_or_current(cb_loop *loop);
/* This thread's loop, if it has a world of its own and the descriptor belongs to that world;
 * otherwise NULL. */
cb_loop *cb_loop_of_world(int descriptor);

/* -- op.c -- */
/* Clears the results of an earlier execution. */
void cb_op_clear_results(cb_op *op);

/* -- socket.c -- */
/* Makes the later close of a connection a reset for its peer. */
void cb_reset_at_close(cb_socket socket);

/* -- prepare.c -- */
/* Gives a prepared op back as if it was never taken. cb_io_last_error then reports a lack of
 * memory. Returns NULL. */
cb_op *cb_op_refuse(cb_op *op);

/* -- pool.c -- */
/* Takes an op: `loop` is set, the state is PREPARED, all other fields are 0. NULL: no memory. From
 * any thread. */
cb_op *cb_pool_take(cb_loop *loop, bool foreign);
void cb_pool_return(cb_loop *loop, cb_op *op);
void cb_pool_free_all(cb_loop *loop);
/* Replaces malloc and realloc for all memory of loops, for tests; NULL restores them. */
extern void *(*cb_io_realloc_hook)(void *memory, size_t size);
void *cb_io_realloc(void *memory, size_t size);

/* -- timers.c -- */
/* Arms op->own.deadline_ns. Returns false without memory. */
bool cb_timers_add(cb_timer_heap *heap, cb_op *op);
/* Disarms; nothing happens if it is not armed. */
void cb_timers_remove(cb_timer_heap *heap, cb_op *op);

/* -- remote.c -- */
cb_status cb_remote_open(cb_loop *loop);
/* Frees the queue's lock; the queue must be empty. */
void cb_remote_shut(cb_loop *loop);
/* Queues an op from another thread; blocks while the queue is full. */
void cb_remote_push(cb_loop *loop, cb_op *op, bool wake_up);
/* Starts everything that other threads have queued. */
void cb_remote_drain(cb_loop *loop);
/* Wakes the loop if it sleeps. From any thread and from signal handlers. */
void cb_remote_rouse(cb_loop *loop);

/* -- lists -- */
static inline void cb_op_list_append(cb_op_list *list, cb_op *op)
{
    op->own.next = NULL;
    op->own.previous = list->last;
    if (list->last != NULL)
        list->last->own.next = op;
    else
        list->first = op;
    list->last = op;
    op->own.list = list;
}

/* Takes an op off its list; nothing happens if it is on no list. */
static inline void cb_op_list_unlink(cb_op *op)
{
    cb_op_list *list = op->own.list;
    if (list == NULL)
        return;
    if (op->own.previous != NULL)
        op->own.previous->own.next = op->own.next;
    else
        list->first = op->own.next;
    if (op->own.next != NULL)
        op->own.next->own.previous = op->own.previous;
    else
        list->last = op->own.previous;
    op->own.list = NULL;
}

#endif
