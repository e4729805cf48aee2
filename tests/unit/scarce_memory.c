#include "tests/unit/scarce_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <zmq.h>

#define MOST_WITHOUT_MEMORY 33 /* bytes that a message of libzmq holds in itself */

static atomic_bool on;
static atomic_long chances;
static atomic_long failures;
static atomic_long first_failure;
static atomic_long last_failure;
static _Thread_local bool is_spared;

/* What the linker's --wrap makes of the names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
void *__real_zmq_socket(void *context, int type);
int __real_zmq_send(void *socket, const void *bytes, size_t size, int flags);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
void *__wrap_zmq_socket(void *context, int type);
int __wrap_zmq_send(void *socket, const void *bytes, size_t size, int flags);

void scarce_begin(long first, long count)
{
    atomic_store(&chances, 0);
    atomic_store(&failures, 0);
    atomic_store(&first_failure, first);
    atomic_store(&last_failure, first + count - 1);
    atomic_store(&on, true);
}

long scarce_end(void)
{
    atomic_store(&on, false);
    return atomic_load(&failures);
}

bool scarce_failed(void)
{
    return atomic_load(&failures) > 0;
}

long scarce_chances(void)
{
    return atomic_load(&chances);
}

void scarce_spare_me(bool spared)
{
    is_spared = spared;
}

bool scarce_fails_now(void)
{
    if (is_spared || !atomic_load(&on))
        return false;
    long number = atomic_fetch_add(&chances, 1) + 1;
    if (number < atomic_load(&first_failure) || number > atomic_load(&last_failure))
        return false;
    atomic_fetch_add(&failures, 1);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return scarce_fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return scarce_fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return scarce_fails_now() ? NULL : __real_realloc(memory, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    return scarce_fails_now() ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

void *__wrap_zmq_socket(void *context, int type)
{
    if (scarce_fails_now()) {
        errno = EMFILE;
        return NULL;
    }
    return __real_zmq_socket(context, type);
}

int __wrap_zmq_send(void *socket, const void *bytes, size_t size, int flags)
{
    if (size > MOST_WITHOUT_MEMORY && scarce_fails_now()) {
        errno = ENOMEM;
        return -1;
    }
    return __real_zmq_send(socket, bytes, size, flags);
}
