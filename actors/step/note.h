/* What happened, as people read it in a log: beside its effects, an input may leave notes. They are
 * as much a function of the inputs as the effects are, but nothing depends on them, so they are
 * made only where somebody reads them.
 */
#ifndef CALLBOARD_ACTORS_STEP_NOTE_H
#define CALLBOARD_ACTORS_STEP_NOTE_H

#include <stddef.h>
#include <stdint.h>

/* X(NAME, number, name in the log) */
#define CB_NOTES(X)                                                                                \
    X(ROUTE_OPENED, 1, "route_opened")   /* value port */                                          \
    X(ROUTE_FAILED, 2, "route_failed")   /* status cb_status */                                    \
    X(ROUTE_CLOSING, 3, "route_closing") /* status 1: only new requests are turned away */         \
    X(ROUTE_CLOSED, 4, "route_closed")   /* value canceled requests */                             \
    X(JOB_ENDED, 5, "job_ended")         /* status outcome; times */                               \
    X(REJECTED, 6, "requests_rejected")  /* status cb_job_status, value how many */                \
    X(ACTOR_ADDED, 7, "actor_added")     /* connection its address */                              \
    X(ACTOR_BUSY, 8, "actor_busy")       /* connection its address, value the jobs it holds */     \
    X(ACTOR_LOST, 9, "actor_lost")       /* connection its address, status cb_status */            \
    X(SHUTDOWN, 10, "shutdown_begun")    /* value the grace in ms */                               \
    X(GRACE_OVER, 11, "grace_over")      /* value jobs cut off */                                  \
    X(FINISHED, 12, "finished")          /* status cb_status, value 1 if nothing was cut off */

typedef enum cb_note_kind {
    CB_NOTE_NONE = 0,
#define CB_NOTE_ENUM(name, number, text) CB_NOTE_##name = (number),
    CB_NOTES(CB_NOTE_ENUM)
#undef CB_NOTE_ENUM
        CB_NOTE_KINDS
} cb_note_kind;

/* Fields that a kind does not name are 0. */
typedef struct cb_note {
    uint16_t kind; /* cb_note_kind */
    uint8_t name_space;
    uint8_t job_kind;    /* of a job: cb_job_kind */
    int32_t status;      /* as the kind says; an outcome is one of tally.h */
    uint32_t route;      /* its id */
    uint32_t connection; /* the listener's own number of it, or as the kind says */
    uint64_t job;        /* handle, as in messages about it */
    uint64_t id;         /* as users see it: client and local jobs */
    int64_t value;
    int64_t queue_ns; /* the three times: -1 for what there was not */
    int64_t run_ns;
    int64_t whole_ns;
} cb_note;

/* The notes of one input, in order; valid until the next. */
typedef struct cb_notes {
    const cb_note *items;
    size_t count;
} cb_notes;

#endif
