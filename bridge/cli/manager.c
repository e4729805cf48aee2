#include "bridge/cli/manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/host/notify.h"
#include "bridge/host/output.h"

cb_status cb_manager_open(cb_manager *manager, cb_error *error)
{
    *manager = (cb_manager){0};
    const char *name = getenv("NOTIFY_SOCKET");
    if (name != NULL && name[0] != '\0') {
        manager->notify_socket = strdup(name);
        if (manager->notify_socket == NULL)
            return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    (void)unsetenv("NOTIFY_SOCKET");
    cb_status status = cb_inherited_from_environment(&manager->inherited, error);
    if (status != CB_OK)
        cb_manager_close(manager);
    return status;
}

static void warn(void *user, const char *text)
{
    const cb_manager *manager = user;
    const cb_log_field message = {"message", text, 0};
    char line[CB_ERROR_TEXT_SIZE + 32];
    if (manager->log != NULL) {
        cb_log_line(manager->log, CB_LOG_WARNING, "service_manager", &message, 1);
        return;
    }
    int length = snprintf(line, sizeof line, "callboard: warning: %s\n", text);
    if (length > 0)
        cb_output_complain(line, strlen(line));
}

void cb_manager_tell(void *user, cb_script_moment moment)
{
    cb_manager *manager = user;
    cb_error error = {0};
    if (moment == CB_SCRIPT_READY)
        (void)cb_inherited_unused(manager->inherited, warn, manager);
    if (manager->notify_socket == NULL)
        return;
    const char *lines = moment == CB_SCRIPT_READY
                            ? "READY=1\nSTATUS=Serving"
                            : "STOPPING=1\nSTATUS=Finishing what was accepted";
    /* A service that nobody hears is a service all the same. */
    if (cb_notify(manager->notify_socket, lines, &error) != CB_OK)
        warn(manager, error.text);
}

void cb_manager_close(cb_manager *manager)
{
    cb_inherited_free(&manager->inherited);
    free(manager->notify_socket);
    manager->notify_socket = NULL;
}
