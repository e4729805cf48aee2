/* Notes: events for the log. Beside its effects, an input may leave notes. They follow from the
 * inputs like the effects do, but nothing depends on them, so they are only made if they are read.
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
    uint8_t job_kind;    /* cb_job_kind, for notes about a job */
    int32_t status;      /* see CB_NOTES; an outcome is a number of tally.h */
    uint32_t route;      /* the route's id */
    uint32_t connection; /* the listener's number of the connection, or see CB_NOTES */
    uint64_t job;        /* the job's handle, as in messages */
    uint64_t id;         /* the id that users see: of client and local jobs */
    int64_t value;
    int64_t queue_ns; /* the three times; -1: there was none */
    int64_t run_ns;
    int64_t whole_ns;
} cb_note;

/* The notes of one input, in order; valid until the next input. */
typedef struct cb_notes {
    const cb_note *items;
    size_t count;
} cb_notes;

#endif
