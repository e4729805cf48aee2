/* The command `callboard`: which command is meant, and the words that stand before all of them. */
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/commands.h"
#include "callboard/nbio.h"
#include "callboard/version.h"

/* As large as the responses that are made in one piece for each request: a block of its own costs
 * the kernel's zeroing of its pages. */
#define LARGE_BLOCK (256 * 1024)
#define MOST_ARENAS 8

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments;
    const char *line;
} command;

static const command commands[] = {
#define COMMAND_ROW(name, function, arguments, line) {name, function, arguments, line},
    CB_COMMANDS(COMMAND_ROW)
#undef COMMAND_ROW
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static int help(void)
{
    puts("usage: callboard COMMAND ...\n"
         "       callboard FILE [-- ARGS]      short for callboard run FILE [-- ARGS]\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-8s %-40s %s\n", commands[i].name, commands[i].arguments, commands[i].line);
    puts("\n"
         "  -h, --help       this text; callboard COMMAND --help says more of each\n"
         "  -V, --version    the versions of callboard and libzmq, and what carries event loops\n\n"
         "FILE may be - for standard input. Plugins are looked for beside the script, in the\n"
         "folders of CALLBOARD_PLUGIN_PATH, beside the executable, and where they were installed.\n"
         "Exit status: what the script's main returns; 1 after an error; 2 for wrong usage.");
    return cb_command_finish(CB_EXIT_OK);
}

static int version(void)
{
    char libraries[64];
    cb_loop *loop;
    cb_error error;
    if (cb_loop_acquire(&loop, &error) != CB_OK)
        return cb_command_failed(&error);
    cb_version_libraries(libraries, sizeof(libraries));
    printf("callboard %s (%s; event loops on %s)\n", cb_version(), libraries,
           cb_loop_backend_name(loop));
    cb_loop_release(&loop);
    return cb_command_finish(CB_EXIT_OK);
}

static const command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* A word without dot or slash that is no file was meant as a command. */
static bool looks_like_command(const char *word)
{
    return strpbrk(word, "./") == NULL && strcmp(word, "-") != 0 && access(word, F_OK) != 0;
}

/* Without this, the first socket of a process that was started with a closed standard stream would
 * take that stream's number, and what the script prints would go to a client. */
static int hold_standard_streams(void)
{
    for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0)
            continue;
        /* The wrong direction on purpose: use of the stream still fails, as if it were closed. */
        int held = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (held != descriptor)
            return CB_EXIT_FAILED;
    }
    return CB_EXIT_OK;
}

/* What was freed goes back to the system: large blocks at once, whatever was freed before (glibc
 * would otherwise learn to keep up to 32 MiB of each), small ones when enough of them lie together;
 * and few enough arenas that each is used again. An embedding program has its own way. */
static void give_memory_back(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    (void)mallopt(M_TRIM_THRESHOLD, 4 * LARGE_BLOCK);
    (void)mallopt(M_ARENA_MAX, MOST_ARENAS);
#endif
}

int main(int argc, char **argv)
{
    give_memory_back();
    if (hold_standard_streams() != CB_EXIT_OK)
        return CB_EXIT_FAILED;
    if (argc < 2)
        return cb_usage_error("", "no command and no file");
    const char *word = argv[1];
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "help") == 0)
        return help();
    if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
        return version();
    const command *chosen = find_command(word);
    if (chosen != NULL)
        return chosen->run(argc - 1, argv + 1);
    if (word[0] == '-' && word[1] != '\0' && strncmp(word, "--trace", 7) != 0)
        return cb_usage_error("", "unknown option %s", word);
    if (looks_like_command(word))
        return cb_usage_error("", "'%s' is no command and no file", word);
    return cb_command_run(argc, argv);
}
