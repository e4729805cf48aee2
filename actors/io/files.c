/* Files: opened, and read and written on the spot. */
#include "actors/io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_FLAGS                                                                                  \
    (CB_FILE_READ | CB_FILE_WRITE | CB_FILE_APPEND | CB_FILE_CREATE | CB_FILE_EXCLUSIVE |          \
     CB_FILE_TRUNCATE | CB_FILE_SYNC | CB_FILE_NON_BLOCKING | CB_FILE_DIRECTORY)

static const cb_attempt success = {true, CB_IO_OK, 0};

bool cb_file_flags_are_valid(uint32_t flags, uint32_t permissions)
{
    bool writes = (flags & CB_FILE_WRITE) != 0;
    if ((flags & ~(uint32_t)ALL_FLAGS) != 0 || (permissions & ~(uint32_t)CB_PERMIT_ALL) != 0)
        return false;
    if ((flags & CB_FILE_EXCLUSIVE) != 0 && (flags & CB_FILE_CREATE) == 0)
        return false;
    if ((flags & CB_FILE_DIRECTORY) != 0 && (writes || (flags & CB_FILE_CREATE) != 0))
        return false;
    return writes || (flags & (CB_FILE_APPEND | CB_FILE_TRUNCATE)) == 0;
}

int cb_file_open_flags(uint32_t flags)
{
    static const struct {
        uint32_t flag;
        int value;
    } more[] = {{CB_FILE_APPEND, O_APPEND},      {CB_FILE_CREATE, O_CREAT},
                {CB_FILE_EXCLUSIVE, O_EXCL},     {CB_FILE_TRUNCATE, O_TRUNC},
                {CB_FILE_SYNC, O_SYNC},          {CB_FILE_NON_BLOCKING, O_NONBLOCK},
                {CB_FILE_DIRECTORY, O_DIRECTORY}};
    int result = O_CLOEXEC;
    if ((flags & CB_FILE_WRITE) != 0)
        result |= (flags & CB_FILE_READ) != 0 ? O_RDWR : O_WRONLY;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if ((flags & more[i].flag) != 0)
            result |= more[i].value;
    return result;
}

cb_file_type cb_file_type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return CB_FILE_TYPE_REGULAR;
    case S_IFDIR:
        return CB_FILE_TYPE_DIRECTORY;
    case S_IFLNK:
        return CB_FILE_TYPE_SYMLINK;
    case S_IFIFO:
        return CB_FILE_TYPE_PIPE;
    case S_IFSOCK:
        return CB_FILE_TYPE_SOCKET;
    case S_IFCHR:
        return CB_FILE_TYPE_CHARACTER_DEVICE;
    case S_IFBLK:
        return CB_FILE_TYPE_BLOCK_DEVICE;
    default:
        return CB_FILE_TYPE_UNKNOWN;
    }
}

cb_attempt cb_file_moved(cb_op *op, ssize_t result)
{
    if (result < 0)
        return cb_attempt_failure((int)-result);
    if (op->type == CB_NBIO_READ) {
        op->read.received += (size_t)result;
        op->read.ended = result == 0;
        if (result == 0 && op->read.received == 0)
            return (cb_attempt){true, CB_IO_END_OF_FILE, 0};
        bool more = op->own.transfer == CB_TRANSFER_ALL && op->read.received < op->read.size;
        return (cb_attempt){result == 0 || !more, CB_IO_OK, 0};
    }
    if (result == 0)
        return cb_attempt_failure(EIO);
    op->write.written += (size_t)result;
    bool more = op->own.transfer != CB_TRANSFER_PARTIAL && op->write.written < op->write.size;
    return (cb_attempt){!more, CB_IO_OK, 0};
}

static ssize_t move_piece(const cb_op *op)
{
    ssize_t result;
    do {
        if (op->type == CB_NBIO_READ)
            result = pread(op->read.file, (char *)op->read.data + op->read.received,
                           op->read.size - op->read.received,
                           op->read.offset + (off_t)op->read.received);
        else
            result = pwrite(op->write.file, (const char *)op->write.data + op->write.written,
                            op->write.size - op->write.written,
                            op->write.offset + (off_t)op->write.written);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

static cb_attempt look_at(cb_op *op)
{
    struct stat about;
    if (fstat(op->stat.file, &about) != 0)
        return cb_attempt_failure(errno);
    op->stat.type = cb_file_type_of(about.st_mode);
    op->stat.permissions = about.st_mode & CB_PERMIT_ALL;
    op->stat.size = about.st_size;
    op->stat.modified_ns = (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
    return success;
}

static int open_at(cb_file dir, const char *path, int flags, uint32_t permissions)
{
    int file;
    do {
        file = openat(dir, path, flags, (mode_t)permissions);
    } while (file < 0 && errno == EINTR);
    return file;
}

/* A named pipe whose other end nobody has must not hold up the loop, so opening never waits for
 * one. What is read or written afterwards may wait all the same, as the flags say. */
static int open_now(cb_file dir, const char *path, uint32_t flags, uint32_t permissions)
{
    int wanted = cb_file_open_flags(flags);
    int file = open_at(dir, path, wanted | O_NONBLOCK, permissions);
    if ((wanted & O_NONBLOCK) != 0)
        return file;
    if (file < 0 && errno == EWOULDBLOCK)
        return open_at(dir, path, wanted, permissions); /* another program's lease: it ends soon */
    int now = file >= 0 ? fcntl(file, F_GETFL) : -1;
    if (now >= 0)
        (void)fcntl(file, F_SETFL, now & ~O_NONBLOCK);
    return file;
}

cb_attempt cb_attempt_file(cb_op *op)
{
    if (op->type == CB_NBIO_STAT)
        return look_at(op);
    if (op->type == CB_NBIO_OPEN) {
        int file = open_now(op->open.dir, op->open.path, op->open.flags, op->open.permissions);
        if (file < 0)
            return cb_attempt_failure(errno);
        op->open.file = file;
        return success;
    }
    cb_attempt attempt;
    do {
        attempt = cb_file_moved(op, move_piece(op));
    } while (!attempt.done);
    return attempt;
}

cb_status cb_open_sync(cb_loop *loop, cb_file dir, const char *path, uint32_t flags,
                       uint32_t permissions, cb_file *file, cb_error *error)
{
    *file = CB_NO_FILE;
    loop = cb_loop_or_current(loop);
    if (loop == NULL)
        return cb_fail(error, CB_INVALID, "this thread has no event loop");
    if (path == NULL || !cb_file_flags_are_valid(flags, permissions))
        return cb_fail(error, CB_INVALID, "a path, and flags that go together, are required");
    if (loop->backend->world != NULL)
        return loop->backend->world->open(loop, path, flags, file, error);
    int opened = open_now(dir, path, flags, permissions);
    if (opened < 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot open %s", path);
    if (loop == cb_loop_current())
        loop->backend->forget(loop, opened);
    *file = opened;
    return CB_OK;
}

cb_status cb_associate_handle(cb_loop *loop, cb_file file, cb_error *error)
{
    loop = cb_loop_or_current(loop);
    if (loop == NULL)
        return cb_fail(error, CB_INVALID, "this thread has no event loop");
    if (cb_loop_of_world(file) == NULL && fcntl(file, F_GETFD) < 0)
        return cb_fail_errno(error, CB_IO, errno, "descriptor %d is not open", file);
    if (loop == cb_loop_current())
        cb_loop_forget(loop, file);
    return CB_OK;
}
