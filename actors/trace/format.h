/* The layout of a trace file: a header, then records of one size. docs/trace-format.md describes it
 * for people. This is the only place in the code that knows offsets.
 */
#ifndef CALLBOARD_ACTORS_TRACE_FORMAT_H
#define CALLBOARD_ACTORS_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/base/message.h"
#include "callboard/trace.h"

#define CB_TRACE_MAGIC        "CBTRACE\n"
#define CB_TRACE_MAGIC_SIZE   8u
#define CB_TRACE_RECORD_SIZE  96u
#define CB_TRACE_HEADER_FIXED 96u
/* Most bytes of a header, which may grow in later versions. */
#define CB_TRACE_HEADER_MOST  65536u
#define CB_TRACE_NAME_PART    48u

#define CB_TRACE_COUNT_LIMIT(field, value, least, most, variable, reason) +1u
enum { CB_TRACE_LIMIT_COUNT = 0u CB_LIMITS(CB_TRACE_COUNT_LIMIT) };
#undef CB_TRACE_COUNT_LIMIT

#define CB_TRACE_HEADER_SIZE (CB_TRACE_HEADER_FIXED + 8u * (size_t)CB_TRACE_LIMIT_COUNT)

/* A record in the ring: in this machine's byte order, without a checksum yet. */
typedef struct cb_trace_slot {
    uint32_t unused;
    uint16_t kind;
    uint16_t flags;
    uint64_t sequence;
    uint64_t payload_size;
    uint32_t index;
    uint32_t actor;
    union {
        cb_message message;
        uint64_t hash;
        cb_trace_lost lost;
        cb_trace_name_part name;
        cb_trace_end end;
    } of;
} cb_trace_slot;

_Static_assert(sizeof(cb_trace_slot) == CB_TRACE_RECORD_SIZE, "a slot is as long as a record");

void cb_trace_encode(const cb_trace_slot *slot, uint8_t bytes[CB_TRACE_RECORD_SIZE]);
/* Decodes the fields. It does not check the checksum, so that a caller can also name a damaged
 * record. */
void cb_trace_decode(const uint8_t bytes[CB_TRACE_RECORD_SIZE], cb_trace_record *record);
/* True if the checksum is right. */
bool cb_trace_intact(const uint8_t bytes[CB_TRACE_RECORD_SIZE]);
uint32_t cb_trace_checksum(const uint8_t bytes[CB_TRACE_RECORD_SIZE]);

void cb_trace_encode_header(const cb_trace_header *header, uint8_t bytes[CB_TRACE_HEADER_SIZE]);
/* Reads the size of the whole header from its first CB_TRACE_HEADER_FIXED bytes; checks magic,
 * version and sizes. */
cb_status cb_trace_header_size(const uint8_t *bytes, size_t *size, cb_error *error);
/* `size` must come from cb_trace_header_size. */
cb_status cb_trace_decode_header(const uint8_t *bytes, size_t size, cb_trace_header *header,
                                 cb_error *error);

#endif
