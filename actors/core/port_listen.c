#include "actors/core/port_listen.h"

#include <errno.h>
#include <time.h>

#include "actors/base/clock.h"

/* Between two attempts to get a port that is in use. */
#define AGAIN_NS 2000000

cb_status cb_port_listen(const cb_loop_actor *actor, const char *address, uint16_t port,
                         const cb_tcp_callbacks *callbacks, const cb_tcp_options *options,
                         void *user, cb_tcp_server **server, cb_error *error)
{
    const struct timespec pause = {.tv_nsec = AGAIN_NS};
    const cb_core *core = actor->core;
    const int64_t end_ns = cb_now_ns() + core->options.limits.port_wait_ms * 1000000;
    for (;;) {
        cb_status status =
            cb_tcp_server_open(actor->loop, address, port, callbacks, options, user, server, error);
        bool is_in_use = status == CB_IO && error->sys_errno == EADDRINUSE && port != 0;
        if (!is_in_use || cb_now_ns() >= end_ns || atomic_load(&core->shut_down))
            return status;
        (void)nanosleep(&pause, NULL);
    }
}
