/* When the thread sleeps:
 *
 *     BUSY ----nothing waits----> GATHERING ----nothing came in 50 looks----> ASLEEP
 *      ^  <--2 ms, and something has come--'                                    |
 *      '------------------------------ it is rung for -------------------------'
 *
 * So a service under load rings for nobody, and an idle one is not woken. A thread says ASLEEP and
 * then looks at the queue once more; who commits does so before the look at what the thread says.
 * One of the two sees the other.
 */
#include "actors/trace/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/base/clock.h"
#include "actors/base/sink.h"
#include "actors/base/thread.h"

#define GATHER_MS 2
#define LOOKS     50
/* How soon a FIFO that had no reader is tried again. */
#define FIFO_MS   20

typedef enum writer_state { BUSY, GATHERING, ASLEEP } writer_state;

struct cb_trace_writer {
    cb_sink sink;
    cb_trace_queue queue;
    pthread_t thread;
    char *path;
    uint8_t header[CB_TRACE_HEADER_SIZE];
    atomic_int state;    /* a writer_state */
    atomic_bool settled; /* the file is open, cannot be opened, or is a FIFO without a reader */
    atomic_bool begun;   /* the file has its header */
    atomic_bool failed;  /* `failure` is set */
    cb_bell progress;    /* rung when something of this has changed, or nothing waits any more */
    atomic_uint_fast64_t records;  /* in the file */
    atomic_uint_fast64_t sequence; /* of the last one */
    /* The thread's own until it has settled, or failed. */
    int open_problem; /* an errno */
    cb_error failure;
    uint8_t *encoded; /* a block's bytes */
};

/* -- the thread ------------------------------------------------------------------------------- */

static void fail(cb_trace_writer *writer, int sys_errno, const char *what)
{
    if (atomic_load(&writer->failed))
        return;
    if (sys_errno == ETIMEDOUT)
        (void)cb_fail(&writer->failure, CB_IO, "could not be %s in time", what);
    else
        (void)cb_fail_errno(&writer->failure, CB_IO, sys_errno, "could not be %s", what);
    atomic_store(&writer->failed, true);
    cb_bell_ring(&writer->progress);
}

static void settle(cb_trace_writer *writer)
{
    if (!atomic_exchange(&writer->settled, true))
        cb_bell_ring(&writer->progress);
}

static bool is_fifo(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* The errno that it failed with, or 0. */
static int open_file(cb_trace_writer *writer)
{
    for (;;) {
        int fd = open(writer->path,
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
        int problem = errno;
        writer->sink.fd = fd;
        if (fd >= 0)
            return 0;
        if (problem == EINTR)
            continue;
        if (problem != ENXIO || !is_fifo(writer->path))
            return problem;
        settle(writer);
        if (cb_sink_has_given_up(&writer->sink))
            return ETIMEDOUT;
        cb_sink_sleep(&writer->sink, FIFO_MS);
    }
}

/* The header, before the first record. */
static bool begin_file(cb_trace_writer *writer)
{
    size_t done;
    int problem = open_file(writer);
    if (!atomic_load(&writer->settled))
        writer->open_problem = problem;
    if (problem != 0)
        fail(writer, problem, "opened for writing");
    settle(writer);
    if (problem != 0)
        return false;
    problem = cb_sink_write(&writer->sink, writer->header, sizeof writer->header, &done);
    if (problem != 0)
        fail(writer, problem, "written");
    atomic_store(&writer->begun, problem == 0);
    return problem == 0;
}

static void write_records(cb_trace_writer *writer, const cb_trace_slot *first, size_t count)
{
    size_t done;
    for (size_t i = 0; i < count; i++)
        cb_trace_encode(&first[i], writer->encoded + i * CB_TRACE_RECORD_SIZE);
    int problem =
        cb_sink_write(&writer->sink, writer->encoded, count * CB_TRACE_RECORD_SIZE, &done);
    size_t whole = done / CB_TRACE_RECORD_SIZE;
    atomic_fetch_add(&writer->records, whole);
    if (whole > 0)
        atomic_store(&writer->sequence, first[whole - 1].sequence);
    cb_trace_queue_take(&writer->queue, whole);
    if (problem != 0)
        fail(writer, problem, "written");
}

/* Nothing waits: sleeps as the state says. */
static void rest(cb_trace_writer *writer, int *looks)
{
    const cb_trace_slot *first;
    cb_bell_ring(&writer->progress);
    bool sleeps = (*looks)++ >= LOOKS;
    atomic_store(&writer->state, sleeps ? ASLEEP : GATHERING);
    if (!sleeps)
        cb_sink_sleep(&writer->sink, GATHER_MS);
    else if (cb_trace_queue_look(&writer->queue, &first) == 0)
        cb_sink_sleep(&writer->sink, -1);
    atomic_store(&writer->state, BUSY);
}

static void write_all(cb_trace_writer *writer)
{
    int looks = 0;
    while (!atomic_load(&writer->failed)) {
        const cb_trace_slot *first;
        /* In this order: what was committed before the end began is seen. */
        bool is_end = cb_sink_has_end_begun(&writer->sink);
        size_t count = cb_trace_queue_look(&writer->queue, &first);
        if (count == 0 && is_end)
            return;
        if (count == 0) {
            rest(writer, &looks);
        } else if (cb_sink_has_given_up(&writer->sink)) {
            fail(writer, ETIMEDOUT, "written");
        } else {
            write_records(writer, first, count);
            looks = 0;
        }
    }
}

static void destroy(cb_trace_writer *writer)
{
    if (writer->sink.fd >= 0)
        (void)close(writer->sink.fd);
    cb_sink_close(&writer->sink);
    cb_bell_close(&writer->progress);
    cb_trace_queue_close(&writer->queue);
    free(writer->encoded);
    free(writer->path);
    free(writer);
}

static void *writer_thread(void *argument)
{
    cb_trace_writer *writer = argument;
    if (begin_file(writer))
        write_all(writer);
    int fd = writer->sink.fd;
    writer->sink.fd = -1;
    if (fd >= 0 && close(fd) != 0)
        fail(writer, errno, "closed");
    if (!cb_sink_leave(&writer->sink)) {
        (void)pthread_detach(pthread_self());
        destroy(writer);
    }
    return NULL;
}

/* -- who queues ------------------------------------------------------------------------------- */

static void ring_unless(cb_trace_writer *writer, writer_state quiet)
{
    int state = atomic_load(&writer->state);
    if (state != BUSY && state != (int)quiet && atomic_exchange(&writer->state, BUSY) != BUSY)
        cb_sink_ring(&writer->sink);
}

cb_trace_slot *cb_trace_writer_claim(cb_trace_writer *writer, uint64_t spared)
{
    return cb_trace_queue_claim(&writer->queue, spared);
}

uint64_t cb_trace_writer_take_back(cb_trace_writer *writer)
{
    return cb_trace_queue_take_back(&writer->queue);
}

void cb_trace_writer_commit(cb_trace_writer *writer)
{
    if (cb_trace_queue_commit(&writer->queue))
        ring_unless(writer, BUSY); /* much has come */
}

bool cb_trace_writer_has_caught_up(const cb_trace_writer *writer)
{
    return cb_trace_queue_waiting(&writer->queue) <= writer->queue.capacity / 2;
}

void cb_trace_writer_wake(cb_trace_writer *writer)
{
    ring_unless(writer, GATHERING);
}

uint64_t cb_trace_writer_records(const cb_trace_writer *writer)
{
    return atomic_load(&writer->records);
}

bool cb_trace_writer_has_failed(const cb_trace_writer *writer)
{
    return atomic_load_explicit(&writer->failed, memory_order_relaxed);
}

static bool is_all_written(const cb_trace_writer *writer)
{
    return atomic_load(&writer->failed) ||
           (atomic_load(&writer->begun) && cb_trace_queue_waiting(&writer->queue) == 0);
}

bool cb_trace_writer_await(cb_trace_writer *writer, int64_t until_ns)
{
    cb_sink_ring(&writer->sink);
    while (!is_all_written(writer)) {
        if (cb_now_ns() >= until_ns)
            return false;
        cb_bell_set(&writer->progress, until_ns);
        cb_bell_wait(&writer->progress);
    }
    return true;
}

/* -- life ------------------------------------------------------------------------------------- */

static cb_status make_parts(cb_trace_writer *writer, const char *path, size_t queue_bytes,
                            cb_error *error)
{
    cb_status status = cb_sink_open(&writer->sink, SIZE_MAX, error);
    if (status != CB_OK)
        return status;
    writer->path = strdup(path);
    writer->encoded = malloc((size_t)CB_TRACE_BLOCK * CB_TRACE_RECORD_SIZE);
    if (writer->path == NULL || writer->encoded == NULL ||
        !cb_trace_queue_open(&writer->queue, queue_bytes))
        return cb_fail(error, CB_NO_MEMORY, "no memory for the queue of the trace file");
    return CB_OK;
}

static cb_trace_writer *make(const char *path, size_t queue_bytes, cb_error *error)
{
    cb_trace_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL || !cb_bell_open(&writer->progress)) {
        free(writer);
        (void)cb_fail(error, CB_NO_MEMORY, "out of memory");
        return NULL;
    }
    writer->sink.fd = -1;
    if (make_parts(writer, path, queue_bytes, error) == CB_OK)
        return writer;
    destroy(writer);
    return NULL;
}

static void await_settled(cb_trace_writer *writer)
{
    int64_t until_ns = cb_now_ns() + CB_SINK_PATIENCE_NS;
    while (!atomic_load(&writer->settled) && cb_now_ns() < until_ns) {
        cb_bell_set(&writer->progress, until_ns);
        cb_bell_wait(&writer->progress);
    }
}

cb_status cb_trace_writer_open(const char *path, const cb_trace_header *header, size_t queue_bytes,
                               cb_trace_writer **result, cb_error *error)
{
    *result = NULL;
    cb_error why = {.status = CB_OK};
    cb_trace_writer *writer = make(path, queue_bytes, &why);
    if (writer == NULL)
        return cb_fail(error, why.status, "%s", why.text);
    cb_trace_encode_header(header, writer->header);
    cb_status status = cb_thread_start(&writer->thread, writer_thread, writer, 0, "trace", error);
    if (status != CB_OK) {
        destroy(writer);
        return status;
    }
    await_settled(writer);
    if (!atomic_load(&writer->settled) || writer->open_problem == 0) {
        *result = writer;
        return CB_OK;
    }
    int problem = writer->open_problem;
    (void)pthread_join(writer->thread, NULL);
    destroy(writer);
    return cb_fail_errno(error, CB_IO, problem, "%s: cannot be opened for writing", path);
}

cb_status cb_trace_writer_close(cb_trace_writer **result, int64_t until_ns,
                                cb_trace_progress *progress, cb_error *error)
{
    cb_trace_writer *writer = *result;
    *result = NULL;
    cb_sink_end(&writer->sink, until_ns);
    bool has_left = cb_sink_await_leave(&writer->sink);
    *progress = (cb_trace_progress){.records = atomic_load(&writer->records),
                                    .sequence = atomic_load(&writer->sequence)};
    cb_status status = CB_OK;
    if (atomic_load(&writer->failed))
        status = cb_fail(error, CB_IO, "%s", writer->failure.text);
    else if (!has_left)
        status = cb_fail(error, CB_IO, "could not be written in time");
    pthread_t thread = writer->thread;
    if (has_left || !cb_sink_abandon(&writer->sink)) {
        (void)pthread_join(thread, NULL);
        destroy(writer);
    }
    return status;
}
