/* A sink: the output of a thread that writes what other threads have queued, so that none of them
 * waits for a disk or a pipe. It has the descriptor, an event that the thread sleeps on, and an end
 * that does not wait for ever.
 *
 *     the writing thread                          its owner
 *       while there is work or the end has          queue work; cb_sink_ring
 *       not begun:                                  ...
 *           cb_sink_write, or cb_sink_sleep         cb_sink_end(give_up_ns)
 *       if (!cb_sink_leave)                         if (cb_sink_await_leave || !cb_sink_abandon)
 *           free all                                    join the thread, free all
 *
 * If the output takes nothing, a write ends at give_up_ns. A thread that the kernel holds in a
 * write (a disk that hangs) cannot be ended. It is abandoned, and everything belongs to it; it
 * frees everything if it ever comes back.
 *
 * Threads: the headings below say which thread calls each function. The queue is not part of the
 * sink.
 */
#ifndef CALLBOARD_ACTORS_BASE_SINK_H
#define CALLBOARD_ACTORS_BASE_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/base/bell.h"
#include "callboard/status.h"

/* How long to wait for a reader that does not read, if nothing else sets a limit. */
#define CB_SINK_PATIENCE_NS INT64_C(2000000000)

typedef struct cb_sink {
    int fd;                          /* the owner opens and closes it; -1: none yet */
    size_t piece;                    /* most bytes of one write */
    int wake;                        /* an eventfd */
    atomic_int_least64_t give_up_ns; /* of the monotonic clock; 0: the end has not begun */
    atomic_int whose;                /* which thread frees everything */
    cb_bell left;
} cb_sink;

/* `piece`: most bytes of one write. A shared descriptor may block; it takes 4,096 bytes without
 * blocking once it polls as writable. SIZE_MAX for a descriptor that was opened non-blocking. */
cb_status cb_sink_open(cb_sink *sink, size_t piece, cb_error *error);
/* A sink that was never opened (all zeros) is fine. Does not close the descriptor. */
void cb_sink_close(cb_sink *sink);

/* -- any thread -- */

/* Ends the present sleep, or else the next one. Never blocks. */
void cb_sink_ring(cb_sink *sink);
bool cb_sink_has_end_begun(const cb_sink *sink);
/* True if the end has begun and give_up_ns is over. */
bool cb_sink_has_given_up(const cb_sink *sink);

/* -- the writing thread -- */

/* Sleeps until another thread rings, or for `timeout_ms` (-1: for ever). */
void cb_sink_sleep(const cb_sink *sink, int timeout_ms);
/* Writes all bytes. Returns 0, or the errno that stopped it; ETIMEDOUT: the end gave up. *done:
 * bytes written. The thread must have SIGPIPE and SIGXFSZ blocked. */
int cb_sink_write(const cb_sink *sink, const void *bytes, size_t size, size_t *done);
/* The thread's last call. False: the owner does not wait any more, so this thread detaches itself
 * and frees everything. */
bool cb_sink_leave(cb_sink *sink);

/* -- the owner -- */

void cb_sink_end(cb_sink *sink, int64_t give_up_ns);
/* Waits until the thread leaves. False: it has not left, even some time after it should have. */
bool cb_sink_await_leave(cb_sink *sink);
/* Gives everything to the thread; the owner may not touch any of it any more. False: the thread has
 * left meanwhile. */
bool cb_sink_abandon(cb_sink *sink);

#endif
