/* What all threads of a script share of their process: its output streams and its signals. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/host/output.h"
#include "bridge/host/signals.h"

enum { THREADS = 4, LINES = 1000, LINE_SIZE = 101 };

/* Redirects a stream to `path` and returns a copy of what it was. */
static int redirect(int stream, const char *path, int flags)
{
    (void)fflush(stdout);
    int before = dup(stream);
    int file = open(path, flags, 0600);
    CU_ASSERT_FATAL(before >= 0 && file >= 0);
    CU_ASSERT_EQUAL_FATAL(dup2(file, stream), stream);
    close(file);
    return before;
}

static void restore(int stream, int before)
{
    CU_ASSERT_EQUAL_FATAL(dup2(before, stream), stream);
    close(before);
}

static void *print_lines(void *argument)
{
    char line[LINE_SIZE];
    memset(line, *(const char *)argument, sizeof(line) - 1);
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < LINES; i++)
        if (cb_output_print(line, sizeof(line), NULL) != CB_OK)
            return argument;
    return NULL;
}

/* Reads the file and counts the lines that are whole and of one letter. */
static int count_whole_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    char line[2 * LINE_SIZE];
    int whole = 0;
    while (fgets(line, sizeof(line), file) != NULL)
        whole += strspn(line, (char[]){line[0], '\0'}) == LINE_SIZE - 1 && line[100] == '\n';
    fclose(file);
    return whole;
}

static void test_calls_stay_together(void)
{
    char path[] = "/tmp/callboard_output_XXXXXX";
    int made = mkstemp(path);
    CU_ASSERT_FATAL(made >= 0);
    close(made);
    int before = redirect(STDOUT_FILENO, path, O_WRONLY | O_TRUNC);
    pthread_t threads[THREADS];
    char letters[THREADS];
    for (int i = 0; i < THREADS; i++) {
        letters[i] = (char)('a' + i);
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, print_lines, &letters[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    CU_ASSERT_EQUAL(cb_output_flush(NULL), CB_OK);
    restore(STDOUT_FILENO, before);
    CU_ASSERT_EQUAL(count_whole_lines(path), THREADS * LINES);
    unlink(path);
}

static void test_output_before_errors(void)
{
    char path[] = "/tmp/callboard_order_XXXXXX";
    int made = mkstemp(path);
    CU_ASSERT_FATAL(made >= 0);
    close(made);
    int out = redirect(STDOUT_FILENO, path, O_WRONLY | O_APPEND);
    int err = redirect(STDERR_FILENO, path, O_WRONLY | O_APPEND);
    CU_ASSERT_EQUAL(cb_output_print("first ", 6, NULL), CB_OK);
    cb_output_complain("second", 6);
    restore(STDOUT_FILENO, out);
    restore(STDERR_FILENO, err);
    char text[32] = "";
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof(text), file));
    fclose(file);
    CU_ASSERT_STRING_EQUAL(text, "first second");
    unlink(path);
}

static void count_signal(void *user)
{
    CU_ASSERT_EQUAL(sem_post(user), 0);
}

static void test_first_signal(void)
{
    sem_t seen;
    cb_signals *signals = NULL;
    cb_error error = {0};
    CU_ASSERT_EQUAL_FATAL(sem_init(&seen, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(cb_signals_start(count_signal, &seen, &signals, &error), CB_OK);
    CU_ASSERT_EQUAL(kill(getpid(), SIGTERM), 0);
    CU_ASSERT_EQUAL(sem_wait(&seen), 0);
    cb_signals_stop(&signals);
    CU_ASSERT_PTR_NULL(signals);
    sigset_t now;
    CU_ASSERT_EQUAL(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    CU_ASSERT_EQUAL(sigismember(&now, SIGTERM), 0);
    /* Ending without any signal must not take its own wake-up for one. */
    CU_ASSERT_EQUAL_FATAL(cb_signals_start(count_signal, &seen, &signals, &error), CB_OK);
    cb_signals_stop(&signals);
    CU_ASSERT_EQUAL(sem_trywait(&seen), -1);
    sem_destroy(&seen);
}

/* The first signal's function sends the second one. */
static void signal_again(void *user)
{
    (void)user;
    (void)kill(getpid(), SIGINT);
}

static void test_second_signal(void)
{
    (void)fflush(stdout);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        cb_signals *signals = NULL;
        if (cb_signals_start(signal_again, NULL, &signals, NULL) != CB_OK)
            _exit(1);
        (void)kill(getpid(), SIGTERM);
        for (;;)
            pause();
    }
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 128 + SIGINT);
}

/* Last: a failure stays. */
static void test_failure_stays(void)
{
    cb_error error = {0};
    int before = redirect(STDOUT_FILENO, "/dev/full", O_WRONLY);
    CU_ASSERT_EQUAL(cb_output_print("lost", 4, &error), CB_OK);
    CU_ASSERT_EQUAL(cb_output_flush(&error), CB_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "cannot write to standard output: No space"));
    restore(STDOUT_FILENO, before);
    CU_ASSERT_EQUAL(cb_output_print("later", 5, &error), CB_IO);
    CU_ASSERT_EQUAL(cb_output_flush(&error), CB_IO);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("a script's process", NULL, NULL);
    CU_add_test(suite, "each call's bytes stay together", test_calls_stay_together);
    CU_add_test(suite, "output comes before errors", test_output_before_errors);
    CU_add_test(suite, "the first signal is told", test_first_signal);
    CU_add_test(suite, "the second signal ends the process", test_second_signal);
    CU_add_test(suite, "a failed write is remembered", test_failure_stays);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    bool failed = code != CUE_SUCCESS || CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
