#include "bridge/host/edition.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/complain.h"
#include "bridge/host/script_source.h"

/* What is kept of every edition: its callbacks' names and where the newest one has them. */
typedef struct names {
    char **items;
    int64_t *now; /* the callback of that name in the newest edition, or -1 */
    size_t count;
} names;

struct cb_editions {
    cb_log *log;          /* or NULL */
    pthread_mutex_t lock; /* guards all below; held for moments only */
    cb_edition *newest;
    names *names; /* by the editions' numbers */
    size_t count;
};

static cb_status no_memory(cb_error *error)
{
    return cb_fail(error, CB_NO_MEMORY, "out of memory");
}

cb_status cb_editions_new(cb_log *log, cb_editions **result, cb_error *error)
{
    *result = NULL;
    cb_editions *editions = calloc(1, sizeof(*editions));
    if (editions == NULL)
        return no_memory(error);
    int code = pthread_mutex_init(&editions->lock, NULL);
    if (code != 0) {
        free(editions);
        return cb_fail_errno(error, CB_NO_MEMORY, code, "cannot make a lock");
    }
    editions->log = log;
    *result = editions;
    return CB_OK;
}

static void names_free(names *gone)
{
    for (size_t i = 0; gone->items != NULL && i < gone->count; i++)
        free(gone->items[i]);
    free(gone->items);
    free(gone->now);
}

void cb_editions_free(cb_editions **result)
{
    cb_editions *editions = *result;
    *result = NULL;
    if (editions == NULL)
        return;
    cb_edition_release(editions->newest);
    for (size_t i = 0; i < editions->count; i++)
        names_free(&editions->names[i]);
    free(editions->names);
    pthread_mutex_destroy(&editions->lock);
    free(editions);
}

void cb_edition_release(cb_edition *edition)
{
    if (edition == NULL || __atomic_fetch_sub(&edition->refs, 1u, __ATOMIC_ACQ_REL) > 1)
        return;
    cb_program_release(edition->program);
    cb_source_free(&edition->source);
    free(edition);
}

/* The lock is held, so that the newest cannot lose its own reference meanwhile. */
static cb_edition *retain_newest(cb_editions *editions)
{
    if (editions->newest != NULL)
        (void)__atomic_fetch_add(&editions->newest->refs, 1u, __ATOMIC_RELAXED);
    return editions->newest;
}

cb_edition *cb_editions_newest(cb_editions *editions)
{
    pthread_mutex_lock(&editions->lock);
    cb_edition *edition = retain_newest(editions);
    pthread_mutex_unlock(&editions->lock);
    return edition;
}

bool cb_editions_find(cb_editions *editions, int64_t entry, cb_edition **edition, int64_t *callback,
                      const char **name)
{
    size_t number = (size_t)((uint64_t)entry >> CB_ENTRY_NUMBER_SHIFT);
    size_t index = (size_t)((uint64_t)entry & CB_ENTRY_CALLBACK_MASK);
    *callback = -1;
    *name = NULL;
    pthread_mutex_lock(&editions->lock);
    *edition = retain_newest(editions);
    if (number < editions->count && index < editions->names[number].count) {
        *callback = editions->names[number].now[index];
        *name = editions->names[number].items[index];
    }
    pthread_mutex_unlock(&editions->lock);
    return *callback >= 0;
}

size_t cb_editions_lost(cb_editions *editions, const char **name)
{
    size_t lost = 0;
    *name = NULL;
    pthread_mutex_lock(&editions->lock);
    const names *before = editions->count > 1 ? &editions->names[editions->count - 2] : NULL;
    for (size_t i = 0; before != NULL && i < before->count; i++) {
        if (before->now[i] >= 0)
            continue;
        if (lost++ == 0)
            *name = before->items[i];
    }
    pthread_mutex_unlock(&editions->lock);
    return lost;
}

/* -- loading -- */

static cb_status compile(cb_log *log, cb_edition *edition, const cb_loader *loader, cb_error *error)
{
    const cb_source *source = &edition->source;
    cb_diagnostics *diagnostics = calloc(1, sizeof(*diagnostics));
    if (diagnostics == NULL)
        return no_memory(error);
    cb_status status =
        cb_program_compile(source, cb_loader_catalog(loader), &edition->program, diagnostics);
    if (status != CB_OK && diagnostics->count > 0) {
        cb_complain_diagnostics(log, diagnostics, source);
        status = cb_fail(error, CB_SCRIPT, "%s: %zu%s errors", source->path, diagnostics->count,
                         diagnostics->more ? " and more" : "");
    } else if (status != CB_OK) {
        status = cb_fail(error, status, "%s: %s", source->path, cb_status_text(status));
    }
    free(diagnostics);
    return status;
}

static cb_status copy_names(const cb_program *program, names *copy)
{
    size_t count = cb_program_callback_count(program);
    *copy = (names){.items = calloc(count + 1, sizeof(*copy->items)),
                    .now = calloc(count + 1, sizeof(*copy->now)),
                    .count = count};
    bool done = copy->items != NULL && copy->now != NULL;
    for (size_t i = 0; done && i < count; i++) {
        copy->items[i] = strdup(cb_program_callback_name(program, (int64_t)i));
        done = copy->items[i] != NULL;
    }
    if (done)
        return CB_OK;
    names_free(copy);
    return CB_NO_MEMORY;
}

/* Only the loading thread writes `names` and `count`, so it may read them without the lock. */
static cb_status publish(cb_editions *editions, cb_edition *edition)
{
    names copy;
    names *all = calloc(editions->count + 1, sizeof(*all));
    if (all == NULL || copy_names(edition->program, &copy) != CB_OK) {
        free(all);
        return CB_NO_MEMORY;
    }
    if (editions->count > 0)
        memcpy(all, editions->names, editions->count * sizeof(*all));
    all[editions->count] = copy;
    cb_program_set_number(edition->program, (uint32_t)editions->count);

    pthread_mutex_lock(&editions->lock);
    names *before = editions->names;
    cb_edition *replaced = editions->newest;
    editions->names = all;
    editions->count++;
    editions->newest = edition;
    for (size_t i = 0; i < editions->count; i++)
        for (size_t j = 0; j < all[i].count; j++)
            all[i].now[j] = cb_program_callback(edition->program, all[i].items[j]);
    pthread_mutex_unlock(&editions->lock);

    free(before);
    cb_edition_release(replaced);
    return CB_OK;
}

cb_status cb_editions_load(cb_editions *editions, const char *path, const cb_loader *loader,
                           cb_error *error)
{
    if (editions->count == CB_EDITIONS_MAX)
        return cb_fail(error, CB_LIMIT, "%s: reloaded %u times; start the service anew", path,
                       CB_EDITIONS_MAX - 1);
    cb_edition *edition = calloc(1, sizeof(*edition));
    if (edition == NULL)
        return no_memory(error);
    edition->refs = 1;
    cb_status status = cb_script_source(path, &edition->source, error);
    if (status == CB_OK)
        status = compile(editions->log, edition, loader, error);
    if (status == CB_OK && publish(editions, edition) != CB_OK)
        status = no_memory(error);
    if (status != CB_OK)
        cb_edition_release(edition);
    return status;
}
