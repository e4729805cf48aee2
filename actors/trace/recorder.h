/* The recorder: what the supervisor's shell tells about every input and effect, kept in a ring in
 * memory (always) and, when a path was given, queued for a trace file.
 *
 * How the shell uses it, for each input, in this order:
 *     cb_recorder_input(recorder, ++sequence, &message);       before step sees it
 *     effects = cb_step_input(step, &message);
 *     cb_recorder_effects(recorder, sequence, effects.items, effects.count);   before any is sent
 *     if (cb_recorder_wants_checkpoint(recorder, sequence, cb_step_size(step)))
 *         cb_recorder_checkpoint(recorder, sequence, cb_step_hash(step));
 * and cb_recorder_flush when nothing is left to take in, so that a reader of the file soon sees
 * what happened. At the end: a last checkpoint (cb_recorder_has_file says whether that is worth
 * it), then close.
 *
 * None of these waits for the file: a thread of its own writes (trace/writer.h). Where its queue
 * (limits->trace_queue) is full, messages are left out as a whole, with all their effects, until
 * half of it is free; a record in that place says how many. Memory for the queue that is missing
 * does the same.
 *
 * Payloads: the size is read from the message's cb_buffer while the call lasts, nothing is kept.
 * Threads: all of it belongs to who runs the supervisor, but the two about names, which any may
 * call. Errors: a failed write never disturbs the program: writing to the file stops, what would
 * have been written is counted, and cb_recorder_close reports the first error.
 */
#ifndef CALLBOARD_ACTORS_TRACE_RECORDER_H
#define CALLBOARD_ACTORS_TRACE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/base/message.h"
#include "callboard/limits.h"
#include "callboard/status.h"

typedef struct cb_recorder cb_recorder;

/* The ring takes limits->trace_buffer bytes. `path` NULL: memory only; otherwise the file is made
 * anew. CB_NO_MEMORY; CB_IO: it cannot be opened. A FIFO that nobody reads, and a file that takes
 * long to open, are no errors: what is recorded waits for them. */
cb_status cb_recorder_open(const cb_limits *limits, const char *path, cb_recorder **recorder,
                           cb_error *error);
/* Has what is left and the end record written, which an output that does not take it may delay up
 * to `until_ns` of the monotonic clock, and frees everything; *recorder becomes NULL. CB_IO:
 * something is missing in the file, the error says what. NULL in *recorder is fine. */
cb_status cb_recorder_close_until(cb_recorder **recorder, int64_t until_ns, cb_error *error);
/* The same, with some patience. */
cb_status cb_recorder_close(cb_recorder **recorder, cb_error *error);

/* The name of a namespace, 1..255; the text is copied (cut at 240 bytes). The same name again is
 * fine; another one for the same number is CB_INVALID. From any thread. */
cb_status cb_recorder_name(cb_recorder *recorder, uint8_t name_space, const char *name,
                           cb_error *error);

/* It, or NULL if it has none; lives as long as the recorder. From any thread. */
const char *cb_recorder_name_of(const cb_recorder *recorder, uint8_t name_space);

/* `sequence` counts inputs from 1 without a gap. */
void cb_recorder_input(cb_recorder *recorder, uint64_t sequence, const cb_message *message);
/* All effects of input `sequence`, at once, in order. */
void cb_recorder_effects(cb_recorder *recorder, uint64_t sequence, const cb_message *messages,
                         size_t count);
/* The state's hash after input `sequence` and before the next. */
void cb_recorder_checkpoint(cb_recorder *recorder, uint64_t sequence, uint64_t hash);

/* The rule for checkpoints: only for a file that lacks nothing, every max(4096, size of the state)
 * inputs, so that hashing costs each input a constant. */
bool cb_recorder_wants_checkpoint(const cb_recorder *recorder, uint64_t sequence,
                                  size_t state_size);
/* Whether a trace file is being written (false after a write error). */
bool cb_recorder_has_file(const cb_recorder *recorder);

/* What was recorded is to be in the file in a few milliseconds; costs little without a file or with
 * nothing new. */
void cb_recorder_flush(cb_recorder *recorder);
/* For tests: waits until it is. False: not by `until_ns` of the monotonic clock. */
bool cb_recorder_await(cb_recorder *recorder, int64_t until_ns);

/* Writes the ring, oldest record first, as a trace file of its own. When older records were
 * overwritten the file is marked as starting in the middle: it can be shown, not replayed. */
cb_status cb_recorder_dump(cb_recorder *recorder, const char *path, cb_error *error);
/* The same to an open descriptor. Allocates nothing and takes no lock. */
cb_status cb_recorder_dump_fd(cb_recorder *recorder, int fd, cb_error *error);

/* Records made since the start; records no longer in the ring; records that are not in the file and
 * will not be. */
uint64_t cb_recorder_count(const cb_recorder *recorder);
uint64_t cb_recorder_overwritten(const cb_recorder *recorder);
uint64_t cb_recorder_unwritten(const cb_recorder *recorder);

#endif
