/* SIGINT and SIGTERM as a request to end in order; SIGPIPE ignored.
 *
 * A thread of its own waits for the signals, so no code runs in a signal handler. The first one
 * calls `first`; the second one ends the process at once with status 128 + its number.
 */
#ifndef CALLBOARD_BRIDGE_HOST_SIGNALS_H
#define CALLBOARD_BRIDGE_HOST_SIGNALS_H

#include "callboard/status.h"

typedef struct cb_signals cb_signals;

/* To be called before any other thread is started: threads inherit the blocked signals. `first` is
 * called on the signal thread, at most once. */
cb_status cb_signals_start(void (*first)(void *user), void *user, cb_signals **signals,
                           cb_error *error);
/* Ends the thread and gives the calling thread its signals back; *signals becomes NULL. */
void cb_signals_stop(cb_signals **signals);

#endif
