#include "actors/base/thread.h"

#include <signal.h>
#include <stddef.h>

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
