/* By which names the metrics may be asked for.
 *
 * A web page may have a browser on this machine ask for them, and reads the answer if its own name
 * leads to 127.0.0.1 by then (DNS rebinding). The request carries that name, so only these are
 * answered: addresses, which no page can give another meaning; localhost; names that were told.
 *
 * Pure: any thread.
 */
#ifndef CALLBOARD_ACTORS_METRICS_HOSTS_H
#define CALLBOARD_ACTORS_METRICS_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "callboard/status.h"

/* `host`: the value of a Host field, or the authority of a target, which the framer has found to be
 * well formed; a port does not matter, nor do case and a dot at the end. `names`: separated by
 * commas or blanks; may be NULL. */
bool cb_metrics_knows_host(const char *names, const char *host, size_t size);
/* CB_INVALID: one of them cannot be a host's name; the error quotes it. */
cb_status cb_metrics_check_hosts(const char *names, cb_error *error);

#endif
