/* A trace file that takes no more, or not yet, or never: a FIFO stands for it, and a write that the
 * kernel does not come back from. Nobody who records waits for it, and the file says what it lacks.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "actors/base/clock.h"
#include "callboard/trace.h"
#include "tests/unit/trace_support.h"

#define QUEUE   262144u            /* bytes: the least that CALLBOARD_TRACE_QUEUE may be */
#define HOLDS   (QUEUE / 96u - 2u) /* records; two places are kept for the end */
#define MS      INT64_C(1000000)
#define MINUTE  (60000 * MS)
#define EFFECTS 2u
#define EACH    (EFFECTS + 1u) /* records of a message */
#define FIT     (HOLDS / EACH) /* messages */

static cb_error error;
static cb_recorder *recorder;
static char fifo[TRACE_PATH_SIZE];
static char copy[TRACE_PATH_SIZE]; /* what was read from it */

static void begin(void)
{
    trace_path(fifo);
    trace_path(copy);
    CU_ASSERT_EQUAL_FATAL(unlink(fifo), 0);
    CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
    cb_limits limits = trace_limits();
    limits.trace_queue = QUEUE;
    CU_ASSERT_EQUAL_FATAL(cb_recorder_open(&limits, fifo, &recorder, &error), CB_OK);
    CU_ASSERT(cb_recorder_has_file(recorder));
}

static void end(void)
{
    CU_ASSERT_PTR_NULL(recorder);
    unlink(fifo);
    unlink(copy);
}

static void record(uint64_t sequence, size_t effects)
{
    static cb_message many[HOLDS];
    cb_message input = trace_message(CB_MSG_REQUEST_READY, (unsigned)sequence);
    for (size_t i = 0; i < effects; i++)
        many[i] = trace_message(CB_MSG_HAND, (unsigned)sequence);
    cb_recorder_input(recorder, sequence, &input);
    cb_recorder_effects(recorder, sequence, many, effects);
    cb_recorder_flush(recorder);
}

static void record_up_to(uint64_t *sequence, uint64_t last)
{
    while (*sequence < last)
        record(++*sequence, EFFECTS);
}

/* -- who reads ------------------------------------------------------------------------------- */

/* All that comes is copied, once `goes_on` is posted. */
typedef struct fifo_reader {
    pthread_t thread;
    bool leaves; /* and does not read */
    sem_t opened;
    sem_t goes_on;
} fifo_reader;

static void *read_all(void *argument)
{
    fifo_reader *self = argument;
    uint8_t bytes[4096];
    int in = open(fifo, O_RDONLY | O_CLOEXEC);
    int out = open(copy, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ssize_t got;
    (void)sem_post(&self->opened);
    while (sem_wait(&self->goes_on) != 0)
        continue;
    while (!self->leaves && (got = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)got) != got)
            break;
    close(out);
    close(in);
    return argument;
}

static void begin_reader(fifo_reader *self)
{
    CU_ASSERT_EQUAL_FATAL(sem_init(&self->opened, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(sem_init(&self->goes_on, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&self->thread, NULL, read_all, self), 0);
}

static void let_go_on(fifo_reader *self)
{
    (void)sem_post(&self->goes_on);
}

static void await_file(void)
{
    CU_ASSERT(cb_recorder_await(recorder, cb_now_ns() + MINUTE));
}

static void end_reader(fifo_reader *self)
{
    CU_ASSERT_EQUAL(pthread_join(self->thread, NULL), 0);
}

/* -- what the file says ----------------------------------------------------------------------- */

typedef struct contents {
    uint64_t inputs;
    uint64_t last; /* number of an input */
    uint64_t effects;
    uint64_t checkpoints;
    cb_trace_lost lost; /* all together */
    unsigned gaps;
    uint64_t first_gap; /* number of the message before */
    bool closed;
    bool named; /* 3 is "demo" and 4 is "late" */
} contents;

static void look_at(contents *found, const cb_trace_record *record)
{
    switch (record->kind) {
    case CB_TRACE_INPUT:
        found->inputs++;
        found->last = record->sequence;
        break;
    case CB_TRACE_EFFECT:
        found->effects++;
        break;
    case CB_TRACE_CHECKPOINT:
        found->checkpoints++;
        break;
    case CB_TRACE_LOST:
        if (found->gaps++ == 0)
            found->first_gap = record->sequence;
        found->lost.records += record->of.lost.records;
        found->lost.messages += record->of.lost.messages;
        break;
    default:
        break;
    }
}

static bool is_named(const cb_trace_reader *reader, uint8_t name_space, const char *name)
{
    const char *read = cb_trace_name_space(reader, name_space);
    return read != NULL && strcmp(read, name) == 0;
}

/* Reads what was copied; the reader checks that everything is there that is said to be. */
static contents read_copy(void)
{
    contents found = {0};
    cb_trace_reader *reader = NULL;
    cb_trace_record record;
    cb_status status;
    CU_ASSERT_EQUAL_FATAL(cb_trace_open(copy, &reader, &error), CB_OK);
    while ((status = cb_trace_next(reader, &record, &error)) == CB_OK)
        look_at(&found, &record);
    CU_ASSERT_EQUAL(status, CB_CLOSED);
    found.closed = cb_trace_cut_of(reader).closed;
    found.named = is_named(reader, 3, "demo") && is_named(reader, 4, "late");
    cb_trace_close(&reader);
    return found;
}

/* -- tests ------------------------------------------------------------------------------------ */

/* The reader comes late, and nothing is missing. */
static void a_reader_that_comes_late(void)
{
    fifo_reader late = {.leaves = false};
    uint64_t sequence = 0;
    begin();
    record_up_to(&sequence, FIT);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 0);
    begin_reader(&late);
    let_go_on(&late);
    await_file();
    record_up_to(&sequence, FIT + 1);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    end_reader(&late);
    contents found = read_copy();
    CU_ASSERT(found.closed && found.inputs == FIT + 1 && found.effects == EFFECTS * (FIT + 1));
    CU_ASSERT_EQUAL(found.gaps, 0);
    end();
}

/* One message more than fits is left out as a whole; the file goes on once half of it is written,
 * and knows all names again. */
static void messages_that_find_no_room(void)
{
    fifo_reader late = {.leaves = false};
    uint64_t sequence = 0;
    begin();
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 3, "demo", &error), CB_OK);
    record_up_to(&sequence, 1);
    CU_ASSERT(cb_recorder_wants_checkpoint(recorder, 5000, 0));
    record_up_to(&sequence, FIT); /* and the name takes the last place */
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 0);
    record_up_to(&sequence, FIT + 2);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 2 * EACH);
    CU_ASSERT_FALSE(cb_recorder_wants_checkpoint(recorder, 5000, 0));
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 4, "late", &error), CB_OK);
    record_up_to(&sequence, FIT + 100);
    CU_ASSERT(cb_recorder_has_file(recorder));
    begin_reader(&late);
    let_go_on(&late);
    await_file();
    record_up_to(&sequence, FIT + 200);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 100 * EACH + 1);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_IO);
    char sentence[200];
    snprintf(sentence, sizeof sentence,
             "the trace file lacks 100 of %u messages, which came faster than they could be "
             "written (CALLBOARD_TRACE_QUEUE)",
             FIT + 200);
    CU_ASSERT_STRING_EQUAL(error.text, sentence);
    end_reader(&late);
    contents found = read_copy();
    CU_ASSERT(found.closed && found.named);
    CU_ASSERT_EQUAL(found.gaps, 1);
    CU_ASSERT_EQUAL(found.first_gap, FIT);
    CU_ASSERT(found.lost.messages == 100 && found.lost.records == 100 * EACH + 1);
    CU_ASSERT(found.inputs == FIT + 100 && found.last == FIT + 200);
    CU_ASSERT_EQUAL(found.effects, EFFECTS * found.inputs);
    end();
}

/* Until the end: two places were kept to say so. */
static void the_last_messages_find_no_room(void)
{
    fifo_reader late = {.leaves = false};
    uint64_t sequence = 0;
    begin();
    record_up_to(&sequence, FIT + 7);
    begin_reader(&late);
    let_go_on(&late);
    CU_ASSERT_EQUAL(cb_recorder_close_until(&recorder, cb_now_ns() + MINUTE, &error), CB_IO);
    end_reader(&late);
    contents found = read_copy();
    CU_ASSERT(found.closed && found.inputs == FIT && found.last == FIT);
    CU_ASSERT(found.gaps == 1 && found.lost.messages == 7 && found.lost.records == 7 * EACH);
    end();
}

/* One that is larger than the queue is left out; what comes before and behind it is not. */
static void a_message_that_is_larger_than_the_queue(void)
{
    fifo_reader eager = {.leaves = false};
    begin();
    begin_reader(&eager);
    let_go_on(&eager);
    record(1, 1);
    await_file();
    record(2, HOLDS - 1);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 0);
    await_file();
    record(3, HOLDS);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), HOLDS + 1);
    record(4, 1);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_IO);
    end_reader(&eager);
    contents found = read_copy();
    CU_ASSERT(found.closed && found.inputs == 3 && found.last == 4);
    CU_ASSERT(found.gaps == 1 && found.first_gap == 2 && found.lost.messages == 1);
    CU_ASSERT_EQUAL(found.effects, 1 + HOLDS - 1 + 1);
    end();
}

/* A state hash that finds no room is no message: nothing that matters is missing. */
static void a_state_hash_that_finds_no_room(void)
{
    fifo_reader late = {.leaves = false};
    begin();
    record(1, HOLDS - 1);
    cb_recorder_checkpoint(recorder, 1, 42);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 1);
    begin_reader(&late);
    let_go_on(&late);
    await_file();
    record(2, 1);
    cb_recorder_checkpoint(recorder, 2, 43);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_OK);
    end_reader(&late);
    contents found = read_copy();
    CU_ASSERT(found.closed && found.inputs == 2 && found.checkpoints == 1);
    CU_ASSERT(found.gaps == 1 && found.lost.messages == 0 && found.lost.records == 1);
    end();
}

/* A reader that stops is waited for until the time that is given, and what it lacks is said. */
static void a_reader_that_stops(void)
{
    fifo_reader stopped = {.leaves = false};
    uint64_t sequence = 0;
    begin();
    begin_reader(&stopped);
    while (sem_wait(&stopped.opened) != 0)
        continue;
    record_up_to(&sequence, FIT + 5000); /* more than the queue and a pipe hold */
    CU_ASSERT(cb_recorder_has_file(recorder));
    int64_t until_ns = cb_now_ns() + 100 * MS;
    CU_ASSERT_EQUAL(cb_recorder_close_until(&recorder, until_ns, &error), CB_IO);
    CU_ASSERT(cb_now_ns() >= until_ns && cb_now_ns() < until_ns + MINUTE / 2);
    cb_error said = error;
    let_go_on(&stopped);
    end_reader(&stopped);
    contents found = read_copy();
    CU_ASSERT(!found.closed && found.inputs > 0 && found.inputs < FIT + 5000);
    CU_ASSERT_EQUAL(found.last, found.inputs);
    char sentence[200];
    snprintf(sentence, sizeof sentence,
             "the trace file could not be written in time; it ends with message %u of %u, and ",
             (unsigned)found.last, FIT + 5000);
    CU_ASSERT(strncmp(said.text, sentence, strlen(sentence)) == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.text, " others came faster than they could be written"));
    end();
}

static void a_reader_that_never_comes(void)
{
    begin();
    record(1, 1);
    CU_ASSERT_FALSE(cb_recorder_await(recorder, cb_now_ns() + 50 * MS));
    CU_ASSERT_EQUAL(cb_recorder_close_until(&recorder, cb_now_ns() + 50 * MS, &error), CB_IO);
    CU_ASSERT_STRING_EQUAL(error.text, "the trace file could not be opened for writing in time; it "
                                       "ends with message 0 of 1");
    end();
}

static void a_reader_that_goes_away(void)
{
    fifo_reader gone = {.leaves = true};
    begin();
    begin_reader(&gone);
    record(1, 1);
    await_file();
    let_go_on(&gone);
    end_reader(&gone);
    record(2, 1);
    await_file();
    CU_ASSERT_FALSE(cb_recorder_has_file(recorder));
    record(3, 1);
    CU_ASSERT_EQUAL(cb_recorder_unwritten(recorder), 4);
    CU_ASSERT_EQUAL(cb_recorder_close(&recorder, &error), CB_IO);
    CU_ASSERT_STRING_EQUAL(error.text, "the trace file could not be written: Broken pipe; it ends "
                                       "with message 1 of 3");
    end();
}

/* -- a disk that hangs ------------------------------------------------------------------------ */

static sem_t hang_ends;
static atomic_int hangs_in; /* what does */
static atomic_int hung;

enum { NOTHING, OPEN, WRITE };

static void hang(int call)
{
    if (atomic_load(&hangs_in) != call)
        return;
    atomic_fetch_add(&hung, 1);
    while (sem_wait(&hang_ends) != 0)
        continue;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    hang(WRITE);
    return (ssize_t)syscall(SYS_write, fd, bytes, size);
}

int open(const char *path, int flags, ...)
{
    if ((flags & O_CREAT) != 0)
        hang(OPEN);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

static void a_disk_that_hangs(int call, const char *sentence)
{
    cb_limits limits = trace_limits();
    trace_path(copy);
    CU_ASSERT_EQUAL_FATAL(sem_init(&hang_ends, 0, 0), 0);
    atomic_store(&hung, 0);
    atomic_store(&hangs_in, call);
    CU_ASSERT_EQUAL_FATAL(cb_recorder_open(&limits, copy, &recorder, &error), CB_OK);
    record(1, 1);
    while (atomic_load(&hung) == 0)
        sched_yield();
    record(2, 1);
    int64_t until_ns = cb_now_ns() + 20 * MS;
    CU_ASSERT_EQUAL(cb_recorder_close_until(&recorder, until_ns, &error), CB_IO);
    CU_ASSERT(cb_now_ns() >= until_ns && cb_now_ns() < until_ns + MINUTE / 2);
    CU_ASSERT_STRING_EQUAL(error.text, sentence);
    /* It comes back: its thread frees what it has, and the leak checker sees to that. */
    atomic_store(&hangs_in, NOTHING);
    (void)sem_post(&hang_ends);
    unlink(copy);
}

static void a_write_that_hangs(void)
{
    a_disk_that_hangs(WRITE, "the trace file could not be written in time; it ends with message 0 "
                             "of 2");
}

static void an_open_that_hangs(void)
{
    a_disk_that_hangs(OPEN, "the trace file could not be written in time; it ends with message 0 "
                            "of 2");
}

/* -- all together ----------------------------------------------------------------------------- */

/* Messages come as they like, and the reader as it likes: what is there and what is missing make up
 * all of it. */
static void a_slow_reader(void)
{
    fifo_reader slow = {.leaves = false};
    uint64_t sequence = 0;
    uint32_t seed = 1;
    begin();
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 3, "demo", &error), CB_OK);
    CU_ASSERT_EQUAL(cb_recorder_name(recorder, 4, "late", &error), CB_OK);
    begin_reader(&slow);
    let_go_on(&slow);
    while (sequence < 60000) {
        seed = seed * 1664525u + 1013904223u;
        record(++sequence, seed >> 28);
        if (seed % 5000 == 0)
            await_file();
    }
    cb_status status = cb_recorder_close_until(&recorder, cb_now_ns() + MINUTE, &error);
    end_reader(&slow);
    contents found = read_copy();
    CU_ASSERT_EQUAL(status, found.lost.messages > 0 ? CB_IO : CB_OK);
    CU_ASSERT(found.closed && found.named);
    CU_ASSERT_EQUAL(found.inputs + found.lost.messages, sequence);
    CU_ASSERT(found.inputs > FIT);
    end();
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

int main(void)
{
    CU_TestInfo tests[] = {TEST(a_reader_that_comes_late),
                           TEST(messages_that_find_no_room),
                           TEST(the_last_messages_find_no_room),
                           TEST(a_message_that_is_larger_than_the_queue),
                           TEST(a_state_hash_that_finds_no_room),
                           TEST(a_reader_that_stops),
                           TEST(a_reader_that_never_comes),
                           TEST(a_reader_that_goes_away),
                           TEST(a_write_that_hangs),
                           TEST(an_open_that_hangs),
                           TEST(a_slow_reader),
                           CU_TEST_INFO_NULL};
    CU_SuiteInfo suites[] = {{"a slow trace file", NULL, NULL, NULL, NULL, tests},
                             CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}
