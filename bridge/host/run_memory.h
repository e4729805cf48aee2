/* What plugins keep for as long as one run: of main, or of one callback. One piece of memory for
 * each plugin that wants some, ended with the run in the reverse order of the first requests.
 * Threads: a list is the thread's that runs the script.
 */
#ifndef CALLBOARD_BRIDGE_HOST_RUN_MEMORY_H
#define CALLBOARD_BRIDGE_HOST_RUN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

typedef struct cb_run_memory cb_run_memory; /* one piece; NULL is the list of a run's beginning */

/* The piece of the plugin with this number: all zero when it is made, with the first call, which
 * also says how large it is and what is to be called at its end. NULL when out of memory. */
void *cb_run_memory_of(cb_run_memory **list, uint8_t name_space, size_t size,
                       void (*end)(void *memory));

/* The run is over: calls each piece's end, frees them all; *list becomes NULL. */
void cb_run_memory_end(cb_run_memory **list);

#endif
