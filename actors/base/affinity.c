#include "actors/base/affinity.h"

cb_affinity_loan cb_affinity_borrow(pid_t like)
{
    cb_affinity_loan loan = {.lent = false};
    cpu_set_t all;
    if (like != 0 && sched_getaffinity(0, sizeof loan.own, &loan.own) == 0 &&
        sched_getaffinity(like, sizeof all, &all) == 0 && !CPU_EQUAL(&all, &loan.own))
        loan.lent = sched_setaffinity(0, sizeof all, &all) == 0;
    return loan;
}

void cb_affinity_return(const cb_affinity_loan *loan)
{
    if (loan->lent)
        (void)sched_setaffinity(0, sizeof loan->own, &loan->own);
}
