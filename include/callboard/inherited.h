/* Listening sockets that the process was given by whoever started it, as systemd gives them to a
 * service with socket units: LISTEN_FDS sockets from descriptor 3 on, if LISTEN_PID is this
 * process, with the names of LISTEN_FDNAMES.
 *
 *     cb_inherited *inherited = NULL;
 *     cb_inherited_from_environment(&inherited, &error);
 *     cb_runtime_options options = {.inherited = inherited, ...};
 *     ...
 *     cb_inherited_choose(inherited, &route);      // before cb_route_open
 *
 * A route of kind TCP, HTTP or UDP takes one of them instead of opening a port of its own: the one
 * that is named like its callback, or else the one that is bound to the port that it asks for.
 * A socket serves one route, once.
 * Threads: all functions but the first and the last, from any thread.
 */
#ifndef CALLBOARD_INHERITED_H
#define CALLBOARD_INHERITED_H

#include <stdbool.h>

#include "callboard/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes over the sockets that the environment tells of, sets them close-on-exec, and removes the
 * three variables. *inherited is NULL if there are none for this process; all functions below take
 * that. CB_INVALID: a variable that makes no sense, or a descriptor that is not open; the text says
 * which. To be called before other threads start. */
CB_PUBLIC cb_status cb_inherited_from_environment(cb_inherited **inherited, cb_error *error);
/* Closes those that nobody took. NULL is fine. */
CB_PUBLIC void cb_inherited_free(cb_inherited **inherited);

/* If one of the sockets is for this route, turns the options into those of a route that takes it
 * over (CB_ROUTE_INHERITED and its number as the port), keeps it for that, and returns true. */
CB_PUBLIC bool cb_inherited_choose(cb_inherited *inherited, cb_route_options *route);
/* The route that was chosen for could not be opened: the socket is there for another, unless the
 * route had taken it. */
CB_PUBLIC void cb_inherited_give_back(cb_inherited *inherited, const cb_route_options *route);
/* Calls `tell` for each socket that no route has chosen, with a sentence that says which it is and
 * why; returns how many there are. */
CB_PUBLIC size_t cb_inherited_unused(cb_inherited *inherited,
                                     void (*tell)(void *user, const char *text), void *user);

#ifdef __cplusplus
}
#endif
#endif
