/* The actor of the scripts' event loop on its own thread, with the test in the supervisor's place.
 *
 * The test gives orders, and reads answers and events in the order in which the actor sent them. It
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
    cb_message records[CB_BATCH_MAX]; /* read, not examined yet */
    size_t count, next;
    cb_message early; /* an event that came before an answer; kind 0: none */
} service_double;

/* An answer to an order. */
typedef struct service_answer {
    cb_status status;
    int64_t value;
    char text[256];
} service_answer;

/* One event; the test releases the payload. */
typedef struct service_event {
    cb_loop_event head;
    int64_t callback;
    cb_buffer *payload;
} service_event;

service_double *service_begin(const cb_limits *limits);
/* Stops the route, answers all further events, and waits for the thread's end. Frees. */
void service_end(service_double *service);

void service_send(service_double *service, const cb_message *message);
/* Receives the actor's next record, which must come; false, and a failed test, if none comes. */
bool service_receive(service_double *service, cb_message *message);
/* Checks that no event has come, and that none comes before the actor has answered another
 * order. */
void service_expect_silence(service_double *service);

/* Sends a command with only a number. */
service_answer service_ask(service_double *service, cb_loop_command what, int64_t value);
/* Sends an order with text and data; both may be NULL. */
service_answer service_order(service_double *service, cb_loop_command what,
                             const cb_loop_order *order, const char *text, const void *data,
                             size_t size);
/* The same for an order that must succeed; returns its value. */
int64_t service_start(service_double *service, cb_loop_command what, const cb_loop_order *order,
                      const char *text, const char *data);

/* Receives the next event. Its callback is over with service_over. */
service_event service_next(service_double *service);
void service_over(service_double *service, service_event *event);
/* Takes the next event, compares it and ends its callback. Returns its handle. */
int64_t service_expect(service_double *service, int64_t operation, int32_t kind, cb_io_error error,
                       int64_t value);

#endif
