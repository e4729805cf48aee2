/* Services: what plugins offer to each other and to the runtime, by name.
 *
 * First the script's own plugins are searched. If the runtime knows which plugin has a service, it
 * then loads this plugin from the plugin folders. The script does not see the verbs of a plugin
 * that was loaded in this way.
 * Threads: any thread may find services, once the script is compiled.
 */
#ifndef CALLBOARD_BRIDGE_HOST_SERVICES_H
#define CALLBOARD_BRIDGE_HOST_SERVICES_H

#include "bridge/host/loader.h"
#include "callboard/status.h"

typedef struct cb_services cb_services;

/* The loader must outlive the services. */
cb_status cb_services_new(const cb_loader *loader, cb_services **services, cb_error *error);
/* Unloads what it loaded. *services becomes NULL; NULL in it is fine. */
void cb_services_free(cb_services **services);

/* The service with this name, valid until cb_services_free. NULL: no plugin offers it (CB_UNKNOWN),
 * the plugin does not exist or cannot be loaded, or it has another version of the service
 * (CB_MISMATCH). */
const void *cb_services_find(cb_services *services, const char *name, cb_error *error);

#endif
