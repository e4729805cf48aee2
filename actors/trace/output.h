/* Writing to a descriptor without being killed by a signal. It writes whole pieces; a closed pipe
 * or a file size limit gives an errno and no signal. Safe in a signal handler.
 */
#ifndef CALLBOARD_ACTORS_TRACE_OUTPUT_H
#define CALLBOARD_ACTORS_TRACE_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0, or the errno that stopped it; *written (may be NULL) is the number of bytes written.
 * If the descriptor is non-blocking and full, waits until it takes bytes. */
int cb_output_write(int fd, const uint8_t *bytes, size_t size, size_t *written);

#endif
