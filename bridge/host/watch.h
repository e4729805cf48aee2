/* Watches one file and calls back when its content may have changed: the file was written and
 * closed, or a rename put it in place, as editors and deployments do.
 *
 * Threads: the callback runs on the watch's own thread, one call at a time.
 */
#ifndef CALLBOARD_BRIDGE_HOST_WATCH_H
#define CALLBOARD_BRIDGE_HOST_WATCH_H

#include "callboard/status.h"

typedef struct cb_watch cb_watch;

/* The path is copied. CB_IO if the folder cannot be watched, CB_NO_MEMORY. */
cb_status cb_watch_start(const char *path, void (*changed)(void *user), void *user,
                         cb_watch **watch, cb_error *error);
/* Waits for a call that is running. *watch becomes NULL; if *watch is NULL, nothing happens. */
void cb_watch_stop(cb_watch **watch);

#endif
