#include "actors/trace/recorder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "actors/base/clock.h"
#include "callboard/trace.h"
#include "tests/unit/trace_support.h"

#define RING_RECORDS (65536u / 96u)

static cb_error error;

/* One input with two effects: three records. */
static void record_one(cb_recorder *recorder, uint64_t sequence)
{
    cb_message input = trace_message(CB_MSG_REQUEST_READY, (unsigned)sequence);
    cb_message effects[2] = {trace_message(CB_MSG_HAND, (unsigned)sequence + 100),
                             trace_message(CB_MSG_TICK_AT, (unsigned)sequence + 200)};
    cb_recorder_input(recorder, sequence, &input);
    cb_recorder_effects(recorder, sequence, effects, 2);
}

static cb_recorder *open_recorder(const char *path)
{
    cb_limits limits = trace_limits();
    cb_recorder *recorder = NULL;
    CU_ASSERT_EQUAL(cb_recorder_open(&limits, path, &recorder, &error), CB_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(recorder);
    return recorder;
}

/* Until what was recorded is in the file, or nothing more will be. */
static void await_file(cb_recorder *recorder)
{
    CU_ASSERT(cb_recorder_await(recorder, cb_now_ns() + 60 * INT64_C(1000000000)));
}

/* Reads to the end; checks the records of record_one; gives the numbers of inputs. */
static uint64_t read_all(const char *path, uint32_t *flags, cb_trace_cut *cut)
{
    cb_trace_reader *reader = NULL;
    CU_ASSERT_EQUAL(cb_trace_open(path, &reader, &error), CB_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    *flags = cb_trace_header_of(reader)->flags;
    uint64_t inputs = 0;
    cb_trace_record record;
    cb_status status;
    while ((status = cb_trace_next(reader, &record, &error)) == CB_OK) {
        unsigned seed = (unsigned)record.sequence + record.index * 100;
        static const unsigned kinds[] = {CB_MSG_REQUEST_READY, CB_MSG_HAND, CB_MSG_TICK_AT};
        inputs += record.kind == CB_TRACE_INPUT;
        if (record.kind > CB_TRACE_EFFECT)
            continue;
        cb_message written = trace_message(kinds[record.index], seed);
        CU_ASSERT(trace_same(&record.of.message, &written));
    }
    CU_ASSERT_EQUAL(status, CB_CLOSED);
    *cut = cb_trace_cut_of(reader);
    cb_trace_close(&reader);
    return inputs;
}

static void test_memory_only(void)
{
    cb_recorder *recorder = open_recorder(NULL);
    CU_ASSERT_FALSE(cb_recorder_has_file(recorder));
    for (uint64_t i = 1; i <= 200; i++)
        record_one(recorder, i);
    CU_ASSERT_EQUAL(cb_recorder_count(recorder), 600);
    CU_ASSERT_EQUAL(cb_recorder_overwritten(recorder), 0);
    CU_ASSERT_FALSE(cb_recorder_wants_checkpoint(recorder, 1000000, 0));
    cb_recorder_flush(recorder);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    CU_ASSERT_PTR_NULL(recorder);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
}

static void test_dump_of_everything(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(NULL);
    for (uint64_t i = 1; i <= 227; i++)
        record_one(recorder, i);
    CU_ASSERT_EQUAL(cb_recorder_dump(recorder, path, &error), CB_OK);
    uint32_t flags;
    cb_trace_cut cut;
    CU_ASSERT_EQUAL(read_all(path, &flags, &cut), 227);
    CU_ASSERT_EQUAL(flags, CB_TRACE_FLAG_DUMP);
    CU_ASSERT(cut.closed);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    unlink(path);
}

static void test_overwriting_is_counted(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(NULL);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 7, "callbacktcp", &error), CB_OK);
    uint64_t made = 1; /* the name's record */
    for (uint64_t i = 1; i <= 1000; i++) {
        record_one(recorder, i);
        made += 3;
        CU_ASSERT_EQUAL(cb_recorder_count(recorder), made);
        CU_ASSERT_EQUAL(cb_recorder_overwritten(recorder),
                        made > RING_RECORDS ? made - RING_RECORDS : 0);
    }
    CU_ASSERT_EQUAL(cb_recorder_dump(recorder, path, &error), CB_OK);
    uint32_t flags;
    cb_trace_cut cut;
    /* 682 records: 227 whole inputs and one effect of the one before. */
    CU_ASSERT_EQUAL(read_all(path, &flags, &cut), 227);
    CU_ASSERT_EQUAL(flags, CB_TRACE_FLAG_DUMP | CB_TRACE_FLAG_MIDDLE);
    cb_trace_reader *reader = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_trace_open(path, &reader, &error), CB_OK);
    CU_ASSERT_EQUAL(cb_trace_header_of(reader)->overwritten, made - RING_RECORDS);
    CU_ASSERT_EQUAL(cb_trace_header_of(reader)->first_sequence, 773);
    cb_trace_record record;
    CU_ASSERT_EQUAL(cb_trace_next(reader, &record, &error), CB_OK);
    CU_ASSERT_STRING_EQUAL(cb_trace_name_space(reader, 7), "callbacktcp");
    cb_trace_close(&reader);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    unlink(path);
}

static void test_file_loses_nothing(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(path);
    CU_ASSERT(cb_recorder_has_file(recorder));
    const uint64_t inputs = 25000; /* 75,000 records through a ring of 682 */
    for (uint64_t i = 1; i <= inputs; i++) {
        record_one(recorder, i);
        if (i % 1777 == 0)
            cb_recorder_flush(recorder);
    }
    cb_recorder_checkpoint(recorder, inputs, 42);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 0);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    uint32_t flags;
    cb_trace_cut cut;
    CU_ASSERT_EQUAL(read_all(path, &flags, &cut), inputs);
    CU_ASSERT_EQUAL(flags, 0);
    CU_ASSERT(cut.closed);
    CU_ASSERT_EQUAL(cut.bytes, 0);
    trace_bytes file = trace_load(path);
    CU_ASSERT_EQUAL(file.size, CB_TRACE_HEADER_SIZE + 96u * (3 * inputs + 2));
    free(file.data);
    unlink(path);
}

static void test_readable_while_written(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(path);
    uint32_t flags;
    cb_trace_cut cut;
    await_file(recorder);
    CU_ASSERT_EQUAL(read_all(path, &flags, &cut), 0);
    record_one(recorder, 1);
    record_one(recorder, 2);
    await_file(recorder);
    CU_ASSERT_EQUAL(read_all(path, &flags, &cut), 2);
    CU_ASSERT_FALSE(cut.closed);
    CU_ASSERT_EQUAL(cut.bytes, 0);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    unlink(path);
}

static void test_dump_beside_a_file(void)
{
    char path[TRACE_PATH_SIZE];
    char dump[TRACE_PATH_SIZE];
    trace_path(path);
    trace_path(dump);
    cb_recorder *recorder = open_recorder(path);
    record_one(recorder, 1);
    CU_ASSERT_EQUAL(cb_recorder_dump(recorder, dump, &error), CB_OK);
    record_one(recorder, 2);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    uint32_t flags;
    cb_trace_cut cut;
    CU_ASSERT_EQUAL(read_all(dump, &flags, &cut), 1);
    CU_ASSERT_EQUAL(read_all(path, &flags, &cut), 2);
    unlink(path);
    unlink(dump);
}

static void test_payload_sizes(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(path);
    cb_buffer *buffer = cb_buffer_new(1234, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    cb_message input = trace_message(CB_MSG_REQUEST_READY, 1);
    cb_message effect = trace_message(CB_MSG_HAND, 2);
    input.payload = cb_payload_handle(buffer);
    cb_recorder_input(recorder, 1, &input);
    buffer->size = 7;
    effect.payload = input.payload;
    cb_recorder_effects(recorder, 1, &effect, 1);
    cb_buffer_release(buffer);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    cb_trace_reader *reader = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_trace_open(path, &reader, &error), CB_OK);
    cb_trace_record record;
    CU_ASSERT_EQUAL(cb_trace_next(reader, &record, &error), CB_OK);
    CU_ASSERT_EQUAL(record.payload_size, 1234);
    CU_ASSERT(trace_same(&record.of.message, &input));
    CU_ASSERT_EQUAL(cb_trace_next(reader, &record, &error), CB_OK);
    CU_ASSERT_EQUAL(record.payload_size, 7);
    cb_trace_close(&reader);
    unlink(path);
}

static void test_names(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    char longest[CB_TRACE_NAME_MAX + 20];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cb_recorder *recorder = open_recorder(path);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 0, "none", &error), CB_INVALID);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 1, "", &error), CB_INVALID);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 1, "first", &error), CB_OK);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 1, "first", &error), CB_OK);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 1, "other", &error), CB_INVALID);
    record_one(recorder, 1);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 255, longest, &error), CB_OK);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    cb_trace_reader *reader = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_trace_open(path, &reader, &error), CB_OK);
    cb_trace_record record;
    while (cb_trace_next(reader, &record, &error) == CB_OK)
        ;
    CU_ASSERT_STRING_EQUAL(cb_trace_name_space(reader, 1), "first");
    CU_ASSERT_PTR_NULL(cb_trace_name_space(reader, 2));
    CU_ASSERT_PTR_NOT_NULL_FATAL(cb_trace_name_space(reader, 255));
    CU_ASSERT_EQUAL(strlen(cb_trace_name_space(reader, 255)), CB_TRACE_NAME_MAX);
    cb_trace_close(&reader);
    unlink(path);
}

static void *name_them(void *argument)
{
    cb_recorder *recorder = argument;
    char name[16];
    for (unsigned i = 1; i < 256; i++) {
        snprintf(name, sizeof name, "space%u", i);
        if (cb_recorder_name(recorder, (uint8_t)i, name, NULL) != CB_OK)
            return argument;
    }
    return NULL;
}

static void test_names_from_another_thread(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(path);
    pthread_t namer;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&namer, NULL, name_them, recorder), 0);
    for (uint64_t i = 1; i <= 3000; i++)
        record_one(recorder, i);
    void *failed = NULL;
    CU_ASSERT_EQUAL(pthread_join(namer, &failed), 0);
    CU_ASSERT_PTR_NULL(failed);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    cb_trace_reader *reader = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_trace_open(path, &reader, &error), CB_OK);
    cb_trace_record record;
    while (cb_trace_next(reader, &record, &error) == CB_OK)
        ;
    CU_ASSERT(cb_trace_cut_of(reader).closed);
    for (unsigned i = 1; i < 256; i++) {
        char name[16];
        snprintf(name, sizeof name, "space%u", i);
        const char *read = cb_trace_name_space(reader, (uint8_t)i);
        CU_ASSERT(read != NULL && strcmp(read, name) == 0);
    }
    cb_trace_close(&reader);
    unlink(path);
}

static void test_rule_for_checkpoints(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(path);
    for (uint64_t i = 1; i <= 5000; i++)
        record_one(recorder, i);
    CU_ASSERT_FALSE(cb_recorder_wants_checkpoint(recorder, 4095, 0));
    CU_ASSERT(cb_recorder_wants_checkpoint(recorder, 4096, 0));
    CU_ASSERT_FALSE(cb_recorder_wants_checkpoint(recorder, 4999, 5000));
    CU_ASSERT(cb_recorder_wants_checkpoint(recorder, 5000, 5000));
    cb_recorder_checkpoint(recorder, 5000, 1);
    CU_ASSERT_FALSE(cb_recorder_wants_checkpoint(recorder, 9095, 0));
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    unlink(path);
}

static void test_a_file_that_cannot_be_made(void)
{
    cb_limits limits = trace_limits();
    cb_recorder *recorder = NULL;
    CU_ASSERT_EQUAL(cb_recorder_open(&limits, "/nonexistent/trace", &recorder, &error), CB_IO);
    CU_ASSERT_PTR_NULL(recorder);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/nonexistent/trace"));
    CU_ASSERT_EQUAL(cb_recorder_open(&limits, "/tmp", &recorder, &error), CB_IO);
    CU_ASSERT_PTR_NULL(recorder);
}

static void test_a_disk_that_is_full(void)
{
    cb_recorder *recorder = open_recorder("/dev/full");
    record_one(recorder, 1);
    await_file(recorder);
    CU_ASSERT_FALSE(cb_recorder_has_file(recorder));
    record_one(recorder, 2);
    CU_ASSERT_EQUAL(cb_recorder_count(recorder), 6);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 6);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_IO);
    CU_ASSERT_STRING_EQUAL(error.text, "the trace file could not be written: No space left on "
                                       "device; it ends with message 0 of 2");
}

/* The disk is full in the middle: the program goes on, close tells. */
static void test_a_failed_write(void)
{
    char path[TRACE_PATH_SIZE];
    trace_path(path);
    cb_recorder *recorder = open_recorder(path);
    struct rlimit before;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 50000, .rlim_max = before.rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        record_one(recorder, i);
    await_file(recorder);
    CU_ASSERT_FALSE(cb_recorder_has_file(recorder));
    CU_ASSERT_FALSE(cb_recorder_wants_checkpoint(recorder, 1000000, 0));
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    uint64_t written = (50000 - CB_TRACE_HEADER_SIZE) / 96;
    CU_ASSERT_EQUAL(cb_recorder_count(recorder), 3000);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 3000 - written);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_IO);
    char sentence[128];
    snprintf(sentence, sizeof sentence,
             "the trace file could not be written: File too large; it ends with message %u of 1000",
             (unsigned)((written + 2) / 3));
    CU_ASSERT_STRING_EQUAL(error.text, sentence);
    uint32_t flags;
    cb_trace_cut cut;
    CU_ASSERT_EQUAL(read_all(path, &flags, &cut), (written + 2) / 3);
    CU_ASSERT_EQUAL(cut.bytes, (50000 - CB_TRACE_HEADER_SIZE) % 96);
    unlink(path);
}

static void test_dump_into_a_closed_pipe(void)
{
    cb_recorder *recorder = open_recorder(NULL);
    record_one(recorder, 1);
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    close(ends[0]);
    CU_ASSERT_EQUAL(cb_recorder_dump_fd(recorder, ends[1], &error), CB_IO);
    close(ends[1]);
    CU_ASSERT_EQUAL(cb_recorder_dump(recorder, "/nonexistent/dump", &error), CB_IO);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("recorder", NULL, NULL);
    CU_ADD_TEST(suite, test_memory_only);
    CU_ADD_TEST(suite, test_dump_of_everything);
    CU_ADD_TEST(suite, test_overwriting_is_counted);
    CU_ADD_TEST(suite, test_file_loses_nothing);
    CU_ADD_TEST(suite, test_readable_while_written);
    CU_ADD_TEST(suite, test_dump_beside_a_file);
    CU_ADD_TEST(suite, test_payload_sizes);
    CU_ADD_TEST(suite, test_names);
    CU_ADD_TEST(suite, test_names_from_another_thread);
    CU_ADD_TEST(suite, test_rule_for_checkpoints);
    CU_ADD_TEST(suite, test_a_file_that_cannot_be_made);
    CU_ADD_TEST(suite, test_a_disk_that_is_full);
    CU_ADD_TEST(suite, test_a_failed_write);
    CU_ADD_TEST(suite, test_dump_into_a_closed_pipe);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures != 0;
}
