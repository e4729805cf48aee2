/* The thread that answers scrapes: GET /metrics on 127.0.0.1, over HTTP/1.1.
 *
 *     client            this thread              supervisor
 *       |  GET /metrics      |                        |
 *       |------------------->|  Ask SNAPSHOT          |
 *       |                    |----------------------->| copies its figures
 *       |                    |  Answer (cb_snapshot)  |
 *       |  200, text         |<-----------------------|
 *       |<-------------------| makes text of them
 *
 * It is an asker, not a route: no question of a script counts it, its answers need no callback, and
 * the end of the program does not wait for it. It serves until the very end, so that a shutdown can
 * be watched.
 */
#ifndef CALLBOARD_ACTORS_METRICS_SERVER_H
#define CALLBOARD_ACTORS_METRICS_SERVER_H

#include "actors/core/core.h"

typedef struct cb_metrics cb_metrics;

/* Listens on the port (0: the system picks one). If this fails, the error names the port. Answers
 * requests for the hosts in core->options.metrics_hosts, and for those of
 * actors/metrics/hosts.h. */
cb_status cb_metrics_start(cb_core *core, uint16_t port, cb_metrics **metrics, cb_error *error);
uint16_t cb_metrics_port(const cb_metrics *metrics);
/* Call it before the supervisor ends. *metrics becomes NULL; if *metrics is NULL, nothing
 * happens. */
void cb_metrics_stop(cb_metrics **metrics);

#endif
