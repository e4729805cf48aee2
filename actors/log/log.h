/* The supervisor's side of a log. */
#ifndef CALLBOARD_ACTORS_LOG_LOG_H
#define CALLBOARD_ACTORS_LOG_LOG_H

#include "actors/log/line.h"

/* Queues a note; its texts are copied (long ones are cut). `time_ns` is of the monotonic clock.
 * Never waits for the output. cb_log_wake wakes the writer; a large amount in the queue does so
 * too. */
void cb_log_note(cb_log *log, int64_t time_ns, const cb_noted *noted);
void cb_log_wake(cb_log *log);

#endif
