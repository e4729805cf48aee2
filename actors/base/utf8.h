/* Which bytes are text. */
#ifndef CALLBOARD_ACTORS_BASE_UTF8_H
#define CALLBOARD_ACTORS_BASE_UTF8_H

#include <stddef.h>

/* The size of the well-formed UTF-8 sequence that the bytes begin with (1..4), as Unicode's table
 * of them has it: no overlong forms, no surrogates, nothing above U+10FFFF. 0 if there is none. */
size_t cb_utf8_size(const char *bytes, size_t size);

/* What stands for a byte that is in no such sequence: U+FFFD. */
#define CB_UTF8_REPLACEMENT "\xEF\xBF\xBD"

#endif
