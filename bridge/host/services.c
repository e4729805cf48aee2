#include "bridge/host/services.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/plugin_file.h"
#include "callboard/tls.h"

/* The services that the runtime can load by itself. */
static const struct known {
    const char *name;
    uint32_t version;
    const char *plugin;
} known[] = {{CB_TLS_SERVICE, CB_TLS_ABI, "tls/TlsPlugin"}};

#define KNOWN_COUNT (sizeof(known) / sizeof(*known))

struct cb_services {
    const cb_loader *loader;
    pthread_mutex_t lock;              /* guards the files */
    cb_plugin_file files[KNOWN_COUNT]; /* all zero until loaded; as `known` counts */
};

cb_status cb_services_new(const cb_loader *loader, cb_services **result, cb_error *error)
{
    *result = NULL;
    cb_services *services = calloc(1, sizeof(*services));
    if (services == NULL)
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    int code = pthread_mutex_init(&services->lock, NULL);
    if (code != 0) {
        free(services);
        return cb_fail_errno(error, CB_NO_MEMORY, code, "cannot make a lock");
    }
    services->loader = loader;
    *result = services;
    return CB_OK;
}

void cb_services_free(cb_services **result)
{
    cb_services *services = *result;
    *result = NULL;
    if (services == NULL)
        return;
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        cb_plugin_file_close(&services->files[i]);
    pthread_mutex_destroy(&services->lock);
    free(services);
}

static const cb_service *find_in(const cb_service *services, const char *name)
{
    for (size_t i = 0; services != NULL && services[i].name != NULL; i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    return NULL;
}

static const cb_service *find_loaded(const cb_services *services, const char *name,
                                     const char **origin)
{
    for (size_t i = 0; i < cb_loader_count(services->loader); i++) {
        cb_loaded_plugin loaded = cb_loader_at(services->loader, i);
        const cb_service *service = find_in(loaded.services, name);
        *origin = loaded.origin;
        if (service != NULL)
            return service;
    }
    return NULL;
}

/* Loads the plugin of a known service if that has not been done; a failure may be tried again. */
static const cb_service *load_known(cb_services *services, size_t index, const char **origin,
                                    cb_error *error)
{
    cb_plugin_file *file = &services->files[index];
    char *path = NULL;
    if (file->plugin == NULL &&
        (cb_plugin_file_find_installed(known[index].plugin, &path, error) != CB_OK ||
         cb_plugin_file_open(path, file, error) != CB_OK))
        return NULL;
    const cb_service *service = find_in(file->services, known[index].name);
    *origin = file->path;
    if (service == NULL)
        (void)cb_fail(error, CB_UNKNOWN, "plugin %s has no service %s", file->path,
                      known[index].name);
    return service;
}

const void *cb_services_find(cb_services *services, const char *name, cb_error *error)
{
    size_t index = 0;
    while (index < KNOWN_COUNT && strcmp(known[index].name, name) != 0)
        index++;
    const char *origin = NULL;
    const cb_service *service = find_loaded(services, name, &origin);
    if (service == NULL && index == KNOWN_COUNT) {
        (void)cb_fail(error, CB_UNKNOWN, "no plugin offers the service %.80s", name);
        return NULL;
    }
    if (service == NULL) {
        pthread_mutex_lock(&services->lock);
        service = load_known(services, index, &origin, error);
        pthread_mutex_unlock(&services->lock);
    }
    if (service == NULL)
        return NULL;
    if (index < KNOWN_COUNT && service->version != known[index].version) {
        (void)cb_fail(error, CB_MISMATCH, "plugin %s has version %u of %s; version %u is needed",
                      origin, service->version, name, known[index].version);
        return NULL;
    }
    return service->pointer;
}
