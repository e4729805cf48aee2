#include "callboard/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "tests/unit/trace_support.h"

static cb_error error;
static char path[TRACE_PATH_SIZE];

/* name, 4 x (input, 2 effects), checkpoint, end: 15 records */
#define RECORDS 15u

static trace_bytes make_file(void)
{
    cb_limits limits = trace_limits();
    cb_recorder *recorder = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_recorder_open(&limits, path, &recorder, &error), CB_OK);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 3, "demo", &error), CB_OK);
    for (unsigned i = 1; i <= 4; i++) {
        cb_message messages[] = {trace_message(CB_MSG_JOB_COMPLETED, i),
                                 trace_message(CB_MSG_RESPOND, i),
                                 trace_message(CB_MSG_TICK_AT, i)};
        cb_recorder_input(recorder, i, &messages[0]);
        cb_recorder_effects(recorder, i, &messages[1], 2);
    }
    cb_recorder_checkpoint(recorder, 4, 0x1234);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    trace_bytes file = trace_load(path);
    CU_ASSERT_EQUAL_FATAL(trace_record_count(file), RECORDS);
    return file;
}

/* Stores the bytes, reads until the end or an error; gives that status. */
static cb_status read_bytes(const uint8_t *data, size_t size, uint64_t *records, cb_trace_cut *cut)
{
    trace_store(path, data, size);
    *records = 0;
    cb_trace_reader *reader = NULL;
    cb_status status = cb_trace_open(path, &reader, &error);
    if (status != CB_OK)
        return status;
    cb_trace_record record;
    while ((status = cb_trace_next(reader, &record, &error)) == CB_OK)
        ++*records;
    CU_ASSERT_EQUAL(cb_trace_next(reader, &record, &error), status);
    *cut = cb_trace_cut_of(reader);
    cb_trace_close(&reader);
    return status;
}

static void test_torn_at_every_byte(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    for (size_t size = CB_TRACE_HEADER_SIZE; size < file.size; size++) {
        size_t body = size - CB_TRACE_HEADER_SIZE;
        CU_ASSERT_EQUAL(read_bytes(file.data, size, &records, &cut), CB_CLOSED);
        CU_ASSERT_EQUAL(records, body / CB_TRACE_RECORD_SIZE);
        CU_ASSERT_EQUAL(cut.bytes, body % CB_TRACE_RECORD_SIZE);
        CU_ASSERT_EQUAL(cut.offset, size - cut.bytes);
        CU_ASSERT_FALSE(cut.closed);
    }
    free(file.data);
}

static void test_zeros_at_the_end_are_cut(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    memset(trace_record(file, 12), 0, 4 * CB_TRACE_RECORD_SIZE);
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size - 10, &records, &cut), CB_CLOSED);
    CU_ASSERT_EQUAL(records, 11);
    CU_ASSERT_EQUAL(cut.bytes, 4 * CB_TRACE_RECORD_SIZE - 10);
    free(file.data);
}

static void test_every_altered_byte_is_found(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    for (uint64_t number = 1; number < RECORDS; number++) {
        for (size_t at = 0; at < CB_TRACE_RECORD_SIZE; at++) {
            uint8_t *byte = trace_record(file, number) + at;
            char words[32];
            *byte ^= 1;
            CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_FORMAT);
            *byte ^= 1;
            CU_ASSERT_EQUAL(records, number - 1);
            snprintf(words, sizeof words, "record %u (", (unsigned)number);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, words));
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is damaged: checksum"));
        }
    }
    /* Damage in the very last record cannot be told from a torn end. */
    trace_record(file, RECORDS)[50] ^= 1;
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_CLOSED);
    CU_ASSERT_EQUAL(records, RECORDS - 1);
    CU_ASSERT_EQUAL(cut.bytes, CB_TRACE_RECORD_SIZE);
    free(file.data);
}

static void test_a_damaged_record_is_named(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    trace_record(file, 5)[32 + 48] ^= 0x10; /* the value of the second input */
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_FORMAT);
    char words[128];
    snprintf(words, sizeof words,
             "record 5 (input JobCompleted, message 2, at byte %zu) is damaged: checksum",
             CB_TRACE_HEADER_SIZE + 4 * (size_t)CB_TRACE_RECORD_SIZE);
    CU_ASSERT_STRING_EQUAL(error.text, words);
    free(file.data);
}

static void test_a_missing_record_is_found(void)
{
    for (uint64_t gone = 2; gone <= 14; gone++) {
        trace_bytes file = make_file();
        uint64_t records;
        cb_trace_cut cut;
        uint8_t *at = trace_record(file, gone);
        memmove(at, at + CB_TRACE_RECORD_SIZE, (RECORDS - gone) * CB_TRACE_RECORD_SIZE);
        CU_ASSERT_EQUAL(read_bytes(file.data, file.size - CB_TRACE_RECORD_SIZE, &records, &cut),
                        CB_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "record "));
        free(file.data);
    }
}

/* Changes one byte of a record, gives it a checksum that fits, and expects a complaint. */
static void expect_refusal(uint64_t number, size_t at, uint8_t value, const char *words)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    trace_record(file, number)[at] = value;
    trace_seal(file, number);
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, words));
    free(file.data);
}

static void test_order_is_checked(void)
{
    const char *follow = "does not follow";
    expect_refusal(2, 8, 2, follow);  /* the first input is number 2 */
    expect_refusal(2, 24, 1, follow); /* an input with an index */
    expect_refusal(5, 8, 3, follow);  /* number 3 after 1 */
    expect_refusal(5, 8, 1, follow);  /* the same number again */
    expect_refusal(3, 24, 0, follow); /* an effect without an index */
    expect_refusal(4, 24, 3, follow); /* effect 3 after 1 */
    expect_refusal(4, 8, 2, follow);  /* an effect of another input */
    expect_refusal(14, 8, 3, "is not about the message before it");
    expect_refusal(15, 32, 5, "as many records as it says");      /* inputs */
    expect_refusal(15, 32 + 8, 9, "as many records as it says");  /* effects */
    expect_refusal(15, 32 + 16, 0, "as many records as it says"); /* checkpoints */
    expect_refusal(15, 32 + 24, 1, "as many records as it says"); /* lost */
}

/* What was made, with a record in place of message 3 and its effects that says what is missing. */
static cb_status read_with_lost(uint64_t sequence, cb_trace_lost lost, uint64_t lost_in_all)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut = {.closed = false};
    cb_trace_slot end = {.kind = CB_TRACE_END, .of.end = {3, 6, 1, lost_in_all}};
    cb_trace_slot slot = {.kind = CB_TRACE_LOST, .sequence = sequence, .of.lost = lost};
    cb_trace_encode(&slot, trace_record(file, 8));
    memmove(trace_record(file, 9), trace_record(file, 11), 4 * (size_t)CB_TRACE_RECORD_SIZE);
    cb_trace_encode(&end, trace_record(file, 13));
    size_t size = file.size - 2 * (size_t)CB_TRACE_RECORD_SIZE;
    cb_status status = read_bytes(file.data, size, &records, &cut);
    CU_ASSERT_EQUAL(status == CB_CLOSED, cut.closed);
    CU_ASSERT(status == CB_FORMAT || records == 13);
    free(file.data);
    return status;
}

static void expect_lost_refused(uint64_t sequence, cb_trace_lost lost, const char *words)
{
    CU_ASSERT_EQUAL(read_with_lost(sequence, lost, lost.records), CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, words));
}

static void test_lost_messages_are_counted(void)
{
    CU_ASSERT_EQUAL(read_with_lost(2, (cb_trace_lost){3, 1}, 3), CB_CLOSED);
    CU_ASSERT_EQUAL(read_with_lost(2, (cb_trace_lost){1, 1}, 1), CB_CLOSED);
    CU_ASSERT_EQUAL(read_with_lost(2, (cb_trace_lost){3, 1}, 2), CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "as many records as it says"));
    expect_lost_refused(2, (cb_trace_lost){3, 0}, "record 9 (input, message 4");
    expect_lost_refused(2, (cb_trace_lost){3, 2}, "record 9 (input, message 4");
    expect_lost_refused(1, (cb_trace_lost){3, 1}, "is not about the message before it");
    expect_lost_refused(3, (cb_trace_lost){3, 1}, "is not about the message before it");
    expect_lost_refused(2, (cb_trace_lost){0, 1}, "more messages than there can be");
    expect_lost_refused(2, (cb_trace_lost){UINT64_MAX, UINT64_MAX - 2}, "more messages than");
    expect_lost_refused(2, (cb_trace_lost){UINT64_MAX, UINT64_MAX - 3}, "does not follow");
}

/* Twice in a row; and records that are no messages. */
static void test_lost_again(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    cb_trace_slot slot = {.kind = CB_TRACE_LOST, .sequence = 2, .of.lost = {3, 1}};
    cb_trace_slot end = {.kind = CB_TRACE_END, .of.end = {2, 4, 0, 5}};
    cb_trace_encode(&slot, trace_record(file, 8));
    slot.sequence = 3;
    slot.of.lost = (cb_trace_lost){2, 1};
    cb_trace_encode(&slot, trace_record(file, 9));
    cb_trace_encode(&end, trace_record(file, 10));
    size_t size = CB_TRACE_HEADER_SIZE + 10 * (size_t)CB_TRACE_RECORD_SIZE;
    CU_ASSERT_EQUAL(read_bytes(file.data, size, &records, &cut), CB_CLOSED);
    CU_ASSERT(cut.closed);
    slot.sequence = 2; /* as if the first one had not been */
    cb_trace_encode(&slot, trace_record(file, 9));
    CU_ASSERT_EQUAL(read_bytes(file.data, size, &records, &cut), CB_FORMAT);
    free(file.data);
    file = make_file();
    slot = (cb_trace_slot){.kind = CB_TRACE_LOST, .sequence = 4, .of.lost = {1, 0}};
    end.of.end = (cb_trace_end){4, 8, 0, 1};
    cb_trace_encode(&slot, trace_record(file, 14)); /* the state hash */
    cb_trace_encode(&end, trace_record(file, 15));
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_CLOSED);
    CU_ASSERT(cut.closed);
    slot = (cb_trace_slot){.kind = CB_TRACE_LOST, .sequence = 3, .of.lost = {1, 0}};
    cb_trace_encode(&slot, trace_record(file, 9)); /* the first effect of message 3 */
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "record 10 (effect"));
    slot = (cb_trace_slot){.kind = CB_TRACE_LOST, .sequence = 2, .of.lost = {2, 1}};
    cb_trace_encode(&slot, trace_record(file, 8)); /* an effect cannot follow */
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_FORMAT);
    free(file.data);
}

static void test_names_are_checked(void)
{
    expect_refusal(1, 32, 0, "out of range");            /* namespace 0 */
    expect_refusal(1, 33, 1, "out of range");            /* namespace 259 */
    expect_refusal(1, 32 + 10, 0, "sizes do not fit");   /* total */
    expect_refusal(1, 32 + 10, 3, "sizes do not fit");   /* total below the part */
    expect_refusal(1, 32 + 11, 255, "sizes do not fit"); /* total */
    expect_refusal(1, 32 + 14, 0, "sizes do not fit");   /* part */
    expect_refusal(1, 32 + 14, 49, "sizes do not fit");
    expect_refusal(1, 32 + 13, 255, "sizes do not fit"); /* offset */
}

static void test_a_part_of_a_name_needs_its_beginning(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    uint8_t *name = trace_record(file, 1) + 32;
    name[10] = 100;
    name[12] = 48;
    trace_seal(file, 1);
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "parts do not follow"));
    free(file.data);
}

static void test_nothing_follows_the_end(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    memcpy(trace_record(file, 14), trace_record(file, 15), CB_TRACE_RECORD_SIZE);
    trace_record(file, 14)[32 + 16] = 0;
    trace_seal(file, 14);
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "after the end record"));
    free(file.data);
}

static void test_later_kinds_of_record_are_passed_on(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    trace_record(file, 1)[4] = 99;
    trace_seal(file, 1);
    CU_ASSERT_EQUAL(read_bytes(file.data, file.size, &records, &cut), CB_CLOSED);
    CU_ASSERT_EQUAL(records, RECORDS);
    CU_ASSERT_STRING_EQUAL(cb_trace_kind_name(99), "?");
    CU_ASSERT_STRING_EQUAL(cb_trace_kind_name(CB_TRACE_EFFECT), "effect");
    free(file.data);
}

static void test_the_header_is_checked(void)
{
    trace_bytes file = make_file();
    uint64_t records;
    cb_trace_cut cut;
    for (size_t size = 0; size < CB_TRACE_HEADER_SIZE; size++)
        CU_ASSERT_EQUAL(read_bytes(file.data, size, &records, &cut), CB_FORMAT);
    for (size_t at = 0; at < CB_TRACE_HEADER_SIZE; at++) {
        file.data[at] ^= 0x40;
        cb_status status = read_bytes(file.data, file.size, &records, &cut);
        CU_ASSERT(status == CB_FORMAT || status == CB_UNSUPPORTED);
        CU_ASSERT_EQUAL(status == CB_UNSUPPORTED, at >= 8 && at < 12);
        file.data[at] ^= 0x40;
    }
    CU_ASSERT_EQUAL(read_bytes((const uint8_t *)"once upon a time", 16, &records, &cut), CB_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "not a trace file"));
    cb_trace_reader *reader = NULL;
    CU_ASSERT_EQUAL(cb_trace_open("/nonexistent/trace", &reader, &error), CB_IO);
    CU_ASSERT_PTR_NULL(reader);
    CU_ASSERT_EQUAL(cb_trace_open("/", &reader, &error), CB_IO);
    free(file.data);
}

static void test_the_header_says_the_limits(void)
{
    trace_bytes file = make_file();
    cb_limits limits = trace_limits();
    cb_trace_reader *reader = NULL;
    trace_store(path, file.data, file.size);
    CU_ASSERT_EQUAL_FATAL(cb_trace_open(path, &reader, &error), CB_OK);
    const cb_trace_header *header = cb_trace_header_of(reader);
    CU_ASSERT_EQUAL(header->version, CB_TRACE_VERSION);
    CU_ASSERT_EQUAL(header->first_sequence, 1);
    CU_ASSERT_EQUAL(header->process_id, (uint64_t)getpid());
    CU_ASSERT(header->start_wall_ns > 0 && header->start_mono_ns > 0);
    CU_ASSERT(header->has_limits);
    CU_ASSERT_EQUAL(memcmp(&header->limits, &limits, sizeof limits), 0);
    cb_trace_close(&reader);
    free(file.data);
}

/* Random damage, sealed again half of the time: never a crash, always an end. */
static void test_random_damage(void)
{
    trace_bytes file = make_file();
    uint8_t *copy = malloc(file.size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    uint64_t state = 1;
    for (unsigned round = 0; round < 3000; round++) {
        memcpy(copy, file.data, file.size);
        trace_bytes damaged = {copy, file.size};
        for (unsigned i = 0; i <= round % 4; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint64_t number = 1 + (state >> 33) % RECORDS;
            trace_record(damaged, number)[4 + (state >> 40) % 92] = (uint8_t)(state >> 56);
            if (round % 2)
                trace_seal(damaged, number);
        }
        uint64_t records;
        cb_trace_cut cut;
        cb_status status = read_bytes(copy, file.size - round % 200, &records, &cut);
        CU_ASSERT(status == CB_CLOSED || status == CB_FORMAT);
    }
    free(copy);
    free(file.data);
}

int main(void)
{
    trace_path(path);
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("reader", NULL, NULL);
    CU_ADD_TEST(suite, test_torn_at_every_byte);
    CU_ADD_TEST(suite, test_zeros_at_the_end_are_cut);
    CU_ADD_TEST(suite, test_every_altered_byte_is_found);
    CU_ADD_TEST(suite, test_a_damaged_record_is_named);
    CU_ADD_TEST(suite, test_a_missing_record_is_found);
    CU_ADD_TEST(suite, test_order_is_checked);
    CU_ADD_TEST(suite, test_lost_messages_are_counted);
    CU_ADD_TEST(suite, test_lost_again);
    CU_ADD_TEST(suite, test_names_are_checked);
    CU_ADD_TEST(suite, test_a_part_of_a_name_needs_its_beginning);
    CU_ADD_TEST(suite, test_nothing_follows_the_end);
    CU_ADD_TEST(suite, test_later_kinds_of_record_are_passed_on);
    CU_ADD_TEST(suite, test_the_header_is_checked);
    CU_ADD_TEST(suite, test_the_header_says_the_limits);
    CU_ADD_TEST(suite, test_random_damage);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    unlink(path);
    return failures != 0;
}
