/* A script under a service manager such as systemd: the sockets that the manager gave to it, and
 * the messages that it sends to the manager.
 *
 *     environment -> cb_manager_open -> sockets to the script's options
 * the script is ready  -> READY=1, and a warning about sockets that no route uses
 *     its end has begun    -> STOPPING=1
 */
#ifndef CALLBOARD_BRIDGE_CLI_MANAGER_H
#define CALLBOARD_BRIDGE_CLI_MANAGER_H

#include "callboard/log.h"
#include "callboard/script.h"

typedef struct cb_manager {
    cb_inherited *inherited; /* NULL: none */
    char *notify_socket;     /* NULL: the manager wants no messages */
    cb_log *log; /* for warnings; set by the code that opened both; NULL: standard error */
} cb_manager;

/* Reads and clears the manager's variables of the environment. Call it before threads start. */
cb_status cb_manager_open(cb_manager *manager, cb_error *error);
/* The function for cb_script_options.moment; `user` is the manager. */
void cb_manager_tell(void *user, cb_script_moment moment);
/* Must not be called while the script runs. */
void cb_manager_close(cb_manager *manager);

#endif
