/* Memory that runs out on purpose, in a program that is linked with cb_scarce_memory (in
 * cmake/tests.cmake). Each call of our own code that takes memory is a chance to fail: malloc,
 * calloc, realloc, a thread's start, a message to be sent and a queue to be made. What libraries
 * allocate for themselves is not touched.
 *
 * Threads: any; chances of all threads are counted together.
 */
#ifndef CALLBOARD_TESTS_UNIT_SCARCE_MEMORY_H
#define CALLBOARD_TESTS_UNIT_SCARCE_MEMORY_H

#include <stdbool.h>

/* From now on chance number `first` (1..) fails, and `count - 1` after it. */
void scarce_begin(long first, long count);
/* No more failures. How many there were; 0 means that `first` was past the last chance. */
long scarce_end(void);
/* Whether something has failed since scarce_begin. */
bool scarce_failed(void);
/* Chances since scarce_begin. */
long scarce_chances(void);
/* One more chance: true if it is to fail. For what a double does in the place of a library. */
bool scarce_fails_now(void);
/* The calling thread is spared, or no longer: for what a test does itself. */
void scarce_spare_me(bool spared);

#endif
