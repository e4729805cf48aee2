/* The folder is watched and not the file: a file that is replaced is another file. */
#include "bridge/host/watch.h"

#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS_SIZE 16384

struct cb_watch {
    pthread_t thread;
    char *folder;
    char *name;
    int notify;
    int stop;
    void (*changed)(void *user);
    void *user;
};

/* Reads all events that are there; true if one is of our file, or if some were lost. */
static bool read_events(const cb_watch *watch)
{
    _Alignas(struct inotify_event) char bytes[EVENTS_SIZE];
    bool ours = false;
    ssize_t size;
    while ((size = read(watch->notify, bytes, sizeof(bytes))) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const void *)(bytes + at);
            if ((event->mask & IN_Q_OVERFLOW) != 0 ||
                (event->len > 0 && strcmp(event->name, watch->name) == 0))
                ours = true;
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    return ours;
}

static void *watch_file(void *argument)
{
    const cb_watch *watch = argument;
    struct pollfd polled[] = {{.fd = watch->stop, .events = POLLIN},
                              {.fd = watch->notify, .events = POLLIN}};
    for (;;) {
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (polled[0].revents != 0)
            return NULL;
        if (polled[1].revents != 0 && read_events(watch))
            watch->changed(watch->user);
    }
}

static void destroy(cb_watch *watch)
{
    if (watch->notify >= 0)
        (void)close(watch->notify);
    if (watch->stop >= 0)
        (void)close(watch->stop);
    free(watch->folder);
    free(watch->name);
    free(watch);
}

/* Splits the path; dirname and basename write into what they are given. */
static cb_status set_path(cb_watch *watch, const char *path)
{
    char *copy = strdup(path);
    char *other = strdup(path);
    if (copy != NULL && other != NULL) {
        watch->folder = strdup(dirname(copy));
        watch->name = strdup(basename(other));
    }
    free(copy);
    free(other);
    return watch->folder != NULL && watch->name != NULL ? CB_OK : CB_NO_MEMORY;
}

static cb_status begin(cb_watch *watch, cb_error *error)
{
    watch->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->notify < 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot watch files");
    watch->stop = eventfd(0, EFD_CLOEXEC);
    if (watch->stop < 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot watch files");
    if (inotify_add_watch(watch->notify, watch->folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot watch the folder %.200s", watch->folder);
    int code = pthread_create(&watch->thread, NULL, watch_file, watch);
    if (code != 0)
        return cb_fail_errno(error, CB_IO, code, "cannot start the thread that watches files");
    return CB_OK;
}

cb_status cb_watch_start(const char *path, void (*changed)(void *user), void *user,
                         cb_watch **result, cb_error *error)
{
    *result = NULL;
    cb_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    *watch = (cb_watch){.notify = -1, .stop = -1, .changed = changed, .user = user};
    cb_status status = set_path(watch, path);
    if (status != CB_OK)
        (void)cb_fail(error, status, "out of memory");
    else
        status = begin(watch, error);
    if (status != CB_OK)
        destroy(watch);
    else
        *result = watch;
    return status;
}

void cb_watch_stop(cb_watch **result)
{
    cb_watch *watch = *result;
    *result = NULL;
    if (watch == NULL)
        return;
    (void)eventfd_write(watch->stop, 1);
    pthread_join(watch->thread, NULL);
    destroy(watch);
}
