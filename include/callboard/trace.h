/* Traces: reading, printing and verifying the files that `callboard run --trace FILE` writes.
 *
 * A trace holds every message the supervisor received, in order, and every effect it had, so that
 * the whole of what was decided can be replayed. The file format is described in
 * docs/trace-format.md; version CB_TRACE_VERSION.
 *
 * Everything that comes from a file is checked: a damaged file gives CB_FORMAT and a sentence with
 * the record's number and offset, never a wrong record. A file may be read while it is written; an
 * end that is torn (half a record, or records whose checksum fails with no good one after them) is
 * cut off and reported by cb_trace_cut_of.
 * Threads: a reader belongs to one thread at a time.
 */
#ifndef CALLBOARD_TRACE_H
#define CALLBOARD_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "callboard/limits.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CB_TRACE_VERSION  1u
#define CB_TRACE_NAME_MAX 240u /* bytes of a name in the string table */

/* What a record is: X(NAME, number, text). Numbers are part of the format: never reuse one. A
 * reader skips kinds that it does not know. */
#define CB_TRACE_KINDS(X)                                                                          \
    X(INPUT, 1, "input")           /* a message that the supervisor received */                    \
    X(EFFECT, 2, "effect")         /* a message that an input made it send */                      \
    X(CHECKPOINT, 3, "checkpoint") /* the hash of the supervisor's state after an input */         \
    X(NAME, 4, "name")             /* an entry of the string table, or a part of one */            \
    X(BYTES, 5, "bytes")           /* first bytes of a message's payload, after its record */      \
    X(NOTE, 6, "note")             /* a step of an actor's own; decides nothing */                 \
    X(LOST, 7, "lost")             /* records were left out here */                                \
    X(END, 8, "end")               /* the file was closed in order */

typedef enum cb_trace_kind {
#define CB_TRACE_KIND_ENUM(name, number, text) CB_TRACE_##name = (number),
    CB_TRACE_KINDS(CB_TRACE_KIND_ENUM)
#undef CB_TRACE_KIND_ENUM
} cb_trace_kind;

/* "?" for a number that is none. Never NULL. */
CB_PUBLIC const char *cb_trace_kind_name(unsigned kind);

enum {
    CB_TRACE_FLAG_MIDDLE = 1, /* starts in the middle: older records were overwritten */
    CB_TRACE_FLAG_DUMP = 2    /* written from the flight recorder in memory */
};

typedef struct cb_trace_header {
    uint32_t version;
    uint32_t flags;          /* CB_TRACE_FLAG_* */
    int64_t start_wall_ns;   /* when the program started: since 1970 UTC */
    int64_t start_mono_ns;   /* the same moment on the clock that stamps messages */
    uint64_t first_sequence; /* of the first record; 1 unless MIDDLE */
    uint64_t overwritten;    /* records that are missing before the first one */
    uint64_t process_id;
    bool has_limits;  /* whether the file's list of limits is the one of this library */
    cb_limits limits; /* what the supervisor was configured with */
} cb_trace_header;

/* A message as the supervisor saw it. Names of kinds and the meaning of fields:
 * docs/trace-format.md. */
typedef struct cb_trace_message {
    uint16_t kind;
    uint8_t name_space;
    uint8_t flags;
    int32_t status;
    uint32_t from;
    uint32_t to;
    uint64_t cause;
    int64_t time_ns;
    uint32_t route;
    uint32_t connection;
    uint64_t job;
    int64_t value;
    uint64_t payload; /* a number that only tells payloads apart */
} cb_trace_message;

typedef enum cb_trace_table { CB_TRACE_TABLE_NAME_SPACE = 1 } cb_trace_table;

typedef struct cb_trace_name_part {
    uint64_t id;     /* of what is named */
    uint16_t table;  /* cb_trace_table */
    uint16_t total;  /* bytes of the whole name, 1..CB_TRACE_NAME_MAX */
    uint16_t offset; /* of this part */
    uint16_t size;   /* of this part, 1..48 */
    uint8_t text[48];
} cb_trace_name_part;

typedef struct cb_trace_bytes {
    uint32_t offset; /* of the first byte here in the payload */
    uint32_t size;   /* 0..56 */
    uint8_t bytes[56];
} cb_trace_bytes;

typedef struct cb_trace_lost {
    uint64_t records;
    uint64_t messages; /* of these, inputs: the next one's number is higher by so many */
} cb_trace_lost;

typedef struct cb_trace_end {
    uint64_t inputs;
    uint64_t effects;
    uint64_t checkpoints;
    uint64_t lost; /* records that are missing in it */
} cb_trace_end;

typedef struct cb_trace_record {
    uint16_t kind; /* cb_trace_kind */
    uint16_t flags;
    uint32_t index;        /* 0 for an input, 1.. for its effects */
    uint64_t sequence;     /* number of the input it belongs to, from 1 */
    uint64_t payload_size; /* bytes of a message's payload */
    uint32_t actor;        /* whose NOTE it is; 0 otherwise */
    uint64_t number;       /* of the record in the file, from 1 */
    uint64_t offset;       /* of the record in the file, in bytes */
    union {
        cb_trace_message message; /* INPUT, EFFECT, NOTE */
        uint64_t hash;            /* CHECKPOINT */
        cb_trace_name_part name;  /* NAME */
        cb_trace_bytes bytes;     /* BYTES */
        cb_trace_lost lost;       /* LOST */
        cb_trace_end end;         /* END */
    } of;
} cb_trace_record;

/* What a reader met at the end of the records. */
typedef struct cb_trace_cut {
    bool closed;     /* there was an end record: the file is whole */
    uint64_t offset; /* where the last good record ends */
    uint64_t bytes;  /* that were cut off behind it: 0 unless the end is torn */
} cb_trace_cut;

typedef struct cb_trace_reader cb_trace_reader;

/* Opens a file and checks its header. CB_IO, CB_FORMAT, CB_UNSUPPORTED (another version),
 * CB_NO_MEMORY. */
CB_PUBLIC cb_status cb_trace_open(const char *path, cb_trace_reader **reader, cb_error *error);
CB_PUBLIC void cb_trace_close(cb_trace_reader **reader);
/* Valid until the reader is closed. */
CB_PUBLIC const cb_trace_header *cb_trace_header_of(const cb_trace_reader *reader);
/* The next record. CB_CLOSED after the last one (cb_trace_cut_of tells how it ended), CB_FORMAT for
 * one that is damaged or out of order; after either it says the same again. */
CB_PUBLIC cb_status cb_trace_next(cb_trace_reader *reader, cb_trace_record *record,
                                  cb_error *error);
/* Meaningful once cb_trace_next has said CB_CLOSED. */
CB_PUBLIC cb_trace_cut cb_trace_cut_of(const cb_trace_reader *reader);
/* The name of a namespace as far as read, or NULL. Valid until the reader is closed. */
CB_PUBLIC const char *cb_trace_name_space(const cb_trace_reader *reader, uint8_t name_space);

/* Which lines to print; all zero prints every one. */
typedef struct cb_trace_show_options {
    uint32_t route;   /* only messages about this route's id */
    const char *job;  /* only messages about this job, as its column shows it: 5, or #3.1 */
    const char *kind; /* only messages of this name, in any case */
    int64_t since_ns; /* from this time after the start */
    int64_t until_ns; /* up to this time after the start; 0: no end */
} cb_trace_show_options;

/* Prints one aligned line for each message. `options` may be NULL. A torn end is said in a last
 * line. CB_FORMAT after the good records of a damaged file were printed; CB_IO. */
CB_PUBLIC cb_status cb_trace_show(FILE *out, const char *path, const cb_trace_show_options *options,
                                  cb_error *error);

/* Replays every input and compares each effect and state hash with the file. CB_OK: prints one line
 * with the counts, and a remark if the end is torn. CB_MISMATCH: *error names the first message and
 * field that differ. CB_FORMAT: damaged, *error names the record. CB_UNSUPPORTED: cannot be
 * replayed (starts in the middle, other limits), or not from some message on, because the next ones
 * are missing: prints the same line for what comes before. CB_IO, CB_NO_MEMORY. */
CB_PUBLIC cb_status cb_trace_verify(const char *path, FILE *out, cb_error *error);

#ifdef __cplusplus
}
#endif
#endif
