#include "bridge/host/signals.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SIGNAL_STATUS 128 /* what a shell adds to the number of the signal that ended a process */

struct cb_signals {
    pthread_t thread;
    sigset_t awaited;
    sigset_t before; /* the mask to give back */
    atomic_bool ending;
    void (*first)(void *user);
    void *user;
};

static void *wait_for_signals(void *argument)
{
    cb_signals *signals = argument;
    int seen = 0;
    for (;;) {
        int number = 0;
        if (sigwait(&signals->awaited, &number) != 0)
            continue;
        if (atomic_load(&signals->ending))
            return NULL;
        if (seen++ > 0)
            _exit(SIGNAL_STATUS + number);
        signals->first(signals->user);
    }
}

cb_status cb_signals_start(void (*first)(void *user), void *user, cb_signals **result,
                           cb_error *error)
{
    cb_signals *signals = calloc(1, sizeof(*signals));
    if (signals == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    signals->first = first;
    signals->user = user;
    sigemptyset(&signals->awaited);
    sigaddset(&signals->awaited, SIGINT);
    sigaddset(&signals->awaited, SIGTERM);

    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    int code = pthread_sigmask(SIG_BLOCK, &signals->awaited, &signals->before);
    assert(code == 0);
    code = pthread_create(&signals->thread, NULL, wait_for_signals, signals);
    if (code != 0) {
        pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
        free(signals);
        return cb_fail_errno(error, CB_IO, code, "cannot start the thread that waits for signals");
    }
    *result = signals;
    return CB_OK;
}

void cb_signals_stop(cb_signals **result)
{
    cb_signals *signals = *result;
    if (signals == NULL)
        return;
    atomic_store(&signals->ending, true);
    pthread_kill(signals->thread, SIGTERM); /* only wakes it: it looks at `ending` first */
    pthread_join(signals->thread, NULL);
    /* A signal that came too late asks for what has just happened. */
    struct timespec no_time = {0};
    while (sigtimedwait(&signals->awaited, NULL, &no_time) > 0)
        continue;
    pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
    free(signals);
    *result = NULL;
}
