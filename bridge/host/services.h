/* Services: what plugins offer to each other and to the runtime, by name.
 *
 * First the script's own plugins are asked. A service that the runtime knows the plugin of is then
 * loaded from the plugin folders: its verbs stay unknown to the script.
 * Threads: finding from any thread, once the script is compiled.
 */
#ifndef CALLBOARD_BRIDGE_HOST_SERVICES_H
#define CALLBOARD_BRIDGE_HOST_SERVICES_H

#include "bridge/host/loader.h"
#include "callboard/status.h"

typedef struct cb_services cb_services;

/* The loader must outlive it. */
cb_status cb_services_new(const cb_loader *loader, cb_services **services, cb_error *error);
/* Unloads what it loaded. *services becomes NULL; NULL in it is fine. */
void cb_services_free(cb_services **services);

/* What the name stands for, valid until cb_services_free; NULL: nobody offers it (CB_UNKNOWN), the
 * plugin is not there or cannot be loaded, or has another version of it (CB_MISMATCH). */
const void *cb_services_find(cb_services *services, const char *name, cb_error *error);

#endif
