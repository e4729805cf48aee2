/* The host names under which the metrics may be requested.
 *
 * A web page may make a browser on this machine request the metrics. The page can read the answer
 * if its own name leads to 127.0.0.1 at that time (DNS rebinding). The request carries this name.
 * So only these names are answered: addresses, which no page can redirect; localhost; and the
 * configured names.
 *
 * Pure: any thread.
 */
#ifndef CALLBOARD_ACTORS_METRICS_HOSTS_H
#define CALLBOARD_ACTORS_METRICS_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "callboard/status.h"

/* `host`: the value of a Host field, or the authority of a target, which the framer has found
 * well-formed. A port, the case, and a dot at the end do not matter. `names`: separated by commas
 * or blanks; may be NULL. */
bool cb_metrics_knows_host(const char *names, const char *host, size_t size);
/* CB_INVALID: one of the names cannot be a host's name; the error quotes it. */
cb_status cb_metrics_check_hosts(const char *names, cb_error *error);

#endif
