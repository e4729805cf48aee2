/* Listening sockets that the process got from its parent (socket activation). systemd passes them
 * to a service with socket units in this way: descriptors from 3 on, as many as LISTEN_FDS says,
 * with the names in LISTEN_FDNAMES, if LISTEN_PID is this process.
 *
 *     cb_inherited *inherited = NULL;
 *     cb_inherited_from_environment(&inherited, &error);
 *     cb_runtime_options options = {.inherited = inherited, ...};
 *     ...
 *     cb_inherited_choose(inherited, &route);      // before cb_route_open
 *
 * A route of kind TCP, HTTP or UDP can take one of these sockets instead of opening its own port.
 * It takes the socket whose name is the name of its callback; if there is none, the socket that is
 * bound to the port that the route asks for.
 * A socket serves one route, once.
 * Threads: any. The two exceptions are cb_inherited_from_environment and cb_inherited_free.
 */
#ifndef CALLBOARD_INHERITED_H
#define CALLBOARD_INHERITED_H

#include <stdbool.h>

#include "callboard/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes over the sockets that the environment announces, sets them close-on-exec, and removes the
 * three variables. *inherited is NULL if there are none for this process; all functions below
 * accept NULL. CB_INVALID: a variable makes no sense, or a descriptor is not open; the text says
 * which. Call it before other threads start. */
CB_PUBLIC cb_status cb_inherited_from_environment(cb_inherited **inherited, cb_error *error);
/* Closes the sockets that no route took. NULL is fine. */
CB_PUBLIC void cb_inherited_free(cb_inherited **inherited);

/* Looks for a socket for this route. If there is one, reserves it, changes the options so that the
 * route takes it over (CB_ROUTE_INHERITED, with the socket's number as the port), and returns
 * true. */
CB_PUBLIC bool cb_inherited_choose(cb_inherited *inherited, cb_route_options *route);
/* Call it when the route could not be opened after cb_inherited_choose: another route may get the
 * socket, unless this route has already taken it. */
CB_PUBLIC void cb_inherited_give_back(cb_inherited *inherited, const cb_route_options *route);
/* Calls `tell` for each socket that no route has chosen, with a sentence that names the socket and
 * the reason. Returns the number of these sockets. */
CB_PUBLIC size_t cb_inherited_unused(cb_inherited *inherited,
                                     void (*tell)(void *user, const char *text), void *user);

#ifdef __cplusplus
}
#endif
#endif
