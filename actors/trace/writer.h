/* The trace file: a queue of records, and the thread that opens the file and writes them. Nobody
 * else ever waits for the file.
 *
 * The file may be a FIFO: one that nobody has opened for reading is waited for by the thread alone.
 *
 * Errors: the first one ends the writing, not the program. Everything that is queued afterwards is
 * thrown away, and cb_trace_writer_close says what happened.
 *
 * Threads: the functions belong to who runs the supervisor, one thread at a time.
 */
#ifndef CALLBOARD_ACTORS_TRACE_WRITER_H
#define CALLBOARD_ACTORS_TRACE_WRITER_H

#include "actors/trace/queue.h"
#include "callboard/status.h"

typedef struct cb_trace_writer cb_trace_writer;

/* How far the file came. */
typedef struct cb_trace_progress {
    uint64_t records;
    uint64_t sequence; /* the number of the last record's message */
} cb_trace_progress;

/* Begins the file, anew; `path` is copied. CB_NO_MEMORY, CB_IO: it cannot be opened. One that takes
 * longer to open is opened beside what follows. */
cb_status cb_trace_writer_open(const char *path, const cb_trace_header *header, size_t queue_bytes,
                               cb_trace_writer **writer, cb_error *error);
/* Waits until all that was committed is in the file, or the end gives up at `until_ns` of the
 * monotonic clock. *progress: how far it came. CB_IO: something is missing, *error says why. */
cb_status cb_trace_writer_close(cb_trace_writer **writer, int64_t until_ns,
                                cb_trace_progress *progress, cb_error *error);

/* As the queue's (trace/queue.h). */
cb_trace_slot *cb_trace_writer_claim(cb_trace_writer *writer, uint64_t spared);
uint64_t cb_trace_writer_take_back(cb_trace_writer *writer);
void cb_trace_writer_commit(cb_trace_writer *writer);
/* At least half of the queue is free. */
bool cb_trace_writer_has_caught_up(const cb_trace_writer *writer);
/* For when nothing follows soon: has written, in a few milliseconds, what was committed. */
void cb_trace_writer_wake(cb_trace_writer *writer);
/* Records that are in the file. */
uint64_t cb_trace_writer_records(const cb_trace_writer *writer);
bool cb_trace_writer_has_failed(const cb_trace_writer *writer);
/* For tests: waits until all that was committed is in the file, or the writing failed. False: not
 * by `until_ns`. */
bool cb_trace_writer_await(cb_trace_writer *writer, int64_t until_ns);

#endif
