/* The runtime's insides, shared by the files of actors/. */
#ifndef CALLBOARD_ACTORS_RUNTIME_H
#define CALLBOARD_ACTORS_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include "actors/exchange.h"
#include "actors/mailbox.h"
#include "actors/step/step.h"
#include "actors/trace/recorder.h"
#include "callboard/runtime.h"

struct cb_runtime {
    /* Set before the first thread starts, read-only afterwards. */
    cb_runtime_options options; /* trace_path is not kept */
    cb_post_office *office;
    cb_recorder *recorder;
    struct cb_supervisor *supervisor;
    pthread_t supervisor_thread;
    struct cb_metrics *metrics; /* NULL: not served */
    /* The owner's own way to the supervisor: opened at the start, so that the end does not depend
     * on descriptors that may be gone by then. Used by who set `shut_down`, and by the stop. */
    cb_mailbox *control;
    /* Any thread. */
    atomic_int own_thread; /* the kernel's number of the supervisor's; 0 until it runs */
    atomic_int hands_from; /* the processor of the visitor that handed jobs last */
    atomic_uint next_asker;
    atomic_bool shut_down; /* the end was asked for from outside */
};

/* An address for one more asker. After 2^31 of them they begin anew; one that is still in use
 * cannot be opened a second time, and another is to be tried. */
static inline uint32_t cb_runtime_asker_address(cb_runtime *runtime)
{
    return CB_ADDRESS_FIRST_ASKER |
           atomic_fetch_add_explicit(&runtime->next_asker, 1, memory_order_relaxed);
}

/* What an actor's thread starts with; it frees it. */
typedef struct cb_actor_start {
    cb_runtime *runtime;
    cb_mailbox *mailbox; /* given away to the thread */
} cb_actor_start;

/* Thread functions; the argument is a cb_actor_start. */
void *cb_worker_thread(void *start);
void *cb_client_thread(void *start);
void *cb_listener_thread(void *start);
void *cb_loop_service_thread(void *start);
void *cb_sockets_thread(void *start);

/* Monotonic time in ns. */
int64_t cb_now_ns(void);

/* Starts a thread with all signals blocked. stack_kib 0: the system's default. */
cb_status cb_thread_start(pthread_t *thread, void *(*run)(void *), void *argument,
                          int64_t stack_kib, const char *name, cb_error *error);

#endif
