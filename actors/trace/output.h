/* Writing to a descriptor without being killed by it: whole pieces, and a closed pipe or a file
 * size limit is an errno and no signal. Safe in a signal handler.
 */
#ifndef CALLBOARD_ACTORS_TRACE_OUTPUT_H
#define CALLBOARD_ACTORS_TRACE_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* 0, or the errno that stopped it; *written (may be NULL) is how far it came. Waits on a descriptor
 * that does not block only as long as that takes. */
int cb_output_write(int fd, const uint8_t *bytes, size_t size, size_t *written);

#endif
