/* CPU affinity of new threads: the processors on which they may run.
 *
 * A new thread inherits the affinity of the thread that starts it. The starting thread may be bound
 * to a single processor (actors/workers/placement.h), so it borrows the affinity of another thread
 * while it starts one.
 *
 * Threads: every call is about the calling thread.
 * Errors: if the kernel refuses, nothing changes.
 */
#ifndef CALLBOARD_ACTORS_BASE_AFFINITY_H
#define CALLBOARD_ACTORS_BASE_AFFINITY_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* Stands in place of a processor's number. */
#define CB_PROCESSOR_UNKNOWN (-1)

typedef struct cb_affinity_loan {
    bool lent;
    cpu_set_t own; /* the calling thread's affinity, to be restored */
} cb_affinity_loan;

/* Lets the calling thread run where thread `like` may run (a kernel's thread number; 0: no
 * change). */
cb_affinity_loan cb_affinity_borrow(pid_t like);
void cb_affinity_return(const cb_affinity_loan *loan);

#endif
