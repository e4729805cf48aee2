#include "actors/trace/output.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static int write_all(int fd, const uint8_t *bytes, size_t size, size_t *written)
{
    while (*written < size) {
        ssize_t put = write(fd, bytes + *written, size - *written);
        if (put > 0) {
            *written += (size_t)put;
        } else if (put < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR)
                return errno;
        } else if (put == 0 || errno != EINTR) {
            return put == 0 ? EIO : errno;
        }
    }
    return 0;
}

int cb_output_write(int fd, const uint8_t *bytes, size_t size, size_t *written)
{
    size_t done = 0;
    sigset_t deadly;
    sigset_t before;
    sigemptyset(&deadly);
    sigaddset(&deadly, SIGPIPE);
    sigaddset(&deadly, SIGXFSZ);
    int failure = pthread_sigmask(SIG_BLOCK, &deadly, &before);
    if (failure == 0) {
        failure = write_all(fd, bytes, size, &done);
        if (failure == EPIPE || failure == EFBIG) {
            /* Take away the signal that came with it, else it kills when the mask goes back. */
            const struct timespec at_once = {0, 0};
            while (sigtimedwait(&deadly, NULL, &at_once) < 0 && errno == EINTR)
                ;
        }
        int restored = pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (failure == 0)
            failure = restored;
    }
    if (written)
        *written = done;
    return failure;
}
