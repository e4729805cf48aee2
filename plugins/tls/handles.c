/* The table of handles: the plugin's only state. Handles count up and are never used again; the
 * table is sorted by them, since new ones go to its end. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/tls/fail.h"
#include "plugins/tls/tls.h"

#define LIMIT_VARIABLE "CALLBOARD_MAX_TLS_HANDLES"
#define LIMIT_DEFAULT  1024
#define LIMIT_MOST     65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of the below */
static cb_tls_handle **items;
static size_t count;
static size_t limit; /* 0 until the first handle */
static int64_t newest;

cb_tls_handle *cb_tls_handle_new(cb_tls_kind kind)
{
    cb_tls_handle *handle = calloc(1, sizeof(*handle));
    if (handle != NULL) {
        handle->kind = kind;
        handle->socket = -1;
    }
    return handle;
}

void cb_tls_handle_free(cb_tls_handle *handle)
{
    if (handle == NULL)
        return;
    cb_tls_the_provider.session_free(handle->session);
    cb_tls_the_provider.context_release(handle->context);
    if (handle->socket >= 0)
        (void)close(handle->socket);
    free(handle->ca_file);
    free(handle->host);
    free(handle->certificate_file);
    free(handle->key_file);
    free(handle);
}

/* When the plugin is unloaded, at its script's end, or else with the process: what no thread is
 * using any more. What an abandoned thread still uses stays, for the system to clean up, and so
 * does all of it if the provider has ended already. (Not by atexit: sanitizers call that too late.)
 */
#if defined(__GNUC__)
__attribute__((destructor))
#endif
static void
free_all(void)
{
    if (items == NULL || !cb_tls_is_alive())
        return;
    pthread_mutex_lock(&lock);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->users == 0)
            cb_tls_handle_free(items[i]);
        else
            items[kept++] = items[i];
    }
    count = kept;
    if (kept == 0) {
        free(items);
        items = NULL;
        limit = 0;
    }
    pthread_mutex_unlock(&lock);
}

/* The runtime has refused a bad value at its start, so that one here means another host. */
static size_t read_limit(void)
{
    const char *text = getenv(LIMIT_VARIABLE);
    char *end = NULL;
    long value = text == NULL ? 0 : strtol(text, &end, 10);
    return text != NULL && *end == '\0' && value > 0 && value <= LIMIT_MOST ? (size_t)value
                                                                            : LIMIT_DEFAULT;
}

/* The room for all handles that there may be, made with the first one. */
static bool make_table(void)
{
    if (items != NULL)
        return true;
    size_t size = read_limit();
    items = calloc(size, sizeof(*items));
    if (items == NULL)
        return false;
    limit = size;
    return true;
}

cb_status cb_tls_handle_add(cb_call *call, cb_tls_handle *handle)
{
    pthread_mutex_lock(&lock);
    bool is_made = make_table();
    bool has_room = is_made && count < limit;
    size_t most = limit;
    int64_t id = 0;
    if (has_room) {
        id = handle->id = ++newest;
        items[count++] = handle;
    }
    pthread_mutex_unlock(&lock);
    if (has_room) {
        call->result.integer = id;
        return CB_OK;
    }
    cb_tls_handle_free(handle);
    if (!is_made)
        return call->host->fail(call, CB_NO_MEMORY, "out of memory");
    return call->host->fail(call, CB_LIMIT, "%zu handles are open (" LIMIT_VARIABLE ")", most);
}

/* Where the handle is, or would be. */
static size_t place_of(int64_t id)
{
    size_t from = 0;
    size_t to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (items[middle]->id < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static cb_status acquire_locked(int64_t id, int kind, bool is_shared, cb_tls_handle **result,
                                cb_error *error)
{
    size_t place = place_of(id);
    if (place == count || items[place]->id != id)
        return cb_tls_fail(error, CB_UNKNOWN,
                           id > 0 && id <= newest ? "handle %lld is closed"
                                                  : "there is no handle %lld",
                           (long long)id);
    cb_tls_handle *handle = items[place];
    if (kind >= 0 && handle->kind != (cb_tls_kind)kind)
        return cb_tls_fail(error, CB_INVALID,
                           kind == CB_TLS_LINK ? "handle %lld is a server's context"
                                               : "handle %lld is a connection",
                           (long long)id);
    if (handle->is_exclusive || (!is_shared && handle->users > 0))
        return cb_tls_fail(error, CB_INVALID, "handle %lld is in use by another thread",
                           (long long)id);
    handle->users++;
    handle->is_exclusive = !is_shared;
    *result = handle;
    return CB_OK;
}

static cb_tls_handle *acquire(cb_call *call, int kind, bool is_shared, cb_status *status)
{
    cb_tls_handle *handle = NULL;
    *status = cb_tls_check_build(call);
    if (*status != CB_OK)
        return NULL;
    cb_error error;
    pthread_mutex_lock(&lock);
    *status = acquire_locked(call->args[0].integer, kind, is_shared, &handle, &error);
    pthread_mutex_unlock(&lock);
    if (*status != CB_OK)
        *status = call->host->fail(call, *status, "%s", error.text);
    return handle;
}

cb_tls_handle *cb_tls_handle_acquire(cb_call *call, cb_tls_kind kind, bool is_shared,
                                     cb_status *status)
{
    return acquire(call, (int)kind, is_shared, status);
}

cb_tls_handle *cb_tls_handle_acquire_any(cb_call *call, cb_status *status)
{
    return acquire(call, -1, false, status);
}

void cb_tls_handle_release(cb_tls_handle *handle)
{
    pthread_mutex_lock(&lock);
    handle->users--;
    handle->is_exclusive = false;
    bool is_last = handle->is_closed && handle->users == 0;
    pthread_mutex_unlock(&lock);
    if (is_last)
        cb_tls_handle_free(handle);
}

void cb_tls_handle_close(cb_tls_handle *handle)
{
    pthread_mutex_lock(&lock);
    if (!handle->is_closed) {
        size_t place = place_of(handle->id);
        count--;
        memmove(&items[place], &items[place + 1], (count - place) * sizeof(*items));
        handle->is_closed = true;
    }
    pthread_mutex_unlock(&lock);
}

bool cb_tls_handle_is_closed(cb_tls_handle *handle)
{
    pthread_mutex_lock(&lock);
    bool is_closed = handle->is_closed;
    pthread_mutex_unlock(&lock);
    return is_closed;
}

cb_status cb_tls_handle_listen(cb_tls_handle *server, const char *address, int port,
                               cb_error *error)
{
    cb_status status = CB_OK;
    pthread_mutex_lock(&lock);
    if (server->socket < 0) {
        status = cb_tls_wire_listen(address, port, &server->socket, error);
        if (status == CB_OK)
            server->port = port;
    } else if (server->port != port) {
        status =
            cb_tls_fail(error, CB_INVALID, "this context listens on port %d already", server->port);
    }
    pthread_mutex_unlock(&lock);
    return status;
}
