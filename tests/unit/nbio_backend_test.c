/* Which back end serves: as the environment says, or the best that the kernel allows. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/nbio_support.h"

#define VARIABLE "CALLBOARD_LOOP"

/* From now on the kernel refuses io_uring to this process, as container runtimes do. */
static bool refuse_uring(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Runs a part in a process of its own, which it may change for good; its exit status. */
static int apart(int (*part)(void))
{
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(part());
    CU_ASSERT_FATAL(child > 0);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool serves(const char *name)
{
    cb_loop *loop;
    if (cb_loop_acquire(&loop, NULL) != CB_OK)
        return false;
    bool same = strcmp(cb_loop_backend_name(loop), name) == 0;
    bool works = cb_next_tick(loop, NULL) != NULL && cb_loop_run(loop, NULL) == CB_OK;
    cb_loop_release(&loop);
    return same && works;
}

static bool kernel_has_uring(void)
{
    cb_loop *loop = NULL;
    bool has = cb_loop_acquire_with(&cb_backend_uring, &loop, NULL) == CB_OK;
    cb_loop_release(&loop);
    return has;
}

static void the_environment_forces_a_back_end(void)
{
    cb_loop *loop;
    cb_error error;
    CU_ASSERT_EQUAL(setenv(VARIABLE, "epoll", 1), 0);
    CU_ASSERT_TRUE(serves("epoll"));
    CU_ASSERT_EQUAL(setenv(VARIABLE, "uring", 1), 0);
    CU_ASSERT_TRUE(serves("uring") == kernel_has_uring());
    static const char *const bad[] = {"", "io_uring", "EPOLL", "simulated"};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(setenv(VARIABLE, bad[i], 1), 0);
        CU_ASSERT_EQUAL(cb_loop_acquire(&loop, &error), CB_INVALID);
        CU_ASSERT_PTR_NULL(loop);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, VARIABLE));
    }
    CU_ASSERT_EQUAL(unsetenv(VARIABLE), 0);
}

static int without_uring(void)
{
    cb_loop *loop;
    cb_error error;
    if (!refuse_uring())
        return 77;
    if (!serves("epoll"))
        return 1;
    setenv(VARIABLE, "epoll", 1);
    if (!serves("epoll"))
        return 2;
    setenv(VARIABLE, "uring", 1);
    if (cb_loop_acquire(&loop, &error) != CB_UNSUPPORTED || loop != NULL)
        return 3;
    return strstr(error.text, VARIABLE) != NULL ? 0 : 4;
}

static void where_io_uring_is_refused_epoll_serves(void)
{
    int status = apart(without_uring);
    CU_ASSERT(status == 0 || status == 77);
}

static void without_a_word_uring_serves_where_it_can(void)
{
    CU_ASSERT_TRUE(serves(kernel_has_uring() ? "uring" : "epoll"));
}

int main(void)
{
    static const CU_TestInfo tests[] = {
        TEST(the_environment_forces_a_back_end), TEST(where_io_uring_is_refused_epoll_serves),
        TEST(without_a_word_uring_serves_where_it_can), CU_TEST_INFO_NULL};
    (void)unsetenv(VARIABLE);
    return run_tests_of("nbio back ends", tests, 2);
}
