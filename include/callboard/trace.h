/* Traces: reading, printing and verifying the files that `callboard run --trace FILE` writes.
 *
 * A trace holds every message that the supervisor received, in order, and every effect of it, so
 * that all decisions can be replayed. docs/trace-format.md describes the file format; version
 * CB_TRACE_VERSION.
 *
 * Everything in a file is checked. A damaged file gives CB_FORMAT and a sentence with the record's
 * number and offset, never a wrong record. A file may be read while it is written. A torn end (half
 * a record, or records with wrong checksums and no good record after them) is cut off;
 * cb_trace_cut_of reports it.
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

/* X(NAME, number, text): the kinds of records. Numbers are part of the format: never reuse one. A
 * reader skips unknown kinds. */
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

/* An unknown number gives "?". Never NULL. */
CB_PUBLIC const char *cb_trace_kind_name(unsigned kind);

enum {
    CB_TRACE_FLAG_MIDDLE = 1, /* starts in the middle: older records were overwritten */
    CB_TRACE_FLAG_DUMP = 2    /* written from the flight recorder in memory */
};

typedef struct cb_trace_header {
    uint32_t version;
    uint32_t flags;          /* CB_TRACE_FLAG_* */
    int64_t start_wall_ns;   /* start of the program, since 1970 UTC */
    int64_t start_mono_ns;   /* the same moment on the clock that stamps messages */
    uint64_t first_sequence; /* of the first record; 1 unless MIDDLE */
    uint64_t overwritten;    /* missing records before the first one */
    uint64_t process_id;
    bool has_limits;  /* the file's list of limits is the same as this library's */
    cb_limits limits; /* the supervisor's configuration */
} cb_trace_header;

/* A message as the supervisor saw it. docs/trace-format.md has the names of kinds and the meaning
 * of fields. */
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
    uint64_t id;     /* id of the named object */
    uint16_t table;  /* cb_trace_table */
    uint16_t total;  /* bytes of the whole name, 1..CB_TRACE_NAME_MAX */
    uint16_t offset; /* of this part */
    uint16_t size;   /* of this part, 1..48 */
    uint8_t text[48];
} cb_trace_name_part;

typedef struct cb_trace_bytes {
    uint32_t offset; /* offset in the payload of the first byte here */
    uint32_t size;   /* 0..56 */
    uint8_t bytes[56];
} cb_trace_bytes;

typedef struct cb_trace_lost {
    uint64_t records;
    uint64_t messages; /* inputs among them: the next input's number is higher by this */
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
    uint64_t sequence;     /* number of its input, from 1 */
    uint64_t payload_size; /* bytes of a message's payload */
    uint32_t actor;        /* the actor of a NOTE; otherwise 0 */
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

/* The end of the records as a reader found it. */
typedef struct cb_trace_cut {
    bool closed;     /* an end record was there: the file is whole */
    uint64_t offset; /* end of the last good record */
    uint64_t bytes;  /* bytes that were cut off after it; 0 unless the end is torn */
} cb_trace_cut;

typedef struct cb_trace_reader cb_trace_reader;

/* Opens a file and checks its header. CB_IO, CB_FORMAT, CB_UNSUPPORTED (another version),
 * CB_NO_MEMORY. */
CB_PUBLIC cb_status cb_trace_open(const char *path, cb_trace_reader **reader, cb_error *error);
CB_PUBLIC void cb_trace_close(cb_trace_reader **reader);
/* Valid until the reader is closed. */
CB_PUBLIC const cb_trace_header *cb_trace_header_of(const cb_trace_reader *reader);
/* Reads the next record. CB_CLOSED after the last one (cb_trace_cut_of tells how the file ended),
 * CB_FORMAT for a record that is damaged or out of order. After either, further calls give the same
 * result. */
CB_PUBLIC cb_status cb_trace_next(cb_trace_reader *reader, cb_trace_record *record,
                                  cb_error *error);
/* Meaningful once cb_trace_next has returned CB_CLOSED. */
CB_PUBLIC cb_trace_cut cb_trace_cut_of(const cb_trace_reader *reader);
/* The name of a namespace, if it was read so far, or NULL. Valid until the reader is closed. */
CB_PUBLIC const char *cb_trace_name_space(const cb_trace_reader *reader, uint8_t name_space);

/* The lines to print; all zero prints every line. */
typedef struct cb_trace_show_options {
    uint32_t route;   /* only messages about this route's id */
    const char *job;  /* only messages about this job, written as in its column: 5, or #3.1 */
    const char *kind; /* only messages with this name, in upper or lower case */
    int64_t since_ns; /* from this time after the start */
    int64_t until_ns; /* up to this time after the start; 0: no end */
} cb_trace_show_options;

/* Prints one aligned line for each message. `options` may be NULL. A last line reports a torn end.
 * CB_FORMAT after the good records of a damaged file were printed; CB_IO. */
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
