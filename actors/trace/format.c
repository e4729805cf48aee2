#include "actors/trace/format.h"

#include <string.h>

/* Where things are in a record. */
enum {
    AT_CHECKSUM = 0,
    AT_KIND = 4,
    AT_FLAGS = 6,
    AT_SEQUENCE = 8,
    AT_PAYLOAD_SIZE = 16,
    AT_INDEX = 24,
    AT_ACTOR = 28,
    AT_BODY = 32
};

/* Where things are in the header. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_HEADER_SIZE = 12,
    AT_RECORD_SIZE = 16,
    AT_HEADER_FLAGS = 20,
    AT_LIMIT_COUNT = 24,
    AT_HEADER_CHECKSUM = 28,
    AT_START_WALL = 32,
    AT_START_MONO = 40,
    AT_FIRST_SEQUENCE = 48,
    AT_OVERWRITTEN = 56,
    AT_PROCESS_ID = 64
};

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static void put64(uint8_t *at, uint64_t value)
{
    put32(at, (uint32_t)value);
    put32(at + 4, (uint32_t)(value >> 32));
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get64(const uint8_t *at)
{
    return (uint64_t)get32(at) | (uint64_t)get32(at + 4) << 32;
}

/* Odd, its bits without a pattern: the golden ratio's fraction. */
#define MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)

/* The magic as a number: a record of zeros must not fit. */
#define SEED UINT64_C(0x0A45434152544243)

/* One word of a checksum. For a given `sum`, different words give different results, so a change
 * within one word is lost only when the 64 bits are folded into 32. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * MULTIPLIER;
    return sum ^ sum >> 32;
}

/* The upper half of a product is the one that every bit reaches. */
static uint32_t fold(uint64_t sum)
{
    return (uint32_t)(sum * MULTIPLIER >> 32);
}

uint32_t cb_trace_checksum(const uint8_t bytes[CB_TRACE_RECORD_SIZE])
{
    uint64_t sum = mix(SEED, get32(bytes + 4));
    for (size_t at = 8; at < CB_TRACE_RECORD_SIZE; at += 8)
        sum = mix(sum, get64(bytes + at));
    return fold(sum);
}

bool cb_trace_intact(const uint8_t bytes[CB_TRACE_RECORD_SIZE])
{
    return get32(bytes + AT_CHECKSUM) == cb_trace_checksum(bytes);
}

static void encode_message(const cb_message *message, uint8_t *at)
{
    put16(at, message->kind);
    at[2] = message->name_space;
    at[3] = message->flags;
    put32(at + 4, (uint32_t)message->status);
    put32(at + 8, message->from);
    put32(at + 12, message->to);
    put64(at + 16, message->cause);
    put64(at + 24, (uint64_t)message->time_ns);
    put32(at + 32, message->route);
    put32(at + 36, message->connection);
    put64(at + 40, message->job);
    put64(at + 48, (uint64_t)message->value);
    put64(at + 56, message->payload);
}

static void decode_message(const uint8_t *at, cb_trace_message *message)
{
    message->kind = get16(at);
    message->name_space = at[2];
    message->flags = at[3];
    message->status = (int32_t)get32(at + 4);
    message->from = get32(at + 8);
    message->to = get32(at + 12);
    message->cause = get64(at + 16);
    message->time_ns = (int64_t)get64(at + 24);
    message->route = get32(at + 32);
    message->connection = get32(at + 36);
    message->job = get64(at + 40);
    message->value = (int64_t)get64(at + 48);
    message->payload = get64(at + 56);
}

static void encode_name(const cb_trace_name_part *name, uint8_t *at)
{
    put64(at, name->id);
    put16(at + 8, name->table);
    put16(at + 10, name->total);
    put16(at + 12, name->offset);
    put16(at + 14, name->size);
    memcpy(at + 16, name->text, sizeof name->text);
}

static void decode_name(const uint8_t *at, cb_trace_name_part *name)
{
    name->id = get64(at);
    name->table = get16(at + 8);
    name->total = get16(at + 10);
    name->offset = get16(at + 12);
    name->size = get16(at + 14);
    memcpy(name->text, at + 16, sizeof name->text);
}

static void encode_end(const cb_trace_end *end, uint8_t *at)
{
    put64(at, end->inputs);
    put64(at + 8, end->effects);
    put64(at + 16, end->checkpoints);
    put64(at + 24, end->lost);
}

static void decode_end(const uint8_t *at, cb_trace_end *end)
{
    end->inputs = get64(at);
    end->effects = get64(at + 8);
    end->checkpoints = get64(at + 16);
    end->lost = get64(at + 24);
}

void cb_trace_encode(const cb_trace_slot *slot, uint8_t bytes[CB_TRACE_RECORD_SIZE])
{
    uint8_t *body = bytes + AT_BODY;
    put16(bytes + AT_KIND, slot->kind);
    put16(bytes + AT_FLAGS, slot->flags);
    put64(bytes + AT_SEQUENCE, slot->sequence);
    put64(bytes + AT_PAYLOAD_SIZE, slot->payload_size);
    put32(bytes + AT_INDEX, slot->index);
    put32(bytes + AT_ACTOR, slot->actor);
    switch (slot->kind) {
    case CB_TRACE_INPUT:
    case CB_TRACE_EFFECT:
        encode_message(&slot->of.message, body);
        break;
    case CB_TRACE_CHECKPOINT:
        memset(body, 0, CB_TRACE_RECORD_SIZE - AT_BODY);
        put64(body, slot->of.hash);
        break;
    case CB_TRACE_LOST:
        memset(body, 0, CB_TRACE_RECORD_SIZE - AT_BODY);
        put64(body, slot->of.lost.records);
        put64(body + 8, slot->of.lost.messages);
        break;
    case CB_TRACE_NAME:
        encode_name(&slot->of.name, body);
        break;
    default:
        memset(body, 0, CB_TRACE_RECORD_SIZE - AT_BODY);
        encode_end(&slot->of.end, body);
        break;
    }
    put32(bytes + AT_CHECKSUM, cb_trace_checksum(bytes));
}

void cb_trace_decode(const uint8_t bytes[CB_TRACE_RECORD_SIZE], cb_trace_record *record)
{
    const uint8_t *body = bytes + AT_BODY;
    memset(record, 0, sizeof *record);
    record->kind = get16(bytes + AT_KIND);
    record->flags = get16(bytes + AT_FLAGS);
    record->sequence = get64(bytes + AT_SEQUENCE);
    record->payload_size = get64(bytes + AT_PAYLOAD_SIZE);
    record->index = get32(bytes + AT_INDEX);
    record->actor = get32(bytes + AT_ACTOR);
    switch (record->kind) {
    case CB_TRACE_INPUT:
    case CB_TRACE_EFFECT:
    case CB_TRACE_NOTE:
        decode_message(body, &record->of.message);
        break;
    case CB_TRACE_CHECKPOINT:
        record->of.hash = get64(body);
        break;
    case CB_TRACE_LOST:
        record->of.lost.records = get64(body);
        record->of.lost.messages = get64(body + 8);
        break;
    case CB_TRACE_NAME:
        decode_name(body, &record->of.name);
        break;
    case CB_TRACE_BYTES:
        record->of.bytes.offset = get32(body);
        record->of.bytes.size = get32(body + 4);
        memcpy(record->of.bytes.bytes, body + 8, sizeof record->of.bytes.bytes);
        break;
    case CB_TRACE_END:
        decode_end(body, &record->of.end);
        break;
    default:
        break;
    }
}

/* The header's checksum: its words in order, its own field taken as 0. */
static uint32_t header_checksum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = SEED;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = get64(bytes + at);
        if (at == AT_LIMIT_COUNT)
            word &= UINT32_MAX;
        sum = mix(sum, word);
    }
    return fold(sum);
}

void cb_trace_encode_header(const cb_trace_header *header, uint8_t bytes[CB_TRACE_HEADER_SIZE])
{
    memset(bytes, 0, CB_TRACE_HEADER_SIZE);
    memcpy(bytes + AT_MAGIC, CB_TRACE_MAGIC, CB_TRACE_MAGIC_SIZE);
    put32(bytes + AT_VERSION, CB_TRACE_VERSION);
    put32(bytes + AT_HEADER_SIZE, (uint32_t)CB_TRACE_HEADER_SIZE);
    put32(bytes + AT_RECORD_SIZE, CB_TRACE_RECORD_SIZE);
    put32(bytes + AT_HEADER_FLAGS, header->flags);
    put32(bytes + AT_LIMIT_COUNT, CB_TRACE_LIMIT_COUNT);
    put64(bytes + AT_START_WALL, (uint64_t)header->start_wall_ns);
    put64(bytes + AT_START_MONO, (uint64_t)header->start_mono_ns);
    put64(bytes + AT_FIRST_SEQUENCE, header->first_sequence);
    put64(bytes + AT_OVERWRITTEN, header->overwritten);
    put64(bytes + AT_PROCESS_ID, header->process_id);
    uint8_t *at = bytes + CB_TRACE_HEADER_FIXED;
#define PUT_LIMIT(field, value, least, most, variable, reason)                                     \
    put64(at, (uint64_t)header->limits.field);                                                     \
    at += 8;
    CB_LIMITS(PUT_LIMIT)
#undef PUT_LIMIT
    put32(bytes + AT_HEADER_CHECKSUM, header_checksum(bytes, CB_TRACE_HEADER_SIZE));
}

cb_status cb_trace_header_size(const uint8_t *bytes, size_t *size, cb_error *error)
{
    if (memcmp(bytes + AT_MAGIC, CB_TRACE_MAGIC, CB_TRACE_MAGIC_SIZE) != 0)
        return cb_fail(error, CB_FORMAT, "not a trace file: its first bytes are others");
    uint32_t version = get32(bytes + AT_VERSION);
    if (version != CB_TRACE_VERSION)
        return cb_fail(error, CB_UNSUPPORTED, "trace format version %u; this program reads %u",
                       version, CB_TRACE_VERSION);
    uint64_t header_size = get32(bytes + AT_HEADER_SIZE);
    uint64_t limit_count = get32(bytes + AT_LIMIT_COUNT);
    if (header_size > CB_TRACE_HEADER_MOST || header_size % 8 != 0 ||
        header_size < CB_TRACE_HEADER_FIXED + 8 * limit_count)
        return cb_fail(error, CB_FORMAT, "header: size %u does not fit its %u limits",
                       (unsigned)header_size, (unsigned)limit_count);
    if (get32(bytes + AT_RECORD_SIZE) != CB_TRACE_RECORD_SIZE)
        return cb_fail(error, CB_FORMAT, "header: record size %u instead of %u",
                       get32(bytes + AT_RECORD_SIZE), CB_TRACE_RECORD_SIZE);
    *size = (size_t)header_size;
    return CB_OK;
}

/* Limits from a file configure a replay's tables, so each must be in its range. */
static cb_status decode_limits(const uint8_t *at, cb_limits *limits, cb_error *error)
{
#define GET_LIMIT(field, value, least, most, variable, reason)                                     \
    limits->field = (int64_t)get64(at);                                                            \
    at += 8;                                                                                       \
    if (limits->field < (least) || limits->field > (most))                                         \
        return cb_fail(error, CB_FORMAT, "header: limit " #field " is %lld, out of its range",     \
                       (long long)limits->field);
    CB_LIMITS(GET_LIMIT)
#undef GET_LIMIT
    return CB_OK;
}

cb_status cb_trace_decode_header(const uint8_t *bytes, size_t size, cb_trace_header *header,
                                 cb_error *error)
{
    memset(header, 0, sizeof *header);
    if (get32(bytes + AT_HEADER_CHECKSUM) != header_checksum(bytes, size))
        return cb_fail(error, CB_FORMAT, "the header is damaged: checksum");
    header->version = get32(bytes + AT_VERSION);
    header->flags = get32(bytes + AT_HEADER_FLAGS);
    header->start_wall_ns = (int64_t)get64(bytes + AT_START_WALL);
    header->start_mono_ns = (int64_t)get64(bytes + AT_START_MONO);
    header->first_sequence = get64(bytes + AT_FIRST_SEQUENCE);
    header->overwritten = get64(bytes + AT_OVERWRITTEN);
    header->process_id = get64(bytes + AT_PROCESS_ID);
    header->has_limits = get32(bytes + AT_LIMIT_COUNT) == CB_TRACE_LIMIT_COUNT;
    if (!header->has_limits)
        return CB_OK;
    return decode_limits(bytes + CB_TRACE_HEADER_FIXED, &header->limits, error);
}

const char *cb_trace_kind_name(unsigned kind)
{
    switch (kind) {
#define KIND_NAME(name, number, text)                                                              \
    case number:                                                                                   \
        return text;
        CB_TRACE_KINDS(KIND_NAME)
#undef KIND_NAME
    default:
        return "?";
    }
}
