/* On which processors a thread may run that another one begins.
 *
 * A thread inherits this from the one that begins it. That one may be kept on a single processor
 * (actors/workers/placement.h), so it borrows another thread's freedom while it begins one.
 *
 * Threads: the calling one. Errors: a kernel that refuses leaves everything as it is.
 */
#ifndef CALLBOARD_ACTORS_BASE_AFFINITY_H
#define CALLBOARD_ACTORS_BASE_AFFINITY_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* In place of a processor's number. */
#define CB_PROCESSOR_UNKNOWN (-1)

typedef struct cb_affinity_loan {
    bool lent;
    cpu_set_t own; /* of the calling thread, to be given back */
} cb_affinity_loan;

/* The calling thread may run where `like` may (a kernel's number of a thread; 0: no change). */
cb_affinity_loan cb_affinity_borrow(pid_t like);
void cb_affinity_return(const cb_affinity_loan *loan);

#endif
