/* The commands of `callboard`. Each gets the arguments after its own name as argv[1].. and returns
 * the process's exit status: 0, 1 when something went wrong, 2 for wrong usage. */
#ifndef CALLBOARD_BRIDGE_CLI_COMMANDS_H
#define CALLBOARD_BRIDGE_CLI_COMMANDS_H

#include "callboard/status.h"

enum { CB_EXIT_OK = 0, CB_EXIT_FAILED = 1, CB_EXIT_USAGE = 2 };

/* X(name, function, arguments, one line) */
#define CB_COMMANDS(X)                                                                             \
    X("run", cb_command_run, "[OPTIONS] FILE [-- ARGS]", "run a script")                           \
    X("check", cb_command_check, "[--json] FILE...", "look for errors, run nothing")               \
    X("plugins", cb_command_plugins, "[NAME]", "list plugins, or the verbs of one")                \
    X("trace", cb_command_trace, "show|verify FILE", "print or replay a recorded trace")

#define CB_COMMAND_DECLARE(name, function, arguments, line) int function(int argc, char **argv);
CB_COMMANDS(CB_COMMAND_DECLARE)
#undef CB_COMMAND_DECLARE

/* Prints one line to standard error, with a hint at `callboard COMMAND --help` ("" for no command).
 * Returns CB_EXIT_USAGE. */
int cb_usage_error(const char *command, const char *format, ...) CB_PRINTF_LIKE(2, 3);
/* Prints what getopt_long (with opterr = 0 and ':' first) has just refused by '?' or ':'. */
int cb_usage_option(const char *command, int refusal, int argc, char **argv);
/* Prints "callboard: TEXT" to standard error; returns CB_EXIT_FAILED. */
int cb_command_failed(const cb_error *error);
/* Closes standard output. Reports an error if not everything could be written; otherwise returns
 * `status`. */
int cb_command_finish(int status);

#endif
