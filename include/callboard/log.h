/* A log: one JSON object a line, to standard error or to a file, written by a thread of its own.
 *
 * Whoever has something to say leaves it in a queue of fixed size and goes on. Where the disk or
 * the reader of a pipe does not keep up, the queue fills: what finds no room is lost, counted, and
 * told by a line `lines_lost` as soon as there is room again.
 *
 * Threads: any, at any time, but for open and close.
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

/* A level's text; "?" for a number that is none. */
CB_PUBLIC const char *cb_log_level_text(cb_log_level level);

typedef struct cb_log_options {
    const char *path;   /* appended to; NULL: standard error */
    cb_log_level least; /* what is below is not logged */
    size_t queue_bytes; /* what may wait to be written */
} cb_log_options;

/* One member of a line. Bytes that are no UTF-8 are replaced by U+FFFD. */
typedef struct cb_log_field {
    const char *name; /* letters and underscores */
    const char *text; /* NULL: the number */
    int64_t number;
} cb_log_field;

/* CB_IO, with the path, if it cannot be written; CB_NO_MEMORY; CB_LIMIT without a thread. */
CB_PUBLIC cb_status cb_log_open(const cb_log_options *options, cb_log **log, cb_error *error);
/* Waits until what was said before is written, for two seconds at most. NULL is fine. */
CB_PUBLIC void cb_log_flush(cb_log *log);
/* The same, then ends. Nobody may use it any more. *log becomes NULL; NULL in it is fine. */
CB_PUBLIC void cb_log_close(cb_log **log);

/* Says something: the members ts, level and event, then the fields. NULL for the log: nothing. */
CB_PUBLIC void cb_log_line(cb_log *log, cb_log_level level, const char *event,
                           const cb_log_field *fields, size_t count);
/* Lines that were lost up to now. */
CB_PUBLIC uint64_t cb_log_lost(cb_log *log);

#ifdef __cplusplus
}
#endif
#endif
