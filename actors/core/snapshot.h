/* A snapshot: the state's figures at one moment. The thread that runs the supervisor copies them
 * out of the step's tables. Making text of them takes much longer, so another thread does that.
 */
#ifndef CALLBOARD_ACTORS_CORE_SNAPSHOT_H
#define CALLBOARD_ACTORS_CORE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/step/tally.h"
#include "actors/trace/recorder.h"
#include "callboard/buffer.h"

#define CB_METRICS_NAME_SIZE 128u /* bytes of a callback's name; a longer name is cut */
#define CB_METRICS_SPACES    256u

/* The states of the actors that run callbacks. */
typedef enum cb_metrics_actor {
    CB_METRICS_STARTING = 0,
    CB_METRICS_PARKED,
    CB_METRICS_BUSY,
    CB_METRICS_SUSPECT, /* has not come back in time */
    CB_METRICS_RETIRED, /* told to end and has not ended yet */
    CB_METRICS_ACTORS
} cb_metrics_actor;

typedef struct cb_metrics_row {
    cb_tally tally;
    /* only for a route's own tally: */
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
    uint64_t trace_unwritten;
    uint64_t memory_bytes; /* of the process, as actors/base/budget.h counts it */
    uint64_t memory_limit_bytes;
    uint64_t memory_refused;
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

/* Makes a buffer whose `data` is a cb_snapshot; NULL when out of memory. It takes time in
 * proportion to the routes with figures of their own, the namespaces and the actors. */
cb_buffer *cb_snapshot_take(const cb_step *step, const cb_recorder *recorder);

#endif
