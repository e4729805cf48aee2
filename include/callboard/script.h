/* How a C program embeds a script: load, run, end.
 *
 *     cb_script *script = NULL;
 *     cb_script_options options = {.path = "service.dom"};
 *     if (cb_script_load(&options, &script, &error) == CB_OK)
 *         cb_script_run(script, &exit_status, &error);
 *     cb_script_free(&script);
 *
 * The script's errors and runtime errors are printed to standard error where they happen, with the
 * script's file, line and column. The script's own output goes to standard output. A process may
 * hold several scripts; they share the two streams.
 */
#ifndef CALLBOARD_SCRIPT_H
#define CALLBOARD_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/inherited.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cb_log;
typedef struct cb_script cb_script;

/* Events of a script that the program around it may want to know. */
typedef enum cb_script_moment {
    CB_SCRIPT_READY, /* main has opened a route and sleeps for the first time (timer.SleepMs) */
    CB_SCRIPT_ENDING /* main has returned, or the shutdown was asked for */
} cb_script_moment;

typedef struct cb_script_options {
    const char *path;             /* the file; "-" reads standard input */
    const char *const *arguments; /* the result of os.Args; copied */
    size_t argument_count;
    const char *trace_path; /* record every message to this file, or NULL */
    struct cb_log *log;     /* events and errors are written there instead of to standard error; or
                               NULL. It must outlive the script. See callboard/log.h */
    bool serves_metrics;    /* see cb_runtime_options; a port that the system picked is printed */
    uint16_t metrics_port;
    const char *metrics_hosts; /* see cb_runtime_options, or NULL; copied */
    bool watch; /* load the file again whenever it changes during the run. Requests that begin later
                   run the callbacks of the new text; main goes on in the old text. A text with
                   errors is refused, and its errors are printed */
    cb_inherited *inherited; /* sockets that the script's Open verbs may take, or NULL. Must outlive
                                the script. See callboard/inherited.h */
    void (*moment)(void *user,
                   cb_script_moment moment); /* called at most once for each moment, from any
                                                thread; READY never comes after ENDING; or NULL */
    void *user;
} cb_script_options;

/* Reads the file, loads plugins, compiles, and reads the limits from the environment. CB_SCRIPT:
 * the script has errors, which are printed already (*error then counts them). Any other code:
 * *error says what to print. On failure *script is NULL. */
CB_PUBLIC cb_status cb_script_load(const cb_script_options *options, cb_script **script,
                                   cb_error *error);

/* Runs main on the calling thread and callbacks on actors. Returns when main has ended and every
 * accepted request is finished. May be called once. *exit_status, 0..255, is set in every case.
 * CB_SCRIPT: main ended in a runtime error, which is printed already. CB_TIMEOUT: something had to
 * be cut off to end. Other codes: *error says what to print. */
CB_PUBLIC cb_status cb_script_run(cb_script *script, int *exit_status, cb_error *error);

/* Begins the orderly shutdown that SIGTERM asks for: routes stop accepting, waits return. May be
 * called repeatedly, from any thread, before or during the run; not from a signal handler. */
CB_PUBLIC void cb_script_shutdown(cb_script *script);

/* Must not be called during the run. *script becomes NULL; if *script is NULL, nothing happens. If
 * the run had to cut something off, the script's memory is not freed: a thread that is stuck in
 * foreign code may still use it. */
CB_PUBLIC void cb_script_free(cb_script **script);

#ifdef __cplusplus
}
#endif
#endif
