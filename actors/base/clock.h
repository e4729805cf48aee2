/* The clock of the shells around `step`; `step` itself reads none. */
#ifndef CALLBOARD_ACTORS_BASE_CLOCK_H
#define CALLBOARD_ACTORS_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic time in ns. */
int64_t cb_now_ns(void);

#endif
