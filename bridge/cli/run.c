/* callboard run: a script from its file to its exit status. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/cli/commands.h"
#include "bridge/host/signals.h"
#include "callboard/script.h"

static int help(void)
{
    puts(
        "usage: callboard run [OPTIONS] FILE [-- ARGS]\n\n"
        "Runs the script FILE (- for standard input). os.Args gives it the words behind --.\n\n"
        "  -t, --trace FILE   record every message of the run in FILE; see callboard trace\n"
        "  -m, --metrics PORT serve figures for Prometheus at http://127.0.0.1:PORT/metrics; 0: a\n"
        "                     free port, which is printed\n"
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

/* Fills the options from the command line; -1, or the exit status when there is nothing to run. */
static int read_options(int argc, char **argv, cb_script_options *options)
{
    static const struct option known[] = {{"trace", required_argument, NULL, 't'},
                                          {"metrics", required_argument, NULL, 'm'},
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
    while ((letter = getopt_long(count, argv, ":t:m:wh", known, NULL)) != -1) {
        if (letter == 't')
            options->trace_path = optarg;
        else if (letter == 'm' && read_port(optarg, &options->metrics_port))
            options->serves_metrics = true;
        else if (letter == 'm')
            return cb_usage_error("run", "--metrics needs a port, 0 to 65535, and not '%s'",
                                  optarg);
        else if (letter == 'w')
            options->watch = true;
        else if (letter == 'h')
            return help();
        else
            return cb_usage_option("run", letter, count, argv);
    }
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

static void on_first_signal(void *user)
{
    cb_script_shutdown(user);
}

int cb_command_run(int argc, char **argv)
{
    cb_script_options options = {0};
    int exit_status = read_options(argc, argv, &options);
    if (exit_status >= 0)
        return exit_status;

    cb_error error = {0};
    cb_script *script = NULL;
    cb_status status = cb_script_load(&options, &script, &error);
    if (status != CB_OK)
        return status == CB_SCRIPT ? CB_EXIT_FAILED : cb_command_failed(&error);

    /* Only now: until here an interrupt ends the process, as nothing is open yet. */
    cb_signals *signals = NULL;
    exit_status = CB_EXIT_FAILED;
    status = cb_signals_start(on_first_signal, script, &signals, &error);
    if (status == CB_OK)
        status = cb_script_run(script, &exit_status, &error);
    if (status != CB_OK && status != CB_SCRIPT)
        (void)cb_command_failed(&error);
    cb_signals_stop(&signals);
    cb_script_free(&script);
    return exit_status;
}
