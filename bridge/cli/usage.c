#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bridge/cli/commands.h"

int cb_usage_error(const char *command, const char *format, ...)
{
    char text[CB_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const char *gap = *command != '\0' ? " " : "";
    fprintf(stderr, "callboard%s%s: %s (try 'callboard%s%s --help')\n", gap, command, text, gap,
            command);
    return CB_EXIT_USAGE;
}

int cb_usage_option(const char *command, int refusal, int argc, char **argv)
{
    /* A long option that is unknown leaves no letter; then it is the word just read. */
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "?";
    char letter[3] = {'-', (char)optopt, '\0'};
    if (optopt != 0 && strncmp(word, "--", 2) != 0)
        word = letter;
    if (refusal == ':')
        return cb_usage_error(command, "option %s needs a value", word);
    return cb_usage_error(command, "unknown option %s", word);
}

int cb_command_failed(const cb_error *error)
{
    fprintf(stderr, "callboard: %s\n",
            error->text[0] != '\0' ? error->text : cb_status_text(error->status));
    return CB_EXIT_FAILED;
}

int cb_command_finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "callboard: cannot write to standard output\n");
    return CB_EXIT_FAILED;
}
