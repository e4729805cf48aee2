/* The pace: decides whether bytes move fast enough. In any window of time at least so many bytes
 * must have moved. Nothing is saved up: bytes that came fast allow no silence after them.
 *
 * A window has two halves, and a look is due at the end of each half. So a client that stops is
 * noticed after at least one window and at most one and a half.
 *
 *     0 ----- look ----- look ----- look ...
 *             (never)     '-- both halves together: as much as the rate asks of a window?
 */
#ifndef CALLBOARD_ACTORS_LISTENERS_PACE_H
#define CALLBOARD_ACTORS_LISTENERS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cb_pace {
    int64_t due_ns; /* when the next look is due */
    size_t moved;   /* bytes up to the last look */
    size_t before;  /* bytes in the half that ended with the last look */
    bool whole;     /* the next look sees a whole window */
} cb_pace;

/* Starts now, with windows of window_ms. */
void cb_pace_start(cb_pace *pace, int64_t now_ns, int64_t window_ms);
/* Looks; call it at due_ns or later. `moved`: bytes since the start; a smaller number than before
 * counts as the same. False: too slow for `rate` bytes a second. */
bool cb_pace_look(cb_pace *pace, int64_t now_ns, int64_t window_ms, int64_t rate, size_t moved);

#endif
