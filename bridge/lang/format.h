/* printf for a script's values. */
#ifndef CALLBOARD_LANG_FORMAT_H
#define CALLBOARD_LANG_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "callboard/buffer.h"
#include "callboard/plugin.h"
#include "callboard/status.h"

#define CB_FORMAT_MOST_WIDTH 4096 /* of a field, and of a precision; text is not padded further */

/* Formats `size` bytes of format with the values after it. Conversions: %d %i %u %x %X %o %c take
 * an integer of any width, %s a string or blob, %f %F %e %E %g %G a float or double, %% none. C's
 * flags, width and precision are allowed (no `*`). Length letters (h l ll z j t) are accepted and
 * ignored. *text: one reference, the caller's; a NUL follows its bytes. CB_SCRIPT and a sentence
 * for a bad format or for arguments that do not fit it, CB_LIMIT for more than `most_bytes`,
 * CB_NO_MEMORY. */
cb_status cb_format(const char *format, size_t size, const cb_value *values, uint32_t count,
                    size_t most_bytes, cb_buffer **text, cb_error *error);

#endif
