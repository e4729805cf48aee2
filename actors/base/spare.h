/* Spare blocks: large blocks that were freed and may soon be needed again. The system takes a
 * microsecond or two for each page that it takes back or hands out. For a response of a megabyte
 * this is most of the cost, so a few blocks are kept.
 *
 * At most as many bytes are kept as cb_spare_set_most allows; the newest block stays and the oldest
 * is freed. Under an address sanitizer no block is kept, because the sanitizer must see each block
 * freed.
 *
 * Threads: any.
 */
#ifndef CALLBOARD_ACTORS_BASE_SPARE_H
#define CALLBOARD_ACTORS_BASE_SPARE_H

#include <stddef.h>

#define CB_SPARE_LEAST 131072u /* least bytes of a block that is kept */

/* Sets the most bytes that are kept, and frees the blocks beyond them. 0, the initial value: none
 * is kept. */
void cb_spare_set_most(size_t bytes);
/* Memory of at least *size bytes, from malloc or from a kept block; *size becomes its real size, at
 * most an eighth more. NULL: no memory. */
void *cb_spare_malloc(size_t *size);
/* Frees a block of `size` bytes from malloc or from cb_spare_malloc, or keeps it. */
void cb_spare_free(void *block, size_t size);

#endif
