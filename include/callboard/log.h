/* A log: one JSON object in each line, to standard error or to a file. A thread of its own writes
 * it.
 *
 * A caller puts its line into a queue of fixed size and goes on. If the disk or the reader of a
 * pipe is too slow, the queue fills up. A line that finds no room is lost and counted; a line
 * `lines_lost` reports the losses as soon as there is room again.
 *
 * Threads: any, at any time; not for open and close.
 */
#ifndef CALLBOARD_LOG_H
#define CALLBOARD_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cb_log cb_log;

/* X(NAME, text) */
#define CB_LOG_LEVELS(X)                                                                           \
    X(DEBUG, "debug")                                                                              \
    X(INFO, "info")                                                                                \
    X(WARNING, "warning")                                                                          \
    X(ERROR, "error")

typedef enum cb_log_level {
#define CB_LOG_LEVEL_ENUM(name, text) CB_LOG_##name,
    CB_LOG_LEVELS(CB_LOG_LEVEL_ENUM)
#undef CB_LOG_LEVEL_ENUM
        CB_LOG_LEVEL_COUNT
} cb_log_level;

/* A level's text. An unknown number gives "?". */
CB_PUBLIC const char *cb_log_level_text(cb_log_level level);

typedef struct cb_log_options {
    const char *path;   /* the file that lines are appended to; NULL: standard error */
    cb_log_level least; /* lines of a lower level are not logged */
    size_t queue_bytes; /* most bytes that may wait to be written */
} cb_log_options;

/* One member of a line. Bytes that are not UTF-8 are replaced by U+FFFD. */
typedef struct cb_log_field {
    const char *name; /* letters and underscores */
    const char *text; /* NULL: `number` is the value */
    int64_t number;
} cb_log_field;

/* CB_IO if the file cannot be written; the text names the path. CB_NO_MEMORY. CB_LIMIT if the
 * thread cannot be started. */
CB_PUBLIC cb_status cb_log_open(const cb_log_options *options, cb_log **log, cb_error *error);
/* Waits until all earlier lines are written, for two seconds at most. NULL is fine. */
CB_PUBLIC void cb_log_flush(cb_log *log);
/* Does the same, then ends the log. No thread may use the log any more. *log becomes NULL; if *log
 * is NULL, nothing happens. */
CB_PUBLIC void cb_log_close(cb_log **log);

/* Writes a line: the members ts, level and event, then the fields. With NULL for the log nothing
 * happens. */
CB_PUBLIC void cb_log_line(cb_log *log, cb_log_level level, const char *event,
                           const cb_log_field *fields, size_t count);
/* How many lines were lost so far. */
CB_PUBLIC uint64_t cb_log_lost(cb_log *log);

#ifdef __cplusplus
}
#endif
#endif
