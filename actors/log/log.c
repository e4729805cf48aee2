#include "actors/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors/base/clock.h"
#include "actors/base/sink.h"
#include "actors/base/thread.h"

#define NS_A_S     INT64_C(1000000000)
#define TEXT_MOST  512u /* bytes of a note's texts */
#define ALIGNMENT  8u
/* Standard error is shared with others, so it may block. */
#define WRITE_MOST 4096u

typedef enum entry_kind { ENTRY_NOTE, ENTRY_LINE } entry_kind;

/* What lies in the queue: this, then a line, or a note and its two texts. */
typedef struct entry {
    size_t size; /* of all of it, a multiple of ALIGNMENT */
    entry_kind kind;
    size_t text_size; /* LINE: of the line */
    int64_t time_ns;  /* NOTE */
    cb_noted noted;   /* NOTE: the texts' pointers are not used */
} entry;

typedef struct queue {
    char *bytes;
    size_t size;
    uint64_t entries;
} queue;

struct cb_log {
    cb_log_level least;
    size_t capacity;
    cb_sink sink;
    pthread_t thread;
    pthread_mutex_t lock; /* held for a copy or a swap, never for output; guards what follows */
    pthread_cond_t progress;
    queue filling;
    uint64_t lost; /* not told of yet */
    uint64_t lost_ever;
    uint64_t put;     /* entries ever */
    uint64_t written; /* of these, as far as they could be */
    bool asleep;      /* the writer waits until it is rung for */
    /* The writer's own. */
    queue draining;
    cb_json text;
    bool broken;  /* the newest write failed: only something new is a reason to try again */
    bool in_line; /* the output ends inside a line that could not be written whole */
};

static int64_t wall_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_A_S + now.tv_nsec;
}

/* -- the queue -------------------------------------------------------------------------------- */

void cb_log_wake(cb_log *log)
{
    pthread_mutex_lock(&log->lock);
    bool asleep = log->asleep && log->filling.size > 0;
    log->asleep = log->asleep && !asleep;
    pthread_mutex_unlock(&log->lock);
    if (asleep)
        cb_sink_ring(&log->sink);
}

/* Room for one entry with so many bytes behind it, or NULL and one more lost. The lock is held. */
static entry *claim(cb_log *log, size_t more)
{
    size_t size = (sizeof(entry) + more + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (more > log->capacity || size > log->capacity - log->filling.size) {
        log->lost++;
        log->lost_ever++;
        return NULL;
    }
    entry *added = (entry *)(void *)(log->filling.bytes + log->filling.size);
    memset(added, 0, sizeof *added);
    added->size = size;
    log->filling.size += size;
    log->filling.entries++;
    log->put++;
    return added;
}

static size_t at_most(size_t size)
{
    return size < TEXT_MOST ? size : TEXT_MOST;
}

void cb_log_note(cb_log *log, int64_t time_ns, const cb_noted *noted)
{
    if (cb_log_level_of(&noted->note) < log->least)
        return;
    size_t name_size = at_most(noted->name_size);
    size_t detail_size = at_most(noted->detail_size);
    pthread_mutex_lock(&log->lock);
    entry *added = claim(log, name_size + detail_size);
    if (added != NULL) {
        char *texts = (char *)(added + 1);
        added->kind = ENTRY_NOTE;
        added->time_ns = time_ns;
        added->noted = *noted;
        added->noted.name_size = name_size;
        added->noted.detail_size = detail_size;
        if (name_size > 0)
            memcpy(texts, noted->name, name_size);
        if (detail_size > 0)
            memcpy(texts + name_size, noted->detail, detail_size);
    }
    bool wakes = log->asleep && log->filling.size > log->capacity / 2;
    log->asleep = log->asleep && !wakes;
    pthread_mutex_unlock(&log->lock);
    if (wakes)
        cb_sink_ring(&log->sink);
}

static void put_line(cb_log *log, const cb_json *line)
{
    pthread_mutex_lock(&log->lock);
    entry *added = claim(log, line->size);
    if (added != NULL) {
        added->kind = ENTRY_LINE;
        added->text_size = line->size;
        memcpy(added + 1, line->bytes, line->size);
    }
    pthread_mutex_unlock(&log->lock);
    cb_log_wake(log);
}

void cb_log_line(cb_log *log, cb_log_level level, const char *event, const cb_log_field *fields,
                 size_t count)
{
    if (log == NULL || level < log->least)
        return;
    cb_json line = {0};
    cb_log_begin(&line, wall_now_ns(), level, event);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].text != NULL)
            cb_json_text(&line, fields[i].name, fields[i].text, strlen(fields[i].text));
        else
            cb_json_number(&line, fields[i].name, fields[i].number);
    }
    cb_json_end(&line);
    if (!line.failed)
        put_line(log, &line);
    free(line.bytes);
}

uint64_t cb_log_lost(cb_log *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t lost = log->lost_ever;
    pthread_mutex_unlock(&log->lock);
    return lost;
}

/* -- the output ------------------------------------------------------------------------------- */

static uint64_t count_lines(const char *bytes, size_t size)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    return lines;
}

/* Writes all lines of the text; what could not be written counts as lost. `told`: how many lost
 * ones the last line tells of, if it is such a line. */
static void write_text(cb_log *log, uint64_t told)
{
    const cb_json *text = &log->text;
    size_t done = 0;
    if (log->in_line && cb_sink_write(&log->sink, "\n", 1, &done) != 0) {
        done = 0;
    } else {
        log->in_line = false;
        (void)cb_sink_write(&log->sink, text->bytes, text->size, &done);
        log->in_line = done > 0 && text->bytes[done - 1] != '\n';
    }
    log->broken = done < text->size;
    if (!log->broken)
        return;
    uint64_t lost = count_lines(text->bytes + done, text->size - done);
    lost -= told > 0 ? 1 : 0;
    pthread_mutex_lock(&log->lock);
    log->lost += lost + told;
    log->lost_ever += lost;
    pthread_mutex_unlock(&log->lock);
}

/* -- the writer ------------------------------------------------------------------------------- */

static void format(cb_log *log, const entry *one, int64_t wall_minus_monotonic_ns)
{
    const char *texts = (const char *)(one + 1);
    size_t before = log->text.size;
    if (one->kind == ENTRY_NOTE) {
        cb_noted noted = one->noted;
        noted.name = texts;
        noted.detail = texts + noted.name_size;
        cb_log_format_note(&log->text, one->time_ns + wall_minus_monotonic_ns, &noted);
    } else {
        cb_json_copy(&log->text, texts, one->text_size);
    }
    if (log->text.failed) { /* no memory: this one is lost, the others are not */
        log->text.failed = false;
        log->text.size = before;
        pthread_mutex_lock(&log->lock);
        log->lost++;
        log->lost_ever++;
        pthread_mutex_unlock(&log->lock);
    }
}

static void format_lost(cb_log *log, uint64_t lost)
{
    if (lost == 0)
        return;
    cb_log_begin(&log->text, wall_now_ns(), CB_LOG_WARNING, "lines_lost");
    cb_json_unsigned(&log->text, "lines", lost);
    cb_json_end(&log->text);
}

static void write_batch(cb_log *log, uint64_t lost)
{
    int64_t offset_ns = wall_now_ns() - cb_now_ns();
    log->text.size = 0;
    for (size_t at = 0; at < log->draining.size;) {
        const entry *one = (const entry *)(const void *)(log->draining.bytes + at);
        format(log, one, offset_ns);
        at += one->size;
    }
    format_lost(log, lost); /* they would have come behind */
    if (!log->text.failed)
        write_text(log, lost);
    pthread_mutex_lock(&log->lock);
    log->written += log->draining.entries;
    pthread_cond_broadcast(&log->progress);
    pthread_mutex_unlock(&log->lock);
    log->draining.size = 0;
    log->draining.entries = 0;
}

/* Takes what has come; false if there is nothing, and *over once there will be nothing. */
static bool take(cb_log *log, uint64_t *lost, bool *over)
{
    pthread_mutex_lock(&log->lock);
    queue came = log->filling;
    log->filling = log->draining;
    log->draining = came;
    *lost = log->lost;
    bool any = came.size > 0 || (*lost > 0 && !log->broken);
    *over = !any && cb_sink_has_end_begun(&log->sink);
    log->lost = any ? 0 : log->lost;
    log->asleep = !any;
    pthread_mutex_unlock(&log->lock);
    return any;
}

static void destroy(cb_log *log)
{
    if (log->sink.fd > STDERR_FILENO)
        (void)close(log->sink.fd);
    cb_sink_close(&log->sink);
    (void)pthread_cond_destroy(&log->progress);
    (void)pthread_mutex_destroy(&log->lock);
    free(log->filling.bytes);
    free(log->draining.bytes);
    free(log->text.bytes);
    free(log);
}

static void *writer_thread(void *argument)
{
    cb_log *log = argument;
    bool over = false;
    while (!over && !cb_sink_has_given_up(&log->sink)) {
        uint64_t lost;
        if (take(log, &lost, &over))
            write_batch(log, lost);
        else if (!over)
            cb_sink_sleep(&log->sink, -1);
    }
    if (!cb_sink_leave(&log->sink)) {
        (void)pthread_detach(pthread_self());
        destroy(log);
    }
    return NULL;
}

/* -- life ------------------------------------------------------------------------------------- */

static cb_status open_output(cb_log *log, const char *path, cb_error *error)
{
    log->sink.fd = STDERR_FILENO;
    if (path == NULL)
        return CB_OK;
    log->sink.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return log->sink.fd >= 0
               ? CB_OK
               : cb_fail_errno(error, CB_IO, errno, "cannot open the log %.300s", path);
}

static cb_status open_parts(cb_log *log, const cb_log_options *options, cb_error *error)
{
    cb_status status = cb_sink_open(&log->sink, WRITE_MOST, error);
    if (status == CB_OK)
        status = open_output(log, options->path, error);
    if (status != CB_OK)
        return status;
    log->filling.bytes = malloc(log->capacity);
    log->draining.bytes = malloc(log->capacity);
    if (log->filling.bytes == NULL || log->draining.bytes == NULL)
        return cb_fail(error, CB_NO_MEMORY, "no memory for the log's queue");
    return cb_thread_start(&log->thread, writer_thread, log, 0, "log", error);
}

static cb_status make_locks(cb_log *log, cb_error *error)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&log->lock, NULL) != 0)
        return cb_fail(error, CB_NO_MEMORY, "cannot make a lock");
    if (pthread_condattr_init(&attributes) == 0) {
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        int code = pthread_cond_init(&log->progress, &attributes);
        (void)pthread_condattr_destroy(&attributes);
        if (code == 0)
            return CB_OK;
    }
    (void)pthread_mutex_destroy(&log->lock);
    return cb_fail(error, CB_NO_MEMORY, "cannot make a lock");
}

cb_status cb_log_open(const cb_log_options *options, cb_log **result, cb_error *error)
{
    *result = NULL;
    cb_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    log->least = options->least;
    log->capacity = options->queue_bytes;
    cb_status status = make_locks(log, error);
    if (status != CB_OK) {
        free(log);
        return status;
    }
    status = open_parts(log, options, error);
    if (status == CB_OK)
        *result = log;
    else
        destroy(log);
    return status;
}

void cb_log_flush(cb_log *log)
{
    if (log == NULL)
        return;
    int64_t until_ns = cb_now_ns() + CB_SINK_PATIENCE_NS;
    struct timespec until = {.tv_sec = until_ns / NS_A_S, .tv_nsec = until_ns % NS_A_S};
    int shield = cb_thread_shield();
    cb_log_wake(log);
    pthread_mutex_lock(&log->lock);
    uint64_t wanted = log->put;
    while (log->written < wanted &&
           pthread_cond_timedwait(&log->progress, &log->lock, &until) != ETIMEDOUT)
        continue;
    pthread_mutex_unlock(&log->lock);
    cb_thread_unshield(shield);
}

void cb_log_close(cb_log **result)
{
    cb_log *log = *result;
    *result = NULL;
    if (log == NULL)
        return;
    cb_sink_end(&log->sink, cb_now_ns() + CB_SINK_PATIENCE_NS);
    pthread_t thread = log->thread;
    int shield = cb_thread_shield();
    if (cb_sink_await_leave(&log->sink) || !cb_sink_abandon(&log->sink)) {
        (void)pthread_join(thread, NULL);
        destroy(log);
    }
    cb_thread_unshield(shield);
}
