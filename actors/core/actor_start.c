/* Starting the threads of actors. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "actors/core/supervisor.h"
#include "actors/workers/placement.h"

int64_t cb_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Signals belong to the program around us: actors start with all of them blocked. */
static int create_blocked(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    int problem = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (problem != 0)
        return problem;
    problem = pthread_create(thread, attributes, run, argument);
    int restored = pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem != 0 ? problem : restored;
}

cb_status cb_thread_start(pthread_t *thread, void *(*run)(void *), void *argument,
                          int64_t stack_kib, const char *name, cb_error *error)
{
    pthread_attr_t attributes;
    int problem = pthread_attr_init(&attributes);
    if (problem != 0)
        return cb_fail_errno(error, CB_NO_MEMORY, problem, "cannot start a thread");
    if (stack_kib > 0)
        problem = pthread_attr_setstacksize(&attributes, (size_t)stack_kib * 1024);
    if (problem == 0)
        problem = create_blocked(thread, &attributes, run, argument);
    (void)pthread_attr_destroy(&attributes);
    if (problem != 0)
        return cb_fail_errno(error, CB_LIMIT, problem, "cannot start a thread");
    (void)pthread_setname_np(*thread, name); /* for debuggers; without it nothing is lost */
    return CB_OK;
}

static void *(*listener_function(uint32_t kind))(void *)
{
    switch (kind) {
    case CB_ROUTE_SOCKETS:
        return cb_sockets_thread;
    case CB_ROUTE_LOOP:
        return cb_loop_service_thread;
    default:
        return cb_listener_thread;
    }
}

static void *(*thread_function(const cb_message *effect))(void *)
{
    if (effect->kind == CB_MSG_START_LISTENER)
        return listener_function(cb_route_word_base(effect->connection));
    return effect->value == 1 ? cb_client_thread : cb_worker_thread;
}

cb_status cb_start_actor(cb_runtime *runtime, const cb_message *effect, cb_exchange *exchange,
                         pthread_t *thread, cb_error *error)
{
    char name[16];
    cb_mailbox *mailbox = NULL;
    cb_status status = cb_mailbox_create(runtime->office, effect->to, &mailbox, error);
    if (status != CB_OK)
        return status;
    status = exchange->ops->add(exchange, effect->to);
    if (status != CB_OK) {
        cb_mailbox_discard(&mailbox);
        return cb_fail(error, status, "cannot make an actor's queues");
    }
    cb_actor_start *start = malloc(sizeof *start);
    if (start == NULL) {
        cb_mailbox_discard(&mailbox);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    *start = (cb_actor_start){.runtime = runtime, .mailbox = mailbox};
    (void)snprintf(name, sizeof name, "actor-%u", effect->to);
    cb_placement_loan loan = cb_placement_borrow(atomic_load(&runtime->own_thread));
    status = cb_thread_start(thread, thread_function(effect), start,
                             runtime->options.limits.actor_stack_kib, name, error);
    cb_placement_return(&loan);
    if (status != CB_OK) {
        cb_mailbox_discard(&mailbox);
        free(start);
    }
    return status;
}
