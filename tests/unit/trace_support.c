#include "tests/unit/trace_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(int holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(1);
}

cb_limits trace_limits(void)
{
    cb_limits limits = cb_limits_default();
    limits.trace_buffer = 65536;
    return limits;
}

void trace_path(char path[TRACE_PATH_SIZE])
{
    snprintf(path, TRACE_PATH_SIZE, "/tmp/callboard-trace-test-XXXXXX");
    int fd = mkstemp(path);
    must(fd >= 0, path);
    close(fd);
}

trace_bytes trace_load(const char *path)
{
    trace_bytes file = {0};
    FILE *in = fopen(path, "rb");
    must(in != NULL && fseek(in, 0, SEEK_END) == 0, path);
    file.size = (size_t)ftell(in);
    rewind(in);
    file.data = malloc(file.size + 1);
    must(file.data != NULL && fread(file.data, 1, file.size, in) == file.size, path);
    fclose(in);
    return file;
}

void trace_store(const char *path, const uint8_t *data, size_t size)
{
    FILE *out = fopen(path, "wb");
    must(out != NULL && fwrite(data, 1, size, out) == size && fclose(out) == 0, path);
}

cb_message trace_message(unsigned kind, unsigned seed)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = (uint8_t)(seed + 1),
                        .flags = (uint8_t)(seed + 2),
                        .status = -(int32_t)seed - 3,
                        .from = seed + 4,
                        .to = seed + 5,
                        .cause = ((uint64_t)seed << 40) + 6,
                        .time_ns = ((int64_t)seed << 40) + 7,
                        .route = seed + 8,
                        .connection = seed + 9,
                        .job = ((uint64_t)seed << 40) + 10,
                        .value = -((int64_t)seed << 40) - 11};
}

int trace_same(const cb_trace_message *read, const cb_message *written)
{
    return read->kind == written->kind && read->name_space == written->name_space &&
           read->flags == written->flags && read->status == written->status &&
           read->from == written->from && read->to == written->to &&
           read->cause == written->cause && read->time_ns == written->time_ns &&
           read->route == written->route && read->connection == written->connection &&
           read->job == written->job && read->value == written->value &&
           read->payload == written->payload;
}

uint8_t *trace_record(trace_bytes file, uint64_t number)
{
    return file.data + CB_TRACE_HEADER_SIZE + (number - 1) * CB_TRACE_RECORD_SIZE;
}

void trace_seal(trace_bytes file, uint64_t number)
{
    uint8_t *record = trace_record(file, number);
    uint32_t sum = cb_trace_checksum(record);
    for (unsigned i = 0; i < 4; i++)
        record[i] = (uint8_t)(sum >> 8 * i);
}

uint64_t trace_record_count(trace_bytes file)
{
    return (file.size - CB_TRACE_HEADER_SIZE) / CB_TRACE_RECORD_SIZE;
}
