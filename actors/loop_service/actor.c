/* The thread of the scripts' event loop: its messages, who waits for its end, and that end. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/loop_service/service.h"

#define MS INT64_C(1000000)

cb_message cb_loop_service_record(const cb_loop_service *service, cb_message_kind kind,
                                  uint64_t cause)
{
    return (cb_message){.kind = (uint16_t)kind,
                        .name_space = service->route.name_space,
                        .cause = cause,
                        .route = service->route.route};
}

/* -- waiting until nothing is outstanding -- */

static void forget_waiter(cb_loop_waiter *waiter)
{
    cb_loop_waiter **link = &waiter->service->waiters;
    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    cb_op_remove(&waiter->limit);
    free(waiter);
}

static void answer_waiter(cb_loop_waiter *waiter, int64_t value)
{
    cb_loop_service_answer(waiter->service, &waiter->order, CB_OK, value, NULL);
    forget_waiter(waiter);
}

void cb_loop_service_wait_no_more(cb_loop_service *service, uint64_t order)
{
    cb_loop_waiter *waiter = service->waiters;
    while (waiter != NULL && waiter->order.job != order)
        waiter = waiter->next;
    if (waiter != NULL)
        forget_waiter(waiter);
}

static void on_wait_over(cb_op *op)
{
    cb_loop_waiter *waiter = op->user_data;
    waiter->limit = NULL;
    answer_waiter(waiter, 0);
}

void cb_loop_service_wait(cb_loop_service *service, const cb_message *order)
{
    if (service->task_count == 0 || service->stopping || order->value == 0) {
        cb_loop_service_answer(service, order, CB_OK, service->task_count == 0, NULL);
        return;
    }
    cb_loop_waiter *waiter = malloc(sizeof *waiter);
    if (waiter == NULL) {
        cb_loop_service_answer(service, order, CB_NO_MEMORY, 0, NULL);
        return;
    }
    *waiter = (cb_loop_waiter){.service = service, .order = *order, .next = service->waiters};
    service->waiters = waiter;
    if (order->value < 0)
        return;
    int64_t most_ms = INT64_MAX / MS;
    waiter->limit = cb_timeout(
        service->actor.loop, (order->value < most_ms ? order->value : most_ms) * MS, on_wait_over);
    if (waiter->limit != NULL)
        waiter->limit->user_data = waiter;
    else
        answer_waiter(waiter, 0);
}

/* -- the end -- */

/* What a script sent or wrote before the end was meant to arrive. */
static bool is_on_its_way_out(int32_t kind)
{
    return kind == CB_NBIO_SEND || kind == CB_NBIO_WRITE || kind == CB_NBIO_SENDFILE ||
           kind == CB_NBIO_CLOSE;
}

bool cb_loop_service_may_start(const cb_loop_service *service, int32_t kind)
{
    return !service->stopping || is_on_its_way_out(kind);
}

/* Removes what is pending; with `keep_output` all but what is on its way out, of which nobody will
 * be told. */
static void remove_pending(cb_loop_service *service, bool keep_output)
{
    cb_loop_task *next;
    for (cb_loop_task *task = service->tasks; task != NULL; task = next) {
        next = task->next;
        if (task->state != CB_TASK_PENDING)
            continue;
        if (keep_output && is_on_its_way_out(task->kind))
            task->callback = CB_LOOP_NO_CALLBACK;
        else
            cb_task_remove(task);
    }
}

/* A peer that does not read must not hold up the end of the program. */
static void on_patience_over(cb_op *op)
{
    cb_loop_service *service = op->user_data;
    service->patience = NULL;
    remove_pending(service, false);
    cb_loop_service_settle(service);
}

void cb_loop_service_stop(cb_loop_service *service)
{
    if (service->stopping)
        return;
    service->stopping = true;
    while (service->waiters != NULL)
        answer_waiter(service->waiters, service->task_count == 0);
    remove_pending(service, true);
    int64_t grace_ms = service->actor.core->options.limits.grace_ms;
    service->patience =
        cb_timeout(service->actor.loop, (grace_ms > 0 ? grace_ms : 1) * MS, on_patience_over);
    if (service->patience != NULL)
        service->patience->user_data = service;
    else
        remove_pending(service, false);
}

void cb_loop_service_settle(cb_loop_service *service)
{
    if (service->task_count > 0)
        return;
    while (service->waiters != NULL)
        answer_waiter(service->waiters, 1);
    if (!service->stopping || service->stopped)
        return;
    while (service->handles != NULL)
        cb_handle_close(service, service->handles->id);
    if (service->closing > 0)
        return;
    service->stopped = true;
    service->actor.done = true;
    cb_message record = cb_loop_service_record(service, CB_MSG_ROUTE_STOPPED, service->route.cause);
    cb_loop_actor_post(&service->actor, &record);
}

/* -- messages -- */

static void on_message(cb_loop_actor *actor, const cb_message *message)
{
    cb_loop_service *service = (cb_loop_service *)actor;
    switch (message->kind) {
    case CB_MSG_ORDER:
        cb_loop_service_order(service, message);
        break;
    case CB_MSG_CANCEL_ORDER:
        cb_loop_service_wait_no_more(service, message->job);
        break;
    case CB_MSG_RESPOND:
        cb_buffer_release(cb_message_payload(message));
        cb_task_callback_over(service, true);
        break;
    case CB_MSG_DROP: {
        bool was_run =
            message->status != CB_JOB_OVERLOADED && message->status != CB_JOB_ROUTE_CLOSED;
        cb_task_callback_over(service, was_run);
        break;
    }
    case CB_MSG_STOP_ACCEPTING:
    case CB_MSG_STOP_LISTENER:
        cb_loop_service_stop(service);
        break;
    default:
        cb_buffer_release(cb_message_payload(message));
        break;
    }
    cb_loop_service_settle(service);
}

static void report_listening(cb_loop_service *service)
{
    cb_message record =
        cb_loop_service_record(service, CB_MSG_ROUTE_LISTENING, service->route.cause);
    cb_loop_actor_post(&service->actor, &record);
}

static void report_failure(cb_loop_service *service, const cb_error *error)
{
    cb_message record = cb_loop_service_record(service, CB_MSG_ROUTE_FAILED, service->route.cause);
    record.status = error->status;
    record.payload = cb_payload_handle(cb_buffer_copy(error->text, strlen(error->text)));
    cb_loop_actor_post(&service->actor, &record);
}

/* The first message is the order to start; it is taken also by an actor that is not able to. */
static cb_status start(cb_loop_service *service, cb_status able, cb_error *error)
{
    if (cb_mailbox_receive(service->actor.mailbox, -1, &service->route) != CB_OK)
        return cb_fail(error, CB_IO, "the event loop's mailbox broke");
    assert(service->route.kind == CB_MSG_START_LISTENER);
    return able;
}

static void free_everything(cb_loop_service *service)
{
    while (service->waiters != NULL)
        answer_waiter(service->waiters, 0);
    while (service->tasks != NULL)
        cb_task_free(service->tasks);
    while (service->handles != NULL)
        cb_descriptor_drop(service->actor.loop, cb_handle_forget(service, service->handles));
    cb_op_remove(&service->patience);
    cb_address_map_free(&service->tasks_by_id);
    cb_address_map_free(&service->handles_by_id);
}

void *cb_loop_service_thread(void *argument)
{
    cb_error error = {.status = CB_OK};
    cb_loop_service service = {.actor = {.message = on_message}};
    cb_status status = cb_loop_actor_open(&service.actor, argument, &error);
    if (start(&service, status, &error) != CB_OK) {
        report_failure(&service, &error);
    } else {
        report_listening(&service);
        cb_loop_actor_run(&service.actor);
        /* One that comes early, because the loop or the mailbox broke, is told too. */
        if (!service.stopped) {
            cb_message stopped = {.kind = CB_MSG_ACTOR_STOPPED, .status = CB_IO};
            cb_loop_actor_post(&service.actor, &stopped);
        }
        free_everything(&service);
    }
    cb_loop_actor_close(&service.actor);
    return NULL;
}
