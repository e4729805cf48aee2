/* What the step counts for whoever watches the program. Nothing of it decides anything.
 *
 * A route that is open has a tally of its own, up to limits.metrics_routes of them. All others of
 * its namespace share one, and what a route has counted goes there when it closes: so sums over a
 * namespace never fall, and their number does not grow with the number of routes that ever were.
 * Internal to this folder, its tests and actors/metrics.
 */
#ifndef CALLBOARD_ACTORS_STEP_TALLY_H
#define CALLBOARD_ACTORS_STEP_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/base/histogram.h"
#include "actors/base/message.h"
#include "actors/step/step.h"
#include "actors/step/tables.h"

typedef enum cb_tally_kind {
    CB_TALLY_ROUTE = 0, /* one route's */
    CB_TALLY_OTHERS,    /* a namespace's routes that have none, and those that closed */
    CB_TALLY_ALONE,     /* its jobs without a route */
    CB_TALLY_CLIENT,    /* its client exchanges */
    CB_TALLY_KINDS
} cb_tally_kind;

/* Phases that jobs are in now. */
typedef enum cb_tally_phase {
    CB_TALLY_READING = 0,
    CB_TALLY_QUEUED,
    CB_TALLY_RUNNING,
    CB_TALLY_ANSWERING, /* the response is on its way */
    CB_TALLY_PHASES
} cb_tally_phase;

/* How a job ended: a cb_job_status from 0, or one of these. */
enum {
    CB_TALLY_UNSENT = CB_JOB_ROUTE_CLOSED + 1, /* succeeded, but the connection had gone */
    CB_TALLY_DISCONNECTED,                     /* its connection went before its callback ran */
    CB_TALLY_OUTCOMES
};

#define CB_TALLY_COUNT_REASON(name, number, text) +1
enum { CB_TALLY_REASONS = 1 CB_CLOSE_REASONS(CB_TALLY_COUNT_REASON) }; /* a cb_close_reason each */
#undef CB_TALLY_COUNT_REASON

/* The text of one; "?" for a number that is none. */
const char *cb_tally_outcome_text(int32_t outcome);

typedef struct cb_tally {
    cb_slot slot;
    uint32_t kind;       /* cb_tally_kind */
    uint32_t name_space; /* whose it is */
    uint32_t route;      /* ROUTE: its slot */
    uint32_t phases[CB_TALLY_PHASES];
    /* Unsigned, so that no report, however wrong, overflows a sum. */
    uint64_t begun; /* = what ended + what is in a phase */
    uint64_t ended[CB_TALLY_OUTCOMES];
    uint64_t closed[CB_TALLY_REASONS]; /* connections that ended with a request on them */
    uint64_t lost_replies;             /* of those that ended with success, after that */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    cb_histogram queue; /* from being whole to the callback's start, of what ran */
    cb_histogram run;   /* in the callback */
    cb_histogram
        whole; /* from being whole to its end, of what ran; a client's from its beginning */
} cb_tally;

/* -- tally.c; `job` and `route` are slots, `tally` is what cb_step_route or cb_step_space keep --
 */

/* Makes one that a namespace has but once, if it is not there; false: out of memory. */
bool cb_step_tally_need(cb_step *step, uint8_t name_space, cb_tally_kind kind);
/* Gives a new route its tally, perhaps that of the others, which must be there. */
void cb_step_tally_open(cb_step *step, uint32_t route);
/* Its tally's figures are the others' from now on. */
void cb_step_tally_close(cb_step *step, uint32_t route);

/* A job goes from one cb_job_state to another; from the state GONE it begins. */
void cb_step_tally_move(cb_step *step, uint32_t job, unsigned from, unsigned to);
/* It can run: its time counts from now. */
void cb_step_tally_ready(cb_step *step, uint32_t job);
/* Its callback is over, as its actor says after that many microseconds. */
void cb_step_tally_ran(cb_step *step, uint32_t job, uint32_t run_us);
/* It has ended, for good or with its response still to be taken; once for each. */
void cb_step_tally_end(cb_step *step, uint32_t job, unsigned outcome);
/* Requests that ended before there were jobs of them. */
void cb_step_tally_refuse(cb_step *step, uint32_t route, int32_t status, int64_t count);
void cb_step_tally_lose_replies(cb_step *step, uint32_t route, int64_t count);
/* The connection that the input names ended with a request on it. */
void cb_step_tally_closed(cb_step *step, uint32_t route, int32_t reason);
void cb_step_tally_bytes(cb_step *step, uint32_t route, int64_t received, int64_t sent);

/* Recounts: NULL, or the sentence that does not hold. */
const char *cb_step_check_tallies(const cb_step *step);

#endif
