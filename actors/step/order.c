/* Commands: what an asker wants of a route's actor goes there as an ORDER, its answer comes back as
 * ORDER_DONE. Each is answered once: by the actor, by the actor's end, by the end of the grace, or
 * because who asked is gone; then CANCEL_ORDER tells the actor.
 */
#include <assert.h>
#include <stddef.h>

#include "actors/step/state.h"

static uint64_t order_handle(const cb_step *step, uint32_t slot)
{
    return ((uint64_t)cb_step_wait_at(step, slot)->slot.generation << 32) | slot;
}

/* The order that the input names, if the sender is the actor it went to; CB_NONE otherwise. */
static uint32_t find_order(const cb_step *step)
{
    uint32_t slot = (uint32_t)step->in.job;
    const cb_step_wait *wait = cb_slots_live(&step->waits, slot);
    if (wait == NULL || wait->kind != CB_WAIT_ORDER || order_handle(step, slot) != step->in.job) {
        return CB_NONE;
    }
    return cb_step_route_at(step, wait->subject)->address == step->in.from ? slot : CB_NONE;
}

static cb_status may_command(const cb_step *step, uint32_t slot)
{
    if (slot == CB_NONE) {
        return CB_UNKNOWN;
    }
    const cb_step_route *route = cb_step_route_at(step, slot);
    const cb_kind_traits *traits = cb_step_route_traits(route);
    bool sets_tls = step->in.status == CB_ORDER_SET_TLS;
    if (!traits->has_actor || (sets_tls && !traits->tls)) {
        return CB_UNSUPPORTED;
    }
    if (route->state == CB_ROUTE_OPENING || route->listener == CB_LISTENER_ENDED) {
        return CB_CLOSED;
    }
    if (step->shutdown == CB_CUTTING_OFF) {
        return CB_STOPPED;
    }
    return sets_tls && step->in.payload == 0 ? CB_INVALID : CB_OK;
}

void cb_step_command(cb_step *step)
{
    uint32_t slot = cb_step_find_any_route(step, step->in.name_space, step->in.route);
    cb_status status = may_command(step, slot);
    if (status != CB_OK) {
        cb_step_answer(step, status, 0);
        return;
    }
    cb_step_route *route = cb_step_route_at(step, slot);
    uint32_t wait_slot = cb_step_wait_add(step, CB_WAIT_ORDER, &route->orders, slot);
    if (wait_slot == CB_NONE) {
        return;
    }
    cb_step_wait *wait = cb_step_wait_at(step, wait_slot);
    wait->what = step->in.status;
    cb_message *order = cb_step_order(step, route, CB_MSG_ORDER);
    order->job = order_handle(step, wait_slot);
    order->status = step->in.status;
    order->value = step->in.value;
    order->payload = cb_step_take_payload(step);
    if (wait->what == CB_ORDER_SET_TLS) {
        order->flags = CB_FLAG_SHARED;
        wait->payload = order->payload;
        route->tls_changing++;
    }
}

/* Answers an order; `payload` is taken over. */
static void end_order(cb_step *step, uint32_t slot, cb_status status, int64_t value,
                      uint64_t payload)
{
    cb_step_wait *wait = cb_step_wait_at(step, slot);
    cb_step_route *route = cb_step_route_at(step, wait->subject);
    uint64_t setting = wait->payload;
    bool sets_tls = wait->what == CB_ORDER_SET_TLS;
    wait->payload = 0;
    cb_message *answer = cb_step_wait_answer(step, &route->orders, slot, status, value);
    if (answer != NULL) {
        answer->payload = payload;
    } else {
        cb_step_release(step, &payload);
    }
    if (!sets_tls) {
        return;
    }
    if (status != CB_OK) {
        cb_step_release(step, &setting);
    }
    assert(route->tls_changing > 0);
    route->tls_changing--;
    cb_step_tls_changed(step, route, setting);
}

void cb_step_order_done(cb_step *step)
{
    uint32_t slot = find_order(step);
    if (slot == CB_NONE) {
        cb_step_ignore(step);
        return;
    }
    cb_status status = step->in.status > CB_OK ? CB_IO : (cb_status)step->in.status;
    end_order(step, slot, status, step->in.value, cb_step_take_payload(step));
}

/* A SET_TLS is carried out all the same, and then the route's certificate is another one: so that
 * order stays, as the route's own, until its actor has answered, which it does at once. */
void cb_step_order_abandon(cb_step *step, uint32_t slot)
{
    const cb_step_wait *wait = cb_step_wait_at(step, slot);
    cb_step_route *route = cb_step_route_at(step, wait->subject);
    if (wait->what == CB_ORDER_SET_TLS) {
        cb_step_wait_orphan(step, slot, CB_STOPPED, 0);
        return;
    }
    cb_step_order(step, route, CB_MSG_CANCEL_ORDER)->job = order_handle(step, slot);
    end_order(step, slot, CB_STOPPED, 0, 0);
}

void cb_step_orders_end(cb_step *step, uint32_t slot, cb_status status)
{
    const cb_step_route *route = cb_step_route_at(step, slot);
    while (route->orders.count > 0) {
        end_order(step, route->orders.first, status, 0, 0);
    }
}
