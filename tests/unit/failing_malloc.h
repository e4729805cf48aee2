/* Memory that runs out when a test wants it: it replaces malloc, calloc and realloc for the whole
 * program. Include it in one file of a test program with one thread.
 *
 * free is not replaced, and a sanitizer still knows each piece of memory.
 */
#ifndef CALLBOARD_TESTS_UNIT_FAILING_MALLOC_H
#define CALLBOARD_TESTS_UNIT_FAILING_MALLOC_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "callboard/status.h"

static unsigned failing_countdown; /* allocations up to the failing one, inclusive; 0: none fails */
static bool failing_for_good;      /* all later ones fail too */
static bool failing_has_failed;    /* since failing_begin */
static bool failing_has_begun;     /* failing_begin was called before */

/* A function of the leak sanitizer; NULL without it. */
void __lsan_ignore_object(const void *object) __attribute__((weak));

/* From here on allocation `number` (from 1) fails; with `for_good`, all after it fail too. */
static inline void failing_begin(unsigned number, bool for_good)
{
    failing_countdown = number;
    failing_for_good = for_good;
    failing_has_failed = false;
    failing_has_begun = true;
}

/* Returns true if one has failed. From here on none fails. */
static inline bool failing_end(void)
{
    failing_countdown = 0;
    return failing_has_failed;
}

static bool failing_fails(void)
{
    if (failing_countdown == 0 || --failing_countdown > 0)
        return false;
    failing_has_failed = true;
    failing_countdown = failing_for_good ? 1 : 0;
    return true;
}

/* The loader allocates before that, and keeps its memory where the leak sanitizer does not look. */
static void *failing_given(void *memory)
{
    if (!failing_has_begun && memory != NULL && __lsan_ignore_object != NULL)
        __lsan_ignore_object(memory);
    return memory;
}

/* The original function: the sanitizer's or the C library's. C does not allow converting a pointer
 * to an object into a pointer to a function, so its bytes are copied. */
#define FAILING_NEXT(name, type)                                                                   \
    static type next;                                                                              \
    if (next == NULL) {                                                                            \
        void *found = dlsym(RTLD_NEXT, name);                                                      \
        if (found == NULL)                                                                         \
            abort();                                                                               \
        memcpy(&next, &found, sizeof next);                                                        \
    }

typedef void *(*failing_malloc_type)(size_t);
typedef void *(*failing_calloc_type)(size_t, size_t);
typedef void *(*failing_realloc_type)(void *, size_t);

CB_PUBLIC void *malloc(size_t size)
{
    FAILING_NEXT("malloc", failing_malloc_type)
    return failing_fails() ? NULL : failing_given(next(size));
}

CB_PUBLIC void *calloc(size_t count, size_t size)
{
    FAILING_NEXT("calloc", failing_calloc_type)
    return failing_fails() ? NULL : failing_given(next(count, size));
}

CB_PUBLIC void *realloc(void *memory, size_t size)
{
    FAILING_NEXT("realloc", failing_realloc_type)
    return failing_fails() ? NULL : next(memory, size);
}

#endif
