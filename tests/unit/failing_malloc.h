/* Memory that runs out when a test wants it to: malloc, calloc and realloc of the whole program go
 * through here. Include it in one file of a test program of one thread.
 *
 * free stays what it is, and so does what a sanitizer knows of each piece of memory.
 */
#ifndef CALLBOARD_TESTS_UNIT_FAILING_MALLOC_H
#define CALLBOARD_TESTS_UNIT_FAILING_MALLOC_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "callboard/status.h"

static unsigned failing_countdown; /* allocations until one fails, that one included; 0: none does */
static bool failing_for_good;      /* and all after it fail, too */
static bool failing_has_failed;    /* since failing_begin */

/* From here on the allocation of that number (from 1) fails, and perhaps all after it. */
static inline void failing_begin(unsigned number, bool for_good)
{
    failing_countdown = number;
    failing_for_good = for_good;
    failing_has_failed = false;
}

/* Whether one has failed; from here on none does. */
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

/* The function behind this one: the sanitizer's or the C library's. A pointer to a function is no
 * pointer to an object in C, so its bytes are copied. */
#define FAILING_NEXT(name, type)                                                                    \
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
    return failing_fails() ? NULL : next(size);
}

CB_PUBLIC void *calloc(size_t count, size_t size)
{
    FAILING_NEXT("calloc", failing_calloc_type)
    return failing_fails() ? NULL : next(count, size);
}

CB_PUBLIC void *realloc(void *memory, size_t size)
{
    FAILING_NEXT("realloc", failing_realloc_type)
    return failing_fails() ? NULL : next(memory, size);
}

#endif
