/* The start of every thread of this process. */
#ifndef CALLBOARD_ACTORS_BASE_THREAD_H
#define CALLBOARD_ACTORS_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "callboard/status.h"

/* Starts a thread with all signals blocked. stack_kib 0: the system's default. The name is for
 * debuggers, which show at most 15 bytes of it. Errors: CB_LIMIT, CB_NO_MEMORY. */
cb_status cb_thread_start(pthread_t *thread, void *(*run)(void *), void *argument,
                          int64_t stack_kib, const char *name, cb_error *error);

#endif
