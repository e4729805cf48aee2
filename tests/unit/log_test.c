/* The log: lines that are JSON whatever they hold, a queue that loses and counts, and its end. */
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "actors/log/log.h"
#include "actors/step/state.h"

#define QUEUE      (1u << 20)
#define THREADS    4
#define LINES_EACH 1000

/* -- lines ------------------------------------------------------------------------------------ */

static void test_every_byte(void)
{
    for (int byte = 0; byte < 256; byte++) {
        const char text[3] = {'a', (char)byte, 'z'};
        cb_json json = {0};
        cb_json_begin(&json);
        cb_json_text(&json, "t", text, sizeof text);
        cb_json_end(&json);
        CU_ASSERT_FALSE(json.failed);
        CU_ASSERT_EQUAL(memchr(json.bytes, '\n', json.size), json.bytes + json.size - 1);
        cJSON *parsed = cJSON_ParseWithLength(json.bytes, json.size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(parsed);
        const char *back = cJSON_GetStringValue(cJSON_GetObjectItem(parsed, "t"));
        if (byte == 0) {
            CU_ASSERT_STRING_EQUAL(back, "a");
            CU_ASSERT(strncmp(json.bytes, "{\"t\":\"a\\u0000z\"}\n", json.size) == 0);
        } else if (byte >= 0x80) {
            CU_ASSERT_STRING_EQUAL(back, "a\xEF\xBF\xBDz");
        } else {
            CU_ASSERT(memcmp(back, text, sizeof text) == 0 && back[3] == '\0');
        }
        cJSON_Delete(parsed);
        free(json.bytes);
    }
}

static void expect_line(const cb_json *json, const char *expected)
{
    bool same = json->size == strlen(expected) && memcmp(json->bytes, expected, json->size) == 0;
    CU_ASSERT(same);
    if (!same)
        fprintf(stderr, "  got %.*s  not %s", (int)json->size, json->bytes, expected);
}

static void test_members(void)
{
    cb_json json = {0};
    cb_json_begin(&json);
    cb_json_end(&json);
    cb_json_begin(&json);
    cb_json_number(&json, "least", INT64_MIN);
    cb_json_unsigned(&json, "most", UINT64_MAX);
    cb_json_text(&json, "e", "\"\\/\b\f\n\r\t\x1F\x7F\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82", 19);
    cb_json_text(&json, "cut", "\xE2\x82", 2);
    cb_json_text(&json, "none", NULL, 0);
    cb_json_end(&json);
    expect_line(&json, "{}\n{\"least\":-9223372036854775808,\"most\":18446744073709551615,"
                       "\"e\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\\u007f\xC3\xA9\xE2\x82\xAC"
                       "\xF0\x9F\x99\x82\",\"cut\":\"\xEF\xBF\xBD\xEF\xBF\xBD\",\"none\":\"\"}\n");
    free(json.bytes);
}

static void expect_note(cb_note note, const char *name, const char *detail, const char *expected)
{
    cb_json json = {0};
    cb_noted noted = {.note = note,
                      .sequence = 42,
                      .cause = 40,
                      .name = name,
                      .name_size = name != NULL ? strlen(name) : 0,
                      .detail = detail,
                      .detail_size = detail != NULL ? strlen(detail) : 0};
    cb_log_format_note(&json, INT64_C(1700000000123456789), &noted);
    expect_line(&json, expected);
    free(json.bytes);
}

#define HEAD(level, event)                                                                         \
    "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"" level "\",\"event\":\"" event              \
    "\",\"seq\":42,\"cause\":40"

static void test_notes(void)
{
    cb_note job = {.kind = CB_NOTE_JOB_ENDED,
                   .job_kind = CB_JOB_SERVER,
                   .route = 3,
                   .connection = 7,
                   .job = (UINT64_C(9) << 32) | 5,
                   .queue_ns = 1999,
                   .run_ns = 2000000,
                   .whole_ns = 3000001};
    expect_note(job, "tcp", NULL,
                HEAD("info", "job_ended") ",\"namespace\":\"tcp\",\"route\":3,\"job\":\"#5.9\","
                                          "\"kind\":\"request\",\"connection\":7,\"status\":"
                                          "\"success\",\"queue_us\":1,"
                                          "\"run_us\":2000,\"total_us\":3000}\n");
    job.status = CB_JOB_CALLBACK_FAILED;
    job.queue_ns = job.run_ns = job.whole_ns = -1;
    job.job_kind = CB_JOB_LOCAL;
    job.connection = 0;
    job.id = 77;
    expect_note(job, NULL, "why \"so\"",
                HEAD("error", "job_ended") ",\"route\":3,\"job\":\"#5.9\",\"id\":77,"
                                           "\"kind\":\"local\",\"status\":\"callback "
                                           "failed\",\"error\":\"why \\\"so\\\"\"}\n");
    expect_note((cb_note){.kind = CB_NOTE_ROUTE_OPENED, .route = 1, .value = 8080}, "tcp", NULL,
                HEAD("info", "route_opened") ",\"namespace\":\"tcp\",\"route\":1,\"port\":8080}\n");
    expect_note((cb_note){.kind = CB_NOTE_ROUTE_FAILED, .route = 1, .status = CB_IO}, NULL,
                "in use",
                HEAD("error", "route_failed") ",\"route\":1,\"status\":\"input/output error\","
                                              "\"error\":\"in use\"}\n");
    expect_note(
        (cb_note){.kind = CB_NOTE_REJECTED, .route = 1, .status = CB_JOB_OVERLOADED, .value = 12},
        NULL, NULL,
        HEAD("warning", "requests_rejected") ",\"route\":1,\"status\":\"overloaded\","
                                             "\"count\":12}\n");
    expect_note((cb_note){.kind = CB_NOTE_FINISHED, .value = 1}, NULL, NULL,
                HEAD("info", "finished") ",\"status\":\"ok\",\"whole\":1}\n");
    expect_note((cb_note){.kind = CB_NOTE_SHUTDOWN, .value = 5000}, NULL, NULL,
                HEAD("info", "shutdown_begun") ",\"grace_ms\":5000}\n");
    expect_note((cb_note){.kind = CB_NOTE_ACTOR_LOST, .connection = 17, .value = 2}, NULL, NULL,
                HEAD("error", "actor_lost") ",\"actor\":17,\"jobs\":2}\n");
}

/* -- the queue -------------------------------------------------------------------------------- */

/* A pipe that holds one page, and a log into it. */
typedef struct piped {
    int ends[2];
    cb_log *log;
} piped;

static void piped_begin(piped *with, size_t queue_bytes)
{
    char path[64];
    cb_error error;
    CU_ASSERT_EQUAL_FATAL(pipe2(with->ends, O_CLOEXEC), 0);
    CU_ASSERT(fcntl(with->ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", with->ends[1]);
    cb_log_options options = {.path = path, .least = CB_LOG_DEBUG, .queue_bytes = queue_bytes};
    CU_ASSERT_EQUAL_FATAL(cb_log_open(&options, &with->log, &error), CB_OK);
    CU_ASSERT_EQUAL(close(with->ends[1]), 0);
}

static void say(cb_log *log, int64_t number)
{
    const cb_log_field field = {"n", NULL, number};
    cb_log_line(log, CB_LOG_INFO, "test", &field, 1);
}

/* What one line tells of: the lines that were lost before it, or -1 for one that we said, whose
 * number must be greater than the last. */
static int64_t read_line(const char *line, int64_t *last)
{
    cJSON *parsed = cJSON_Parse(line);
    CU_ASSERT_PTR_NOT_NULL_FATAL(parsed);
    const char *event = cJSON_GetStringValue(cJSON_GetObjectItem(parsed, "event"));
    int64_t lost = -1;
    if (strcmp(event, "lines_lost") == 0) {
        lost = (int64_t)cJSON_GetObjectItem(parsed, "lines")->valuedouble;
        CU_ASSERT(lost > 0);
    } else {
        int64_t number = (int64_t)cJSON_GetObjectItem(parsed, "n")->valuedouble;
        CU_ASSERT(number > *last);
        *last = number;
    }
    cJSON_Delete(parsed);
    return lost;
}

/* Nobody reads while 2,000 lines are said; then everybody is accounted for: read, or lost. */
static void test_overflow(void)
{
    const int64_t count = 2000;
    piped with;
    piped_begin(&with, 8192);
    for (int64_t i = 1; i <= count; i++)
        say(with.log, i);
    CU_ASSERT(cb_log_lost(with.log) > 0 && cb_log_lost(with.log) < (uint64_t)count);
    FILE *in = fdopen(with.ends[0], "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    char line[512];
    int64_t last = 0;
    int64_t lines = 0;
    int64_t lost = 0;
    while (lines + lost < count && fgets(line, sizeof line, in) != NULL) {
        int64_t told = read_line(line, &last);
        lines += told < 0;
        lost += told < 0 ? 0 : told;
    }
    CU_ASSERT(lines > 0 && lost > 0 && lines + lost == count);
    CU_ASSERT_EQUAL((uint64_t)lost, cb_log_lost(with.log));
    say(with.log, count + 1); /* there is room again */
    CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof line, in));
    CU_ASSERT_EQUAL(read_line(line, &last), -1);
    CU_ASSERT_EQUAL(last, count + 1);
    cb_log_close(&with.log);
    CU_ASSERT_PTR_NULL(fgets(line, sizeof line, in));
    fclose(in);
}

/* Reads until all of the words have come, in whatever order; false at the end of the pipe. */
static bool read_words(int fd, const char *first, const char *second)
{
    char bytes[4096];
    size_t size = 0;
    for (ssize_t got = 1; got > 0 && size < sizeof bytes - 1; size += (size_t)got) {
        bytes[size] = '\0';
        if (strstr(bytes, first) != NULL && strstr(bytes, second) != NULL)
            return true;
        got = read(fd, bytes + size, sizeof bytes - 1 - size);
        CU_ASSERT_FATAL(got >= 0);
    }
    return false;
}

/* A line that is longer than the queue is lost; what comes after it is not. The two lines may be
 * two writes, and the second one waits until the pipe of one page is empty: the reader reads before
 * the end. */
static void test_long_line(void)
{
    piped with;
    piped_begin(&with, 4096);
    static char text[8192];
    memset(text, 'x', sizeof text - 1);
    const cb_log_field field = {"t", text, 0};
    cb_log_line(with.log, CB_LOG_INFO, "test", &field, 1);
    CU_ASSERT_EQUAL(cb_log_lost(with.log), 1);
    say(with.log, 1);
    CU_ASSERT(read_words(with.ends[0], "\"n\":1", "\"lines_lost\",\"lines\":1"));
    CU_ASSERT_EQUAL(cb_log_lost(with.log), 1);
    cb_log_close(&with.log);
    char more;
    CU_ASSERT_EQUAL(read(with.ends[0], &more, 1), 0);
    close(with.ends[0]);
}

/* The reader is gone: everything is lost, and the end comes all the same. */
static void test_no_reader(void)
{
    piped with;
    piped_begin(&with, QUEUE);
    close(with.ends[0]);
    for (int64_t i = 1; i <= 100; i++)
        say(with.log, i);
    cb_log_flush(with.log);
    CU_ASSERT_EQUAL(cb_log_lost(with.log), 100);
    say(with.log, 101);
    cb_log_flush(with.log);
    CU_ASSERT_EQUAL(cb_log_lost(with.log), 101);
    cb_log_close(&with.log);
    CU_ASSERT_PTR_NULL(with.log);
}

/* What hangs is a write that the kernel does not come back from, as on a disk that is gone. */
static sem_t hang_ends;
static atomic_int hanging = -1; /* the descriptor */
static atomic_int hung;

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (fd == atomic_load(&hanging)) {
        atomic_fetch_add(&hung, 1);
        while (sem_wait(&hang_ends) != 0)
            continue;
    }
    return (ssize_t)syscall(SYS_write, fd, bytes, size);
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The descriptor that was opened last. */
static int newest_descriptor(void)
{
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(next > 0);
    close(next);
    return next - 1;
}

/* The end waits for a while and not for ever, and leaves the thread alone. */
static void test_a_disk_that_hangs(void)
{
    char path[] = "/tmp/callboard_log_test_XXXXXX";
    cb_log *log;
    cb_error error;
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&hang_ends, 0, 0), 0);
    cb_log_options options = {.path = path, .least = CB_LOG_DEBUG, .queue_bytes = QUEUE};
    CU_ASSERT_EQUAL_FATAL(cb_log_open(&options, &log, &error), CB_OK);
    atomic_store(&hanging, newest_descriptor());
    say(log, 1);
    while (atomic_load(&hung) == 0)
        sched_yield();
    int64_t before_ms = now_ms();
    cb_log_close(&log);
    CU_ASSERT_PTR_NULL(log);
    CU_ASSERT(now_ms() - before_ms >= 2000 && now_ms() - before_ms < 20000);
    atomic_store(&hanging, -1);
    sem_post(&hang_ends); /* the thread goes on with what was left to it, and ends */
    char line[512];
    while (read(fd, line, sizeof line) == 0)
        sched_yield();
    close(fd);
    unlink(path);
}

/* A reader that does not read holds up the end for a while and not for ever. */
static void test_stuck_reader(void)
{
    piped with;
    piped_begin(&with, QUEUE);
    for (int64_t i = 1; i <= 1000; i++)
        say(with.log, i);
    cb_log_close(&with.log);
    close(with.ends[0]);
}

static void test_levels(void)
{
    char path[] = "/tmp/callboard_log_test_XXXXXX";
    cb_log *log;
    cb_error error;
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    cb_log_options options = {.path = path, .least = CB_LOG_WARNING, .queue_bytes = QUEUE};
    CU_ASSERT_EQUAL_FATAL(cb_log_open(&options, &log, &error), CB_OK);
    cb_noted noted = {.note = {.kind = CB_NOTE_JOB_ENDED}};
    cb_log_note(log, 0, &noted);
    noted.note.status = CB_JOB_OVERLOADED;
    cb_log_note(log, 0, &noted);
    cb_log_line(log, CB_LOG_INFO, "below", NULL, 0);
    cb_log_line(log, CB_LOG_ERROR, "above", NULL, 0);
    cb_log_line(NULL, CB_LOG_ERROR, "nowhere", NULL, 0);
    cb_log_wake(log);
    cb_log_flush(log);
    char bytes[4096];
    ssize_t size = read(fd, bytes, sizeof bytes - 1);
    CU_ASSERT_FATAL(size > 0);
    bytes[size] = '\0';
    CU_ASSERT(strstr(bytes, "overloaded") != NULL && strstr(bytes, "above") != NULL);
    CU_ASSERT(strstr(bytes, "below") == NULL && strstr(bytes, "success") == NULL);
    cb_log_close(&log);
    close(fd);
    unlink(path);
}

static void test_cannot_open(void)
{
    cb_log *log;
    cb_error error;
    cb_log_options options = {.path = "/nowhere/at/all", .queue_bytes = QUEUE};
    CU_ASSERT_EQUAL(cb_log_open(&options, &log, &error), CB_IO);
    CU_ASSERT_PTR_NULL(log);
    CU_ASSERT_STRING_EQUAL(error.text,
                           "cannot open the log /nowhere/at/all: No such file or directory");
}

static void *say_many(void *log)
{
    for (int64_t i = 1; i <= LINES_EACH; i++)
        say(log, i);
    return NULL;
}

/* Several threads: every line is whole, and none is lost where there is room. */
static void test_threads(void)
{
    char path[] = "/tmp/callboard_log_test_XXXXXX";
    cb_log *log;
    cb_error error;
    pthread_t threads[THREADS];
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    cb_log_options options = {
        .path = path, .least = CB_LOG_DEBUG, .queue_bytes = (size_t)THREADS * QUEUE};
    CU_ASSERT_EQUAL_FATAL(cb_log_open(&options, &log, &error), CB_OK);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, say_many, log), 0);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(cb_log_lost(log), 0);
    cb_log_close(&log);
    FILE *in = fdopen(fd, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    char line[512];
    int lines = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        int64_t last = 0;
        CU_ASSERT_EQUAL(read_line(line, &last), -1);
        lines++;
    }
    CU_ASSERT_EQUAL(lines, THREADS * LINES_EACH);
    fclose(in);
    unlink(path);
}

int main(void)
{
    static const CU_TestInfo tests[] = {{"every byte", test_every_byte},
                                        {"members", test_members},
                                        {"notes", test_notes},
                                        {"a queue that overflows", test_overflow},
                                        {"a line that is too long", test_long_line},
                                        {"no reader", test_no_reader},
                                        {"a reader that is stuck", test_stuck_reader},
                                        {"a disk that hangs", test_a_disk_that_hangs},
                                        {"levels", test_levels},
                                        {"a file that cannot be opened", test_cannot_open},
                                        {"threads", test_threads},
                                        CU_TEST_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite("log", NULL, NULL);
    for (const CU_TestInfo *test = tests; test->pName != NULL; test++)
        CU_add_test(suite, test->pName, test->pTestFunc);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
