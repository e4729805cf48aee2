/* Where one thread writes what others have queued, so that none of them waits for a disk or a pipe:
 * the descriptor, what that thread sleeps by, and an end that does not wait for ever.
 *
 *     the writing thread                          its owner
 *       while there is work or the end has          queue work; cb_sink_ring
 *       not begun:                                  ...
 *           cb_sink_write, or cb_sink_sleep         cb_sink_end(give_up_ns)
 *       if (!cb_sink_leave)                         if (cb_sink_await_leave || !cb_sink_abandon)
 *           free all                                    join the thread, free all
 *
 * A write to an output that takes nothing ends at give_up_ns. A thread that the kernel holds in a
 * write (a disk that hangs) cannot be ended. It is abandoned, and all of it belongs to that thread,
 * which frees it if it ever comes back.
 *
 * Threads: as said at each function. The queue is the owner's own matter.
 */
#ifndef CALLBOARD_ACTORS_BASE_SINK_H
#define CALLBOARD_ACTORS_BASE_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/base/bell.h"
#include "callboard/status.h"

/* For a reader that does not read, where nothing else says how long to wait. */
#define CB_SINK_PATIENCE_NS INT64_C(2000000000)

typedef struct cb_sink {
    int fd;                          /* the owner's to open and to close; -1: none yet */
    size_t piece;                    /* bytes of one write at the most */
    int wake;                        /* an eventfd */
    atomic_int_least64_t give_up_ns; /* of the monotonic clock; 0: the end has not begun */
    atomic_int whose;                /* who frees everything */
    cb_bell left;
} cb_sink;

/* `piece`: a descriptor that others share may block, and takes 4,096 bytes without doing so once it
 * polls as writable; SIZE_MAX for one that was opened not to block. */
cb_status cb_sink_open(cb_sink *sink, size_t piece, cb_error *error);
/* One that was never opened, all zeros, is fine. Does not close the descriptor. */
void cb_sink_close(cb_sink *sink);

/* -- any thread -- */

/* Ends the sleep that there is, or the next one. Never blocks. */
void cb_sink_ring(cb_sink *sink);
bool cb_sink_has_end_begun(const cb_sink *sink);
/* The end has begun, and has lasted as long as it may. */
bool cb_sink_has_given_up(const cb_sink *sink);

/* -- the writing thread -- */

/* Until somebody rings, or for `timeout_ms` (-1: for ever). */
void cb_sink_sleep(const cb_sink *sink, int timeout_ms);
/* Writes all of it: 0, or the errno that stopped it; ETIMEDOUT: the end gave up. *done: how far it
 * came. The thread has SIGPIPE and SIGXFSZ blocked. */
int cb_sink_write(const cb_sink *sink, const void *bytes, size_t size, size_t *done);
/* The last thing that it does. False: the owner does not wait any more, so this thread detaches
 * itself and frees everything. */
bool cb_sink_leave(cb_sink *sink);

/* -- the owner -- */

void cb_sink_end(cb_sink *sink, int64_t give_up_ns);
/* Waits until the thread leaves; false: it has not, even some time after it should have. */
bool cb_sink_await_leave(cb_sink *sink);
/* Gives everything to the thread: nothing of it may be touched any more. False: it has left
 * meanwhile. */
bool cb_sink_abandon(cb_sink *sink);

#endif
