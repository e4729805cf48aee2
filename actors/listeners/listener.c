#include "actors/listeners/listener.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/budget.h"
#include "actors/listeners/http_port.h"
#include "actors/listeners/tcp_connection.h"
#include "actors/listeners/udp.h"

#define MS          1000000
#define SLOT_BITS   20
#define SLOT_MASK   ((UINT32_C(1) << SLOT_BITS) - 1)
#define FIRST_SLOTS 64u

const cb_listener_kind *cb_listener_kind_of(uint32_t route_kind)
{
    switch (route_kind) {
    case CB_ROUTE_TCP:
        return &cb_tcp_connection_kind;
    case CB_ROUTE_HTTP:
        return &cb_http_kind;
    case CB_ROUTE_UDP:
    case CB_ROUTE_UDP_CLIENT:
        return &cb_udp_kind;
    default:
        return NULL;
    }
}

/* -- records ---------------------------------------------------------------------------------- */

static cb_message route_record(const cb_listener *listener, cb_message_kind kind)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = listener->route.name_space,
                        .cause = listener->route.cause,
                        .route = listener->route.route};
}

cb_message cb_connection_record(const cb_connection *connection, cb_message_kind kind)
{
    cb_message record = route_record(connection->listener, kind);
    record.cause = connection->cause;
    record.connection = connection->number;
    return record;
}

static void post(cb_listener *listener, const cb_message *record)
{
    cb_loop_actor_post(&listener->actor, record);
}

/* -- the end ---------------------------------------------------------------------------------- */

static void report_if_stopped(cb_listener *listener)
{
    if (!listener->stop_asked || listener->listening || listener->open > 0)
        return;
    if (!listener->stop_reported) {
        cb_message record = route_record(listener, CB_MSG_ROUTE_STOPPED);
        listener->stop_reported = true;
        post(listener, &record);
    }
    if (listener->drained)
        listener->actor.done = true;
}

void cb_listener_port_closed(cb_listener *listener)
{
    listener->listening = false;
    report_if_stopped(listener);
}

void cb_listener_hold(cb_listener *listener)
{
    listener->open++;
}

void cb_listener_let_go(cb_listener *listener)
{
    assert(listener->open > 0);
    listener->open--;
    report_if_stopped(listener);
}

void cb_listener_drained(cb_listener *listener)
{
    listener->drained = true;
    report_if_stopped(listener);
}

void cb_listener_stop_accepting(cb_listener *listener)
{
    if (listener->stops_accepting)
        return;
    listener->stops_accepting = true;
    listener->kind->stop_accepting(listener);
}

/* Resets what was counted as over. What is left without a connection is the kernel's to end, with
 * the loop. */
static void on_patience_over(cb_op *op)
{
    cb_listener *listener = op->user_data;
    listener->patience = NULL;
    for (size_t i = 0; i < listener->slot_count; i++) {
        cb_connection *connection = listener->slots[i];
        if (connection->in_use && !connection->owes_end)
            listener->kind->drop(connection, CB_CLOSE_NOT_READ);
    }
    if (listener->stop_reported) {
        listener->actor.done = true;
        return;
    }
    if (cb_op_exec(op, false))
        listener->patience = op;
}

/* A client that does not read the end of its response, or does not close, must not hold up the end
 * of the program: what the supervisor has counted as over gets as long as the grace at a shutdown.
 */
static bool prepare_patience(cb_listener *listener)
{
    int64_t grace_ms = cb_listener_limits(listener)->grace_ms;
    listener->patience =
        cb_prep_timeout(listener->actor.loop, (grace_ms > 0 ? grace_ms : 1) * MS, on_patience_over);
    if (listener->patience == NULL)
        return false;
    listener->patience->user_data = listener;
    return true;
}

static void stop(cb_listener *listener)
{
    if (listener->stop_asked)
        return;
    listener->stop_asked = true;
    cb_op_exec(listener->patience, false);
    cb_listener_stop_accepting(listener);
    report_if_stopped(listener);
}

/* -- connections ------------------------------------------------------------------------------ */

static cb_connection *find_connection(const cb_listener *listener, uint32_t number)
{
    size_t slot = number & SLOT_MASK;
    if (slot >= listener->slot_count)
        return NULL;
    cb_connection *connection = listener->slots[slot];
    return connection->in_use && connection->number == number ? connection : NULL;
}

static bool grow_slots(cb_listener *listener)
{
    size_t capacity = listener->slot_capacity > 0 ? listener->slot_capacity * 2 : FIRST_SLOTS;
    cb_connection **slots = realloc(listener->slots, capacity * sizeof *slots);
    if (slots == NULL)
        return false;
    listener->slots = slots;
    listener->slot_capacity = capacity;
    return true;
}

static cb_connection *take_slot(cb_listener *listener)
{
    cb_connection *taken = listener->free_slots;
    if (taken != NULL) {
        listener->free_slots = taken->next;
        return taken;
    }
    if (listener->slot_count > SLOT_MASK ||
        (listener->slot_count == listener->slot_capacity && !grow_slots(listener)))
        return NULL;
    taken = calloc(1, listener->kind->connection_size);
    if (taken == NULL)
        return NULL;
    cb_budget_add((int64_t)listener->kind->connection_size);
    taken->number = (uint32_t)listener->slot_count;
    listener->slots[listener->slot_count++] = taken;
    return taken;
}

cb_connection *cb_connection_take(cb_listener *listener)
{
    cb_connection *connection = take_slot(listener);
    if (connection == NULL)
        return NULL;
    uint32_t number = connection->number + (UINT32_C(1) << SLOT_BITS);
    listener->connections++;
    memset(connection, 0, listener->kind->connection_size);
    *connection = (cb_connection){
        .listener = listener, .cause = listener->route.cause, .number = number, .in_use = true};
    return connection;
}

static void owe_end(cb_connection *connection)
{
    assert(!connection->owes_end);
    connection->owes_end = true;
    cb_listener_hold(connection->listener);
}

cb_connection *cb_connection_new(cb_listener *listener, const cb_endpoint *peer)
{
    cb_connection *connection = cb_connection_take(listener);
    if (connection == NULL)
        return NULL;
    cb_message record = cb_connection_record(connection, CB_MSG_ACCEPTED);
    if (peer != NULL && cb_endpoint_is_loopback(peer)) {
        record.flags = CB_FLAG_LOOPBACK;
        record.value = peer->port;
    }
    owe_end(connection);
    post(listener, &record);
    return connection;
}

void cb_connection_begin(cb_connection *connection)
{
    cb_message record = cb_connection_record(connection, CB_MSG_ACCEPTED);
    owe_end(connection);
    post(connection->listener, &record);
}

static void end_is_told(cb_connection *connection)
{
    assert(connection->owes_end);
    connection->owes_end = false;
    cb_listener_let_go(connection->listener);
}

void cb_connection_request(cb_connection *connection, cb_buffer *bytes)
{
    cb_message record = cb_connection_record(connection, CB_MSG_REQUEST_READY);
    record.value = bytes != NULL ? (int64_t)bytes->size : 0;
    record.payload = cb_payload_handle(bytes);
    if (!connection->owes_end) {
        record.flags = CB_FLAG_NEW;
        owe_end(connection);
    }
    post(connection->listener, &record);
}

void cb_connection_event(cb_connection *connection, int64_t entry, cb_buffer *bytes)
{
    cb_message record = cb_connection_record(connection, CB_MSG_REQUEST_READY);
    record.flags = CB_FLAG_NEW;
    record.job = (uint64_t)entry;
    record.value = bytes != NULL ? (int64_t)bytes->size : 0;
    record.payload = cb_payload_handle(bytes);
    post(connection->listener, &record);
}

void cb_connection_announce(cb_connection *connection, int64_t size_bytes, bool final)
{
    assert(connection->owes_end);
    cb_message record = cb_connection_record(connection, CB_MSG_RESPONSE_SENT);
    record.flags = final ? CB_FLAG_FINAL : 0;
    record.value = size_bytes;
    post(connection->listener, &record);
    cb_connection_await_flush(connection);
    end_is_told(connection);
}

void cb_connection_await_flush(cb_connection *connection)
{
    cb_listener *listener = connection->listener;
    assert(!connection->announced);
    connection->announced = true;
    connection->next = listener->announced;
    listener->announced = connection;
}

void cb_connection_ended(cb_connection *connection, cb_close_reason reason)
{
    if (!connection->owes_end)
        return;
    cb_message record = cb_connection_record(connection, CB_MSG_CONNECTION_CLOSED);
    record.status = (int32_t)reason;
    post(connection->listener, &record);
    end_is_told(connection);
}

void cb_connection_charge(cb_connection *connection, size_t bytes)
{
    cb_listener *listener = connection->listener;
    assert(listener->charged >= connection->charged);
    listener->charged += bytes - connection->charged;
    connection->charged = bytes;
}

static bool route_has_room(const cb_listener *listener, size_t more, unsigned eighths)
{
    size_t all = (size_t)cb_listener_limits(listener)->route_memory;
    size_t mark = all / 8 * eighths;
    if (all == 0) /* nobody has chosen one */
        return true;
    if (listener->charged <= mark && more <= mark - listener->charged)
        return true;
    cb_budget_count_refusal();
    return false;
}

bool cb_connection_may_grow(const cb_connection *connection, size_t block, size_t more)
{
    return route_has_room(connection->listener, more, cb_budget_eighths(block)) &&
           cb_budget_may_read(block, more);
}

bool cb_connection_may_take(const cb_connection *connection, size_t block)
{
    return route_has_room(connection->listener, block, block > CB_BUDGET_MIDDLE ? 6 : 8);
}

static void unlink_announced(cb_connection *connection)
{
    cb_connection **link = &connection->listener->announced;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    connection->announced = false;
}

void cb_connection_free(cb_connection *connection)
{
    cb_listener *listener = connection->listener;
    assert(connection->in_use);
    cb_connection_ended(connection, CB_CLOSE_FAILED);
    if (connection->announced)
        unlink_announced(connection);
    cb_connection_charge(connection, 0);
    connection->in_use = false;
    listener->connections--;
    connection->next = listener->free_slots;
    listener->free_slots = connection;
}

/* -- the actor -------------------------------------------------------------------------------- */

void cb_listener_rejected(cb_listener *listener, int64_t count, cb_job_status status, bool had_run)
{
    cb_message record = route_record(listener, CB_MSG_REJECTED);
    record.flags = had_run ? CB_FLAG_FINAL : 0;
    record.status = (int32_t)status;
    record.value = count;
    post(listener, &record);
}

void cb_listener_order_done(cb_listener *listener, const cb_message *order, cb_status status,
                            int64_t value, cb_buffer *payload)
{
    cb_message done = route_record(listener, CB_MSG_ORDER_DONE);
    done.cause = order->cause;
    done.job = order->job;
    done.status = (int32_t)status;
    done.value = value;
    done.payload = cb_payload_handle(payload);
    cb_buffer_release(cb_message_payload(order));
    post(listener, &done);
}

static void carry_out(cb_listener *listener, const cb_message *order)
{
    cb_buffer *payload = NULL;
    int64_t value = 0;
    cb_status status = CB_UNSUPPORTED;
    if (listener->kind->order != NULL)
        status = listener->kind->order(listener, order, &value, &payload);
    if (status != CB_ORDER_LATER)
        cb_listener_order_done(listener, order, status, value, payload);
}

static void respond(cb_connection *connection, const cb_message *message)
{
    cb_buffer *response = cb_message_payload(message);
    if (connection != NULL)
        connection->listener->kind->respond(connection, response,
                                            (message->flags & CB_FLAG_FINAL) != 0);
    else
        cb_buffer_release(response);
}

static void drop(cb_connection *connection, cb_job_status status)
{
    const cb_listener_kind *kind = connection->listener->kind;
    if (kind->refuse != NULL)
        kind->refuse(connection, status);
    else
        kind->drop(connection, CB_CLOSE_DROPPED);
}

static void on_message(cb_loop_actor *actor, const cb_message *message)
{
    cb_listener *listener = (cb_listener *)actor;
    cb_connection *connection = find_connection(listener, message->connection);
    if (connection != NULL)
        connection->cause = message->cause;
    switch (message->kind) {
    case CB_MSG_RESPOND:
        respond(connection, message);
        break;
    case CB_MSG_DROP:
        if (connection != NULL)
            drop(connection, (cb_job_status)message->status);
        break;
    case CB_MSG_STOP_ACCEPTING:
        cb_listener_stop_accepting(listener);
        break;
    case CB_MSG_STOP_LISTENER:
        stop(listener);
        break;
    case CB_MSG_ORDER:
        carry_out(listener, message);
        break;
    default:
        cb_buffer_release(cb_message_payload(message));
        break;
    }
}

static void before_flush(cb_loop_actor *actor)
{
    cb_listener *listener = (cb_listener *)actor;
    if (!listener->kind->counts_connections || listener->stop_reported ||
        listener->connections == listener->told_connections)
        return;
    cb_message record = route_record(listener, CB_MSG_CONNECTIONS);
    record.value = (int64_t)listener->connections;
    listener->told_connections = listener->connections;
    post(listener, &record);
}

static void after_flush(cb_loop_actor *actor)
{
    cb_listener *listener = (cb_listener *)actor;
    /* What is announced meanwhile has not left: it is for the next time. */
    cb_connection *left = listener->announced;
    listener->announced = NULL;
    while (left != NULL) {
        cb_connection *connection = left;
        left = connection->next;
        connection->announced = false;
        if (listener->kind->announced != NULL)
            listener->kind->announced(connection);
    }
}

static void report_failure(cb_listener *listener, const cb_error *error)
{
    cb_message record = route_record(listener, CB_MSG_ROUTE_FAILED);
    record.status = error->status;
    record.payload = cb_payload_handle(cb_buffer_copy(error->text, strlen(error->text)));
    post(listener, &record);
}

static cb_status open_route(cb_listener *listener, cb_error *error)
{
    uint16_t port = 0;
    listener->kind = cb_listener_kind_of(cb_listener_route_base(listener));
    if (listener->kind == NULL)
        return cb_fail(error, CB_UNSUPPORTED, "no listener for routes of kind %u",
                       (unsigned)cb_listener_route_base(listener));
    if (listener->kind->own_size > 0)
        listener->own = calloc(1, listener->kind->own_size);
    if ((listener->kind->own_size > 0 && listener->own == NULL) || !prepare_patience(listener))
        return cb_fail(error, CB_NO_MEMORY, "no memory for a listener");
    listener->listening = true;
    cb_status status = listener->kind->open(listener, &port, error);
    if (status != CB_OK)
        return status;
    cb_message record = route_record(listener, CB_MSG_ROUTE_LISTENING);
    record.value = port;
    post(listener, &record);
    return CB_OK;
}

/* The first message is the order to start; it is taken also by an actor that is not able to. */
static cb_status start(cb_listener *listener, cb_status able, cb_error *error)
{
    if (cb_mailbox_receive(listener->actor.mailbox, -1, &listener->route) != CB_OK)
        return cb_fail(error, CB_IO, "a listener's mailbox broke");
    assert(listener->route.kind == CB_MSG_START_LISTENER);
    return able == CB_OK ? open_route(listener, error) : able;
}

/* Serves to the end. One that comes early, because the loop or the mailbox broke, is told too. */
static void serve(cb_listener *listener)
{
    cb_loop_actor_run(&listener->actor);
    if (!listener->stop_reported) {
        cb_message stopped = {.kind = CB_MSG_ACTOR_STOPPED, .status = CB_IO};
        cb_loop_actor_post(&listener->actor, &stopped);
    }
}

static void free_all(cb_listener *listener)
{
    if (listener->kind != NULL && listener->kind->close != NULL)
        listener->kind->close(listener);
    for (size_t i = 0; i < listener->slot_count; i++) {
        cb_budget_add(-(int64_t)listener->kind->connection_size);
        free(listener->slots[i]);
    }
    free(listener->slots);
    free(listener->own);
}

void *cb_listener_thread(void *argument)
{
    cb_error error = {.status = CB_OK};
    cb_listener listener = {
        .actor = {.message = on_message, .before_flush = before_flush, .after_flush = after_flush}};
    cb_status status = cb_loop_actor_open(&listener.actor, argument, &error);
    if (start(&listener, status, &error) != CB_OK)
        report_failure(&listener, &error);
    else
        serve(&listener);
    cb_op_remove(&listener.patience);
    cb_loop_actor_close(&listener.actor);
    free_all(&listener);
    return NULL;
}
