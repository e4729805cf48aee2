/* The state's figures at one moment, copied out of the step's tables by who runs the supervisor: so
 * that making text of them, which takes much longer, is another thread's work.
 */
#ifndef CALLBOARD_ACTORS_METRICS_SNAPSHOT_H
#define CALLBOARD_ACTORS_METRICS_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/step/tally.h"
#include "actors/trace/recorder.h"
#include "callboard/buffer.h"

#define CB_METRICS_NAME_SIZE 128u /* of a callback's name; the rest of a longer one is left out */
#define CB_METRICS_SPACES    256u

/* What the actors that run callbacks are doing. */
typedef enum cb_metrics_actor {
    CB_METRICS_STARTING = 0,
    CB_METRICS_PARKED,
    CB_METRICS_BUSY,
    CB_METRICS_SUSPECT, /* has not come back in time */
    CB_METRICS_RETIRED, /* is to end and has not yet */
    CB_METRICS_ACTORS
} cb_metrics_actor;

typedef struct cb_metrics_row {
    cb_tally tally;
    /* of a route's own: */
    uint32_t id;
    uint32_t word; /* cb_route_word */
    uint32_t port;
    bool open; /* takes requests */
    char callback[CB_METRICS_NAME_SIZE];
} cb_metrics_row;

typedef struct cb_metrics_space {
    uint32_t name_space;
    uint32_t open_routes;
    uint64_t connections;
    uint64_t untaken;
} cb_metrics_space;

typedef struct cb_snapshot {
    uint64_t inputs;
    uint64_t ignored;
    uint64_t trace_records;
    uint64_t trace_overwritten;
    uint32_t live_routes;
    uint32_t waits;
    uint32_t askers;
    bool shutting_down;
    uint32_t actors[CB_METRICS_ACTORS];
    const char *names[CB_METRICS_SPACES]; /* of namespaces; live as long as the recorder */
    cb_metrics_space *spaces;
    size_t space_count;
    cb_metrics_row *rows;
    size_t row_count;
} cb_snapshot;

/* Whose `data` is a cb_snapshot; NULL when out of memory. Takes time in proportion to the routes
 * that have figures of their own, the namespaces and the actors. */
cb_buffer *cb_snapshot_take(const cb_step *step, const cb_recorder *recorder);

#endif
