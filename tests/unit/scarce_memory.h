/* Memory that runs out when a test wants it to: malloc, calloc and realloc of the whole program go
 * through here. Include it in one file of a test program of one thread.
 *
 * free stays what it is, and so does what a sanitizer knows of each piece of memory.
 */
#ifndef CALLBOARD_TESTS_SCARCE_MEMORY_H
#define CALLBOARD_TESTS_SCARCE_MEMORY_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "callboard/status.h"

static unsigned scarce_countdown; /* allocations until one fails, that one included; 0: none does */
static bool scarce_for_good;      /* and all after it fail, too */
static bool scarce_has_failed;    /* since scarce_begin */
static bool scarce_has_begun;     /* ever */

/* Of the leak sanitizer, where there is one. */
void __lsan_ignore_object(const void *object) __attribute__((weak));

/* From here on the allocation of that number (from 1) fails, and perhaps all after it. */
static inline void scarce_begin(unsigned number, bool for_good)
{
    scarce_countdown = number;
    scarce_for_good = for_good;
    scarce_has_failed = false;
    scarce_has_begun = true;
}

/* Whether one has failed; from here on none does. */
static inline bool scarce_end(void)
{
    scarce_countdown = 0;
    return scarce_has_failed;
}

static bool scarce_fails(void)
{
    if (scarce_countdown == 0 || --scarce_countdown > 0)
        return false;
    scarce_has_failed = true;
    scarce_countdown = scarce_for_good ? 1 : 0;
    return true;
}

/* What the loader has allocated before is its own, and it keeps it where nobody looks. */
static void *scarce_given(void *memory)
{
    if (!scarce_has_begun && memory != NULL && __lsan_ignore_object != NULL)
        __lsan_ignore_object(memory);
    return memory;
}

/* The function behind this one: the sanitizer's or the C library's. A pointer to a function is no
 * pointer to an object in C, so its bytes are copied. */
#define SCARCE_NEXT(name, type)                                                                    \
    static type next;                                                                              \
    if (next == NULL) {                                                                            \
        void *found = dlsym(RTLD_NEXT, name);                                                      \
        if (found == NULL)                                                                         \
            abort();                                                                               \
        memcpy(&next, &found, sizeof next);                                                        \
    }

typedef void *(*scarce_malloc_type)(size_t);
typedef void *(*scarce_calloc_type)(size_t, size_t);
typedef void *(*scarce_realloc_type)(void *, size_t);

CB_PUBLIC void *malloc(size_t size)
{
    SCARCE_NEXT("malloc", scarce_malloc_type)
    return scarce_fails() ? NULL : scarce_given(next(size));
}

CB_PUBLIC void *calloc(size_t count, size_t size)
{
    SCARCE_NEXT("calloc", scarce_calloc_type)
    return scarce_fails() ? NULL : scarce_given(next(count, size));
}

CB_PUBLIC void *realloc(void *memory, size_t size)
{
    SCARCE_NEXT("realloc", scarce_realloc_type)
    return scarce_fails() ? NULL : next(memory, size);
}

#endif
