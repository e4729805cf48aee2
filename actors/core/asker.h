/* An asker: one thread as a client of the supervisor, alone (plain) or inside a worker. */
#ifndef CALLBOARD_ACTORS_CORE_ASKER_H
#define CALLBOARD_ACTORS_CORE_ASKER_H

#include <stdbool.h>

#include "actors/core/core.h"

/* The functions that a worker adds: it runs a job while it asks questions. */
typedef struct cb_asker_job_ops {
    /* Called before anything that may take long: posts what the supervisor does not know yet. */
    void (*announce)(void *worker);
    /* Takes a command that came while an answer was awaited, or at a check. */
    void (*command)(void *worker, const cb_message *message);
    /* Posts overdue reports once the job has run for a while. */
    void (*check)(void *worker, int64_t now_ns);
    /* Gives back the jobs that wait behind the running job. */
    void (*give_back)(void *worker);
} cb_asker_job_ops;

struct cb_asker {
    cb_mailbox *mailbox;
    uint64_t asked;              /* number of the newest question */
    uint64_t job;                /* the handle of the job that asks; 0: no job runs */
    bool stopped;                /* an INTERRUPT came */
    int32_t stop_reason;         /* the reason in the INTERRUPT: a cb_job_status */
    int64_t next_look_ns;        /* when the next check reads the mailbox */
    const cb_asker_job_ops *ops; /* NULL for a plain asker */
    void *worker;
};

/* The body of cb_asker_open. */
cb_status cb_asker_open_in(cb_core *core, cb_asker **asker, cb_error *error);

/* Sends the questions and replaces each by its answer. Payloads are taken over. With `may_abandon`
 * an interruption ends the wait (CB_STOPPED), and later answers are dropped; after an interruption
 * nothing is sent. The questions that were sent end with the job, or with the asker. */
cb_status cb_asker_ask(cb_asker *asker, cb_message *messages, size_t count, bool may_abandon);
/* True for a time limit that questions can carry, in milliseconds: -1 for none, or 0..INT32_MAX. */
static inline bool cb_is_timeout(int64_t timeout_ms)
{
    return timeout_ms >= -1 && timeout_ms <= INT32_MAX;
}

#endif
