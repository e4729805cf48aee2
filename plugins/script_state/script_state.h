/* script_state: memory that callbacks and main share, in blocks that each have a lock.
 *
 * Shared memory outlives runs, so this plugin has state of its own: one table of blocks behind one
 * mutex. The mutex is only held while the table is read or changed. (A block's lock, which scripts
 * take and give back, is an entry in this table, not a mutex.) The plugin knows a run (of main, or
 * of one callback) by the memory that the host keeps for it. When the run ends, the locks that it
 * still holds are released.
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

/* One run of the script. The table's mutex guards the fields. */
typedef struct cb_state_run {
    cb_state_block *held;    /* the blocks whose locks it holds */
    cb_state_block *waiting; /* the block whose lock it waits for, or NULL */
    bool is_counted;         /* it counts as a run that may use blocks */
} cb_state_run;

struct cb_state_block {
    int64_t id;
    size_t size;
    uint8_t *bytes;
    cb_state_run *holder;      /* the run that has the lock; NULL: none, and no run waits for it */
    cb_state_block *next_held; /* the next block of the same holder */
    bool is_doubtful;          /* its last holder ended without giving the lock back */
    cb_state_waiter *first;    /* waiters for the lock, in the order of their arrival */
    cb_state_waiter *last;
};

/* -- table.c -- */

void cb_state_enter(void); /* takes the mutex; all functions below need it, except `new` */
void cb_state_leave(void);
/* Releases the mutex until `changed` is signaled or the moment has come; like
 * pthread_cond_timedwait. */
int cb_state_sleep(pthread_cond_t *changed, const struct timespec *moment);
/* Counts one more or one less run that may use blocks. The memory stays as long as there is any. */
void cb_state_count_run(int difference);
/* Makes a zeroed block of `size` bytes in the table; its id is the call's result. Takes the mutex
 * itself. Runtime errors: the limits, no memory. */
cb_status cb_state_new(cb_call *call, size_t size);
/* The block with this id. NULL if there is none; *fault is then the text after "block N". */
cb_state_block *cb_state_find(int64_t id, const char **fault);
/* Takes the block out of the table and frees it. No run may hold its lock or wait for it any
 * more. */
void cb_state_delete(cb_state_block *block);

/* -- verbs.c -- */

/* Makes the call a runtime error: "block N FAULT", where N is its first argument. */
cb_status cb_state_complain(cb_call *call, cb_status status, const char *fault);

/* -- lock.c -- */

/* The call's run; NULL, and *status says why, if it cannot be made. Call it without the mutex. */
cb_state_run *cb_state_run_of(cb_call *call, cb_status *status);
/* Call both functions below with the mutex held. */
/* The holder releases the lock: the run that has waited longest gets it. */
void cb_state_unlock(cb_state_block *block);
/* Ends all waits for the lock, because the block is about to be freed. */
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
