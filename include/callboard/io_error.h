/* The result codes of event loop operations: one code space with domains, beside the kernel's
 * errno. */
#ifndef CALLBOARD_IO_ERROR_H
#define CALLBOARD_IO_ERROR_H

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, code, text): how an operation ended. The hundreds are the domain (cb_io_domain). */
#define CB_IO_ERRORS(X)                                                                            \
    X(OK, 0, "ok")                                                                                 \
    X(NO_LOOP, 1, "this thread has no event loop")                                                 \
    X(LOOP_ENDED, 2, "the event loop has ended")                                                   \
    X(NO_MEMORY, 3, "out of memory")                                                               \
    X(UNSUPPORTED, 4, "not supported here")                                                        \
    X(CANCELED, 5, "canceled")                                                                     \
    X(TIMEOUT, 6, "timed out")                                                                     \
    X(INVALID, 7, "invalid argument")                                                              \
    X(BAD_SOCKET, 8, "not an open descriptor of the right kind")                                   \
    X(ACCESS, 9, "permission denied")                                                              \
    X(RESOURCES, 10, "out of descriptors or kernel buffers")                                       \
    X(INTERRUPTED, 11, "interrupted")                                                              \
    X(UNKNOWN, 12, "input/output error")                                                           \
    X(PORT_REQUIRED, 101, "a port is required")                                                    \
    X(ENDPOINT_REQUIRED, 102, "an endpoint is required")                                           \
    X(FAMILY, 103, "address family not usable with this socket")                                   \
    X(NOT_CONNECTED, 104, "not connected")                                                         \
    X(NOT_LISTENING, 105, "not listening")                                                         \
    X(ALREADY_CONNECTED, 106, "already connected or connecting")                                   \
    X(REFUSED, 107, "connection refused")                                                          \
    X(RESET, 108, "connection reset by peer")                                                      \
    X(CLOSED, 109, "connection closed")                                                            \
    X(ABORTED, 110, "connection aborted")                                                          \
    X(HOST_UNREACHABLE, 111, "host unreachable")                                                   \
    X(NETWORK_UNREACHABLE, 112, "network unreachable")                                             \
    X(ADDRESS_IN_USE, 113, "address already in use")                                               \
    X(ADDRESS_UNAVAILABLE, 114, "address not available on this machine")                           \
    X(TRUNCATED, 115, "datagram larger than the buffers")                                          \
    X(MESSAGE_SIZE, 116, "message too large to be sent as one datagram")                           \
    X(END_OF_FILE, 201, "end of file")                                                             \
    X(NOT_FOUND, 202, "no such file or directory")                                                 \
    X(EXISTS, 203, "file exists already")                                                          \
    X(IS_DIRECTORY, 204, "is a directory")                                                         \
    X(NOT_DIRECTORY, 205, "not a directory")                                                       \
    X(NO_SPACE, 206, "no space left on the device")                                                \
    X(READ_ONLY, 207, "read-only file system")                                                     \
    X(TOO_LARGE, 208, "file too large")                                                            \
    X(NAME_TOO_LONG, 209, "file name too long")                                                    \
    X(LINK_LOOP, 210, "too many symbolic links")                                                   \
    X(BUSY, 211, "file is in use")

typedef enum cb_io_error {
#define CB_IO_ERROR_ENUM(name, code, text) CB_IO_##name = (code),
    CB_IO_ERRORS(CB_IO_ERROR_ENUM)
#undef CB_IO_ERROR_ENUM
} cb_io_error;

typedef enum cb_io_domain {
    CB_IO_DOMAIN_GENERAL = 0,
    CB_IO_DOMAIN_NETWORK = 1,
    CB_IO_DOMAIN_FILE = 2
} cb_io_domain;

/* The text of a code. An unknown number gives "unknown error code". Never NULL. Any thread. */
CB_PUBLIC const char *cb_io_error_string(cb_io_error code);
CB_PUBLIC cb_io_domain cb_io_error_domain(cb_io_error code);
/* The code for an errno. 0 gives CB_IO_OK; an errno without a code of its own, CB_IO_UNKNOWN. */
CB_PUBLIC cb_io_error cb_io_error_from_errno(int sys_errno);
/* The nearest cb_status, for callers that return the failure to their own caller. */
CB_PUBLIC cb_status cb_io_error_status(cb_io_error code);
/* Why this thread's last submission returned NULL; CB_IO_OK if none ever did. */
CB_PUBLIC cb_io_error cb_io_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
