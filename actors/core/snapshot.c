#include "actors/core/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "actors/base/budget.h"
#include "actors/step/state.h"

static void drop(void *object)
{
    cb_snapshot *snapshot = object;
    free(snapshot->rows);
    free(snapshot->spaces);
}

static void copy_name(char *to, const cb_buffer *name)
{
    size_t size = name == NULL ? 0 : name->size;
    if (size > CB_METRICS_NAME_SIZE - 1)
        size = CB_METRICS_NAME_SIZE - 1;
    if (size > 0)
        memcpy(to, name->data, size);
    to[size] = '\0';
}

static void fill_row(cb_metrics_row *row, const cb_step *step, const cb_tally *tally)
{
    row->tally = *tally;
    if (tally->kind != CB_TALLY_ROUTE)
        return;
    const cb_step_route *route = cb_step_route_at(step, tally->route);
    row->id = route->id;
    row->word = route->connection;
    row->port = route->port;
    row->open = route->state == CB_ROUTE_OPEN;
    copy_name(row->callback, (const cb_buffer *)(uintptr_t)route->callback);
}

static bool take_rows(cb_snapshot *snapshot, const cb_step *step)
{
    const cb_slots *tallies = &step->tallies;
    snapshot->rows = calloc(tallies->count > 0 ? tallies->count : 1, sizeof *snapshot->rows);
    if (snapshot->rows == NULL)
        return false;
    for (uint32_t i = 0; i < tallies->high; i++) {
        const cb_tally *tally = cb_slots_live(tallies, i);
        if (tally != NULL)
            fill_row(&snapshot->rows[snapshot->row_count++], step, tally);
    }
    return true;
}

static bool take_spaces(cb_snapshot *snapshot, const cb_step *step)
{
    uint32_t count = step->spaces.high;
    snapshot->spaces = calloc(count > 0 ? count : 1, sizeof *snapshot->spaces);
    if (snapshot->spaces == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const cb_step_space *space = cb_slots_item(&step->spaces, i);
        snapshot->spaces[snapshot->space_count++] =
            (cb_metrics_space){.name_space = space->name_space,
                               .open_routes = space->open_routes,
                               .connections = space->connections,
                               .untaken = space->untaken};
    }
    return true;
}

static void take_actors(cb_snapshot *snapshot, const cb_step *step)
{
    static const cb_metrics_actor doing[CB_WORKER_STATES] = {
        [CB_WORKER_STARTING] = CB_METRICS_STARTING, [CB_WORKER_PARKED] = CB_METRICS_PARKED,
        [CB_WORKER_FED] = CB_METRICS_BUSY,          [CB_WORKER_SUSPECT] = CB_METRICS_SUSPECT,
        [CB_WORKER_RETIRED] = CB_METRICS_RETIRED,
    };
    for (uint32_t i = 0; i < step->workers.high; i++) {
        const cb_step_worker *worker = cb_slots_live(&step->workers, i);
        if (worker != NULL)
            snapshot->actors[doing[worker->state]]++;
    }
}

cb_buffer *cb_snapshot_take(const cb_step *step, const cb_recorder *recorder)
{
    cb_snapshot snapshot = {.inputs = step->inputs,
                            .ignored = step->ignored,
                            .live_routes = step->live_routes,
                            .waits = step->waits.count,
                            .askers = step->askers.count,
                            .memory_bytes = (uint64_t)cb_budget_bytes(),
                            .memory_limit_bytes = (uint64_t)cb_budget_limit(),
                            .memory_refused = cb_budget_refused(),
                            .shutting_down = step->shutdown != CB_SERVING};
    if (recorder != NULL) {
        snapshot.trace_records = cb_recorder_count(recorder);
        snapshot.trace_overwritten = cb_recorder_overwritten(recorder);
        snapshot.trace_unwritten = cb_recorder_unwritten(recorder);
        for (unsigned i = 1; i < CB_METRICS_SPACES; i++)
            snapshot.names[i] = cb_recorder_name_of(recorder, (uint8_t)i);
    }
    take_actors(&snapshot, step);
    cb_buffer *buffer = NULL;
    if (take_rows(&snapshot, step) && take_spaces(&snapshot, step))
        buffer = cb_buffer_holding(&snapshot, sizeof snapshot, drop);
    if (buffer == NULL)
        drop(&snapshot);
    return buffer;
}
