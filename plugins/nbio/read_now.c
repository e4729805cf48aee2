/* Reading a file here and now, for callbacks that have to answer with it. Nothing goes to the loop;
 * the result has the form of its events, so that the same verbs take it apart. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "callboard/io_error.h"
#include "plugins/nbio/nbio.h"

/* The kernel gives up on a path whose folders are being moved about; then it is tried again. */
#define TRIES 16

/* What the world refused: errno's code, and a few that only opening beneath a folder knows. */
static cb_io_error error_of(int problem)
{
    switch (problem) {
    case ENOENT:
        return CB_IO_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EXDEV: /* it leads out of the folder */
        return CB_IO_ACCESS;
    case ENOTDIR:
        return CB_IO_NOT_DIRECTORY;
    case EISDIR:
        return CB_IO_IS_DIRECTORY;
    case ELOOP:
        return CB_IO_LINK_LOOP;
    case ENAMETOOLONG:
        return CB_IO_NAME_TOO_LONG;
    case EAGAIN:
        return CB_IO_BUSY;
    case ENOMEM:
        return CB_IO_NO_MEMORY;
    case EMFILE:
    case ENFILE:
        return CB_IO_RESOURCES;
    case ENOSYS:
        return CB_IO_UNSUPPORTED;
    default:
        return CB_IO_UNKNOWN;
    }
}

/* Without waiting: opening a named pipe would wait for its writer. */
static int open_beneath(const char *folder, const char *path)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long file = -1;
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -1;
    for (int i = 0; i < TRIES; i++) {
        file = syscall(SYS_openat2, at, path, &how, sizeof how);
        if (file >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    int problem = errno;
    (void)close(at);
    errno = problem;
    return (int)file;
}

/* An event with room for the file behind its head, *size bytes in all; NULL with *error: why not.
 */
static cb_buffer *make_room(cb_call *call, int file, size_t *size, cb_io_error *error)
{
    const cb_host *host = call->host;
    struct stat about;
    if (fstat(file, &about) != 0)
        *error = error_of(errno);
    else if (S_ISDIR(about.st_mode))
        *error = CB_IO_IS_DIRECTORY;
    else if (!S_ISREG(about.st_mode))
        *error = CB_IO_INVALID;
    else if (about.st_size >
             host->limit(call, "CALLBOARD_MAX_OBJECT") - (int64_t)CB_LOOP_EVENT_SIZE)
        *error = CB_IO_TOO_LARGE;
    if (*error != CB_IO_OK)
        return NULL;
    *size = CB_LOOP_EVENT_SIZE + (size_t)about.st_size;
    cb_buffer *event = host->buffer_new(CB_LOOP_EVENT_SIZE, *size);
    if (event == NULL)
        *error = CB_IO_NO_MEMORY;
    return event;
}

/* Fills the event up to `size`; a file that has become shorter meanwhile ends where it ends. */
static cb_io_error fill(cb_buffer *event, size_t size, int file)
{
    while (event->size < size) {
        ssize_t got = read(file, event->data + event->size, size - event->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_of(errno);
        if (got == 0)
            break;
        event->size += (size_t)got;
    }
    return CB_IO_OK;
}

/* Opens and reads; *step is the one that *error is of. NULL if there is no event to tell it in. */
static cb_buffer *read_now(cb_call *call, const char *folder, const char *path, cb_io_error *error,
                           int64_t *step)
{
    *step = CB_NBIO_OPEN;
    int file = open_beneath(folder, path);
    if (file < 0) {
        *error = error_of(errno);
        return NULL;
    }
    *step = CB_NBIO_STAT;
    size_t size = 0;
    cb_buffer *event = make_room(call, file, &size, error);
    if (event != NULL) {
        *step = CB_NBIO_READ;
        *error = fill(event, size, file);
        if (*error != CB_IO_OK)
            event->size = CB_LOOP_EVENT_SIZE;
    }
    (void)close(file);
    return event;
}

cb_status cb_nbio_read_file_now(cb_call *call)
{
    cb_io_error error = CB_IO_OK;
    int64_t step = 0;
    cb_buffer *event = read_now(call, (const char *)call->args[0].data,
                                (const char *)call->args[1].data, &error, &step);
    if (event == NULL)
        event = call->host->buffer_new(CB_LOOP_EVENT_SIZE, CB_LOOP_EVENT_SIZE);
    if (event == NULL)
        return CB_NO_MEMORY;
    const cb_loop_event head = {
        .kind = CB_LOOP_KIND_READ_FILE,
        .error = (int32_t)error,
        .value = error == CB_IO_OK ? (int64_t)(event->size - CB_LOOP_EVENT_SIZE) : step};
    cb_loop_event_write(&head, event->data);
    return call->host->return_buffer(call, event);
}
