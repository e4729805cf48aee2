/* callboard run: a script from its file to its exit status. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/cli/commands.h"
#include "bridge/cli/manager.h"
#include "bridge/host/signals.h"
#include "callboard/limits.h"
#include "callboard/log.h"
#include "callboard/script.h"

static int help(void)
{
    puts(
        "usage: callboard run [OPTIONS] FILE [-- ARGS]\n\n"
        "Runs the script FILE (- for standard input). os.Args gives it the words behind --.\n\n"
        "  -t, --trace FILE   record every message of the run in FILE; see callboard trace\n"
        "  -m, --metrics PORT serve figures for Prometheus at http://127.0.0.1:PORT/metrics; 0: a\n"
        "                     free port, which is printed\n"
        "  -l, --log json     say what happens, and what goes wrong, as lines of JSON on standard\n"
        "                     error; json:FILE appends them to FILE\n"
        "      --log-level L  only what is at least debug, info (at first), warning or error\n"
        "  -w, --watch        load FILE again whenever it changes: new requests run its new\n"
        "                     callbacks, running ones end in the old; with errors the old text "
        "stays\n"
        "  -h, --help         this text\n\n"
        "SIGINT and SIGTERM end the run in order: routes stop accepting, accepted requests are\n"
        "finished, waits return. A second signal ends it at once.\n"
        "Exit status: what main returns (0..255); 1 after an error; 2 for wrong usage.");
    return cb_command_finish(CB_EXIT_OK);
}

static bool read_port(const char *text, uint16_t *port)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long number = strtoul(text, &end, 10);
    *port = (uint16_t)number;
    return *end == '\0' && number <= UINT16_MAX;
}

/* What the command line says. */
typedef struct run_options {
    cb_script_options script;
    cb_log_options log;
    bool logs;
} run_options;

/* "json" or "json:FILE". */
static bool read_log(const char *text, run_options *options)
{
    static const char format[] = "json";
    const size_t length = sizeof(format) - 1;
    options->logs = true;
    if (strcmp(text, format) == 0) {
        options->log.path = NULL;
        return true;
    }
    options->log.path = text + length + 1;
    return strncmp(text, format, length) == 0 && text[length] == ':' && text[length + 1] != '\0';
}

static bool read_level(const char *text, cb_log_level *level)
{
    for (int i = 0; i < CB_LOG_LEVEL_COUNT; i++) {
        *level = (cb_log_level)i;
        if (strcmp(text, cb_log_level_text(*level)) == 0)
            return true;
    }
    return false;
}

/* Takes over one option; -1, or the exit status. */
static int read_option(int letter, run_options *options)
{
    switch (letter) {
    case 't':
        options->script.trace_path = optarg;
        return -1;
    case 'm':
        options->script.serves_metrics = true;
        return read_port(optarg, &options->script.metrics_port)
                   ? -1
                   : cb_usage_error("run", "--metrics needs a port, 0 to 65535, and not '%s'",
                                    optarg);
    case 'l':
        return read_log(optarg, options)
                   ? -1
                   : cb_usage_error("run", "--log needs json or json:FILE, and not '%s'", optarg);
    case 'L':
        return read_level(optarg, &options->log.least)
                   ? -1
                   : cb_usage_error("run",
                                    "--log-level needs debug, info, warning or error, and not '%s'",
                                    optarg);
    case 'w':
        options->script.watch = true;
        return -1;
    default:
        return help();
    }
}

/* The file and, behind the first "--" at `count`, the words for the script. */
static int read_words(int argc, char **argv, int count, cb_script_options *options)
{
    if (optind == count)
        return cb_usage_error("run", "no file to run");
    if (optind + 1 < count)
        return cb_usage_error("run", "unexpected '%s': what the script is given stands behind --",
                              argv[optind + 1]);
    options->path = argv[optind];
    if (options->watch && strcmp(options->path, "-") == 0)
        return cb_usage_error("run", "--watch needs a file; standard input does not change");
    if (count < argc) {
        options->arguments = (const char *const *)&argv[count + 1];
        options->argument_count = (size_t)(argc - count - 1);
    }
    return -1;
}

/* Fills the options from the command line; -1, or the exit status when there is nothing to run. */
static int read_options(int argc, char **argv, run_options *options)
{
    static const struct option known[] = {{"trace", required_argument, NULL, 't'},
                                          {"metrics", required_argument, NULL, 'm'},
                                          {"log", required_argument, NULL, 'l'},
                                          {"log-level", required_argument, NULL, 'L'},
                                          {"watch", no_argument, NULL, 'w'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    /* Everything behind the first "--" is the script's; options may stand anywhere before it. */
    int count = 1;
    while (count < argc && strcmp(argv[count], "--") != 0)
        count++;
    opterr = 0;
    optind = 0;
    int letter;
    while ((letter = getopt_long(count, argv, ":t:m:l:wh", known, NULL)) != -1) {
        if (letter == ':' || letter == '?')
            return cb_usage_option("run", letter, count, argv);
        int exit_status = read_option(letter, options);
        if (exit_status >= 0)
            return exit_status;
    }
    return read_words(argc, argv, count, &options->script);
}

static void on_first_signal(void *user)
{
    cb_script_shutdown(user);
}

static void say_failed(cb_log *log, const cb_error *error)
{
    const char *text = error->text[0] != '\0' ? error->text : cb_status_text(error->status);
    const cb_log_field message = {"message", text, 0};
    if (log != NULL)
        cb_log_line(log, CB_LOG_ERROR, "failed", &message, 1);
    else
        (void)cb_command_failed(error);
}

/* From the script's file to the exit status. *status tells how it went. */
static int run_script(const cb_script_options *options, cb_status *status)
{
    cb_error error = {0};
    cb_script *script = NULL;
    cb_signals *signals = NULL;
    int exit_status = CB_EXIT_FAILED;
    *status = cb_script_load(options, &script, &error);
    /* Only now: until here an interrupt ends the process, as nothing is open yet. */
    if (*status == CB_OK)
        *status = cb_signals_start(on_first_signal, script, &signals, &error);
    if (*status == CB_OK)
        *status = cb_script_run(script, &exit_status, &error);
    if (*status != CB_OK && *status != CB_SCRIPT)
        say_failed(options->log, &error);
    cb_signals_stop(&signals);
    cb_script_free(&script);
    return exit_status;
}

static cb_status open_log(const run_options *options, cb_log **log, cb_error *error)
{
    cb_limits limits;
    cb_log_options with = options->log;
    cb_status status = cb_limits_from_environment(&limits, error);
    if (status != CB_OK)
        return status;
    with.queue_bytes = (size_t)limits.log_queue;
    return cb_log_open(&with, log, error);
}

/* The script with what a service manager gives it; takes over the log. */
static int run(run_options *options, cb_manager *manager, cb_log *log)
{
    options->script.log = manager->log = log;
    options->script.metrics_hosts = getenv("CALLBOARD_METRICS_HOSTS");
    options->script.inherited = manager->inherited;
    options->script.moment = cb_manager_tell;
    options->script.user = manager;
    cb_status status = CB_OK;
    int exit_status = run_script(&options->script, &status);
    if (status == CB_TIMEOUT) { /* a thread that could not be ended may still use both */
        manager->inherited = NULL;
        cb_log_flush(log);
    } else {
        cb_log_close(&log);
    }
    return exit_status;
}

int cb_command_run(int argc, char **argv)
{
    run_options options = {.log.least = CB_LOG_INFO};
    int exit_status = read_options(argc, argv, &options);
    if (exit_status >= 0)
        return exit_status;
    cb_error error = {0};
    cb_manager manager;
    cb_log *log = NULL;
    if (cb_manager_open(&manager, &error) != CB_OK)
        return cb_command_failed(&error);
    if (options.logs && open_log(&options, &log, &error) != CB_OK)
        exit_status = cb_command_failed(&error);
    else
        exit_status = run(&options, &manager, log);
    cb_manager_close(&manager);
    return exit_status;
}
