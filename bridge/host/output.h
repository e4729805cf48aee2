/* The process's standard output and standard error, shared by all threads of a script.
 *
 * Output is gathered. It is written out when the buffer is full, before a verb that may wait, at
 * the end of each callback, about every millisecond of a script that computes, before output to
 * standard error, and at the end. So lines appear promptly, and a loop that prints costs no system
 * call for each line. The bytes of each call stay together.
 * Once a write has failed, every later print and flush fails the same way.
 * Threads: all of them, at any time.
 */
#ifndef CALLBOARD_BRIDGE_HOST_OUTPUT_H
#define CALLBOARD_BRIDGE_HOST_OUTPUT_H

#include <stddef.h>

#include "callboard/status.h"

cb_status cb_output_print(const void *bytes, size_t size, cb_error *error);
/* Cheap when no output is waiting. */
cb_status cb_output_flush(cb_error *error);
/* Flushes, then writes the whole text to standard error. A failure of this write is ignored. */
void cb_output_complain(const char *text, size_t size);

#endif
