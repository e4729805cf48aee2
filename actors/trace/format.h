/* The layout of a trace file: a header, then records of one size. docs/trace-format.md says it for
 * people; this is the only place in the code that knows offsets.
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
/* A header may grow in later versions; more than this is no header. */
#define CB_TRACE_HEADER_MOST  65536u
#define CB_TRACE_NAME_PART    48u

#define CB_TRACE_COUNT_LIMIT(field, value, least, most, variable, reason) +1u
enum { CB_TRACE_LIMIT_COUNT = 0u CB_LIMITS(CB_TRACE_COUNT_LIMIT) };
#undef CB_TRACE_COUNT_LIMIT

#define CB_TRACE_HEADER_SIZE (CB_TRACE_HEADER_FIXED + 8u * (size_t)CB_TRACE_LIMIT_COUNT)

/* A record as the ring keeps it: this machine's byte order, no checksum yet. */
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
/* Takes the fields apart; the caller has looked at the checksum or wants to name a damaged one. */
void cb_trace_decode(const uint8_t bytes[CB_TRACE_RECORD_SIZE], cb_trace_record *record);
/* Whether the checksum fits. */
bool cb_trace_intact(const uint8_t bytes[CB_TRACE_RECORD_SIZE]);
uint32_t cb_trace_checksum(const uint8_t bytes[CB_TRACE_RECORD_SIZE]);

void cb_trace_encode_header(const cb_trace_header *header, uint8_t bytes[CB_TRACE_HEADER_SIZE]);
/* Size of the whole header from its first CB_TRACE_HEADER_FIXED bytes; checks magic, version and
 * sizes. */
cb_status cb_trace_header_size(const uint8_t *bytes, size_t *size, cb_error *error);
/* `size` as cb_trace_header_size said. */
cb_status cb_trace_decode_header(const uint8_t *bytes, size_t size, cb_trace_header *header,
                                 cb_error *error);

#endif
