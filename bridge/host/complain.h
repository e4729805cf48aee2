/* Errors of a script and of its environment, for the user who runs it: as text on standard error,
 * or, if there is a log, as lines of the log.
 *
 * Threads: any.
 */
#ifndef CALLBOARD_BRIDGE_HOST_COMPLAIN_H
#define CALLBOARD_BRIDGE_HOST_COMPLAIN_H

#include "bridge/lang/diagnostics.h"
#include "bridge/lang/source.h"
#include "bridge/lang/vm.h"
#include "callboard/log.h"
#include "callboard/runtime.h"

/* All functions accept NULL for the log. */

/* Reports the errors of a text that is not run. */
void cb_complain_diagnostics(cb_log *log, const cb_diagnostics *diagnostics,
                             const cb_source *source);
/* Reports a run that ended early, with its source line and call stack; `job` NULL: main's run. */
void cb_complain_error(cb_log *log, const cb_vm_error *error, const cb_source *source,
                       const cb_job *job);
/* Reports one sentence, without an end of line. `event` is its name in a log. */
void cb_complain_say(cb_log *log, cb_log_level level, const char *event, const char *format, ...)
    CB_PRINTF_LIKE(4, 5);

#endif
