/* callboard trace: what a recorded run says. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/cli/commands.h"
#include "callboard/trace.h"

static int help(void)
{
    puts("usage: callboard trace show [--route N] [--job N] [--kind K] FILE\n"
         "       callboard trace verify FILE\n\n"
         "show prints one line for each message that callboard run --trace recorded:\n"
         "  -r, --route N   only those about route N\n"
         "  -j, --job N     only those about job N, as the job column shows it: 5, or #3.1\n"
         "  -k, --kind K    only those of this kind, such as JobCompleted\n"
         "verify replays the recorded inputs and compares every effect and state hash; it names\n"
         "the first that differs and then exits with status 1.\n\n"
         "  -h, --help      this text");
    return cb_command_finish(CB_EXIT_OK);
}

static int read_route(const char *text, uint32_t *route)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > UINT32_MAX)
        return cb_usage_error("trace", "--route wants a route's number, not '%s'", text);
    *route = (uint32_t)value;
    return CB_EXIT_OK;
}

/* Reads the words behind `show` or `verify`; -1, or the exit status when there is nothing to do. */
static int read_options(int argc, char **argv, cb_trace_show_options *options)
{
    static const struct option known[] = {{"route", required_argument, NULL, 'r'},
                                          {"job", required_argument, NULL, 'j'},
                                          {"kind", required_argument, NULL, 'k'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    opterr = 0;
    optind = 0;
    int letter;
    while ((letter = getopt_long(argc, argv, ":r:j:k:h", known, NULL)) != -1) {
        if (letter == 'r') {
            if (read_route(optarg, &options->route) != CB_EXIT_OK)
                return CB_EXIT_USAGE;
        } else if (letter == 'j') {
            options->job = optarg;
        } else if (letter == 'k') {
            options->kind = optarg;
        } else if (letter == 'h') {
            return help();
        } else {
            return cb_usage_option("trace", letter, argc, argv);
        }
    }
    if (optind + 1 != argc)
        return cb_usage_error("trace", optind == argc ? "no file given" : "one file at a time");
    return -1;
}

int cb_command_trace(int argc, char **argv)
{
    if (argc < 2)
        return cb_usage_error("trace", "show or verify?");
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
        return help();
    bool is_show = strcmp(argv[1], "show") == 0;
    if (!is_show && strcmp(argv[1], "verify") != 0)
        return cb_usage_error("trace", "'%s' is neither show nor verify", argv[1]);
    cb_trace_show_options options = {0};
    int exit_status = read_options(argc - 1, argv + 1, &options);
    if (exit_status >= 0)
        return exit_status;
    const char *path = argv[1 + optind];
    cb_error error = {0};
    cb_status status = is_show ? cb_trace_show(stdout, path, &options, &error)
                               : cb_trace_verify(path, stdout, &error);
    if (status != CB_OK) {
        (void)fflush(stdout);
        return cb_command_failed(&error);
    }
    return cb_command_finish(CB_EXIT_OK);
}
