#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/trace/format.h"
#include "callboard/trace.h"

#define READ_BLOCK  65536u
#define NAME_SPACES 256u

struct cb_trace_reader {
    int fd;
    bool at_end;   /* the file has no more bytes */
    bool finished; /* `last` is what every further call says */
    cb_status last;
    cb_error last_error;

    uint8_t block[READ_BLOCK];
    size_t begin; /* unread bytes of the block */
    size_t end;
    uint64_t offset; /* of block[begin] in the file */

    cb_trace_header header;
    uint64_t number; /* of the last record */
    cb_trace_cut cut;

    /* What the next record has to follow. */
    uint64_t sequence; /* of the last input; 0 before the first */
    uint32_t index;    /* of its last effect */
    uint64_t skipped;  /* messages that are missing behind it */
    bool gap;          /* records are missing here: any higher number may come */
    cb_trace_end totals;
    cb_trace_name_part part; /* the last part of a name that is not whole */
    char *names[NAME_SPACES];
    char pending_name[CB_TRACE_NAME_MAX + 1];
};

/* -- bytes -- */

/* Makes `size` unread bytes contiguous at block[begin], or as many as there are. */
static cb_status fill(cb_trace_reader *reader, size_t size, cb_error *error)
{
    if (reader->end - reader->begin >= size)
        return CB_OK;
    memmove(reader->block, reader->block + reader->begin, reader->end - reader->begin);
    reader->end -= reader->begin;
    reader->begin = 0;
    while (reader->end < size && !reader->at_end) {
        ssize_t got = read(reader->fd, reader->block + reader->end, READ_BLOCK - reader->end);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_fail_errno(error, CB_IO, errno, "the trace cannot be read at byte %llu",
                                 (unsigned long long)(reader->offset + reader->end));
        reader->at_end = got == 0;
        reader->end += (size_t)got;
    }
    return CB_OK;
}

static void skip(cb_trace_reader *reader, size_t size)
{
    reader->begin += size;
    reader->offset += size;
}

static size_t unread(const cb_trace_reader *reader)
{
    return reader->end - reader->begin;
}

/* -- the header -- */

static cb_status read_header(cb_trace_reader *reader, cb_error *error)
{
    cb_status status = fill(reader, CB_TRACE_HEADER_FIXED, error);
    if (status != CB_OK)
        return status;
    size_t had = unread(reader);
    size_t magic = had < CB_TRACE_MAGIC_SIZE ? had : CB_TRACE_MAGIC_SIZE;
    if (had == 0)
        return cb_fail(error, CB_FORMAT, "the file is empty");
    if (memcmp(reader->block, CB_TRACE_MAGIC, magic) != 0)
        return cb_fail(error, CB_FORMAT, "not a trace file: its first bytes are others");
    if (had < CB_TRACE_HEADER_FIXED)
        return cb_fail(error, CB_FORMAT, "the header is cut off after %zu bytes", had);
    size_t size = 0;
    status = cb_trace_header_size(reader->block, &size, error);
    if (status == CB_OK)
        status = fill(reader, size, error);
    if (status != CB_OK)
        return status;
    if (unread(reader) < size)
        return cb_fail(error, CB_FORMAT, "the header is cut off after %zu bytes of %zu",
                       unread(reader), size);
    status = cb_trace_decode_header(reader->block, size, &reader->header, error);
    skip(reader, size);
    return status;
}

cb_status cb_trace_open(const char *path, cb_trace_reader **reader, cb_error *error)
{
    *reader = NULL;
    cb_trace_reader *made = calloc(1, sizeof *made);
    if (!made)
        return cb_fail(error, CB_NO_MEMORY, "no memory for reading a trace");
    made->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (made->fd < 0) {
        int why = errno;
        free(made);
        return cb_fail_errno(error, CB_IO, why, "%s", path);
    }
    cb_error inner;
    cb_status status = read_header(made, &inner);
    if (status != CB_OK) {
        cb_trace_close(&made);
        return cb_fail(error, status, "%s: %s", path, inner.text);
    }
    made->gap = (made->header.flags & CB_TRACE_FLAG_MIDDLE) != 0;
    *reader = made;
    return CB_OK;
}

void cb_trace_close(cb_trace_reader **reader)
{
    cb_trace_reader *closing = *reader;
    *reader = NULL;
    if (!closing)
        return;
    close(closing->fd);
    for (unsigned i = 0; i < NAME_SPACES; i++)
        free(closing->names[i]);
    free(closing);
}

const cb_trace_header *cb_trace_header_of(const cb_trace_reader *reader)
{
    return &reader->header;
}

cb_trace_cut cb_trace_cut_of(const cb_trace_reader *reader)
{
    return reader->cut;
}

const char *cb_trace_name_space(const cb_trace_reader *reader, uint8_t name_space)
{
    return reader->names[name_space];
}

/* -- what may follow what -- */

static cb_status misplaced(const cb_trace_record *record, cb_error *error, const char *why)
{
    return cb_fail(error, CB_FORMAT, "record %llu (%s, message %llu, at byte %llu): %s",
                   (unsigned long long)record->number, cb_trace_kind_name(record->kind),
                   (unsigned long long)record->sequence, (unsigned long long)record->offset, why);
}

static cb_status check_input(cb_trace_reader *reader, const cb_trace_record *record,
                             cb_error *error)
{
    bool follows = reader->gap ? record->sequence > reader->sequence &&
                                     record->sequence >= reader->header.first_sequence
                               : record->sequence == reader->sequence + reader->skipped + 1;
    if (!follows || record->index != 0)
        return misplaced(record, error, "its number does not follow the one before");
    reader->sequence = record->sequence;
    reader->index = 0;
    reader->skipped = 0;
    reader->gap = false;
    reader->totals.inputs++;
    return CB_OK;
}

static cb_status check_effect(cb_trace_reader *reader, const cb_trace_record *record,
                              cb_error *error)
{
    bool follows = reader->gap
                       ? record->sequence >= reader->sequence &&
                             record->sequence >= reader->header.first_sequence && record->index > 0
                       : record->sequence == reader->sequence && reader->skipped == 0 &&
                             record->index == reader->index + 1 && record->sequence > 0;
    if (!follows)
        return misplaced(record, error, "it does not follow its message's effect before");
    reader->sequence = record->sequence;
    reader->index = record->index;
    reader->gap = false;
    reader->totals.effects++;
    return CB_OK;
}

static cb_status check_checkpoint(cb_trace_reader *reader, const cb_trace_record *record,
                                  cb_error *error)
{
    if (reader->gap ? record->sequence < reader->sequence : record->sequence != reader->sequence)
        return misplaced(record, error, "it is not about the message before it");
    reader->totals.checkpoints++;
    return CB_OK;
}

/* Messages are missing as a whole, so all effects of the one before are there. */
static cb_status check_lost(cb_trace_reader *reader, const cb_trace_record *record, cb_error *error)
{
    const cb_trace_lost *lost = &record->of.lost;
    if (record->sequence != reader->sequence + reader->skipped && !reader->gap)
        return misplaced(record, error, "it is not about the message before it");
    if (lost->messages > lost->records || lost->messages >= UINT64_MAX - record->sequence)
        return misplaced(record, error, "it leaves out more messages than there can be");
    reader->skipped += lost->messages;
    reader->totals.lost += lost->records;
    return CB_OK;
}

static cb_status check_end(cb_trace_reader *reader, const cb_trace_record *record, cb_error *error)
{
    const cb_trace_end *said = &record->of.end;
    const cb_trace_end *read = &reader->totals;
    if (said->inputs != read->inputs || said->effects != read->effects ||
        said->checkpoints != read->checkpoints || said->lost != read->lost)
        return misplaced(record, error, "the file does not hold as many records as it says");
    reader->cut.closed = true;
    return CB_OK;
}

static cb_status check_name(cb_trace_reader *reader, const cb_trace_record *record, cb_error *error)
{
    const cb_trace_name_part *part = &record->of.name;
    const cb_trace_name_part *before = &reader->part;
    if (part->total == 0 || part->total > CB_TRACE_NAME_MAX || part->size == 0 ||
        part->size > sizeof part->text || part->offset + part->size > part->total)
        return misplaced(record, error, "a name's sizes do not fit");
    bool continues = part->id == before->id && part->table == before->table &&
                     part->total == before->total && part->offset == before->offset + before->size;
    if (part->offset != 0 && !continues)
        return misplaced(record, error, "a name's parts do not follow each other");
    reader->part = *part;
    memcpy(reader->pending_name + part->offset, part->text, part->size);
    if (part->offset + part->size < part->total)
        return CB_OK;
    reader->part.total = 0;
    if (part->table != CB_TRACE_TABLE_NAME_SPACE)
        return CB_OK;
    if (part->id == 0 || part->id >= NAME_SPACES)
        return misplaced(record, error, "a namespace's number is out of range");
    char *name = strndup(reader->pending_name, part->total);
    if (!name)
        return cb_fail(error, CB_NO_MEMORY, "no memory for a name");
    free(reader->names[part->id]);
    reader->names[part->id] = name;
    return CB_OK;
}

static cb_status check(cb_trace_reader *reader, const cb_trace_record *record, cb_error *error)
{
    if (reader->cut.closed)
        return misplaced(record, error, "it comes after the end record");
    switch (record->kind) {
    case CB_TRACE_INPUT:
        return check_input(reader, record, error);
    case CB_TRACE_EFFECT:
        return check_effect(reader, record, error);
    case CB_TRACE_CHECKPOINT:
        return check_checkpoint(reader, record, error);
    case CB_TRACE_NAME:
        return check_name(reader, record, error);
    case CB_TRACE_LOST:
        return check_lost(reader, record, error);
    case CB_TRACE_BYTES:
        if (record->of.bytes.size > sizeof record->of.bytes.bytes)
            return misplaced(record, error, "more payload bytes than a record holds");
        return CB_OK;
    case CB_TRACE_END:
        return check_end(reader, record, error);
    default:
        return CB_OK;
    }
}

/* -- records -- */

/* The record at `offset` does not fit its checksum. If a good one comes later, it is damaged; if
 * none does, the end of the file is torn. */
static cb_status judge_damage(cb_trace_reader *reader, cb_error *error)
{
    cb_trace_record bad;
    cb_trace_decode(reader->block + reader->begin, &bad);
    uint64_t at = reader->offset;
    reader->cut.offset = at;
    for (;;) {
        size_t size = unread(reader) < CB_TRACE_RECORD_SIZE ? unread(reader) : CB_TRACE_RECORD_SIZE;
        skip(reader, size);
        cb_status status = fill(reader, CB_TRACE_RECORD_SIZE, error);
        if (status != CB_OK)
            return status;
        if (unread(reader) < CB_TRACE_RECORD_SIZE) {
            reader->cut.bytes = reader->offset + unread(reader) - at;
            return CB_CLOSED;
        }
        if (cb_trace_intact(reader->block + reader->begin))
            break;
    }
    bool is_message = bad.kind == CB_TRACE_INPUT || bad.kind == CB_TRACE_EFFECT;
    return cb_fail(error, CB_FORMAT,
                   "record %llu (%s%s%s, message %llu, at byte %llu) is damaged: checksum",
                   (unsigned long long)(reader->number + 1), cb_trace_kind_name(bad.kind),
                   is_message ? " " : "", is_message ? cb_message_name(bad.of.message.kind) : "",
                   (unsigned long long)bad.sequence, (unsigned long long)at);
}

static cb_status read_record(cb_trace_reader *reader, cb_trace_record *record, cb_error *error)
{
    cb_status status = fill(reader, CB_TRACE_RECORD_SIZE, error);
    if (status != CB_OK)
        return status;
    const uint8_t *bytes = reader->block + reader->begin;
    if (unread(reader) < CB_TRACE_RECORD_SIZE) {
        reader->cut.offset = reader->offset;
        reader->cut.bytes = unread(reader);
        return CB_CLOSED;
    }
    if (!cb_trace_intact(bytes))
        return judge_damage(reader, error);
    cb_trace_decode(bytes, record);
    record->number = ++reader->number;
    record->offset = reader->offset;
    skip(reader, CB_TRACE_RECORD_SIZE);
    return check(reader, record, error);
}

cb_status cb_trace_next(cb_trace_reader *reader, cb_trace_record *record, cb_error *error)
{
    cb_error inner = {.status = CB_OK};
    if (!reader->finished) {
        cb_status status = read_record(reader, record, &inner);
        if (status == CB_OK)
            return CB_OK;
        reader->finished = true;
        reader->last = status;
        reader->last_error = inner;
    }
    if (error)
        *error = reader->last_error;
    return reader->last;
}
