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
 * It is an asker and no route: nothing that a script can ask counts it, no callback is needed for
 * an answer, and the end of the program does not wait for it. It serves until the very end, so that
 * a shutdown can be watched.
 */
#ifndef CALLBOARD_ACTORS_METRICS_SERVER_H
#define CALLBOARD_ACTORS_METRICS_SERVER_H

#include "actors/core/core.h"

typedef struct cb_metrics cb_metrics;

/* Listens on the port (0: the system picks one). The error names it if that fails. */
cb_status cb_metrics_start(cb_core *core, uint16_t port, cb_metrics **metrics, cb_error *error);
uint16_t cb_metrics_port(const cb_metrics *metrics);
/* Before the supervisor ends. *metrics becomes NULL; NULL in it is fine. */
void cb_metrics_stop(cb_metrics **metrics);

#endif
