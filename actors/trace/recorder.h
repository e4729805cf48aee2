/* The recorder: the supervisor's shell tells it every input and effect. It keeps them in a ring in
 * memory (always) and, if a path was given, queues them for a trace file.
 *
 * The shell makes these calls for each input, in this order:
 *     cb_recorder_input(recorder, ++sequence, &message);       before step sees it
 *     effects = cb_step_input(step, &message);
 *     cb_recorder_effects(recorder, sequence, effects.items, effects.count);   before any is sent
 *     if (cb_recorder_wants_checkpoint(recorder, sequence, cb_step_size(step)))
 *         cb_recorder_checkpoint(recorder, sequence, cb_step_hash(step));
 * and cb_recorder_flush when no more input is there, so that a reader of the file soon sees what
 * happened. At the end: a last checkpoint (if cb_recorder_has_file says that it is worth it), then
 * close.
 *
 * None of these calls waits for the file: a separate thread writes it (trace/writer.h). If its
 * queue (limits->trace_queue) is full, messages are left out as a whole, with all their effects,
 * until half of the queue is free; a record in their place says how many. The same happens when
 * memory for the queue is lacking.
 *
 * Payloads: the size is read from the message's cb_buffer during the call; nothing is kept.
 * Threads: everything belongs to the thread that runs the supervisor, except the two functions
 * about names, which any thread may call.
 * Errors: a failed write never disturbs the program. Writing to the file stops, the records that
 * are left out are counted, and cb_recorder_close reports the first error.
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
 * anew. CB_NO_MEMORY; CB_IO: the file cannot be opened. A FIFO without a reader, and a file that
 * takes long to open, are no errors: the records wait for them. */
cb_status cb_recorder_open(const cb_limits *limits, const char *path, cb_recorder **recorder,
                           cb_error *error);
/* Has the remaining records and the end record written, and frees everything; *recorder becomes
 * NULL. An output that takes nothing may delay this up to `until_ns` of the monotonic clock. CB_IO:
 * something is missing in the file; the error says what. NULL in *recorder is fine. */
cb_status cb_recorder_close_until(cb_recorder **recorder, int64_t until_ns, cb_error *error);
/* The same, with a fixed time to wait. */
cb_status cb_recorder_close(cb_recorder **recorder, cb_error *error);

/* The name of a namespace, 1..255; the text is copied (cut at 240 bytes). The same name again is
 * fine; another one for the same number is CB_INVALID. From any thread. */
cb_status cb_recorder_name(cb_recorder *recorder, uint8_t name_space, const char *name,
                           cb_error *error);

/* The name of a namespace, or NULL if it has none; lives as long as the recorder. From any
 * thread. */
const char *cb_recorder_name_of(const cb_recorder *recorder, uint8_t name_space);

/* `sequence` counts inputs from 1 without a gap. */
void cb_recorder_input(cb_recorder *recorder, uint64_t sequence, const cb_message *message);
/* All effects of input `sequence`, at once, in order. */
void cb_recorder_effects(cb_recorder *recorder, uint64_t sequence, const cb_message *messages,
                         size_t count);
/* The state's hash after input `sequence` and before the next. */
void cb_recorder_checkpoint(cb_recorder *recorder, uint64_t sequence, uint64_t hash);

/* The rule for checkpoints: only for a file without gaps, every max(4096, size of the state)
 * inputs, so that hashing has a constant cost for each input. */
bool cb_recorder_wants_checkpoint(const cb_recorder *recorder, uint64_t sequence,
                                  size_t state_size);
/* True if a trace file is being written (false after a write error). */
bool cb_recorder_has_file(const cb_recorder *recorder);

/* Asks for all records to be in the file in a few milliseconds. It costs little without a file or
 * without new records. */
void cb_recorder_flush(cb_recorder *recorder);
/* For tests: waits until all records are in the file. False: they are not by `until_ns` of the
 * monotonic clock. */
bool cb_recorder_await(cb_recorder *recorder, int64_t until_ns);

/* Writes the ring as a separate trace file, oldest record first. If older records were overwritten,
 * the file is marked as starting in the middle: it can be shown, but not replayed. */
cb_status cb_recorder_dump(cb_recorder *recorder, const char *path, cb_error *error);
/* The same to an open descriptor. Allocates nothing and takes no lock. */
cb_status cb_recorder_dump_fd(cb_recorder *recorder, int fd, cb_error *error);

/* How many records were made since the start; how many are no longer in the ring; how many are not
 * in the file and never will be. */
uint64_t cb_recorder_count(const cb_recorder *recorder);
uint64_t cb_recorder_overwritten(const cb_recorder *recorder);
uint64_t cb_recorder_unwritten(const cb_recorder *recorder);

#endif
