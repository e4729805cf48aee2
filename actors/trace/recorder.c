#include "actors/trace/recorder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors/base/sink.h"
#include "actors/trace/format.h"
#include "actors/trace/output.h"
#include "actors/trace/writer.h"
#include "callboard/trace.h"

#define BLOCK_RECORDS     2730u /* of a dump, written at once */
#define CHECKPOINT_INPUTS 4096u
#define NAME_SPACES       256u
/* Places in the queue of the file that are kept for its end: what was lost last, and the end. */
#define KEPT_FOR_THE_END  2u

/* What the file does not hold. Messages are left out as a whole, so that what it holds of a message
 * is all of it. */
typedef struct gap {
    bool is_open;       /* records are being left out now, */
    cb_trace_lost lost; /* so many up to now */
    uint64_t messages;  /* that were left out ever */
} gap;

struct cb_recorder {
    cb_trace_slot *slots;
    size_t capacity;
    size_t next; /* slot of the next record */
    uint64_t count;
    size_t block_records;
    uint8_t *block; /* for a dump */

    cb_trace_writer *writer; /* NULL: there is no file */
    uint64_t for_file;       /* records that the file was to hold */
    cb_trace_end queued;     /* what the file holds if all that is queued is written, */
    cb_trace_end whole;      /* and if the message that is being recorded is left out */
    gap gap;

    cb_trace_header header;
    uint64_t sequence; /* of the newest input */
    uint64_t last_checkpoint;

    /* The string table: set once by any thread, recorded later by who runs the supervisor. */
    _Atomic(char *) names[NAME_SPACES];
    atomic_uint names_set;
    unsigned names_seen;
    bool name_recorded[NAME_SPACES];
};

/* -- the file -- */

bool cb_recorder_has_file(const cb_recorder *recorder)
{
    return recorder->writer && !cb_trace_writer_has_failed(recorder->writer);
}

/* What was recorded of the newest message is all of it. */
static void commit(cb_recorder *recorder)
{
    if (!recorder->writer)
        return;
    cb_trace_writer_commit(recorder->writer);
    recorder->whole = recorder->queued;
}

/* There is no room: the message that is being recorded is left out. */
static void open_gap(cb_recorder *recorder)
{
    uint64_t records = cb_trace_writer_take_back(recorder->writer);
    recorder->gap.is_open = true;
    recorder->gap.lost.records = records;
    recorder->gap.lost.messages = recorder->queued.inputs - recorder->whole.inputs;
    recorder->gap.messages += recorder->gap.lost.messages;
    recorder->queued = recorder->whole;
}

static void add_to(cb_trace_end *totals, const cb_trace_slot *slot)
{
    totals->inputs += slot->kind == CB_TRACE_INPUT;
    totals->effects += slot->kind == CB_TRACE_EFFECT;
    totals->checkpoints += slot->kind == CB_TRACE_CHECKPOINT;
    totals->lost += slot->kind == CB_TRACE_LOST ? slot->of.lost.records : 0;
}

static bool queue_record(cb_recorder *recorder, const cb_trace_slot *slot, uint64_t spared)
{
    cb_trace_slot *queued = cb_trace_writer_claim(recorder->writer, spared);
    if (!queued)
        return false;
    *queued = *slot;
    add_to(&recorder->queued, slot);
    return true;
}

static void put_in_file(cb_recorder *recorder, const cb_trace_slot *slot)
{
    if (!recorder->writer)
        return;
    recorder->for_file++;
    if (cb_trace_writer_has_failed(recorder->writer))
        return;
    if (!recorder->gap.is_open) {
        if (queue_record(recorder, slot, KEPT_FOR_THE_END))
            return;
        open_gap(recorder);
    }
    recorder->gap.lost.records++;
    recorder->gap.lost.messages += slot->kind == CB_TRACE_INPUT;
    recorder->gap.messages += slot->kind == CB_TRACE_INPUT;
}

/* Says in the file what it does not hold. */
static bool close_gap(cb_recorder *recorder, uint64_t spared)
{
    cb_trace_slot slot = {.kind = CB_TRACE_LOST,
                          .sequence = recorder->sequence - recorder->gap.lost.messages,
                          .of.lost = recorder->gap.lost};
    if (!queue_record(recorder, &slot, spared))
        return false;
    recorder->for_file++;
    recorder->gap.is_open = false;
    return true;
}

/* -- the ring -- */

static cb_trace_slot *claim(cb_recorder *recorder, cb_trace_kind kind, uint64_t sequence)
{
    cb_trace_slot *slot = &recorder->slots[recorder->next];
    recorder->next = recorder->next + 1 == recorder->capacity ? 0 : recorder->next + 1;
    recorder->count++;
    slot->kind = (uint16_t)kind;
    slot->flags = 0;
    slot->sequence = sequence;
    slot->payload_size = 0;
    slot->index = 0;
    slot->actor = 0;
    return slot;
}

static uint64_t payload_size(const cb_message *message)
{
    const cb_buffer *payload = cb_message_payload(message);
    return payload ? payload->size : 0;
}

/* One part of a name; the parts of a name follow each other. */
static void fill_name_part(cb_trace_slot *slot, unsigned name_space, const char *text, size_t total,
                           size_t offset)
{
    size_t size = total - offset < CB_TRACE_NAME_PART ? total - offset : CB_TRACE_NAME_PART;
    cb_trace_name_part *part = &slot->of.name;
    memset(part, 0, sizeof *part);
    part->id = name_space;
    part->table = CB_TRACE_TABLE_NAME_SPACE;
    part->total = (uint16_t)total;
    part->offset = (uint16_t)offset;
    part->size = (uint16_t)size;
    memcpy(part->text, text + offset, size);
}

static void record_name(cb_recorder *recorder, unsigned name_space, const char *text)
{
    size_t total = strlen(text);
    for (size_t offset = 0; offset < total; offset += CB_TRACE_NAME_PART) {
        cb_trace_slot *slot = claim(recorder, CB_TRACE_NAME, recorder->sequence);
        fill_name_part(slot, name_space, text, total, offset);
        put_in_file(recorder, slot);
    }
}

static void record_new_names(cb_recorder *recorder, unsigned names_set)
{
    recorder->names_seen = names_set;
    for (unsigned i = 1; i < NAME_SPACES; i++) {
        const char *text = atomic_load_explicit(&recorder->names[i], memory_order_acquire);
        if (!text || recorder->name_recorded[i])
            continue;
        recorder->name_recorded[i] = true;
        record_name(recorder, i, text);
    }
}

static void take_names(cb_recorder *recorder)
{
    unsigned names_set = atomic_load_explicit(&recorder->names_set, memory_order_acquire);
    if (names_set != recorder->names_seen)
        record_new_names(recorder, names_set);
}

/* The file goes on where there is room again. It may lack names: all of them are said once more. */
static void resume_file(cb_recorder *recorder)
{
    if (!cb_recorder_has_file(recorder) || !cb_trace_writer_has_caught_up(recorder->writer) ||
        !close_gap(recorder, KEPT_FOR_THE_END))
        return;
    commit(recorder);
    memset(recorder->name_recorded, 0, sizeof recorder->name_recorded);
    recorder->names_seen = 0;
}

void cb_recorder_input(cb_recorder *recorder, uint64_t sequence, const cb_message *message)
{
    assert(sequence == recorder->sequence + 1);
    commit(recorder);
    if (recorder->gap.is_open)
        resume_file(recorder);
    take_names(recorder);
    recorder->sequence = sequence;
    cb_trace_slot *slot = claim(recorder, CB_TRACE_INPUT, sequence);
    slot->payload_size = payload_size(message);
    slot->of.message = *message;
    put_in_file(recorder, slot);
}

void cb_recorder_effects(cb_recorder *recorder, uint64_t sequence, const cb_message *messages,
                         size_t count)
{
    assert(sequence == recorder->sequence && count < UINT32_MAX);
    for (size_t i = 0; i < count; i++) {
        cb_trace_slot *slot = claim(recorder, CB_TRACE_EFFECT, sequence);
        slot->index = (uint32_t)(i + 1);
        slot->payload_size = payload_size(&messages[i]);
        slot->of.message = messages[i];
        put_in_file(recorder, slot);
    }
}

void cb_recorder_checkpoint(cb_recorder *recorder, uint64_t sequence, uint64_t hash)
{
    assert(sequence == recorder->sequence);
    commit(recorder);
    recorder->last_checkpoint = sequence;
    cb_trace_slot *slot = claim(recorder, CB_TRACE_CHECKPOINT, sequence);
    slot->of.hash = hash;
    put_in_file(recorder, slot);
}

bool cb_recorder_wants_checkpoint(const cb_recorder *recorder, uint64_t sequence, size_t state_size)
{
    uint64_t distance = state_size > CHECKPOINT_INPUTS ? state_size : CHECKPOINT_INPUTS;
    return sequence - recorder->last_checkpoint >= distance && cb_recorder_has_file(recorder) &&
           recorder->gap.messages == 0;
}

void cb_recorder_flush(cb_recorder *recorder)
{
    commit(recorder);
    if (recorder->writer)
        cb_trace_writer_wake(recorder->writer);
}

bool cb_recorder_await(cb_recorder *recorder, int64_t until_ns)
{
    commit(recorder);
    return !recorder->writer || cb_trace_writer_await(recorder->writer, until_ns);
}

uint64_t cb_recorder_count(const cb_recorder *recorder)
{
    return recorder->count;
}

uint64_t cb_recorder_overwritten(const cb_recorder *recorder)
{
    return recorder->count > recorder->capacity ? recorder->count - recorder->capacity : 0;
}

uint64_t cb_recorder_unwritten(const cb_recorder *recorder)
{
    if (recorder->writer && cb_trace_writer_has_failed(recorder->writer))
        return recorder->for_file - cb_trace_writer_records(recorder->writer);
    return recorder->queued.lost + (recorder->gap.is_open ? recorder->gap.lost.records : 0);
}

/* -- names -- */

cb_status cb_recorder_name(cb_recorder *recorder, uint8_t name_space, const char *name,
                           cb_error *error)
{
    if (name_space == 0 || name[0] == '\0')
        return cb_fail(error, CB_INVALID, "a namespace needs a number from 1 and a name");
    char *copy = strndup(name, CB_TRACE_NAME_MAX);
    if (!copy)
        return cb_fail(error, CB_NO_MEMORY, "no memory for the name of a namespace");
    char *there = NULL;
    if (atomic_compare_exchange_strong(&recorder->names[name_space], &there, copy)) {
        atomic_fetch_add_explicit(&recorder->names_set, 1, memory_order_release);
        return CB_OK;
    }
    bool same = strcmp(there, copy) == 0;
    free(copy);
    if (same)
        return CB_OK;
    return cb_fail(error, CB_INVALID, "namespace %u is '%s' already", name_space, there);
}

const char *cb_recorder_name_of(const cb_recorder *recorder, uint8_t name_space)
{
    return atomic_load_explicit(&recorder->names[name_space], memory_order_acquire);
}

/* -- the dump -- */

typedef struct dump {
    cb_recorder *recorder;
    int fd;
    size_t filled; /* records in recorder->block */
    cb_trace_end totals;
} dump;

static int dump_flush(dump *to)
{
    size_t size = to->filled * CB_TRACE_RECORD_SIZE;
    to->filled = 0;
    return cb_output_write(to->fd, to->recorder->block, size, NULL);
}

static int dump_slot(dump *to, const cb_trace_slot *slot)
{
    int failure = to->filled == to->recorder->block_records ? dump_flush(to) : 0;
    add_to(&to->totals, slot);
    cb_trace_encode(slot, to->recorder->block + to->filled++ * CB_TRACE_RECORD_SIZE);
    return failure;
}

static int dump_names(dump *to, uint64_t sequence)
{
    int failure = 0;
    for (unsigned i = 1; i < NAME_SPACES && failure == 0; i++) {
        const char *text = atomic_load_explicit(&to->recorder->names[i], memory_order_acquire);
        size_t total = text ? strlen(text) : 0;
        for (size_t at = 0; at < total && failure == 0; at += CB_TRACE_NAME_PART) {
            cb_trace_slot slot = {.kind = CB_TRACE_NAME, .sequence = sequence};
            fill_name_part(&slot, i, text, total, at);
            failure = dump_slot(to, &slot);
        }
    }
    return failure;
}

static int dump_header(const cb_recorder *recorder, int fd, uint64_t first_sequence)
{
    uint8_t bytes[CB_TRACE_HEADER_SIZE];
    cb_trace_header header = recorder->header;
    header.flags = CB_TRACE_FLAG_DUMP;
    header.overwritten = cb_recorder_overwritten(recorder);
    header.first_sequence = first_sequence;
    if (header.overwritten > 0)
        header.flags |= CB_TRACE_FLAG_MIDDLE;
    cb_trace_encode_header(&header, bytes);
    return cb_output_write(fd, bytes, sizeof bytes, NULL);
}

cb_status cb_recorder_dump_fd(cb_recorder *recorder, int fd, cb_error *error)
{
    bool full = recorder->count >= recorder->capacity;
    size_t records = full ? recorder->capacity : (size_t)recorder->count;
    size_t at = full ? recorder->next : 0;
    uint64_t first = full ? recorder->slots[at].sequence : 1;
    dump to = {.recorder = recorder, .fd = fd};
    int failure = dump_header(recorder, fd, first);
    if (failure == 0)
        failure = dump_names(&to, first);
    for (size_t i = 0; i < records && failure == 0; i++) {
        if (recorder->slots[at].kind != CB_TRACE_NAME)
            failure = dump_slot(&to, &recorder->slots[at]);
        at = at + 1 == recorder->capacity ? 0 : at + 1;
    }
    if (failure == 0) {
        cb_trace_slot end = {.kind = CB_TRACE_END, .sequence = recorder->sequence};
        end.of.end = to.totals;
        failure = dump_slot(&to, &end);
    }
    if (failure == 0)
        failure = dump_flush(&to);
    if (failure != 0)
        return cb_fail_errno(error, CB_IO, failure, "the flight recorder could not be written");
    return CB_OK;
}

cb_status cb_recorder_dump(cb_recorder *recorder, const char *path, cb_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return cb_fail_errno(error, CB_IO, errno, "%s: cannot be opened for writing", path);
    cb_status status = cb_recorder_dump_fd(recorder, fd, error);
    if (close(fd) != 0 && status == CB_OK)
        status = cb_fail_errno(error, CB_IO, errno, "%s: cannot be written", path);
    return status;
}

/* -- begin and end -- */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void free_recorder(cb_recorder *recorder)
{
    for (unsigned i = 0; i < NAME_SPACES; i++)
        free(atomic_load_explicit(&recorder->names[i], memory_order_relaxed));
    free(recorder->block);
    free(recorder->slots);
    free(recorder);
}

cb_status cb_recorder_open(const cb_limits *limits, const char *path, cb_recorder **recorder,
                           cb_error *error)
{
    *recorder = NULL;
    size_t capacity = (size_t)limits->trace_buffer / sizeof(cb_trace_slot);
    assert(capacity >= 4);
    cb_recorder *made = calloc(1, sizeof *made);
    if (!made)
        return cb_fail(error, CB_NO_MEMORY, "no memory for the trace recorder");
    made->capacity = capacity;
    made->block_records = capacity / 2 < BLOCK_RECORDS ? capacity / 2 : BLOCK_RECORDS;
    made->slots = calloc(capacity, sizeof *made->slots);
    made->block = malloc(made->block_records * CB_TRACE_RECORD_SIZE);
    made->header = (cb_trace_header){.version = CB_TRACE_VERSION,
                                     .start_wall_ns = clock_ns(CLOCK_REALTIME),
                                     .start_mono_ns = clock_ns(CLOCK_MONOTONIC),
                                     .first_sequence = 1,
                                     .process_id = (uint64_t)getpid(),
                                     .has_limits = true,
                                     .limits = *limits};
    cb_status status = CB_OK;
    if (!made->slots || !made->block)
        status = cb_fail(error, CB_NO_MEMORY, "no memory for the trace buffer of %lld bytes",
                         (long long)limits->trace_buffer);
    if (status == CB_OK && path)
        status = cb_trace_writer_open(path, &made->header, (size_t)limits->trace_queue,
                                      &made->writer, error);
    if (status != CB_OK) {
        free_recorder(made);
        return status;
    }
    *recorder = made;
    return CB_OK;
}

/* What the file does not hold, as a sentence; *error says why its end is missing, or nothing. */
static void explain(const cb_recorder *recorder, const cb_trace_progress *progress, cb_error *error)
{
    unsigned long long all = recorder->sequence;
    unsigned long long lost = recorder->gap.messages;
    char why[CB_ERROR_TEXT_SIZE];
    (void)snprintf(why, sizeof why, "%s", error->text);
    if (why[0] == '\0')
        (void)cb_fail(
            error, CB_IO,
            "the trace file lacks %llu of %llu messages, which came faster than they could "
            "be written (CALLBOARD_TRACE_QUEUE)",
            lost, all);
    else if (lost == 0)
        (void)cb_fail(error, CB_IO, "the trace file %.300s; it ends with message %llu of %llu", why,
                      (unsigned long long)progress->sequence, all);
    else
        (void)cb_fail(error, CB_IO,
                      "the trace file %.300s; it ends with message %llu of %llu, and %llu others "
                      "came faster than they could be written",
                      why, (unsigned long long)progress->sequence, all, lost);
}

static cb_status close_file(cb_recorder *recorder, int64_t until_ns, cb_error *error)
{
    cb_trace_slot end = {.kind = CB_TRACE_END, .sequence = recorder->sequence};
    cb_trace_progress progress;
    cb_error why = {.text = ""};
    commit(recorder);
    if (recorder->gap.is_open)
        (void)close_gap(recorder, 1);
    end.of.end = recorder->queued;
    (void)queue_record(recorder, &end, 0);
    commit(recorder);
    cb_status status = cb_trace_writer_close(&recorder->writer, until_ns, &progress, &why);
    if (status == CB_OK && recorder->gap.messages == 0)
        return CB_OK;
    explain(recorder, &progress, &why);
    if (error)
        *error = why;
    return CB_IO;
}

cb_status cb_recorder_close_until(cb_recorder **recorder, int64_t until_ns, cb_error *error)
{
    cb_recorder *closing = *recorder;
    *recorder = NULL;
    if (!closing)
        return CB_OK;
    take_names(closing);
    cb_status status = closing->writer ? close_file(closing, until_ns, error) : CB_OK;
    free_recorder(closing);
    return status;
}

cb_status cb_recorder_close(cb_recorder **recorder, cb_error *error)
{
    return cb_recorder_close_until(recorder, clock_ns(CLOCK_MONOTONIC) + CB_SINK_PATIENCE_NS,
                                   error);
}
