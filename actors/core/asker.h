/* One thread's conversation with the supervisor, plain or inside a worker. */
#ifndef CALLBOARD_ACTORS_CORE_ASKER_H
#define CALLBOARD_ACTORS_CORE_ASKER_H

#include <stdbool.h>

#include "actors/core/core.h"

/* What a worker adds: it runs a job while the questions are asked. */
typedef struct cb_asker_job_ops {
    /* Before anything that may take long: post what the supervisor does not know yet. */
    void (*announce)(void *worker);
    /* A command that came while an answer was awaited, or at a check. */
    void (*command)(void *worker, const cb_message *message);
    /* Posts what is owed once the job has run for a while. */
    void (*check)(void *worker, int64_t now_ns);
    /* Gives back the jobs that wait behind the running one. */
    void (*give_back)(void *worker);
} cb_asker_job_ops;

struct cb_asker {
    cb_mailbox *mailbox;
    uint64_t asked;              /* number of the newest question */
    uint64_t job;                /* the handle of the job that asks; 0: none runs */
    bool stopped;                /* an INTERRUPT came */
    int32_t stop_reason;         /* what it said: a cb_job_status */
    int64_t next_look_ns;        /* when the next check reads the mailbox */
    const cb_asker_job_ops *ops; /* NULL for a plain asker */
    void *worker;
};

/* What cb_asker_open does. */
cb_status cb_asker_open_in(cb_core *core, cb_asker **asker, cb_error *error);

/* Sends the questions and replaces each by its answer. With `may_abandon` an interruption ends the
 * wait (CB_STOPPED), and answers that come later find nobody; after one, nothing is sent. What was
 * sent ends with the job, or with the asker. Payloads are taken over. */
cb_status cb_asker_ask(cb_asker *asker, cb_message *messages, size_t count, bool may_abandon);
/* Milliseconds as questions carry them: -1 for none, or 0..INT32_MAX. */
static inline bool cb_is_timeout(int64_t timeout_ms)
{
    return timeout_ms >= -1 && timeout_ms <= INT32_MAX;
}

#endif
