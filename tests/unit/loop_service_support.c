#include "tests/unit/loop_service_support.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "actors/base/thread.h"
#include "actors/loop_service/service.h"

#define LIMIT_NS INT64_C(20000000000)

service_double *service_begin(const cb_limits *limits)
{
    service_double *service = calloc(1, sizeof *service);
    cb_error error = {.text = ""};
    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    service->core.options.limits = limits != NULL ? *limits : cb_limits_default();
    limits = &service->core.options.limits;
    CU_ASSERT_EQUAL_FATAL(cb_post_office_open(limits, &service->core.office, &error), CB_OK);
    CU_ASSERT_FATAL(exchange_bell_open(&service->bell, service->core.office));
    CU_ASSERT_EQUAL_FATAL(cb_exchange_open(service->core.office, &service->exchange, &error),
                          CB_OK);
    cb_actor_start *start = malloc(sizeof *start);
    CU_ASSERT_PTR_NOT_NULL_FATAL(start);
    *start = (cb_actor_start){.core = &service->core};
    CU_ASSERT_EQUAL_FATAL(
        cb_mailbox_create(service->core.office, SERVICE_ADDRESS, &start->mailbox, &error), CB_OK);
    service->receiver = cb_mailbox_give_receiver(start->mailbox);
    CU_ASSERT_EQUAL_FATAL(
        cb_thread_start(&service->thread, cb_loop_service_thread, start, 0, "loop", &error), CB_OK);
    cb_message begin = {.kind = CB_MSG_START_LISTENER, .name_space = 1, .route = SERVICE_ROUTE};
    cb_message answer;
    service_send(service, &begin);
    CU_ASSERT_FATAL(service_receive(service, &answer));
    CU_ASSERT_EQUAL(answer.kind, CB_MSG_ROUTE_LISTENING);
    CU_ASSERT_EQUAL(answer.route, SERVICE_ROUTE);
    return service;
}

static void send_batch(service_double *service, const cb_message *messages, size_t count)
{
    const cb_exchange_ops *ops = service->exchange->ops;
    cb_status status;
    /* A queue may say that it is full until it has heard of what was read. */
    while ((status = ops->send(service->exchange, service->receiver, messages, count)) == CB_LIMIT)
        (void)sched_yield();
    CU_ASSERT_EQUAL(status, CB_OK);
}

void service_send(service_double *service, const cb_message *message)
{
    cb_message sent = *message;
    sent.route = SERVICE_ROUTE;
    send_batch(service, &sent, 1);
}

bool service_receive(service_double *service, cb_message *message)
{
    cb_exchange *exchange = service->exchange;
    int64_t until_ns = cb_now_ns() + LIMIT_NS;
    while (service->next == service->count) {
        service->next = 0;
        service->count = exchange_bell_receive(&service->bell, exchange, service->records,
                                               until_ns - cb_now_ns());
        if (service->count == 0 && cb_now_ns() > until_ns) {
            CU_FAIL("the actor said nothing");
            return false;
        }
    }
    *message = service->records[service->next++];
    return true;
}

static service_answer answer_of(service_double *service, cb_message *order)
{
    service_answer answer = {.status = CB_IO};
    cb_message got;
    order->kind = CB_MSG_ORDER;
    order->job = ++service->tickets;
    order->cause = 1000 + order->job;
    service_send(service, order);
    if (!service_receive(service, &got))
        return answer;
    if (got.kind == CB_MSG_REQUEST_READY) {
        CU_ASSERT_EQUAL(service->early.kind, 0); /* one at a time */
        service->early = got;
        if (!service_receive(service, &got))
            return answer;
    }
    CU_ASSERT_EQUAL(got.kind, CB_MSG_ORDER_DONE);
    CU_ASSERT_EQUAL(got.job, order->job);
    CU_ASSERT_EQUAL(got.cause, order->cause);
    answer.status = (cb_status)got.status;
    answer.value = got.value;
    cb_buffer *text = cb_message_payload(&got);
    if (text != NULL)
        snprintf(answer.text, sizeof answer.text, "%.*s", (int)text->size,
                 (const char *)text->data);
    cb_buffer_release(text);
    return answer;
}

service_answer service_ask(service_double *service, cb_loop_command what, int64_t value)
{
    cb_message order = {.status = (int32_t)what, .value = value};
    return answer_of(service, &order);
}

void service_expect_silence(service_double *service)
{
    CU_ASSERT_EQUAL(service_ask(service, CB_LOOP_NUM_WAITING, 0).status, CB_OK);
    CU_ASSERT_EQUAL(service->early.kind, 0);
}

service_answer service_order(service_double *service, cb_loop_command what,
                             const cb_loop_order *order, const char *text, const void *data,
                             size_t size)
{
    cb_loop_order packed = *order;
    packed.text_size = text != NULL ? (uint32_t)strlen(text) + 1 : 0;
    cb_buffer *payload = cb_buffer_new(CB_LOOP_ORDER_SIZE + packed.text_size + size, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(payload);
    cb_loop_order_write(&packed, payload->data);
    if (text != NULL)
        memcpy(payload->data + CB_LOOP_ORDER_SIZE, text, packed.text_size);
    if (size > 0)
        memcpy(payload->data + CB_LOOP_ORDER_SIZE + packed.text_size, data, size);
    cb_message message = {.status = (int32_t)what, .payload = cb_payload_handle(payload)};
    return answer_of(service, &message);
}

int64_t service_start(service_double *service, cb_loop_command what, const cb_loop_order *order,
                      const char *text, const char *data)
{
    service_answer answer =
        service_order(service, what, order, text, data, data != NULL ? strlen(data) : 0);
    CU_ASSERT_EQUAL(answer.status, CB_OK);
    if (answer.status != CB_OK)
        printf("    %s\n", answer.text);
    return answer.value;
}

service_event service_next(service_double *service)
{
    service_event event = {.callback = 0};
    cb_message got = service->early;
    service->early.kind = 0;
    if (got.kind == 0 && !service_receive(service, &got))
        return event;
    CU_ASSERT_EQUAL_FATAL(got.kind, CB_MSG_REQUEST_READY);
    CU_ASSERT_EQUAL(got.flags, CB_FLAG_NEW);
    CU_ASSERT_EQUAL(got.connection, 0);
    event.payload = cb_message_payload(&got);
    event.callback = (int64_t)got.job;
    CU_ASSERT_PTR_NOT_NULL_FATAL(event.payload);
    CU_ASSERT_EQUAL(got.value, (int64_t)event.payload->size);
    CU_ASSERT(cb_loop_event_read(&event.head, event.payload->data, event.payload->size));
    return event;
}

void service_over(service_double *service, service_event *event)
{
    cb_message respond = {.kind = CB_MSG_RESPOND};
    cb_buffer_release(event->payload);
    event->payload = NULL;
    service_send(service, &respond);
}

int64_t service_expect(service_double *service, int64_t operation, int32_t kind, cb_io_error error,
                       int64_t value)
{
    service_event event = service_next(service);
    CU_ASSERT_EQUAL(event.head.operation, operation);
    CU_ASSERT_EQUAL(event.head.kind, kind);
    CU_ASSERT_EQUAL(event.head.error, (int32_t)error);
    CU_ASSERT_EQUAL(event.head.value, value);
    if (event.head.error != (int32_t)error || event.head.value != value)
        printf("    operation %lld: error %d, value %lld\n", (long long)event.head.operation,
               event.head.error, (long long)event.head.value);
    service_over(service, &event);
    return event.head.handle;
}

void service_end(service_double *service)
{
    /* Together: after the first one the actor may be gone, and nobody would take the second. An
     * actor that has stopped by itself may be gone already. */
    const cb_message stop[] = {{.kind = CB_MSG_STOP_ACCEPTING, .route = SERVICE_ROUTE},
                               {.kind = CB_MSG_STOP_LISTENER, .route = SERVICE_ROUTE}};
    cb_message got = service->early;
    const cb_exchange_ops *ops = service->exchange->ops;
    bool is_gone = false;
    while (!is_gone && ops->send(service->exchange, service->receiver, stop, 2) == CB_LIMIT)
        is_gone = pthread_tryjoin_np(service->thread, NULL) == 0;
    if (got.kind == CB_MSG_REQUEST_READY) {
        cb_buffer_release(cb_message_payload(&got));
        service_send(service, &(cb_message){.kind = CB_MSG_RESPOND});
    }
    while (got.kind != CB_MSG_ROUTE_STOPPED && service_receive(service, &got)) {
        cb_buffer_release(cb_message_payload(&got));
        if (got.kind == CB_MSG_REQUEST_READY)
            service_send(service, &(cb_message){.kind = CB_MSG_RESPOND});
    }
    if (!is_gone)
        CU_ASSERT_EQUAL(pthread_join(service->thread, NULL), 0);
    /* The mailbox says good-bye. */
    while (exchange_bell_receive(&service->bell, service->exchange, service->records, 0) > 0)
        ;
    service->exchange->ops->drop(service->exchange, service->receiver);
    service->exchange->ops->close(service->exchange);
    cb_post_office_close(&service->core.office);
    cb_bell_close(&service->bell);
    free(service);
}
