/* Tallies: the statistics that the step counts. Nothing in the step depends on them.
 *
 * An open route has a tally of its own, up to limits.metrics_routes of them. All other routes of
 * its namespace share one. When a route closes, its counts move there. So sums over a namespace
 * never fall, and the number of tallies does not grow with the number of routes that ever existed.
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
    CB_TALLY_ROUTE = 0, /* of one route */
    CB_TALLY_OTHERS,    /* of a namespace's routes without a tally, and of closed routes */
    CB_TALLY_ALONE,     /* of its jobs without a route */
    CB_TALLY_CLIENT,    /* of its client exchanges */
    CB_TALLY_KINDS
} cb_tally_kind;

/* The present phases of jobs. */
typedef enum cb_tally_phase {
    CB_TALLY_READING = 0,
    CB_TALLY_QUEUED,
    CB_TALLY_RUNNING,
    CB_TALLY_ANSWERING, /* the response is on its way */
    CB_TALLY_PHASES
} cb_tally_phase;

/* How a job ended: a cb_job_status from 0 on, or one of these. */
enum {
    CB_TALLY_UNSENT = CB_JOB_ROUTE_CLOSED + 1, /* succeeded, but the connection was gone */
    CB_TALLY_DISCONNECTED,                     /* its connection ended before its callback ran */
    CB_TALLY_OUTCOMES
};

#define CB_TALLY_COUNT_REASON(name, number, text) +1
enum { CB_TALLY_REASONS = 1 CB_CLOSE_REASONS(CB_TALLY_COUNT_REASON) }; /* a cb_close_reason each */
#undef CB_TALLY_COUNT_REASON

/* The text of an outcome. An unknown number gives "?". */
const char *cb_tally_outcome_text(int32_t outcome);

typedef struct cb_tally {
    cb_slot slot;
    uint32_t kind;       /* cb_tally_kind */
    uint32_t name_space; /* the namespace that it belongs to */
    uint32_t route;      /* ROUTE: its slot */
    uint32_t phases[CB_TALLY_PHASES];
    /* Unsigned, so that no wrong report overflows a sum. */
    uint64_t begun; /* = ended jobs + jobs in a phase */
    uint64_t ended[CB_TALLY_OUTCOMES];
    uint64_t closed[CB_TALLY_REASONS]; /* connections that ended during a request */
    uint64_t lost_replies;             /* replies lost after their jobs had ended with success */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    cb_histogram queue; /* from the whole request to the callback's start, for jobs that ran */
    cb_histogram run;   /* in the callback */
    cb_histogram whole; /* from the whole request to the end, for jobs that ran; client exchanges:
                           from the beginning */
} cb_tally;

/* -- tally.c; `job` and `route` are slots -- */

/* Makes a tally that a namespace has only once, if it is missing; false: out of memory. */
bool cb_step_tally_need(cb_step *step, uint8_t name_space, cb_tally_kind kind);
/* Gives a new route its tally, or the OTHERS tally, which must exist. */
void cb_step_tally_open(cb_step *step, uint32_t route);
/* Adds the figures of a route's tally to the OTHERS tally. */
void cb_step_tally_close(cb_step *step, uint32_t route);

/* A job moves from one cb_job_state to another; from GONE means that it begins. */
void cb_step_tally_move(cb_step *step, uint32_t job, unsigned from, unsigned to);
/* The job can run: its time counts from now. */
void cb_step_tally_ready(cb_step *step, uint32_t job);
/* The job's callback is over; its actor reported this run time in microseconds. */
void cb_step_tally_ran(cb_step *step, uint32_t job, uint32_t run_us);
/* The job has ended, for good or with its response still to be taken. Called once for each job. */
void cb_step_tally_end(cb_step *step, uint32_t job, unsigned outcome);
/* Counts requests that ended before they became jobs. */
void cb_step_tally_refuse(cb_step *step, uint32_t route, int32_t status, int64_t count);
void cb_step_tally_lose_replies(cb_step *step, uint32_t route, int64_t count);
/* The connection in the input ended during a request. */
void cb_step_tally_closed(cb_step *step, uint32_t route, int32_t reason);
void cb_step_tally_bytes(cb_step *step, uint32_t route, int64_t received, int64_t sent);

/* Recounts. Returns NULL, or a sentence about the first fault. */
const char *cb_step_check_tallies(const cb_step *step);

#endif
