/* Memory of plugins for one run: of main, or of one callback. Each plugin that asks gets one piece.
 * The pieces end with the run, in the reverse order of the first requests.
 * Threads: a list belongs to the thread that runs the script.
 */
#ifndef CALLBOARD_BRIDGE_HOST_RUN_MEMORY_H
#define CALLBOARD_BRIDGE_HOST_RUN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

typedef struct cb_run_memory cb_run_memory; /* one piece; NULL: the empty list of a new run */

/* The piece of the plugin with this number. The first call makes it, all zero, and says how large
 * it is and which function is called at its end. NULL when out of memory. */
void *cb_run_memory_of(cb_run_memory **list, uint8_t name_space, size_t size,
                       void (*end)(void *memory));

/* Ends the run: calls each piece's `end` and frees all pieces; *list becomes NULL. */
void cb_run_memory_end(cb_run_memory **list);

#endif
