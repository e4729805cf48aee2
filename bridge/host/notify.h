/* What a service manager is told of a service: datagrams of lines such as READY=1, as systemd reads
 * them (sd_notify(3)) at the socket that NOTIFY_SOCKET names.
 *
 * Threads: all of them, at any time.
 */
#ifndef CALLBOARD_BRIDGE_HOST_NOTIFY_H
#define CALLBOARD_BRIDGE_HOST_NOTIFY_H

#include <stdbool.h>

#include "callboard/status.h"

/* Sends the lines as one datagram to a socket's path, or with '@' in front its abstract name. The
 * manager reads them when it likes; CB_INVALID: no such name can be, CB_IO: nobody takes them. */
cb_status cb_notify(const char *socket, const char *lines, cb_error *error);

#endif
