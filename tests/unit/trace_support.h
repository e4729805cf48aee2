/* Helpers of the trace tests: files in memory, and messages with every field set. */
#ifndef CALLBOARD_TESTS_UNIT_TRACE_SUPPORT_H
#define CALLBOARD_TESTS_UNIT_TRACE_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "actors/base/message.h"
#include "actors/trace/format.h"
#include "actors/trace/recorder.h"

#define TRACE_PATH_SIZE 64u

typedef struct trace_bytes {
    uint8_t *data; /* free it */
    size_t size;
} trace_bytes;

/* The default limits with the smallest ring: 682 records. */
cb_limits trace_limits(void);
/* The path of a new empty file; unlink it. */
void trace_path(char path[TRACE_PATH_SIZE]);
trace_bytes trace_load(const char *path);
void trace_store(const char *path, const uint8_t *data, size_t size);

/* A message made from `seed`: all its fields differ. It has no payload. */
cb_message trace_message(unsigned kind, unsigned seed);
int trace_same(const cb_trace_message *read, const cb_message *written);

/* The bytes of record `number` (from 1) in a file of this version. */
uint8_t *trace_record(trace_bytes file, uint64_t number);
/* Gives a changed record the right checksum. */
void trace_seal(trace_bytes file, uint64_t number);
uint64_t trace_record_count(trace_bytes file);

#endif
