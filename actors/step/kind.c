#include "actors/step/kind.h"

#include "callboard/kinds.h"

const cb_kind_traits *cb_step_kind_traits(uint32_t kind)
{
    static const cb_kind_traits none;
    static const cb_kind_traits traits[CB_ROUTE_KINDS] = {
        [CB_ROUTE_TCP] = {.known = true, .has_actor = true, .answers = true, .tls = true},
        [CB_ROUTE_HTTP] = {.known = true, .has_actor = true, .answers = true, .tls = true},
        [CB_ROUTE_UDP] = {.known = true,
                          .has_actor = true,
                          .events = true,
                          .answers = true,
                          .lane = CB_LANE_ROUTE},
        [CB_ROUTE_UDP_CLIENT] = {.known = true,
                                 .has_actor = true,
                                 .events = true,
                                 .answers = true,
                                 .lane = CB_LANE_ROUTE},
        [CB_ROUTE_LOCAL] = {.known = true},
        [CB_ROUTE_SOCKETS] = {.known = true,
                              .has_actor = true,
                              .events = true,
                              .tls = true,
                              .lane = CB_LANE_CONNECTION},
        [CB_ROUTE_LOOP] = {.known = true, .has_actor = true, .events = true, .lane = CB_LANE_ROUTE},
    };
    return kind < CB_ROUTE_KINDS ? &traits[kind] : &none;
}
