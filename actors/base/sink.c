#include "actors/base/sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/base/clock.h"
#include "actors/base/thread.h"

#define NS_A_MS INT64_C(1000000)
/* A thread that gives up needs a processor to do so. */
#define MARGIN  (500 * NS_A_MS)

/* Who frees everything. */
typedef enum sink_owner {
    SINK_IN_USE,     /* not known yet */
    SINK_OWNERS,     /* the thread has left in time */
    SINK_THE_THREADS /* it has not */
} sink_owner;

cb_status cb_sink_open(cb_sink *sink, size_t piece, cb_error *error)
{
    *sink = (cb_sink){.fd = -1};
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot make what a writer sleeps by");
    if (!cb_bell_open(&sink->left)) {
        (void)close(wake);
        return cb_fail(error, CB_NO_MEMORY, "cannot make a lock");
    }
    sink->wake = wake;
    sink->piece = piece;
    return CB_OK;
}

void cb_sink_close(cb_sink *sink)
{
    if (sink->piece == 0)
        return;
    cb_bell_close(&sink->left);
    (void)close(sink->wake);
    sink->piece = 0;
}

/* -- any thread ------------------------------------------------------------------------------- */

void cb_sink_ring(cb_sink *sink)
{
    int shield = cb_thread_shield();
    (void)eventfd_write(sink->wake, 1);
    cb_thread_unshield(shield);
}

bool cb_sink_has_end_begun(const cb_sink *sink)
{
    return atomic_load(&sink->give_up_ns) != 0;
}

/* Milliseconds until the end gives up; -1: it has not begun. */
static int patience_ms(const cb_sink *sink)
{
    int64_t give_up_ns = atomic_load(&sink->give_up_ns);
    if (give_up_ns == 0)
        return -1;
    int64_t left_ms = (give_up_ns - cb_now_ns() + NS_A_MS - 1) / NS_A_MS;
    return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

bool cb_sink_has_given_up(const cb_sink *sink)
{
    return patience_ms(sink) == 0;
}

/* -- the writing thread ----------------------------------------------------------------------- */

static void drain_wake(const cb_sink *sink)
{
    eventfd_t count;
    (void)eventfd_read(sink->wake, &count);
}

void cb_sink_sleep(const cb_sink *sink, int timeout_ms)
{
    struct pollfd polled = {.fd = sink->wake, .events = POLLIN};
    if (poll(&polled, 1, timeout_ms) > 0)
        drain_wake(sink);
}

/* Whether the output takes something now; false once the end has waited for long enough. */
static bool has_room(const cb_sink *sink)
{
    for (;;) {
        struct pollfd polled[] = {{.fd = sink->fd, .events = POLLOUT},
                                  {.fd = sink->wake, .events = POLLIN}};
        int ready = poll(polled, 2, patience_ms(sink));
        if (ready == 0)
            return false;
        if (ready > 0 && polled[0].revents != 0)
            return true;
        if (ready > 0)
            drain_wake(sink); /* the end may have begun */
    }
}

int cb_sink_write(const cb_sink *sink, const void *bytes, size_t size, size_t *done)
{
    for (*done = 0; *done < size;) {
        size_t piece = size - *done < sink->piece ? size - *done : sink->piece;
        if (!has_room(sink))
            return ETIMEDOUT;
        ssize_t put = write(sink->fd, (const char *)bytes + *done, piece);
        if (put > 0)
            *done += (size_t)put;
        else if (put == 0)
            return EIO;
        else if (errno != EINTR && errno != EAGAIN)
            return errno;
    }
    return 0;
}

bool cb_sink_leave(cb_sink *sink)
{
    int whose = SINK_IN_USE;
    if (!atomic_compare_exchange_strong(&sink->whose, &whose, SINK_OWNERS))
        return false;
    cb_bell_ring(&sink->left);
    return true;
}

/* -- the owner -------------------------------------------------------------------------------- */

void cb_sink_end(cb_sink *sink, int64_t give_up_ns)
{
    atomic_store(&sink->give_up_ns, give_up_ns > 0 ? give_up_ns : 1);
    cb_sink_ring(sink);
}

bool cb_sink_await_leave(cb_sink *sink)
{
    int64_t until_ns = atomic_load(&sink->give_up_ns) + MARGIN;
    while (atomic_load(&sink->whose) == SINK_IN_USE && cb_now_ns() < until_ns) {
        cb_bell_set(&sink->left, until_ns);
        cb_bell_wait(&sink->left);
    }
    return atomic_load(&sink->whose) != SINK_IN_USE;
}

bool cb_sink_abandon(cb_sink *sink)
{
    int whose = SINK_IN_USE;
    return atomic_compare_exchange_strong(&sink->whose, &whose, SINK_THE_THREADS);
}
