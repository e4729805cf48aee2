/* SIGINT and SIGTERM ask for an orderly end; SIGPIPE is ignored.
 *
 * A separate thread waits for the signals, so no code runs in a signal handler. The first signal
 * calls `first`; the second one ends the process at once with status 128 + its number.
 */
#ifndef CALLBOARD_BRIDGE_HOST_SIGNALS_H
#define CALLBOARD_BRIDGE_HOST_SIGNALS_H

#include "callboard/status.h"

typedef struct cb_signals cb_signals;

/* Call it before any other thread starts, because threads inherit the blocked signals. `first` is
 * called on the signal thread, at most once. */
cb_status cb_signals_start(void (*first)(void *user), void *user, cb_signals **signals,
                           cb_error *error);
/* Ends the thread and restores the calling thread's signals; *signals becomes NULL. */
void cb_signals_stop(cb_signals **signals);

#endif
