/* Trace files from a fuzzer: each input is read twice, as it is, and with its header and checksums
 * made good, so that what lies behind them is reached: the order of records, show, and a replay of
 * messages that no program would send. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actors/trace/format.h"
#include "callboard/trace.h"

#define RECORDS_MOST 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_checksum(uint8_t *record)
{
    uint32_t sum = cb_trace_checksum(record);
    for (unsigned i = 0; i < 4; i++)
        record[i] = (uint8_t)(sum >> 8 * i);
}

/* A file that lies in memory only, read through its descriptor's name. */
static void read_all(const uint8_t *data, size_t size)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);
    FILE *nowhere = fopen("/dev/null", "w");
    if (fd >= 0 && nowhere && write(fd, data, size) == (ssize_t)size) {
        char path[64];
        cb_error error;
        cb_trace_show_options options = {.route = 1, .job = "1"};
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        (void)cb_trace_show(nowhere, path, NULL, &error);
        (void)cb_trace_show(nowhere, path, &options, &error);
        (void)cb_trace_verify(path, nowhere, &error);
    }
    if (nowhere)
        fclose(nowhere);
    if (fd >= 0)
        close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(data, size);
    if (size <= CB_TRACE_HEADER_SIZE ||
        size > CB_TRACE_HEADER_SIZE + RECORDS_MOST * CB_TRACE_RECORD_SIZE)
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    cb_trace_header header = {.first_sequence = 1, .limits = cb_limits_default()};
    cb_trace_encode_header(&header, copy);
    for (size_t at = CB_TRACE_HEADER_SIZE; at + CB_TRACE_RECORD_SIZE <= size;
         at += CB_TRACE_RECORD_SIZE)
        put_checksum(copy + at);
    read_all(copy, size);
    free(copy);
    return 0;
}
