/* Status codes and errors of every fallible function.
 *
 * A fallible function returns a cb_status: CB_OK (0) or one of the negative codes below. If it also
 * takes a `cb_error *`, it fills it on failure with a sentence for the user. The pointer may be
 * NULL when the sentence is not needed. A cb_error owns nothing and may live on the stack.
 *
 * Threads: all of this is thread-safe; a single cb_error belongs to one thread.
 */
#ifndef CALLBOARD_STATUS_H
#define CALLBOARD_STATUS_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, code, text) */
#define CB_STATUSES(X)                                                                             \
    X(OK, 0, "ok")                                                                                 \
    X(NO_MEMORY, -1, "out of memory")                                                              \
    X(INVALID, -2, "invalid argument")                                                             \
    X(UNKNOWN, -3, "no such id")                                                                   \
    X(CLOSED, -4, "closed")                                                                        \
    X(NOT_COMPLETE, -5, "not completed")                                                           \
    X(LIMIT, -6, "limit reached")                                                                  \
    X(TIMEOUT, -7, "time limit passed")                                                            \
    X(STOPPED, -8, "stopped")                                                                      \
    X(IO, -9, "input/output error")                                                                \
    X(FORMAT, -10, "malformed data")                                                               \
    X(UNSUPPORTED, -11, "not available")                                                           \
    X(SCRIPT, -12, "script error")                                                                 \
    X(NO_RESULT, -13, "no result")                                                                 \
    X(MISMATCH, -14, "mismatch")

typedef enum cb_status {
#define CB_STATUS_ENUM(name, code, text) CB_##name = (code),
    CB_STATUSES(CB_STATUS_ENUM)
#undef CB_STATUS_ENUM
} cb_status;

#define CB_ERROR_TEXT_SIZE 512

typedef struct cb_error {
    cb_status status;
    int sys_errno;                 /* the errno behind it, or 0 */
    char text[CB_ERROR_TEXT_SIZE]; /* NUL-terminated; one sentence without a final full stop */
} cb_error;

#if defined(__GNUC__)
#define CB_PRINTF_LIKE(format_index, first_argument)                                               \
    __attribute__((format(printf, format_index, first_argument)))
#define CB_PUBLIC __attribute__((visibility("default")))
#else
#define CB_PRINTF_LIKE(format_index, first_argument)
#define CB_PUBLIC
#endif

/* The short text of a code. An unknown number gives "unknown status". Never NULL. */
CB_PUBLIC const char *cb_status_text(cb_status status);

/* Fills *error (which may be NULL) and returns `status`, so that `return cb_fail(...)` reads well.
 * A text too long for the struct is cut at its end. */
CB_PUBLIC cb_status cb_fail(cb_error *error, cb_status status, const char *format, ...)
    CB_PRINTF_LIKE(3, 4);

/* The same; also appends ": " and the text of `sys_errno`. */
CB_PUBLIC cb_status cb_fail_errno(cb_error *error, cb_status status, int sys_errno,
                                  const char *format, ...) CB_PRINTF_LIKE(4, 5);

#ifdef __cplusplus
}
#endif
#endif
