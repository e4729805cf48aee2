/* The threads of this process: how each begins, and the code that a cancellation does not
 * interrupt. */
#ifndef CALLBOARD_ACTORS_BASE_THREAD_H
#define CALLBOARD_ACTORS_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "callboard/status.h"

/* Starts a thread with all signals blocked. stack_kib 0: the system's default. The name is for
 * debuggers, which show at most 15 bytes of it. Errors: CB_LIMIT, CB_NO_MEMORY. */
cb_status cb_thread_start(pthread_t *thread, void *(*run)(void *), void *argument,
                          int64_t stack_kib, const char *name, cb_error *error);

/* Between the two calls a canceled thread goes on. They protect work that must not be left half
 * done, such as a message that was put into a queue and not announced. The second call gets the
 * first one's result. */
static inline int cb_thread_shield(void)
{
    int before = PTHREAD_CANCEL_ENABLE;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}
static inline void cb_thread_unshield(int before)
{
    int unused;
    (void)pthread_setcancelstate(before, &unused);
}

#endif
