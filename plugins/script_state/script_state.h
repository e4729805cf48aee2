/* script_state: memory that callbacks and main share, in blocks that each have a lock.
 *
 * What is shared lives across runs, so this plugin has state of its own: one table of blocks,
 * behind one mutex that is never held for longer than a look at it. (A block's own lock, which
 * scripts take and give back, is an entry in that table, not a mutex.) A run, of main or of one
 * callback, is known by the memory that the host keeps for it; when the run ends, the locks it
 * still holds are given up.
 */
#ifndef CALLBOARD_PLUGINS_SCRIPT_STATE_H
#define CALLBOARD_PLUGINS_SCRIPT_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "callboard/plugin.h"

typedef struct cb_state_block cb_state_block;
typedef struct cb_state_waiter cb_state_waiter;

/* One run of the script, as the plugin sees it. The fields are guarded by the table's mutex. */
typedef struct cb_state_run {
    cb_state_block *held;    /* the blocks whose locks it has */
    cb_state_block *waiting; /* the block whose lock it waits for, or NULL */
    bool is_counted;         /* among those that may be using blocks */
} cb_state_run;

struct cb_state_block {
    int64_t id;
    size_t size;
    uint8_t *bytes;
    cb_state_run *holder;      /* who has the lock; NULL: nobody, and nobody waits for it */
    cb_state_block *next_held; /* of the same holder */
    bool is_doubtful;          /* its last holder ended without giving the lock back */
    cb_state_waiter *first;    /* who waits for the lock, in the order they came */
    cb_state_waiter *last;
};

/* -- table.c -- */

void cb_state_enter(void); /* takes the mutex; everything below but `new` wants it */
void cb_state_leave(void);
/* Gives the mutex up until `changed` is signaled or the moment has come; as pthread_cond_timedwait.
 */
int cb_state_sleep(pthread_cond_t *changed, const struct timespec *moment);
/* One more run, or one less, that may be using blocks: while there is any, the memory stays. */
void cb_state_count_run(int difference);
/* A zeroed block of `size` bytes in the table; its id is the call's result. Takes the mutex itself.
 * Runtime errors: the limits, no memory. */
cb_status cb_state_new(cb_call *call, size_t size);
/* The block of this id; NULL, and *fault is what follows "block N ", if there is none. */
cb_state_block *cb_state_find(int64_t id, const char **fault);
/* Takes the block out of the table and frees it. Nobody holds or waits for its lock any more. */
void cb_state_delete(cb_state_block *block);

/* -- verbs.c -- */

/* Makes the call a runtime error: "block N FAULT", N being its first argument. */
cb_status cb_state_complain(cb_call *call, cb_status status, const char *fault);

/* -- lock.c -- */

/* The call's run; NULL, and *status says why, if it cannot be had. Without the mutex. */
cb_state_run *cb_state_run_of(cb_call *call, cb_status *status);
/* Both with the mutex taken. */
/* The holder gives the lock back: the one who has waited longest gets it. */
void cb_state_unlock(cb_state_block *block);
/* Ends the wait of everybody who waits for the lock: the block is about to be freed. */
void cb_state_dismiss(cb_state_block *block);

/* X(function): the verbs' handlers. */
#define CB_STATE_HANDLERS(X)                                                                       \
    X(allocate)                                                                                    \
    X(get_pointer)                                                                                 \
    X(get_size)                                                                                    \
    X(free)                                                                                        \
    X(lock)                                                                                        \
    X(unlock)

#define CB_STATE_DECLARE(function) cb_verb_fn cb_state_verb_##function;
CB_STATE_HANDLERS(CB_STATE_DECLARE)
#undef CB_STATE_DECLARE

#endif
