/* What verify says, with a step of the test's own: each input gives sequence % 4 effects whose
 * every field comes from the input. tests/unit/trace_replay_test.c does it with the real one. */
#include "callboard/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "actors/step/step.h"
#include "tests/unit/trace_support.h"

static cb_error error;
static char path[TRACE_PATH_SIZE];
static char said[4096]; /* what verify printed */

struct cb_step {
    cb_message effects[4];
    uint64_t inputs;
    uint64_t hash;
};

cb_step *cb_step_new(const cb_limits *limits)
{
    CU_ASSERT_EQUAL(limits->trace_buffer, 65536);
    return calloc(1, sizeof(cb_step));
}

void cb_step_free(cb_step **step, void (*drop)(void *user, uint64_t payload), void *user)
{
    CU_ASSERT_PTR_NULL(drop);
    CU_ASSERT_PTR_NULL(user);
    free(*step);
    *step = NULL;
}

cb_effects cb_step_input(cb_step *step, const cb_message *message)
{
    step->inputs++;
    step->hash = step->hash * 31 + message->job + (uint64_t)message->value;
    for (size_t i = 0; i < step->inputs % 4; i++) {
        step->effects[i] = *message;
        step->effects[i].kind = (uint16_t)(i < 2 ? CB_MSG_RESPOND + i : CB_MSG_STOP_LISTENER);
    }
    return (cb_effects){step->effects, step->inputs % 4};
}

uint64_t cb_step_hash(const cb_step *step)
{
    return step->hash;
}

/* Inputs 1..7: records 1,2 | 3-5 | 6-9 | 10 | 11,12 | 13-15 | 16-19, checkpoint 20, end 21. */
#define RECORDS 21u

static trace_bytes make_file(void)
{
    cb_limits limits = trace_limits();
    cb_recorder *recorder = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_recorder_open(&limits, path, &recorder, &error), CB_OK);
    cb_step *step = cb_step_new(&limits);
    for (unsigned i = 1; i <= 7; i++) {
        cb_message message = trace_message(CB_MSG_JOB_COMPLETED, i);
        cb_recorder_input(recorder, i, &message);
        cb_effects effects = cb_step_input(step, &message);
        cb_recorder_effects(recorder, i, effects.items, effects.count);
    }
    cb_recorder_checkpoint(recorder, 7, cb_step_hash(step));
    cb_step_free(&step, NULL, NULL);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    trace_bytes file = trace_load(path);
    CU_ASSERT_EQUAL_FATAL(trace_record_count(file), RECORDS);
    return file;
}

static cb_status verify(const uint8_t *data, size_t size)
{
    trace_store(path, data, size);
    FILE *out = fmemopen(said, sizeof said, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    memset(said, 0, sizeof said);
    error = (cb_error){.status = CB_OK};
    cb_status status = cb_trace_verify(path, out, &error);
    fclose(out);
    CU_ASSERT_EQUAL(status, error.status);
    return status;
}

static void test_a_true_trace_passes(void)
{
    trace_bytes file = make_file();
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_OK);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(said, ": 7 messages, 12 effects, 1 state hashes: replay gives the same\n"));
    CU_ASSERT_PTR_NULL(strstr(said, "remark"));
    free(file.data);
}

/* Changes a byte, seals the record, and expects this sentence. */
static void expect(uint64_t number, size_t at, uint8_t change, const char *sentence)
{
    trace_bytes file = make_file();
    trace_record(file, number)[at] ^= change;
    trace_seal(file, number);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
    CU_ASSERT_STRING_EQUAL(error.text, sentence);
    CU_ASSERT_STRING_EQUAL(said, "");
    free(file.data);
}

#define EFFECT_4 "trace verify: message 2 (JobCompleted) effect 1 (Respond): "

/* Record 4 is the first effect of message 2, made from seed 2; each field in turn. */
static void test_each_field_of_an_effect(void)
{
    expect(4, 32, 7,
           "trace verify: message 2 (JobCompleted) effect 1 (Drop): field kind is 68, replay "
           "gives 67 (Respond)");
    expect(4, 34, 1, EFFECT_4 "field namespace is 2, replay gives 3");
    expect(4, 35, 1, EFFECT_4 "field flags is 5, replay gives 4");
    expect(4, 36, 1, EFFECT_4 "field status is -6, replay gives -5");
    expect(4, 40, 1, EFFECT_4 "field from is 7, replay gives 6");
    expect(4, 44, 1, EFFECT_4 "field to is 6, replay gives 7");
    expect(4, 48, 1, EFFECT_4 "field cause is 2199023255559, replay gives 2199023255558");
    expect(4, 56, 1, EFFECT_4 "field time_ns is 2199023255558, replay gives 2199023255559");
    expect(4, 64, 1, EFFECT_4 "field route is 11, replay gives 10");
    expect(4, 68, 1, EFFECT_4 "field connection is 10, replay gives 11");
    expect(4, 72, 1, EFFECT_4 "field job is 2199023255563, replay gives 2199023255562");
    expect(4, 80, 1, EFFECT_4 "field value is -2199023255564, replay gives -2199023255563");
    expect(4, 88, 1, EFFECT_4 "field payload is 1, replay gives 0");
}

static void test_an_input_shows_in_its_effects(void)
{
    expect(3, 80, 1, EFFECT_4 "field value is -2199023255563, replay gives -2199023255564");
    expect(3, 32, 200,
           "trace verify: message 2 (?): field kind is 234, which the supervisor never receives");
    /* Input 4 has no effects; only the state knows. */
    trace_bytes file = make_file();
    trace_record(file, 10)[72] ^= 1;
    trace_seal(file, 10);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(error.text, "trace verify: message 7 (JobCompleted): state hash"));
    free(file.data);
}

static void test_a_state_hash(void)
{
    trace_bytes file = make_file();
    trace_record(file, 20)[32] ^= 1;
    trace_seal(file, 20);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(error.text, "trace verify: message 7 (JobCompleted): state hash"));
    free(file.data);
}

static void remove_record(trace_bytes *file, uint64_t number)
{
    uint8_t *at = trace_record(*file, number);
    memmove(at, at + CB_TRACE_RECORD_SIZE,
            (trace_record_count(*file) - number) * CB_TRACE_RECORD_SIZE);
    file->size -= CB_TRACE_RECORD_SIZE;
}

static void test_a_missing_effect(void)
{
    trace_bytes file = make_file();
    remove_record(&file, 9);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
    CU_ASSERT_STRING_EQUAL(error.text,
                           "trace verify: message 3 (JobCompleted): the trace has 2 effects, "
                           "replay gives 3; the first that is missing is StopListener");
    free(file.data);
    file = make_file();
    remove_record(&file, 19);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "message 7 (JobCompleted): the trace has 2 effects"));
    free(file.data);
}

static void test_an_effect_too_many(void)
{
    trace_bytes file = make_file();
    uint8_t *input = trace_record(file, 11);
    input[4] = CB_TRACE_EFFECT; /* input 5 becomes an effect of input 4, which has none */
    input[8] = 4;
    input[24] = 1;
    input[32] = CB_MSG_DROP;
    trace_seal(file, 11);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
    CU_ASSERT_STRING_EQUAL(
        error.text,
        "trace verify: message 4 (JobCompleted) effect 1 (Drop): replay gives only 0 effects");
    free(file.data);
}

static void test_damage_is_named(void)
{
    trace_bytes file = make_file();
    trace_record(file, 6)[80] ^= 1;
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_FORMAT);
    char sentence[200];
    snprintf(sentence, sizeof sentence,
             "trace verify: record 6 (input JobCompleted, message 3, at byte %zu) is damaged: "
             "checksum",
             CB_TRACE_HEADER_SIZE + 5 * (size_t)CB_TRACE_RECORD_SIZE);
    CU_ASSERT_STRING_EQUAL(error.text, sentence);
    free(file.data);
}

/* Torn anywhere, what is left is verified. */
static void test_a_torn_end(void)
{
    trace_bytes file = make_file();
    for (size_t size = CB_TRACE_HEADER_SIZE; size < file.size; size++) {
        CU_ASSERT_EQUAL(verify(file.data, size), CB_OK);
        bool torn = (size - CB_TRACE_HEADER_SIZE) % CB_TRACE_RECORD_SIZE != 0;
        CU_ASSERT_PTR_NOT_NULL(
            strstr(said, torn ? "remark: the end is torn: " : "remark: no end record"));
    }
    CU_ASSERT_EQUAL(verify(file.data, CB_TRACE_HEADER_SIZE + 7 * CB_TRACE_RECORD_SIZE), CB_OK);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(said, "of message 3 (JobCompleted), the last one, 1 of 3 effects are there"));
    free(file.data);
}

static void test_what_cannot_be_replayed(void)
{
    cb_limits limits = trace_limits();
    cb_recorder *recorder = NULL;
    CU_ASSERT_EQUAL_FATAL(cb_recorder_open(&limits, NULL, &recorder, &error), CB_OK);
    cb_message message = trace_message(CB_MSG_TICK, 1);
    for (uint64_t i = 1; i <= 1000; i++)
        cb_recorder_input(recorder, i, &message);
    CU_ASSERT_EQUAL(cb_recorder_dump(recorder, path, &error), CB_OK);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    trace_bytes file = trace_load(path);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(error.text,
                           "trace verify: the trace starts in the middle: 318 older records were "
                           "overwritten; it can be shown, not replayed");
    free(file.data);
    CU_ASSERT_EQUAL(verify((const uint8_t *)"", 0), CB_FORMAT);
    CU_ASSERT_EQUAL(cb_trace_verify("/nonexistent/trace", stdout, &error), CB_IO);
}

/* What was made, but that one record says what is missing in its place; `lost` and the counts of
 * the end record fit. */
static trace_bytes make_file_that_lacks(uint64_t number, cb_trace_slot lost)
{
    trace_bytes file = make_file();
    cb_trace_record replaced;
    cb_trace_record end;
    cb_trace_decode(trace_record(file, number), &replaced);
    cb_trace_decode(trace_record(file, RECORDS), &end);
    end.of.end.inputs -= replaced.kind == CB_TRACE_INPUT;
    end.of.end.effects -= replaced.kind == CB_TRACE_EFFECT;
    end.of.end.checkpoints -= replaced.kind == CB_TRACE_CHECKPOINT;
    cb_trace_slot last = {.kind = CB_TRACE_END, .sequence = end.sequence, .of.end = end.of.end};
    last.of.end.lost = lost.of.lost.records;
    lost.kind = CB_TRACE_LOST;
    cb_trace_encode(&lost, trace_record(file, number));
    cb_trace_encode(&last, trace_record(file, RECORDS));
    return file;
}

static cb_status verify_lack(uint64_t number, uint64_t sequence, uint64_t records,
                             uint64_t messages)
{
    cb_trace_slot lost = {.sequence = sequence, .of.lost = {records, messages}};
    trace_bytes file = make_file_that_lacks(number, lost);
    cb_status status = verify(file.data, file.size);
    free(file.data);
    return status;
}

/* Message 4, record 10, has no effects; what comes before it can still be verified. */
static void test_missing_messages(void)
{
    CU_ASSERT_EQUAL(verify_lack(10, 3, 1, 1), CB_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(error.text, "trace verify: complete up to message 3; lost after it: 1, "
                                       "because messages came faster than they could be written");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(said, ": 3 messages, 6 effects, 0 state hashes: replay gives the same\n"));
    CU_ASSERT_PTR_NULL(strstr(said, "remark"));
    CU_ASSERT_EQUAL(verify_lack(10, 3, UINT64_MAX, 3), CB_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "lost after it: 3,"));
}

/* A state hash alone is missing: nothing that was decided. */
static void test_a_missing_state_hash(void)
{
    CU_ASSERT_EQUAL(verify_lack(20, 7, 1, 0), CB_OK);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(said, ": 7 messages, 12 effects, 0 state hashes: replay gives the same\n"));
}

/* Messages are missing as a whole, so this one's effects are a difference. */
static void test_what_is_there_of_a_message_is_all(void)
{
    CU_ASSERT_EQUAL(verify_lack(15, 6, 2, 1), CB_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "message 6 (JobCompleted): the trace has 1 effects, "
                                              "replay gives 2"));
}

int main(void)
{
    trace_path(path);
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("verify", NULL, NULL);
    CU_ADD_TEST(suite, test_a_true_trace_passes);
    CU_ADD_TEST(suite, test_each_field_of_an_effect);
    CU_ADD_TEST(suite, test_an_input_shows_in_its_effects);
    CU_ADD_TEST(suite, test_a_state_hash);
    CU_ADD_TEST(suite, test_a_missing_effect);
    CU_ADD_TEST(suite, test_an_effect_too_many);
    CU_ADD_TEST(suite, test_damage_is_named);
    CU_ADD_TEST(suite, test_a_torn_end);
    CU_ADD_TEST(suite, test_what_cannot_be_replayed);
    CU_ADD_TEST(suite, test_missing_messages);
    CU_ADD_TEST(suite, test_a_missing_state_hash);
    CU_ADD_TEST(suite, test_what_is_there_of_a_message_is_all);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    unlink(path);
    return failures != 0;
}
