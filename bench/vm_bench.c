/* The machine beside lua5.4: the same loops and the same recursion, in turns, medians of five.
 *
 *     bench/vm_bench [ROUNDS] [--short]
 *
 * Lua's time is that of its process, less the time of one that does nothing; ours is the run of
 * main in this process. --short leaves out the two long ones.
 */
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/lang/catalog.h"
#include "bridge/lang/diagnostics.h"
#include "bridge/lang/program.h"
#include "bridge/lang/source.h"
#include "bridge/lang/vm.h"

#define MOST_ROUNDS 25

extern char **environ;

typedef struct work {
    const char *name;
    const char *lua; /* file under bench/lua */
    const char *size;
    const char *script; /* with one %s for the size */
    double must;        /* our share of Lua's time must be below 1 / must */
    bool is_long;
} work;

static const char loop_script[] = "i32 main() { i64 $sum = 0; i64 $i = 0; i64 $n = %s;"
                                  " while ($i < $n) { $sum += $i; $i++; }"
                                  " return ((i32)($sum & 255)); }";
static const char fib_script[] = "i32 fib(i32 $n) { if ($n < 2) { return $n; }"
                                 " return fib($n - 1) + fib($n - 2); }"
                                 " i32 main() { return fib(%s); }";

static const work works[] = {
    {"loop of 10M", "loop.lua", "10000000", loop_script, 1.6, false},
    {"loop of 100M", "loop.lua", "100000000", loop_script, 1.6, true},
    {"fib(32)", "fib.lua", "32", fib_script, 2.0, false},
    {"fib(35)", "fib.lua", "35", fib_script, 2.0, true},
};

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "vm_bench: %s\n", what);
    exit(1);
}

/* -- lua -- */

static double run_lua(const char *folder, const char *file, const char *size)
{
    char path[4096];
    char *arguments[] = {"lua5.4", path, (char *)(uintptr_t)size, NULL};
    char *nothing[] = {"lua5.4", "-e", "local nothing", NULL};
    posix_spawn_file_actions_t actions;
    pid_t process;
    int status = 0;
    snprintf(path, sizeof path, "%s/%s", folder, file != NULL ? file : "");
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0) != 0) {
        die("cannot prepare lua5.4");
    }
    double start = now_s();
    if (posix_spawnp(&process, "lua5.4", &actions, NULL, file != NULL ? arguments : nothing,
                     environ) != 0 ||
        waitpid(process, &status, 0) != process || status != 0) {
        die("lua5.4 does not run (Debian: apt-get install lua5.4)");
    }
    double spent = now_s() - start;
    posix_spawn_file_actions_destroy(&actions);
    return spent;
}

/* -- ours -- */

static cb_status no_plugins(void *user, const char *path, const char *script_folder,
                            const cb_namespace **out, cb_error *error)
{
    (void)user;
    (void)script_folder;
    (void)out;
    return cb_fail(error, CB_UNKNOWN, "no plugin %s here", path);
}

static cb_status check(void *user)
{
    (*(unsigned long *)user)++;
    return CB_OK;
}

static cb_program *compile(const char *script, const char *size)
{
    static const cb_catalog catalog = {.load = no_plugins};
    static cb_diagnostics diagnostics;
    char text[1024];
    cb_source source;
    cb_error error;
    cb_program *program = NULL;
    int length = snprintf(text, sizeof text, script, size);
    if (cb_source_from_bytes("bench.dom", text, (size_t)length, &source, &error) != CB_OK) {
        die(error.text);
    }
    if (cb_program_compile(&source, &catalog, &program, &diagnostics) != CB_OK) {
        cb_diagnostics_print(&diagnostics, &source, stderr);
        die("a script does not compile");
    }
    cb_source_free(&source);
    return program;
}

static double run_ours(cb_vm *vm, const cb_program *program)
{
    static cb_vm_error error;
    int exit_status = 0;
    double start = now_s();
    if (cb_vm_run_main(vm, program, &exit_status, &error) != CB_OK) {
        cb_vm_error_print(&error, NULL, stderr);
        die("a script fails");
    }
    return now_s() - start;
}

/* -- figures -- */

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *figures, int count)
{
    qsort(figures, (size_t)count, sizeof *figures, by_size);
    return figures[count / 2];
}

static bool measure(const work *one, cb_vm *vm, const char *folder, int rounds, double idle)
{
    double ours[MOST_ROUNDS];
    double lua[MOST_ROUNDS];
    cb_program *program = compile(one->script, one->size);
    for (int i = 0; i < rounds; i++) {
        ours[i] = run_ours(vm, program);
        lua[i] = run_lua(folder, one->lua, one->size) - idle;
    }
    cb_program_release(program);
    double our_median = median(ours, rounds);
    double lua_median = median(lua, rounds);
    double ratio = lua_median / our_median;
    printf("%-14s %8.4f s (%.4f-%.4f) %8.4f s (%.4f-%.4f)   %5.2f times as fast, must be %.1f%s\n",
           one->name, our_median, ours[0], ours[rounds - 1], lua_median, lua[0], lua[rounds - 1],
           ratio, one->must, ratio < one->must ? "  MISSED" : "");
    return ratio >= one->must;
}

int main(int argc, char **argv)
{
    int rounds = 5;
    bool is_short = false;
    unsigned long checks = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--short") == 0) {
            is_short = true;
        } else {
            rounds = atoi(argv[i]);
        }
    }
    if (rounds < 1 || rounds > MOST_ROUNDS) {
        die("rounds: 1 to 25");
    }
    const char *source = getenv("CALLBOARD_SOURCE");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/bench/lua", source != NULL ? source : ".");
    cb_vm *vm = NULL;
    cb_vm_options options = {.limits = cb_limits_default(), .check = check, .user = &checks};
    if (cb_vm_new(&options, &vm) != CB_OK) {
        die("out of memory");
    }
    double idle[5];
    for (int i = 0; i < 5; i++) {
        idle[i] = run_lua(folder, NULL, NULL);
    }
    bool all = true;
    printf("%-14s %-28s %s\n", "", "callboard " CB_VERSION, "lua5.4");
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        if (!works[i].is_long || !is_short) {
            all = measure(&works[i], vm, folder, rounds, median(idle, 5)) && all;
        }
    }
    printf("the check hook was asked %lu times\n", checks);
    cb_vm_free(&vm);
    return all ? 0 : 1;
}
