/* Record the real step, replay it: what was recorded passes, what was changed is named. */
#include "callboard/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "actors/step/step.h"
#include "tests/unit/trace_support.h"

#define ASKER CB_ADDRESS_FIRST_ASKER
#define MS    INT64_C(1000000)

static cb_error error;
static char path[TRACE_PATH_SIZE];

/* A shell without threads: records, steps, and remembers what the effects named. */
typedef struct shell {
    cb_recorder *recorder;
    cb_step *step;
    uint64_t sequence;
    int64_t now_ns;
    uint32_t listener;
    uint32_t actor;
    uint64_t job;
    uint64_t kinds[CB_MSG_END]; /* effects of each kind */
} shell;

static void release(void *user, uint64_t payload)
{
    (void)user;
    cb_buffer_release((cb_buffer *)(uintptr_t)payload);
}

static void send(shell *self, cb_message message)
{
    message.name_space = 1;
    message.to = CB_ADDRESS_SUPERVISOR;
    message.time_ns = self->now_ns += MS;
    cb_recorder_input(self->recorder, ++self->sequence, &message);
    cb_effects effects = cb_step_input(self->step, &message);
    cb_recorder_effects(self->recorder, self->sequence, effects.items, effects.count);
    for (size_t i = 0; i < effects.count; i++) {
        const cb_message *effect = &effects.items[i];
        self->kinds[effect->kind]++;
        if (effect->kind == CB_MSG_START_LISTENER)
            self->listener = effect->to;
        if (effect->kind == CB_MSG_ADD_ACTOR)
            self->actor = effect->to;
        if (effect->kind == CB_MSG_HAND)
            self->job = effect->job;
        if (!(effect->flags & CB_FLAG_SHARED))
            release(NULL, effect->payload);
    }
    CU_ASSERT_PTR_NULL(cb_step_check(self->step));
    if (self->sequence % 10 == 0)
        cb_recorder_checkpoint(self->recorder, self->sequence, cb_step_hash(self->step));
}

static uint64_t text(const char *bytes)
{
    cb_buffer *buffer = cb_buffer_copy(bytes, strlen(bytes));
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    return cb_payload_handle(buffer);
}

static void one_request(shell *self, uint32_t connection)
{
    uint32_t listener = self->listener;
    send(self, (cb_message){.kind = CB_MSG_ACCEPTED,
                            .flags = CB_FLAG_LOOPBACK,
                            .from = listener,
                            .route = 1,
                            .connection = connection,
                            .value = 40000 + connection});
    send(self, (cb_message){.kind = CB_MSG_REQUEST_READY,
                            .from = listener,
                            .route = 1,
                            .connection = connection,
                            .value = 5,
                            .payload = text("hello")});
    if (connection == 1)
        send(self, (cb_message){.kind = CB_MSG_ACTOR_READY, .from = self->actor});
    send(self, (cb_message){.kind = CB_MSG_JOB_STARTED, .from = self->actor, .job = self->job});
    send(self, (cb_message){.kind = CB_MSG_ASK,
                            .from = ASKER,
                            .cause = connection,
                            .job = 1,
                            .value = CB_ASK_ROUTE_RUNNING});
    send(self, (cb_message){.kind = CB_MSG_JOB_COMPLETED,
                            .from = self->actor,
                            .job = self->job,
                            .status = connection % 3 ? CB_JOB_SUCCESS : CB_JOB_CALLBACK_FAILED,
                            .value = 2,
                            .payload = text("ok")});
    if (connection % 3)
        send(self, (cb_message){.kind = CB_MSG_RESPONSE_SENT,
                                .from = listener,
                                .route = 1,
                                .connection = connection,
                                .value = 2});
    else
        send(self, (cb_message){.kind = CB_MSG_CONNECTION_CLOSED,
                                .from = listener,
                                .route = 1,
                                .connection = connection,
                                .status = CB_CLOSE_DROPPED});
}

static trace_bytes make_file(uint32_t requests)
{
    cb_limits limits = trace_limits();
    shell self = {.now_ns = 1000 * MS};
    CU_ASSERT_EQUAL_FATAL(cb_recorder_open(&limits, path, &self.recorder, &error), CB_OK);
    self.step = cb_step_new(&limits);
    CU_ASSERT_PTR_NOT_NULL_FATAL(self.step);
    send(&self, (cb_message){.kind = CB_MSG_OPEN_ROUTE,
                             .from = ASKER,
                             .cause = 1,
                             .status = -1,
                             .connection = CB_ROUTE_TCP << 16,
                             .payload = text("Echo")});
    send(&self,
         (cb_message){
             .kind = CB_MSG_ROUTE_LISTENING, .from = self.listener, .route = 1, .value = 41000});
    for (uint32_t i = 1; i <= requests; i++)
        one_request(&self, i);
    send(&self, (cb_message){.kind = CB_MSG_WAIT, .from = ASKER, .cause = 2, .value = 3});
    send(&self, (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
    send(&self, (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
    send(&self, (cb_message){.kind = CB_MSG_TICK, .from = CB_ADDRESS_CLOCK});
    send(&self, (cb_message){.kind = CB_MSG_CLOSE_ROUTE, .from = ASKER, .cause = 3, .route = 1});
    send(&self, (cb_message){.kind = CB_MSG_ROUTE_STOPPED, .from = self.listener, .route = 1});
    send(&self, (cb_message){.kind = CB_MSG_FINISH, .from = ASKER, .cause = 4});
    send(&self, (cb_message){.kind = CB_MSG_ACTOR_STOPPED, .from = self.actor});
    CU_ASSERT_EQUAL(self.kinds[CB_MSG_RESPOND], requests - requests / 3);
    CU_ASSERT_EQUAL(self.kinds[CB_MSG_ANSWER], requests + 4);
    cb_recorder_checkpoint(self.recorder, self.sequence, cb_step_hash(self.step));
    cb_step_free(&self.step, release, NULL);
    CU_ASSERT_EQUAL(cb_recorder_close(&self.recorder, &error), CB_OK);
    return trace_load(path);
}

static cb_status verify(const uint8_t *data, size_t size)
{
    FILE *out = fopen("/dev/null", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    trace_store(path, data, size);
    error = (cb_error){.status = CB_OK};
    cb_status status = cb_trace_verify(path, out, &error);
    fclose(out);
    return status;
}

static void test_what_was_recorded_passes(void)
{
    trace_bytes file = make_file(30);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_OK);
    CU_ASSERT_STRING_EQUAL(error.text, "");
    free(file.data);
}

static void test_more_records_than_the_ring_or_16_bits(void)
{
    trace_bytes file = make_file(6000);
    CU_ASSERT(trace_record_count(file) > 65536);
    CU_ASSERT_EQUAL(verify(file.data, file.size), CB_OK);
    CU_ASSERT_STRING_EQUAL(error.text, "");
    free(file.data);
}

static void test_torn_anywhere(void)
{
    trace_bytes file = make_file(2);
    for (size_t size = CB_TRACE_HEADER_SIZE; size < file.size; size += 7)
        CU_ASSERT_EQUAL(verify(file.data, size), CB_OK);
    free(file.data);
}

/* Each byte of each effect in turn, with a checksum that fits. */
static void test_any_field_of_any_effect(void)
{
    trace_bytes file = make_file(2);
    for (uint64_t number = 1; number <= trace_record_count(file); number++) {
        uint8_t *record = trace_record(file, number);
        if (record[4] != CB_TRACE_EFFECT)
            continue;
        for (size_t at = 32; at < CB_TRACE_RECORD_SIZE; at += 4) {
            record[at] ^= 0x80;
            trace_seal(file, number);
            CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
            char words[64];
            snprintf(words, sizeof words, "trace verify: message %u (", (unsigned)record[8]);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, words));
            record[at] ^= 0x80;
        }
        trace_seal(file, number);
    }
    free(file.data);
}

/* Fields that decide something, in inputs: an effect or the state differs. */
static void test_an_altered_input(void)
{
    static const struct {
        unsigned kind;
        size_t at;
    } changes[] = {
        {CB_MSG_OPEN_ROUTE, 80},    {CB_MSG_OPEN_ROUTE, 68},    {CB_MSG_ROUTE_LISTENING, 80},
        {CB_MSG_REQUEST_READY, 68}, {CB_MSG_REQUEST_READY, 88}, {CB_MSG_JOB_STARTED, 72},
        {CB_MSG_JOB_COMPLETED, 36}, {CB_MSG_JOB_COMPLETED, 88}, {CB_MSG_JOB_COMPLETED, 72},
        {CB_MSG_ASK, 40},           {CB_MSG_ASK, 48},           {CB_MSG_ASK, 72},
        {CB_MSG_WAIT, 80},          {CB_MSG_RESPONSE_SENT, 68}, {CB_MSG_CLOSE_ROUTE, 64},
        {CB_MSG_FINISH, 40},
    };
    trace_bytes file = make_file(2);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint64_t number = 1;
        while (trace_record(file, number)[4] != CB_TRACE_INPUT ||
               trace_record(file, number)[32] != changes[i].kind)
            number++;
        uint8_t *byte = trace_record(file, number) + changes[i].at;
        *byte ^= 0x41;
        trace_seal(file, number);
        if (verify(file.data, file.size) != CB_MISMATCH)
            printf("kind %s at %zu passes\n", cb_message_name(changes[i].kind), changes[i].at);
        CU_ASSERT_EQUAL(verify(file.data, file.size), CB_MISMATCH);
        *byte ^= 0x41;
        trace_seal(file, number);
    }
    free(file.data);
}

/* Inputs at random that no program would send: a verdict, never a crash. */
static void test_random_inputs(void)
{
    trace_bytes file = make_file(2);
    uint64_t count = trace_record_count(file);
    uint64_t state = 7;
    for (unsigned round = 0; round < 1500; round++) {
        trace_bytes copy = {malloc(file.size), file.size};
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy.data);
        memcpy(copy.data, file.data, file.size);
        for (unsigned i = 0; i < 3; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint64_t number = 1 + (state >> 33) % count;
            trace_record(copy, number)[32 + (state >> 20) % 64] = (uint8_t)(state >> 56);
            trace_seal(copy, number);
        }
        cb_status status = verify(copy.data, copy.size);
        CU_ASSERT(status == CB_OK || status == CB_MISMATCH || status == CB_FORMAT);
        free(copy.data);
    }
    free(file.data);
}

int main(void)
{
    trace_path(path);
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("replay", NULL, NULL);
    CU_ADD_TEST(suite, test_what_was_recorded_passes);
    CU_ADD_TEST(suite, test_more_records_than_the_ring_or_16_bits);
    CU_ADD_TEST(suite, test_torn_anywhere);
    CU_ADD_TEST(suite, test_any_field_of_any_effect);
    CU_ADD_TEST(suite, test_an_altered_input);
    CU_ADD_TEST(suite, test_random_inputs);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    unlink(path);
    return failures != 0;
}
