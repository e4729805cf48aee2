#include "bridge/host/output.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE 65536u /* one pipe's worth; larger prints go out directly */

static struct {
    pthread_mutex_t lock; /* guards everything but `waiting` */
    uint8_t bytes[BUFFER_SIZE];
    size_t size;
    atomic_int failed;   /* errno of the first failed write, or 0; changed under the lock */
    atomic_bool waiting; /* size > 0; read without the lock, so that a check costs nothing */
} output = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Returns 0 or an errno. */
static int write_all(int descriptor, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            /* Somebody we share the terminal or pipe with made it non-blocking. */
            struct pollfd room = {.fd = descriptor, .events = POLLOUT};
            if (poll(&room, 1, -1) < 0 && errno != EINTR)
                return errno;
        } else if (written < 0 && errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static void flush_locked(void)
{
    if (output.size > 0 && output.failed == 0)
        output.failed = write_all(STDOUT_FILENO, output.bytes, output.size);
    output.size = 0;
    atomic_store_explicit(&output.waiting, false, memory_order_relaxed);
}

static cb_status failure(int code, cb_error *error)
{
    if (code == 0)
        return CB_OK;
    return cb_fail_errno(error, CB_IO, code, "cannot write to standard output");
}

cb_status cb_output_print(const void *bytes, size_t size, cb_error *error)
{
    if (size == 0)
        return CB_OK;
    pthread_mutex_lock(&output.lock);
    if (size > BUFFER_SIZE - output.size)
        flush_locked();
    if (output.failed == 0 && size > BUFFER_SIZE) {
        output.failed = write_all(STDOUT_FILENO, bytes, size);
    } else if (output.failed == 0) {
        memcpy(output.bytes + output.size, bytes, size);
        output.size += size;
        /* Relaxed: a thread that misses it now sees it at its next check. */
        atomic_store_explicit(&output.waiting, true, memory_order_relaxed);
    }
    int code = output.failed;
    pthread_mutex_unlock(&output.lock);
    return failure(code, error);
}

cb_status cb_output_flush(cb_error *error)
{
    if (!atomic_load_explicit(&output.waiting, memory_order_relaxed))
        return failure(atomic_load_explicit(&output.failed, memory_order_relaxed), error);
    pthread_mutex_lock(&output.lock);
    flush_locked();
    int code = output.failed;
    pthread_mutex_unlock(&output.lock);
    return failure(code, error);
}

void cb_output_complain(const char *text, size_t size)
{
    pthread_mutex_lock(&output.lock);
    flush_locked();
    (void)write_all(STDERR_FILENO, (const uint8_t *)text, size);
    pthread_mutex_unlock(&output.lock);
}
