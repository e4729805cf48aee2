/* Large blocks that were freed and may soon be wanted again. The system takes a page back and hands
 * it out anew for a microsecond or two each, which for a response of a megabyte is most of its
 * cost; so a few of them are kept, and only a few.
 *
 * At most as many bytes as cb_spare_set_most said are kept; what comes last stays, the oldest goes.
 * Nothing is kept under an address sanitizer, which wants to see each block freed.
 *
 * Threads: any.
 */
#ifndef CALLBOARD_ACTORS_BASE_SPARE_H
#define CALLBOARD_ACTORS_BASE_SPARE_H

#include <stddef.h>

#define CB_SPARE_LEAST 131072u /* bytes of a block that is worth it */

/* 0, as at first: none is kept. What is beyond it is freed. */
void cb_spare_set_most(size_t bytes);
/* Memory of at least *size bytes, from malloc or kept; *size becomes what it has, which is up to an
 * eighth more. NULL: there is none. */
void *cb_spare_malloc(size_t *size);
/* Frees a block of malloc's or ours of `size` bytes, or keeps it. */
void cb_spare_free(void *block, size_t size);

#endif
