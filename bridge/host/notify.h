/* Messages to a service manager about a service: datagrams of lines such as READY=1, as systemd
 * reads them (sd_notify(3)) at the socket that NOTIFY_SOCKET names.
 *
 * Threads: all of them, at any time.
 */
#ifndef CALLBOARD_BRIDGE_HOST_NOTIFY_H
#define CALLBOARD_BRIDGE_HOST_NOTIFY_H

#include <stdbool.h>

#include "callboard/status.h"

/* Sends the lines as one datagram to a socket's path, or to its abstract name, written with '@' in
 * front. Does not wait for the manager to read them. CB_INVALID: the name is not possible. CB_IO:
 * the datagram was not accepted. */
cb_status cb_notify(const char *socket, const char *lines, cb_error *error);

#endif
