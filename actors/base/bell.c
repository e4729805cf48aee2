#include "actors/base/bell.h"

#include <time.h>

#define NS_A_S 1000000000

bool cb_bell_open(cb_bell *bell)
{
    pthread_condattr_t attributes;
    *bell = (cb_bell){.due_ns = INT64_MAX, .waking_ns = INT64_MIN};
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool ready = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                 pthread_cond_init(&bell->changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (ready && pthread_mutex_init(&bell->lock, NULL) != 0) {
        (void)pthread_cond_destroy(&bell->changed);
        ready = false;
    }
    return ready;
}

void cb_bell_close(cb_bell *bell)
{
    (void)pthread_cond_destroy(&bell->changed);
    (void)pthread_mutex_destroy(&bell->lock);
}

void cb_bell_ring(cb_bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bell->rung = true;
    pthread_cond_signal(&bell->changed);
    pthread_mutex_unlock(&bell->lock);
}

void cb_bell_set(cb_bell *bell, int64_t due_ns)
{
    pthread_mutex_lock(&bell->lock);
    bell->due_ns = due_ns;
    if (due_ns < bell->waking_ns)
        pthread_cond_signal(&bell->changed);
    pthread_mutex_unlock(&bell->lock);
}

static bool is_due(const cb_bell *bell)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_A_S + now.tv_nsec >= bell->due_ns;
}

static void sleep_until(cb_bell *bell, int64_t due_ns)
{
    const struct timespec due = {.tv_sec = (time_t)(due_ns / NS_A_S),
                                 .tv_nsec = (long)(due_ns % NS_A_S)};
    if (due_ns == INT64_MAX)
        (void)pthread_cond_wait(&bell->changed, &bell->lock);
    else
        (void)pthread_cond_timedwait(&bell->changed, &bell->lock, &due);
}

void cb_bell_wait(cb_bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    while (!bell->rung && !is_due(bell)) {
        bell->waking_ns = bell->due_ns;
        sleep_until(bell, bell->waking_ns);
    }
    if (is_due(bell))
        bell->due_ns = INT64_MAX;
    bell->waking_ns = INT64_MIN;
    bell->rung = false;
    pthread_mutex_unlock(&bell->lock);
}
