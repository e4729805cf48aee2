/* The traits of the kinds of routes. Internal to this folder and its tests. */
#ifndef CALLBOARD_ACTORS_STEP_KIND_H
#define CALLBOARD_ACTORS_STEP_KIND_H

#include <stdbool.h>
#include <stdint.h>

typedef enum cb_lane_kind {
    CB_LANE_NONE = 0,  /* its jobs run at the same time */
    CB_LANE_ROUTE,     /* one after the other on the route */
    CB_LANE_CONNECTION /* one after the other on a connection */
} cb_lane_kind;

typedef struct cb_kind_traits {
    bool known;
    bool has_actor; /* false: its requests come from this process */
    bool events;    /* a request is an event: from REQUEST_READY to RESPOND or DROP */
    bool answers;   /* the actor gets the callback's result */
    bool tls;       /* its connections may speak TLS */
    uint8_t lane;   /* cb_lane_kind */
} cb_kind_traits;

/* The traits of any number. An unknown kind has none. */
const cb_kind_traits *cb_step_kind_traits(uint32_t kind);

#endif
