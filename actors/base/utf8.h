/* Decides which bytes are UTF-8. */
#ifndef CALLBOARD_ACTORS_BASE_UTF8_H
#define CALLBOARD_ACTORS_BASE_UTF8_H

#include <stddef.h>

/* The size (1..4) of the well-formed UTF-8 sequence at the start of the bytes, as in Unicode's
 * table: no overlong forms, no surrogates, nothing above U+10FFFF. 0 if there is none. */
size_t cb_utf8_size(const char *bytes, size_t size);

/* U+FFFD, which replaces a byte that is in no such sequence. */
#define CB_UTF8_REPLACEMENT "\xEF\xBF\xBD"

#endif
