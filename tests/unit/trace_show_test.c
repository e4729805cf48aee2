#include "callboard/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "actors/base/message.h"
#include "actors/trace/describe.h"
#include "tests/unit/trace_support.h"

#define START INT64_C(5000000000)
#define MS    INT64_C(1000000)

static cb_error error;
static char path[TRACE_PATH_SIZE];
static char shown[8192];

static const cb_trace_slot slots[] = {
    {.kind = CB_TRACE_NAME,
     .of.name = {.id = 1, .table = 1, .total = 11, .size = 11, .text = "callback\033tp"}},
    {.kind = CB_TRACE_INPUT,
     .sequence = 1,
     .payload_size = 4,
     .of.message = {.kind = CB_MSG_OPEN_ROUTE,
                    .name_space = 1,
                    .from = CB_ADDRESS_FIRST_ASKER + 1,
                    .to = CB_ADDRESS_SUPERVISOR,
                    .time_ns = START + 412345,
                    .status = 500,
                    .connection = 1 << 16 | 8080,
                    .payload = 77}},
    {.kind = CB_TRACE_EFFECT,
     .sequence = 1,
     .index = 1,
     .of.message = {.kind = CB_MSG_START_LISTENER,
                    .name_space = 1,
                    .from = CB_ADDRESS_SUPERVISOR,
                    .to = 16,
                    .cause = 1,
                    .time_ns = START + 412345,
                    .route = 3,
                    .connection = 1 << 16 | 8080}},
    {.kind = CB_TRACE_INPUT,
     .sequence = 2,
     .of.message = {.kind = CB_MSG_JOB_COMPLETED,
                    .name_space = 1,
                    .from = 17,
                    .to = CB_ADDRESS_SUPERVISOR,
                    .cause = 1,
                    .time_ns = START + 1234 * MS,
                    .job = UINT64_C(1) << 32 | 3,
                    .status = CB_JOB_CALLBACK_FAILED,
                    .value = 9}},
    {.kind = CB_TRACE_EFFECT,
     .sequence = 2,
     .index = 1,
     .of.message = {.kind = CB_MSG_DROP,
                    .name_space = 1,
                    .from = CB_ADDRESS_SUPERVISOR,
                    .to = 16,
                    .cause = 2,
                    .time_ns = START + 1234 * MS,
                    .route = 3,
                    .connection = 12,
                    .status = CB_JOB_CALLBACK_FAILED}},
    {.kind = CB_TRACE_INPUT,
     .sequence = 3,
     .of.message = {.kind = CB_MSG_ASK,
                    .name_space = 2,
                    .from = CB_ADDRESS_FIRST_ASKER + 1,
                    .to = CB_ADDRESS_SUPERVISOR,
                    .time_ns = START + 1235 * MS,
                    .job = 3,
                    .value = CB_ASK_ROUTE_PORT}},
    {.kind = CB_TRACE_EFFECT,
     .sequence = 3,
     .index = 1,
     .payload_size = 5,
     .of.message = {.kind = CB_MSG_ANSWER,
                    .name_space = 2,
                    .flags = CB_FLAG_SHARED | CB_FLAG_HAS_NUL,
                    .from = CB_ADDRESS_SUPERVISOR,
                    .to = CB_ADDRESS_FIRST_ASKER + 1,
                    .time_ns = START + 1235 * MS,
                    .status = CB_UNKNOWN,
                    .payload = 1}},
    {.kind = CB_TRACE_INPUT,
     .sequence = 4,
     .of.message = {.kind = CB_MSG_JOB_STARTED,
                    .name_space = 1,
                    .from = CB_ADDRESS_CLIENT,
                    .to = CB_ADDRESS_SUPERVISOR,
                    .time_ns = START + 1236 * MS,
                    .job = UINT64_C(2) << 32 | 5}},
    {.kind = CB_TRACE_EFFECT,
     .sequence = 4,
     .index = 1,
     .of.message = {.kind = CB_MSG_TICK_AT,
                    .from = CB_ADDRESS_SUPERVISOR,
                    .to = CB_ADDRESS_CLOCK,
                    .cause = 4,
                    .time_ns = START + 1236 * MS,
                    .value = START + 2000 * MS}},
    {.kind = CB_TRACE_CHECKPOINT, .sequence = 4, .of.hash = 0xABC},
    {.kind = CB_TRACE_END, .sequence = 4, .of.end = {.inputs = 4, .effects = 4, .checkpoints = 1}},
};

#define SLOTS (sizeof slots / sizeof slots[0])

static void write_file(uint32_t flags)
{
    cb_trace_header header = {.flags = flags,
                              .start_wall_ns = 1,
                              .start_mono_ns = START,
                              .first_sequence = 1,
                              .overwritten = flags ? 12 : 0,
                              .limits = trace_limits()};
    uint8_t bytes[CB_TRACE_HEADER_SIZE + SLOTS * CB_TRACE_RECORD_SIZE];
    cb_trace_encode_header(&header, bytes);
    for (size_t i = 0; i < SLOTS; i++)
        cb_trace_encode(&slots[i], bytes + CB_TRACE_HEADER_SIZE + i * CB_TRACE_RECORD_SIZE);
    trace_store(path, bytes, sizeof bytes);
}

static cb_status show(const cb_trace_show_options *options)
{
    memset(shown, 0, sizeof shown);
    FILE *out = fmemopen(shown, sizeof shown, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    cb_status status = cb_trace_show(out, path, options, &error);
    fclose(out);
    return status;
}

/* How many lines with an arrow there are. */
static unsigned lines(void)
{
    unsigned count = 0;
    for (const char *at = shown; (at = strstr(at, " -> ")) != NULL; at++)
        count++;
    return count;
}

static const char expected[] =
    "# number           ms    from             to            message          route            "
    "    job connection status                    value    bytes    cause flags\n"
    "       1        0.412 >  asker 1       -> supervisor    OpenRoute        callback?tp:-    "
    "      -   tcp 8080 limit 500 ms                  0        4        -\n"
    "       1        0.412  < supervisor    -> listener 16   StartListener    callback?tp:3    "
    "      -   tcp 8080 -                             -        -        1\n"
    "       2     1234.000 >  actor 17      -> supervisor    JobCompleted     callback?tp:-    "
    "   #3.1          - callback failed               9        -        1\n"
    "       2     1234.000  < supervisor    -> listener 16   Drop             callback?tp:3    "
    "      -         12 callback failed               -        -        2\n"
    "       3     1235.000 >  asker 1       -> supervisor    Ask              2:3              "
    "      -          - -                    ROUTE_PORT        -        -\n"
    "       3     1235.000  < supervisor    -> asker 1       Answer           2:-              "
    "      -          - no such id                    0        5        - shared,has-nul\n"
    "       4     1236.000 >  client        -> supervisor    JobStarted       callback?tp:-    "
    "   #5.2          - -                             -        -        -\n"
    "       4     1236.000  < supervisor    -> clock         TickAt           -                "
    "      -          - -                      2000.000        -        4\n"
    "       4              =  state 0000000000000abc\n";

static void test_lines(void)
{
    write_file(0);
    CU_ASSERT_EQUAL(show(NULL), CB_OK);
    CU_ASSERT_STRING_EQUAL(shown, expected);
    if (strcmp(shown, expected) != 0)
        printf("%s", shown);
}

static void test_filters(void)
{
    write_file(0);
    CU_ASSERT_EQUAL(show(&(cb_trace_show_options){.route = 3}), CB_OK);
    CU_ASSERT_EQUAL(lines(), 3);
    CU_ASSERT_EQUAL(show(&(cb_trace_show_options){.job = "#3.1"}), CB_OK);
    CU_ASSERT_EQUAL(lines(), 1);
    CU_ASSERT_EQUAL(show(&(cb_trace_show_options){.job = "#5.2"}), CB_OK);
    CU_ASSERT_EQUAL(lines(), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "JobStarted"));
    CU_ASSERT_PTR_NULL(strstr(shown, "state"));
    CU_ASSERT_EQUAL(show(&(cb_trace_show_options){.kind = "answer"}), CB_OK);
    CU_ASSERT_EQUAL(lines(), 1);
    CU_ASSERT_EQUAL(show(&(cb_trace_show_options){.since_ns = 1000 * MS}), CB_OK);
    CU_ASSERT_EQUAL(lines(), 6);
    CU_ASSERT_EQUAL(show(&(cb_trace_show_options){.since_ns = 1234 * MS, .until_ns = 1235 * MS}),
                    CB_OK);
    CU_ASSERT_EQUAL(lines(), 4);
}

static void test_remarks(void)
{
    write_file(CB_TRACE_FLAG_DUMP | CB_TRACE_FLAG_MIDDLE);
    CU_ASSERT_EQUAL(show(NULL), CB_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "# starts in the middle: 12 older records"));
    write_file(0);
    trace_bytes file = trace_load(path);
    trace_store(path, file.data, file.size - 100);
    CU_ASSERT_EQUAL(show(NULL), CB_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "# the end is torn: 92 bytes after byte "));
    trace_store(path, file.data, file.size - CB_TRACE_RECORD_SIZE);
    CU_ASSERT_EQUAL(show(NULL), CB_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "# no end record"));
    trace_record(file, 6)[40] ^= 1;
    trace_store(path, file.data, file.size);
    CU_ASSERT_EQUAL(show(NULL), CB_FORMAT);
    CU_ASSERT_EQUAL(lines(), 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "record 6 (input Ask, message 3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, path));
    free(file.data);
    CU_ASSERT_EQUAL(cb_trace_show(stdout, "/nonexistent/trace", NULL, &error), CB_IO);
}

static void test_a_full_disk(void)
{
    write_file(0);
    FILE *full = fopen("/dev/full", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(full);
    CU_ASSERT_EQUAL(cb_trace_show(full, path, NULL, &error), CB_IO);
    fclose(full);
}

/* Fields that hold anything: lines may get longer, nothing else. */
static void test_odd_fields(void)
{
    cb_limits limits = trace_limits();
    cb_recorder *recorder = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_recorder_open(&limits, path, &recorder, &error), CB_OK);
    uint64_t sequence = 0;
    for (unsigned kind = 0; kind < CB_MSG_END + 5; kind++) {
        for (unsigned byte = 0; byte < 256; byte += 51) {
            cb_message message;
            memset(&message, (int)byte, sizeof message);
            message.kind = (uint16_t)kind;
            message.payload = 0;
            cb_recorder_input(recorder, ++sequence, &message);
        }
    }
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    FILE *out = fopen("/dev/null", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(cb_trace_show(out, path, NULL, &error), CB_OK);
    fclose(out);
}

/* Questions carry the job that asks in fields that say something else in other messages. */
static void test_who_asks(void)
{
    const uint64_t job = UINT64_C(2) << 32 | 5; /* what asks, as `route` 5 and `connection` 2 */
    const struct {
        cb_trace_message message;
        const char *job;
        uint32_t route;
    } cases[] = {
        {{.kind = CB_MSG_WAIT, .route = 5, .connection = 2}, "#5.2", 0},
        {{.kind = CB_MSG_WAIT}, "-", 0},
        {{.kind = CB_MSG_WAIT,
          .status = CB_WAIT_JOB_COMPLETE,
          .route = 5,
          .connection = 2,
          .job = 9},
         "9",
         0},
        {{.kind = CB_MSG_WAIT,
          .status = CB_WAIT_ROUTE_DRAINED,
          .route = 5,
          .connection = 2,
          .job = 9},
         "-",
         9},
        {{.kind = CB_MSG_CANCEL_JOB, .route = 5, .connection = 2, .job = 9}, "9", 0},
        {{.kind = CB_MSG_COMMAND, .route = 7, .job = job}, "#5.2", 7},
        {{.kind = CB_MSG_CLOSE_ROUTE, .route = 7, .job = job}, "#5.2", 7},
        {{.kind = CB_MSG_CLOSE_ROUTE, .route = 7}, "-", 7},
        {{.kind = CB_MSG_CLOSE_JOBS, .job = job}, "#5.2", 0},
        {{.kind = CB_MSG_OPEN_ROUTE, .job = job}, "#5.2", 0},
        {{.kind = CB_MSG_CANCEL_ORDER, .route = 7, .job = job}, "#5.2", 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        cb_describe_job(&cases[i].message, text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].job);
        CU_ASSERT_EQUAL(cb_describe_subject(&cases[i].message).route, cases[i].route);
        cb_describe_connection(&cases[i].message, text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, "-");
    }
}

int main(void)
{
    trace_path(path);
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("show", NULL, NULL);
    CU_ADD_TEST(suite, test_lines);
    CU_ADD_TEST(suite, test_filters);
    CU_ADD_TEST(suite, test_remarks);
    CU_ADD_TEST(suite, test_a_full_disk);
    CU_ADD_TEST(suite, test_odd_fields);
    CU_ADD_TEST(suite, test_who_asks);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    unlink(path);
    return failures != 0;
}
