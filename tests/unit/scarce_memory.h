/* Memory that runs out on purpose, in a program that is linked with cb_scarce_memory (in
 * cmake/tests.cmake). Each call of our own code that takes memory is a chance to fail: malloc,
 * calloc, realloc, the start of a thread, the sending of a message and the making of a queue.
 * Allocations inside libraries are not touched.
 *
 * Threads: any. The chances of all threads are counted together.
 */
#ifndef CALLBOARD_TESTS_UNIT_SCARCE_MEMORY_H
#define CALLBOARD_TESTS_UNIT_SCARCE_MEMORY_H

#include <stdbool.h>

/* From now on chance number `first` (1..) fails, and `count - 1` after it. */
void scarce_begin(long first, long count);
/* Ends the failures. Returns how many there were; 0 means that `first` was past the last chance. */
long scarce_end(void);
/* True if something has failed since scarce_begin. */
bool scarce_failed(void);
/* How many chances there were since scarce_begin. */
long scarce_chances(void);
/* One more chance: true if it is to fail. For a double that stands in for a library. */
bool scarce_fails_now(void);
/* Spares the calling thread, or no longer: for allocations of the test itself. */
void scarce_spare_me(bool spared);

#endif
