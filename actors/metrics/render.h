/* A snapshot as text in the format that Prometheus reads (exposition format 0.0.4). Pure. */
#ifndef CALLBOARD_ACTORS_METRICS_RENDER_H
#define CALLBOARD_ACTORS_METRICS_RENDER_H

#include "actors/core/snapshot.h"

#define CB_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* `started_s`: the start of the program, in seconds since 1970. NULL when out of memory. */
cb_buffer *cb_metrics_render(const cb_snapshot *snapshot, int64_t started_s);

#endif
