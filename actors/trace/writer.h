/* The trace file: a queue of records, and the thread that opens the file and writes them. No other
 * thread ever waits for the file.
 *
 * The file may be a FIFO. If no reader has opened it, only this thread waits.
 *
 * Errors: the first error ends the writing, not the program. Records that are queued afterwards are
 * dropped, and cb_trace_writer_close reports what happened.
 *
 * Threads: the functions belong to the thread that runs the supervisor, one thread at a time.
 */
#ifndef CALLBOARD_ACTORS_TRACE_WRITER_H
#define CALLBOARD_ACTORS_TRACE_WRITER_H

#include "actors/trace/queue.h"
#include "callboard/status.h"

typedef struct cb_trace_writer cb_trace_writer;

/* How far the file came. */
typedef struct cb_trace_progress {
    uint64_t records;
    uint64_t sequence; /* the input's number in the last record */
} cb_trace_progress;

/* Makes the file anew; `path` is copied. CB_NO_MEMORY, CB_IO: it cannot be opened. If opening takes
 * long, the call returns and the thread goes on opening it. */
cb_status cb_trace_writer_open(const char *path, const cb_trace_header *header, size_t queue_bytes,
                               cb_trace_writer **writer, cb_error *error);
/* Waits until all committed records are in the file, or until `until_ns` of the monotonic clock.
 * *progress: how far it came. CB_IO: something is missing; *error says why. */
cb_status cb_trace_writer_close(cb_trace_writer **writer, int64_t until_ns,
                                cb_trace_progress *progress, cb_error *error);

/* Like the functions of the queue (trace/queue.h). */
cb_trace_slot *cb_trace_writer_claim(cb_trace_writer *writer, uint64_t spared);
uint64_t cb_trace_writer_take_back(cb_trace_writer *writer);
void cb_trace_writer_commit(cb_trace_writer *writer);
/* True if at least half of the queue is free. */
bool cb_trace_writer_has_caught_up(const cb_trace_writer *writer);
/* Call it when no records follow soon: has the committed records written in a few milliseconds. */
void cb_trace_writer_wake(cb_trace_writer *writer);
/* How many records are in the file. */
uint64_t cb_trace_writer_records(const cb_trace_writer *writer);
bool cb_trace_writer_has_failed(const cb_trace_writer *writer);
/* For tests: waits until all committed records are in the file, or the writing failed. False:
 * neither by `until_ns`. */
bool cb_trace_writer_await(cb_trace_writer *writer, int64_t until_ns);

#endif
