/* The actor of the scripts' event loop on its own thread, with the test in the supervisor's place.
 *
 * The test gives orders and reads answers and events in the order in which the actor sent them; it
 * waits for each with a limit that a working actor never comes near.
 */
#ifndef CALLBOARD_TESTS_LOOP_SERVICE_SUPPORT_H
#define CALLBOARD_TESTS_LOOP_SERVICE_SUPPORT_H

#include <pthread.h>

#include "actors/core/core.h"
#include "actors/core/exchange.h"
#include "callboard/loop_commands.h"
#include "tests/unit/exchange_bell.h"

#define SERVICE_ADDRESS 16u
#define SERVICE_ROUTE   7u

typedef struct service_double {
    cb_core core;
    cb_exchange *exchange;
    cb_receiver *receiver;
    cb_bell bell;
    pthread_t thread;
    uint64_t tickets;
    cb_message records[CB_BATCH_MAX]; /* read and not looked at */
    size_t count, next;
    cb_message early; /* an event that came before an answer; kind 0: none */
} service_double;

/* An answer to an order. */
typedef struct service_answer {
    cb_status status;
    int64_t value;
    char text[256];
} service_answer;

/* One event; the payload is the test's to release. */
typedef struct service_event {
    cb_loop_event head;
    int64_t callback;
    cb_buffer *payload;
} service_event;

service_double *service_begin(const cb_limits *limits);
/* Stops the route, answers what still comes, and waits for the thread's end. Frees. */
void service_end(service_double *service);

void service_send(service_double *service, const cb_message *message);
/* The next record of the actor, which must come; false, and a failed test, if none does. */
bool service_receive(service_double *service, cb_message *message);
/* No event has come, and none comes before the actor has answered another order. */
void service_expect_silence(service_double *service);

/* A command with a number only. */
service_answer service_ask(service_double *service, cb_loop_command what, int64_t value);
/* An order with text and data, each of which may be NULL. */
service_answer service_order(service_double *service, cb_loop_command what,
                             const cb_loop_order *order, const char *text, const void *data,
                             size_t size);
/* The same for an order that succeeds: its value. */
int64_t service_start(service_double *service, cb_loop_command what, const cb_loop_order *order,
                      const char *text, const char *data);

/* The next event. Its callback is not over until service_over. */
service_event service_next(service_double *service);
void service_over(service_double *service, service_event *event);
/* Takes the next event, compares it and ends its callback; gives its handle. */
int64_t service_expect(service_double *service, int64_t operation, int32_t kind, cb_io_error error,
                       int64_t value);

#endif
