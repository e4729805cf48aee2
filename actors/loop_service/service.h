/* The event loop of scripts: the actor behind a route of kind CB_ROUTE_LOOP. This header is shared
 * by its files.
 *
 * Commands (callboard/loop_commands.h) come as ORDER and are answered by ORDER_DONE at once. A
 * command that starts an operation makes a task:
 *
 *     pending -----> done ------> handed -----> (gone)     handed: its event is with the supervisor
 *        |   op ended  |  its turn    callback over
 *        +-------------+--------------------------> (gone)  removed, or without a callback
 *
 * At most one task is handed. Tasks that end meanwhile wait here in order, and can still be
 * removed. So a callback that removes an operation can rely on it: no event of this operation
 * comes. Each event is followed by exactly one RESPOND or DROP, the sign that its callback is over.
 */
#ifndef CALLBOARD_ACTORS_LOOP_SERVICE_H
#define CALLBOARD_ACTORS_LOOP_SERVICE_H

#include "actors/base/address_map.h"
#include "actors/core/loop_actor.h"
#include "callboard/loop_commands.h"

cb_actor_function cb_loop_service_thread;

typedef struct cb_loop_service cb_loop_service;
typedef struct cb_loop_task cb_loop_task;

/* -- sockets and files -- */

typedef enum cb_handle_kind {
    CB_HANDLE_SOCKET,
    CB_HANDLE_DATAGRAMS,
    CB_HANDLE_FILE
} cb_handle_kind;

typedef struct cb_loop_handle {
    int64_t id;
    cb_handle_kind kind;
    int descriptor;
    uint32_t lent; /* tasks that send from this file into a socket */
    struct cb_loop_handle *next, *previous;
} cb_loop_handle;

/* Takes over the descriptor; NULL when out of memory (it is then still the caller's). */
cb_loop_handle *cb_handle_new(cb_loop_service *service, cb_handle_kind kind, int descriptor);
/* NULL: the handle never existed, or is closed. */
cb_loop_handle *cb_handle_find(const cb_loop_service *service, int64_t id);
/* Forgets a handle and returns its descriptor, which belongs to the caller again. */
int cb_handle_forget(cb_loop_service *service, cb_loop_handle *handle);
/* Closes a descriptor that belongs to no handle. Without memory for an op it is closed at once. */
void cb_descriptor_drop(cb_loop *loop, int descriptor);
/* Closes a handle without an operation that reports it; an unknown id is fine. */
void cb_handle_close(cb_loop_service *service, int64_t id);

/* -- tasks -- */

typedef enum cb_task_state { CB_TASK_PENDING, CB_TASK_DONE, CB_TASK_HANDED } cb_task_state;

struct cb_loop_task {
    cb_loop_service *service;
    int64_t id;
    cb_task_state state;
    int32_t kind;      /* the kind of its event */
    int64_t callback;  /* CB_LOOP_NO_CALLBACK: no event is sent */
    uint64_t cause;    /* the input that led to it */
    int64_t handle;    /* the handle that it works on; 0: none */
    int64_t file;      /* a file lent to it, or 0 */
    int64_t made;      /* the new handle in its event, or 0 */
    bool makes_handle; /* counts as a handle, because it may make one */
    cb_op *op;         /* in flight, or NULL */
    cb_buffer *event;  /* memory for its event; bytes are received and read directly into it */
    cb_buffer *data;   /* holds the bytes to send or write */
    int64_t bytes;     /* charged to CALLBOARD_MAX_LOOP_BYTES */
    int step_file; /* STAT_PATH and READ_FILE: the descriptor between the steps, or CB_NO_FILE */
    cb_loop_task *next, *previous;           /* all tasks */
    cb_loop_task *next_done, *previous_done; /* tasks that wait for their turn */
};

/* A task with an event of at least `room` bytes behind its head; NULL when out of memory. */
cb_loop_task *cb_task_new(cb_loop_service *service, int32_t kind, size_t room);
cb_loop_task *cb_task_find(const cb_loop_service *service, int64_t id);
/* Takes the task off its loop, its lists and its files, and frees it. A handle that it made
 * stays. */
void cb_task_free(cb_loop_task *task);
/* Called when the task's operation is over. `value` is for the event. */
void cb_task_done(cb_loop_task *task, cb_io_error error, int64_t value);
/* Where the event's bytes go, such as received ones. */
uint8_t *cb_task_bytes(const cb_loop_task *task);
/* Sets how many of these bytes there are; call it before cb_task_done. */
void cb_task_set_bytes(cb_loop_task *task, size_t size);
void cb_task_set_peer(cb_loop_task *task, const cb_endpoint *peer);
/* Charges so many more bytes to the limit for all tasks. */
cb_status cb_task_charge(cb_loop_task *task, int64_t bytes);
/* Removes a task for good: its operation is canceled, and what it has made is closed. */
void cb_task_remove(cb_loop_task *task);
/* Called when the callback of the handed task is over, or was never run. If it was not run, no
 * script knows the new handle in the event, and the handle is closed. The next task gets its
 * turn. */
void cb_task_callback_over(cb_loop_service *service, bool was_run);
/* Ends the tasks that send from this file, because it is being closed. */
void cb_tasks_take_file_back(cb_loop_service *service, int64_t file);

/* -- orders -- */

/* The parts of an order that starts an operation. */
typedef struct cb_loop_start {
    cb_loop_order order;
    const char *text;    /* NULL: none */
    const uint8_t *data; /* in the task's `data` */
    size_t data_size;
    cb_endpoint endpoint;   /* of commands with an address */
    cb_loop_handle *handle; /* NULL for commands without one */
    cb_loop_handle *file;   /* SENDFILE */
    cb_op_options options;
} cb_loop_start;

/* Submits the task's op; NULL when out of memory. */
typedef cb_op *cb_start_task(cb_loop_task *task, const cb_loop_start *start);
cb_start_task cb_start_timeout, cb_start_next_tick, cb_start_dial, cb_start_accept, cb_start_recv,
    cb_start_recv_all, cb_start_send, cb_start_send_to, cb_start_open, cb_start_read,
    cb_start_write, cb_start_stat, cb_start_stat_path, cb_start_sendfile, cb_start_poll,
    cb_start_close, cb_start_read_file;

/* Carries out an ORDER and answers it. */
void cb_loop_service_order(cb_loop_service *service, const cb_message *message);
/* Answers an order; takes over the payload. */
void cb_loop_service_answer(cb_loop_service *service, const cb_message *order, cb_status status,
                            int64_t value, cb_buffer *payload);

/* -- waiting for the end, and the end -- */

/* A RUN that is not answered yet. */
typedef struct cb_loop_waiter {
    cb_loop_service *service;
    cb_message order;
    cb_op *limit; /* NULL: none */
    struct cb_loop_waiter *next;
} cb_loop_waiter;

/* Takes the order (a RUN); answers it now or later. */
void cb_loop_service_wait(cb_loop_service *service, const cb_message *order);
/* The asker of the order with this handle is gone: its RUN waits no more. */
void cb_loop_service_wait_no_more(cb_loop_service *service, uint64_t order);
/* Call it at the end of each message and of each callback of the loop. It continues what waits for
 * the last task to end. */
void cb_loop_service_settle(cb_loop_service *service);
/* Ends the route: tasks that wait for others are removed, output that is under way may finish, done
 * tasks get their callbacks. Then everything is closed and the route has stopped. */
void cb_loop_service_stop(cb_loop_service *service);
/* True if a task of this kind may still start. */
bool cb_loop_service_may_start(const cb_loop_service *service, int32_t kind);

struct cb_loop_service {
    cb_loop_actor actor; /* first, so that a pointer to one is a pointer to the other */
    cb_message route;    /* the START_LISTENER it came from */
    cb_address_map tasks_by_id;
    cb_address_map handles_by_id;
    cb_loop_task *tasks;
    cb_loop_handle *handles;
    int64_t last_task;
    int64_t last_handle;
    int64_t task_count;
    int64_t handle_count; /* including the tasks that may make one */
    int64_t bytes;        /* held by all tasks */
    cb_loop_task *done_first, *done_last;
    cb_loop_task *handed; /* the task whose callback is not over, or NULL */
    cb_loop_waiter *waiters;
    bool stopping;
    bool stopped;   /* ROUTE_STOPPED was sent */
    size_t closing; /* final closes that have not reported yet */
    cb_op *patience;
};

/* Makes a record about this route. */
cb_message cb_loop_service_record(const cb_loop_service *service, cb_message_kind kind,
                                  uint64_t cause);

#endif
