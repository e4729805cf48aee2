/* The version of this library, and of the libraries that it runs on. */
#ifndef CALLBOARD_VERSION_H
#define CALLBOARD_VERSION_H

#include <stddef.h>

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0". Never NULL; lives for ever. */
CB_PUBLIC const char *cb_version(void);
/* Writes the libraries that it uses, with the versions that are loaded now (such as "libzmq
 * 4.3.4"), into text[size]; cut if they do not fit. */
CB_PUBLIC void cb_version_libraries(char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
