/* Scripts as a C program embeds them: callboard/script.h with real actors and the timer plugin. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callboard/script.h"

#define TIMER "plugin \"../plugins/timer/TimerPlugin\";\n"
#define OS    "plugin \"builtin:os\";\n"

static char path[] = "/tmp/callboard_script_XXXXXX";

static cb_status load(const char *text, cb_script **script, cb_error *error)
{
    static const char *const arguments[] = {"a", "bc"};
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    CU_ASSERT_EQUAL(fclose(file), 0);
    cb_script_options options = {.path = path, .arguments = arguments, .argument_count = 2};
    return cb_script_load(&options, script, error);
}

/* Standard error goes nowhere while what is expected to complain runs. */
static int silence(void)
{
    int before = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY);
    CU_ASSERT_FATAL(before >= 0 && nowhere >= 0);
    CU_ASSERT_EQUAL(dup2(nowhere, STDERR_FILENO), STDERR_FILENO);
    close(nowhere);
    return before;
}

static void speak_again(int before)
{
    CU_ASSERT_EQUAL(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
}

static void expect_exit(const char *text, int expected)
{
    cb_script *script = NULL;
    cb_error error = {0};
    int exit_status = -1;
    CU_ASSERT_EQUAL_FATAL(load(text, &script, &error), CB_OK);
    CU_ASSERT_EQUAL(cb_script_run(script, &exit_status, &error), CB_OK);
    CU_ASSERT_EQUAL(exit_status, expected);
    cb_script_free(&script);
    CU_ASSERT_PTR_NULL(script);
}

static void test_exit_status(void)
{
    expect_exit("void main() { }", 0);
    expect_exit("i32 main() { return(263); }", 7);
    expect_exit(OS "i32 main() { return(os.ArgCount() * 10); }", 20);
    expect_exit(OS "void main() { os.ExitCode(9); }", 9);
}

static void test_load_failures(void)
{
    cb_script *script = NULL;
    cb_error error = {0};
    cb_script_options missing = {.path = "/nowhere/none.dom"};
    CU_ASSERT_EQUAL(cb_script_load(&missing, &script, &error), CB_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "cannot open /nowhere/none.dom"));
    CU_ASSERT_PTR_NULL(script);
    int before = silence();
    CU_ASSERT_EQUAL(load("void main() { $a = 1; $b = 2; }", &script, &error), CB_SCRIPT);
    speak_again(before);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, ": 2 errors"));
    CU_ASSERT_PTR_NULL(script);
    cb_script_free(&script);
}

static void test_runtime_error(void)
{
    cb_script *script = NULL;
    cb_error error = {0};
    int exit_status = -1;
    CU_ASSERT_EQUAL_FATAL(load("i32 main() { i32 $n = 0; return(1 / $n); }", &script, &error),
                          CB_OK);
    int before = silence();
    CU_ASSERT_EQUAL(cb_script_run(script, &exit_status, &error), CB_SCRIPT);
    speak_again(before);
    CU_ASSERT_EQUAL(exit_status, 1);
    CU_ASSERT_EQUAL(cb_script_run(script, &exit_status, &error), CB_INVALID);
    cb_script_free(&script);
}

static void *shut_down(void *script)
{
    cb_script_shutdown(script);
    cb_script_shutdown(script);
    return NULL;
}

static void test_shutdown(void)
{
    cb_script *script = NULL;
    cb_error error = {0};
    int exit_status = -1;
    const char *text = TIMER "i32 main() { timer.SleepMs(600000); return(5); }";
    /* From another thread, before or during the run as it happens to come. */
    CU_ASSERT_EQUAL_FATAL(load(text, &script, &error), CB_OK);
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, shut_down, script), 0);
    CU_ASSERT_EQUAL(cb_script_run(script, &exit_status, &error), CB_OK);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(exit_status, 5);
    cb_script_shutdown(script); /* too late, and harmless */
    cb_script_free(&script);
    /* Surely before it. */
    CU_ASSERT_EQUAL_FATAL(load(text, &script, &error), CB_OK);
    cb_script_shutdown(script);
    CU_ASSERT_EQUAL(cb_script_run(script, &exit_status, &error), CB_OK);
    CU_ASSERT_EQUAL(exit_status, 5);
    cb_script_free(&script);
}

static void *run_script(void *script)
{
    cb_error error = {0};
    int exit_status = -1;
    return cb_script_run(script, &exit_status, &error) == CB_OK && exit_status == 5 ? NULL : script;
}

static void test_two_at_once(void)
{
    cb_script *scripts[2] = {NULL, NULL};
    pthread_t threads[2];
    cb_error error = {0};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(
            load(TIMER "i32 main() { timer.SleepMs(600000); return(5); }", &scripts[i], &error),
            CB_OK);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_script, scripts[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        void *failed = NULL;
        cb_script_shutdown(scripts[i]);
        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
        cb_script_free(&scripts[i]);
    }
}

static int begin(void)
{
    char self[PATH_MAX - 32];
    char plugins[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int file = mkstemp(path);
    if (length <= 0 || file < 0)
        return 1;
    close(file);
    self[length] = '\0';
    (void)snprintf(plugins, sizeof(plugins), "%s/../../plugins", dirname(self));
    return setenv("CALLBOARD_PLUGIN_PATH", plugins, 1);
}

static int end(void)
{
    return unlink(path);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite("embedded scripts", begin, end);
    CU_add_test(suite, "the exit status", test_exit_status);
    CU_add_test(suite, "what cannot be loaded", test_load_failures);
    CU_add_test(suite, "a runtime error, and one run only", test_runtime_error);
    CU_add_test(suite, "shutdown from outside", test_shutdown);
    CU_add_test(suite, "two scripts at once", test_two_at_once);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode code = CU_basic_run_tests();
    bool failed = code != CUE_SUCCESS || CU_get_number_of_failures() > 0 ||
                  CU_get_number_of_suites_failed() > 0;
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
