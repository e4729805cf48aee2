/* Error codes of operations: their texts, and what an errno means. */
#include <errno.h>
#include <stddef.h>

#include "callboard/io_error.h"
#include "callboard/nbio.h"

const char *cb_io_error_string(cb_io_error code)
{
    switch (code) {
#define TEXT(name, number, text)                                                                   \
    case CB_IO_##name:                                                                             \
        return text;
        CB_IO_ERRORS(TEXT)
#undef TEXT
    }
    return "unknown error code";
}

const char *cb_op_type_string(cb_op_type type)
{
    switch (type) {
#define TEXT(name, text)                                                                           \
    case CB_NBIO_##name:                                                                           \
        return text;
        CB_OP_TYPES(TEXT)
#undef TEXT
    case CB_NBIO_NONE:
    case CB_NBIO_TYPE_COUNT:
        break;
    }
    return "none";
}

cb_io_domain cb_io_error_domain(cb_io_error code)
{
    if ((int)code >= 200)
        return CB_IO_DOMAIN_FILE;
    return (int)code >= 100 ? CB_IO_DOMAIN_NETWORK : CB_IO_DOMAIN_GENERAL;
}

/* The one list of what each errno means; the first code of a row is the answer. */
static const struct {
    int sys_errno;
    cb_io_error code;
} errno_codes[] = {
    {0, CB_IO_OK},
    {ECANCELED, CB_IO_CANCELED},
    {ETIMEDOUT, CB_IO_TIMEOUT},
    {EINVAL, CB_IO_INVALID},
    {EFAULT, CB_IO_INVALID},
    {EBADF, CB_IO_BAD_SOCKET},
    {ENOTSOCK, CB_IO_BAD_SOCKET},
    {EOPNOTSUPP, CB_IO_BAD_SOCKET},
    {EACCES, CB_IO_ACCESS},
    {EPERM, CB_IO_ACCESS},
    {EMFILE, CB_IO_RESOURCES},
    {ENFILE, CB_IO_RESOURCES},
    {ENOBUFS, CB_IO_RESOURCES},
    {ENOMEM, CB_IO_RESOURCES},
    {EINTR, CB_IO_INTERRUPTED},
    {ENOSYS, CB_IO_UNSUPPORTED},
    {EPROTONOSUPPORT, CB_IO_UNSUPPORTED},
    {EDESTADDRREQ, CB_IO_ENDPOINT_REQUIRED},
    {EAFNOSUPPORT, CB_IO_FAMILY},
    {ENOTCONN, CB_IO_NOT_CONNECTED},
    {EISCONN, CB_IO_ALREADY_CONNECTED},
    {EALREADY, CB_IO_ALREADY_CONNECTED},
    {ECONNREFUSED, CB_IO_REFUSED},
    {ECONNRESET, CB_IO_RESET},
    {EPIPE, CB_IO_CLOSED},
    {ESHUTDOWN, CB_IO_CLOSED},
    {ECONNABORTED, CB_IO_ABORTED},
    {EHOSTUNREACH, CB_IO_HOST_UNREACHABLE},
    {EHOSTDOWN, CB_IO_HOST_UNREACHABLE},
    {ENETUNREACH, CB_IO_NETWORK_UNREACHABLE},
    {ENETDOWN, CB_IO_NETWORK_UNREACHABLE},
    {EADDRINUSE, CB_IO_ADDRESS_IN_USE},
    {EADDRNOTAVAIL, CB_IO_ADDRESS_UNAVAILABLE},
    {EMSGSIZE, CB_IO_MESSAGE_SIZE},
    {ESPIPE, CB_IO_INVALID},
    {ENOENT, CB_IO_NOT_FOUND},
    {EEXIST, CB_IO_EXISTS},
    {EISDIR, CB_IO_IS_DIRECTORY},
    {ENOTDIR, CB_IO_NOT_DIRECTORY},
    {ENOSPC, CB_IO_NO_SPACE},
    {EDQUOT, CB_IO_NO_SPACE},
    {EROFS, CB_IO_READ_ONLY},
    {EFBIG, CB_IO_TOO_LARGE},
    {EOVERFLOW, CB_IO_TOO_LARGE},
    {ENAMETOOLONG, CB_IO_NAME_TOO_LONG},
    {ELOOP, CB_IO_LINK_LOOP},
    {ETXTBSY, CB_IO_BUSY},
    {EBUSY, CB_IO_BUSY},
};

cb_io_error cb_io_error_from_errno(int sys_errno)
{
    for (size_t i = 0; i < sizeof errno_codes / sizeof errno_codes[0]; i++)
        if (errno_codes[i].sys_errno == sys_errno)
            return errno_codes[i].code;
    return CB_IO_UNKNOWN;
}

cb_status cb_io_error_status(cb_io_error code)
{
    switch (code) {
    case CB_IO_OK:
        return CB_OK;
    case CB_IO_NO_MEMORY:
        return CB_NO_MEMORY;
    case CB_IO_TIMEOUT:
        return CB_TIMEOUT;
    case CB_IO_CANCELED:
        return CB_STOPPED;
    case CB_IO_LOOP_ENDED:
    case CB_IO_CLOSED:
        return CB_CLOSED;
    case CB_IO_UNSUPPORTED:
        return CB_UNSUPPORTED;
    case CB_IO_RESOURCES:
        return CB_LIMIT;
    case CB_IO_NO_LOOP:
    case CB_IO_INVALID:
    case CB_IO_PORT_REQUIRED:
    case CB_IO_ENDPOINT_REQUIRED:
        return CB_INVALID;
    default:
        return CB_IO;
    }
}
