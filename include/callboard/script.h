/* A script as a C program embeds it: load, run, end.
 *
 *     cb_script *script = NULL;
 *     cb_script_options options = {.path = "service.dom"};
 *     if (cb_script_load(&options, &script, &error) == CB_OK)
 *         cb_script_run(script, &exit_status, &error);
 *     cb_script_free(&script);
 *
 * What goes wrong in the script (its errors, its runtime errors) is printed to standard error where
 * it happens, with the script's file, line and column; what the script prints goes to standard
 * output. A process may hold several scripts; they share the two streams.
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

/* What whoever started the script may want to know. */
typedef enum cb_script_moment {
    CB_SCRIPT_READY, /* main has opened a route and sleeps for the first time (timer.SleepMs) */
    CB_SCRIPT_ENDING /* main has returned, or the shutdown was asked for */
} cb_script_moment;

typedef struct cb_script_options {
    const char *path;             /* the file; "-" reads standard input */
    const char *const *arguments; /* what os.Args gives; copied */
    size_t argument_count;
    const char *trace_path; /* record every message to this file, or NULL */
    struct cb_log *log;  /* what happens, and what goes wrong, is said there instead of on standard
                            error; or NULL. It must outlive the script. See callboard/log.h */
    bool serves_metrics; /* see cb_runtime_options; a port that was picked is printed */
    uint16_t metrics_port;
    bool watch; /* while it runs, load the file again whenever it changes: requests that begin after
                   that run the new text's callbacks, main goes on in the old one; a text with
                   errors is refused, and its errors are printed */
    cb_inherited *inherited; /* sockets that the script's Open verbs may take; outlives it, or NULL.
                                See callboard/inherited.h */
    void (*moment)(void *user, cb_script_moment moment); /* each at most once, from any thread, and
                                                            READY never after ENDING; or NULL */
    void *user;
} cb_script_options;

/* Reads, loads plugins, compiles; reads the limits from the environment. CB_SCRIPT: the script is
 * wrong and its errors are printed already (*error then counts them). Any other code: *error says
 * what to print. On failure *script is NULL. */
CB_PUBLIC cb_status cb_script_load(const cb_script_options *options, cb_script **script,
                                   cb_error *error);

/* Runs main on the calling thread, callbacks on actors, and returns when main has ended and every
 * accepted request is through. May be called once. *exit_status, 0..255, is set in every case.
 * CB_SCRIPT: main ended in a runtime error, printed already. CB_TIMEOUT: something had to be cut
 * off to end. Other codes: *error says what to print. */
CB_PUBLIC cb_status cb_script_run(cb_script *script, int *exit_status, cb_error *error);

/* Begins the orderly end that SIGTERM stands for: routes stop accepting, waits return. From any
 * thread, before or during the run, as often as you like; not from a signal handler. */
CB_PUBLIC void cb_script_shutdown(cb_script *script);

/* Not while it runs. *script becomes NULL; NULL in it is fine. The memory of a script whose run had
 * to cut something off stays: a thread that is stuck in foreign code may still use it. */
CB_PUBLIC void cb_script_free(cb_script **script);

#ifdef __cplusplus
}
#endif
#endif
