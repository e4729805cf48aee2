/* How far a job has come, and how it ended.
 *
 * Scripts see these numbers and traces hold them: a number never gets another meaning.
 * Threads: any.
 */
#ifndef CALLBOARD_JOB_STATUS_H
#define CALLBOARD_JOB_STATUS_H

#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, code, text): how a job ended, as users see it. */
#define CB_JOB_STATUSES(X)                                                                         \
    X(PENDING, -1, "pending")                                                                      \
    X(SUCCESS, 0, "success")                                                                       \
    X(CONNECT_FAILED, 1, "connect failed")                                                         \
    X(SEND_FAILED, 2, "send failed")                                                               \
    X(RECEIVE_FAILED, 3, "receive failed")                                                         \
    X(TIMEOUT, 4, "timeout")                                                                       \
    X(CANCELED, 5, "canceled")                                                                     \
    X(CALLBACK_REFUSED, 6, "callback refused")                                                     \
    X(CALLBACK_FAILED, 7, "callback failed")                                                       \
    X(CALLBACK_TIMEOUT, 8, "callback timeout")                                                     \
    X(TLS_FAILED, 9, "tls failed")                                                                 \
    X(OVERLOADED, 10, "overloaded")                                                                \
    X(ROUTE_CLOSED, 11, "route closed")

typedef enum cb_job_status {
#define CB_JOB_STATUS_ENUM(name, code, text) CB_JOB_##name = (code),
    CB_JOB_STATUSES(CB_JOB_STATUS_ENUM)
#undef CB_JOB_STATUS_ENUM
} cb_job_status;

/* An unknown number gives "unknown". Never NULL. */
CB_PUBLIC const char *cb_job_status_text(int status);

typedef enum cb_phase {
    CB_PHASE_QUEUED = 0,
    CB_PHASE_RUNNING = 1,
    CB_PHASE_COMPLETED = 2
} cb_phase;

#ifdef __cplusplus
}
#endif
#endif
