/* Whether bytes move fast enough: in any window of time at least so many must have moved. Nothing
 * is saved up, so what came fast once buys no silence after it.
 *
 * A window is two halves, and one look is due at the end of each half. So a client that stops is
 * noticed after one window at least and one and a half at most.
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
    size_t moved;   /* up to the last look */
    size_t before;  /* in the half that ended with the last look */
    bool whole;     /* the next look sees a whole window */
} cb_pace;

/* From now on, in windows of window_ms. */
void cb_pace_start(cb_pace *pace, int64_t now_ns, int64_t window_ms);
/* At due_ns or later. `moved`: bytes since the start; fewer than before are as many. False: too
 * slow for `rate` bytes a second. */
bool cb_pace_look(cb_pace *pace, int64_t now_ns, int64_t window_ms, int64_t rate, size_t moved);

#endif
