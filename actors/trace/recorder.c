#include "actors/trace/recorder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors/trace/format.h"
#include "actors/trace/output.h"
#include "callboard/trace.h"

/* Records encoded and written at once: about 256 KiB, where a write's fixed cost no longer shows.
 * They are written by who runs the supervisor: an encoding costs less than waking a second thread
 * would, and a disk that cannot follow slows the program, as it should. */
#define BLOCK_RECORDS     2730u
#define CHECKPOINT_INPUTS 4096u
#define NAME_SPACES       256u

/* The ring is also the file's buffer: its newest `pending` records are not in the file yet, and
 * never more than half the ring, so that none is overwritten before it is written. */
struct cb_recorder {
    cb_trace_slot *slots;
    size_t capacity;
    size_t next; /* slot of the next record */
    uint64_t count;

    int fd;
    bool has_file; /* until the first write error */
    bool failed;
    size_t pending;
    size_t block_records;
    uint8_t *block;
    uint64_t file_records;
    cb_error failure;

    cb_trace_header header;
    cb_trace_end totals; /* of what was recorded since the start */
    uint64_t last_checkpoint;

    /* The string table: set once by any thread, recorded later by who runs the supervisor. */
    _Atomic(char *) names[NAME_SPACES];
    atomic_uint names_set;
    unsigned names_seen;
    bool name_recorded[NAME_SPACES];
};

/* -- the file -- */

static void fail_file(cb_recorder *recorder, int sys_errno, const char *what)
{
    recorder->has_file = false;
    recorder->failed = true;
    recorder->pending = 0;
    cb_fail_errno(&recorder->failure, CB_IO, sys_errno,
                  "the trace file could not be %s; it ends after %llu records", what,
                  (unsigned long long)recorder->file_records);
}

/* Encodes up to a block of records from slot `first` on. */
static void encode_block(cb_recorder *recorder, size_t first, size_t count)
{
    assert(count <= recorder->block_records);
    for (size_t i = 0; i < count; i++) {
        cb_trace_encode(&recorder->slots[first], recorder->block + i * CB_TRACE_RECORD_SIZE);
        first = first + 1 == recorder->capacity ? 0 : first + 1;
    }
}

static void write_pending(cb_recorder *recorder)
{
    size_t count = recorder->pending;
    if (count == 0)
        return;
    size_t first = recorder->next >= count ? recorder->next - count
                                           : recorder->next + recorder->capacity - count;
    encode_block(recorder, first, count);
    size_t written = 0;
    int failure =
        cb_output_write(recorder->fd, recorder->block, count * CB_TRACE_RECORD_SIZE, &written);
    recorder->file_records += written / CB_TRACE_RECORD_SIZE;
    recorder->pending = 0;
    if (failure != 0)
        fail_file(recorder, failure, "written");
}

/* -- the ring -- */

static cb_trace_slot *claim(cb_recorder *recorder, cb_trace_kind kind, uint64_t sequence)
{
    if (recorder->pending == recorder->block_records)
        write_pending(recorder);
    cb_trace_slot *slot = &recorder->slots[recorder->next];
    recorder->next = recorder->next + 1 == recorder->capacity ? 0 : recorder->next + 1;
    recorder->count++;
    recorder->pending += recorder->has_file;
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

static void record_new_names(cb_recorder *recorder, unsigned names_set)
{
    recorder->names_seen = names_set;
    for (unsigned i = 1; i < NAME_SPACES; i++) {
        const char *text = atomic_load_explicit(&recorder->names[i], memory_order_acquire);
        if (!text || recorder->name_recorded[i])
            continue;
        recorder->name_recorded[i] = true;
        size_t total = strlen(text);
        for (size_t offset = 0; offset < total; offset += CB_TRACE_NAME_PART)
            fill_name_part(claim(recorder, CB_TRACE_NAME, recorder->totals.inputs), i, text, total,
                           offset);
    }
}

static void take_names(cb_recorder *recorder)
{
    unsigned names_set = atomic_load_explicit(&recorder->names_set, memory_order_acquire);
    if (names_set != recorder->names_seen)
        record_new_names(recorder, names_set);
}

void cb_recorder_input(cb_recorder *recorder, uint64_t sequence, const cb_message *message)
{
    assert(sequence == recorder->totals.inputs + 1);
    take_names(recorder);
    recorder->totals.inputs = sequence;
    cb_trace_slot *slot = claim(recorder, CB_TRACE_INPUT, sequence);
    slot->payload_size = payload_size(message);
    slot->of.message = *message;
}

void cb_recorder_effects(cb_recorder *recorder, uint64_t sequence, const cb_message *messages,
                         size_t count)
{
    assert(sequence == recorder->totals.inputs && count < UINT32_MAX);
    recorder->totals.effects += count;
    for (size_t i = 0; i < count; i++) {
        cb_trace_slot *slot = claim(recorder, CB_TRACE_EFFECT, sequence);
        slot->index = (uint32_t)(i + 1);
        slot->payload_size = payload_size(&messages[i]);
        slot->of.message = messages[i];
    }
}

void cb_recorder_checkpoint(cb_recorder *recorder, uint64_t sequence, uint64_t hash)
{
    assert(sequence == recorder->totals.inputs);
    recorder->totals.checkpoints++;
    recorder->last_checkpoint = sequence;
    claim(recorder, CB_TRACE_CHECKPOINT, sequence)->of.hash = hash;
}

bool cb_recorder_wants_checkpoint(const cb_recorder *recorder, uint64_t sequence, size_t state_size)
{
    uint64_t distance = state_size > CHECKPOINT_INPUTS ? state_size : CHECKPOINT_INPUTS;
    return recorder->has_file && sequence - recorder->last_checkpoint >= distance;
}

bool cb_recorder_has_file(const cb_recorder *recorder)
{
    return recorder->has_file;
}

void cb_recorder_flush(cb_recorder *recorder)
{
    write_pending(recorder);
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
    return recorder->failed ? recorder->count - recorder->file_records : 0;
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
    to->totals.inputs += slot->kind == CB_TRACE_INPUT;
    to->totals.effects += slot->kind == CB_TRACE_EFFECT;
    to->totals.checkpoints += slot->kind == CB_TRACE_CHECKPOINT;
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
    write_pending(recorder); /* the block is needed here */
    bool full = recorder->count >= recorder->capacity;
    size_t count = full ? recorder->capacity : (size_t)recorder->count;
    size_t at = full ? recorder->next : 0;
    uint64_t first = full ? recorder->slots[at].sequence : 1;
    dump to = {.recorder = recorder, .fd = fd};
    int failure = dump_header(recorder, fd, first);
    if (failure == 0)
        failure = dump_names(&to, first);
    for (size_t i = 0; i < count && failure == 0; i++) {
        if (recorder->slots[at].kind != CB_TRACE_NAME)
            failure = dump_slot(&to, &recorder->slots[at]);
        at = at + 1 == recorder->capacity ? 0 : at + 1;
    }
    if (failure == 0) {
        cb_trace_slot end = {.kind = CB_TRACE_END, .sequence = recorder->totals.inputs};
        end.of.end = to.totals;
        failure = dump_slot(&to, &end);
    }
    if (failure == 0)
        failure = dump_flush(&to);
    if (failure != 0)
        return cb_fail_errno(error, CB_IO, failure, "the flight recorder could not be written");
    return CB_OK;
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

cb_status cb_recorder_dump(cb_recorder *recorder, const char *path, cb_error *error)
{
    int fd = open_file(path);
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

static cb_status start_file(cb_recorder *recorder, const char *path, cb_error *error)
{
    recorder->fd = open_file(path);
    if (recorder->fd < 0)
        return cb_fail_errno(error, CB_IO, errno, "%s: cannot be opened for writing", path);
    uint8_t bytes[CB_TRACE_HEADER_SIZE];
    cb_trace_encode_header(&recorder->header, bytes);
    int failure = cb_output_write(recorder->fd, bytes, sizeof bytes, NULL);
    if (failure != 0)
        return cb_fail_errno(error, CB_IO, failure, "%s: cannot be written", path);
    recorder->has_file = true;
    return CB_OK;
}

static void free_recorder(cb_recorder *recorder)
{
    for (unsigned i = 0; i < NAME_SPACES; i++)
        free(atomic_load_explicit(&recorder->names[i], memory_order_relaxed));
    if (recorder->fd >= 0)
        close(recorder->fd);
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
    made->fd = -1;
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
        status = start_file(made, path, error);
    if (status != CB_OK) {
        free_recorder(made);
        return status;
    }
    *recorder = made;
    return CB_OK;
}

cb_status cb_recorder_close(cb_recorder **recorder, cb_error *error)
{
    cb_recorder *closing = *recorder;
    *recorder = NULL;
    if (!closing)
        return CB_OK;
    take_names(closing);
    if (closing->has_file) {
        claim(closing, CB_TRACE_END, closing->totals.inputs)->of.end = closing->totals;
        write_pending(closing);
    }
    if (closing->has_file) {
        int fd = closing->fd;
        closing->fd = -1;
        if (close(fd) != 0)
            fail_file(closing, errno, "closed");
    }
    cb_status status = closing->failed ? CB_IO : CB_OK;
    if (closing->failed && error)
        *error = closing->failure;
    free_recorder(closing);
    return status;
}
