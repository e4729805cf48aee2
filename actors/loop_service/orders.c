/* Orders: checked, carried out, answered. What is wrong with the order itself is an error of the
 * command; what the world refuses is told by the event. */
#include <stdio.h>
#include <string.h>

#include "actors/loop_service/service.h"

#define MS         INT64_C(1000000)
/* A limit of 0: what can be done at once is, and everything else has timed out. */
#define NO_TIME_NS 1

typedef enum need { NEEDS_NOTHING, NEEDS_SOCKET, NEEDS_DATAGRAMS, NEEDS_FILE, NEEDS_ANY } need;

/* What an operation's order is made of. */
typedef struct operation {
    cb_start_task *start;
    int32_t kind;
    need needs;
    bool makes_handle;
    bool has_address;
    bool has_path;
    bool fills; /* the event has room for `size` bytes */
} operation;

static const operation operations[] = {
    [CB_LOOP_TIMEOUT] = {cb_start_timeout, CB_NBIO_TIMEOUT, .needs = NEEDS_NOTHING},
    [CB_LOOP_NEXT_TICK] = {cb_start_next_tick, CB_NBIO_NEXT_TICK, .needs = NEEDS_NOTHING},
    [CB_LOOP_DIAL] = {cb_start_dial, CB_NBIO_DIAL, .makes_handle = true, .has_address = true},
    [CB_LOOP_ACCEPT] = {cb_start_accept, CB_NBIO_ACCEPT, NEEDS_SOCKET, .makes_handle = true},
    [CB_LOOP_RECV] = {cb_start_recv, CB_NBIO_RECV, NEEDS_SOCKET, .fills = true},
    [CB_LOOP_RECV_ALL] = {cb_start_recv_all, CB_NBIO_RECV, NEEDS_SOCKET, .fills = true},
    [CB_LOOP_SEND] = {cb_start_send, CB_NBIO_SEND, NEEDS_SOCKET, .makes_handle = false},
    [CB_LOOP_SEND_TO] = {cb_start_send_to, CB_NBIO_SEND, NEEDS_DATAGRAMS, .has_address = true},
    [CB_LOOP_OPEN] = {cb_start_open, CB_NBIO_OPEN, .makes_handle = true, .has_path = true},
    [CB_LOOP_READ] = {cb_start_read, CB_NBIO_READ, NEEDS_FILE, .fills = true},
    [CB_LOOP_WRITE] = {cb_start_write, CB_NBIO_WRITE, NEEDS_FILE, .makes_handle = false},
    [CB_LOOP_STAT] = {cb_start_stat, CB_NBIO_STAT, NEEDS_FILE, .makes_handle = false},
    [CB_LOOP_STAT_PATH] = {cb_start_stat_path, CB_NBIO_STAT, .has_path = true},
    [CB_LOOP_SENDFILE] = {cb_start_sendfile, CB_NBIO_SENDFILE, NEEDS_SOCKET, .fills = false},
    [CB_LOOP_POLL] = {cb_start_poll, CB_NBIO_POLL, NEEDS_SOCKET, .fills = false},
    [CB_LOOP_CLOSE] = {cb_start_close, CB_NBIO_CLOSE, NEEDS_ANY, .fills = false},
    [CB_LOOP_READ_FILE] = {cb_start_read_file, CB_LOOP_KIND_READ_FILE, .has_path = true},
};

void cb_loop_service_answer(cb_loop_service *service, const cb_message *order, cb_status status,
                            int64_t value, cb_buffer *payload)
{
    cb_message record = cb_loop_service_record(service, CB_MSG_ORDER_DONE, order->cause);
    record.job = order->job;
    record.status = (int32_t)status;
    record.value = value;
    record.payload = cb_payload_handle(payload);
    cb_loop_actor_post(&service->actor, &record);
}

static void answer_failure(cb_loop_service *service, const cb_message *order, const cb_error *error)
{
    /* Without memory for the text the status still tells the most. */
    cb_buffer *text = cb_buffer_copy(error->text, strlen(error->text));
    cb_loop_service_answer(service, order, error->status, 0, text);
}

/* -- what an order names -- */

static cb_status find_handle(const cb_loop_service *service, int64_t id, need needs,
                             cb_loop_handle **handle, cb_error *error)
{
    long long number = (long long)id;
    *handle = cb_handle_find(service, id);
    if (*handle == NULL)
        return cb_fail(error, CB_UNKNOWN, "no %s %lld",
                       needs == NEEDS_FILE  ? "file"
                       : needs == NEEDS_ANY ? "socket or file"
                                            : "socket",
                       number);
    cb_handle_kind kind = (*handle)->kind;
    if (needs == NEEDS_FILE && kind != CB_HANDLE_FILE)
        return cb_fail(error, CB_UNKNOWN, "%lld is a socket and no file", number);
    if (needs != NEEDS_FILE && needs != NEEDS_ANY && kind == CB_HANDLE_FILE)
        return cb_fail(error, CB_UNKNOWN, "%lld is a file and no socket", number);
    if (needs == NEEDS_DATAGRAMS && kind != CB_HANDLE_DATAGRAMS)
        return cb_fail(error, CB_UNKNOWN, "socket %lld is none for datagrams", number);
    return CB_OK;
}

static cb_status read_endpoint(cb_loop_start *start, cb_error *error)
{
    int32_t port = start->order.port;
    if (port < 0 || port > UINT16_MAX)
        return cb_fail(error, CB_INVALID, "port is %d; it must be 0..65535", port);
    if (start->text == NULL || cb_parse_endpoint(start->text, &start->endpoint, NULL) != CB_OK ||
        start->endpoint.port != 0)
        return cb_fail(error, CB_INVALID, "\"%.80s\" is no IPv4 or IPv6 address",
                       start->text != NULL ? start->text : "");
    start->endpoint.port = (uint16_t)port;
    return CB_OK;
}

/* Takes the payload apart; what it points to stays the payload's. */
static cb_status read_order(cb_loop_start *start, const cb_buffer *payload, cb_error *error)
{
    if (payload == NULL || !cb_loop_order_read(&start->order, payload->data, payload->size))
        return cb_fail(error, CB_FORMAT, "malformed command");
    const cb_loop_order *order = &start->order;
    const uint8_t *rest = payload->data + CB_LOOP_ORDER_SIZE;
    start->text = order->text_size > 0 ? (const char *)rest : NULL;
    start->data = rest + order->text_size;
    start->data_size = payload->size - CB_LOOP_ORDER_SIZE - order->text_size;
    if (order->timeout_ms < -1)
        return cb_fail(error, CB_INVALID, "timeoutMs is %d; it must be -1 or 0..2147483647",
                       order->timeout_ms);
    if (order->timeout_ms >= 0)
        start->options.timeout_ns = order->timeout_ms > 0 ? order->timeout_ms * MS : NO_TIME_NS;
    return CB_OK;
}

static cb_status check_numbers(const cb_loop_service *service, const cb_loop_order *order,
                               const operation *what, cb_error *error)
{
    int64_t most = service->actor.core->options.limits.max_object - 2 * (int64_t)CB_LOOP_PEER_SIZE;
    long long size = (long long)order->size;
    if (order->offset < 0)
        return cb_fail(error, CB_INVALID, "offset is %lld; it must not be negative",
                       (long long)order->offset);
    if (what->start == cb_start_timeout && (size < 0 || size > INT32_MAX))
        return cb_fail(error, CB_INVALID, "ms is %lld; it must be 0..2147483647", size);
    if (what->start == cb_start_open && order->flags >= 2 * CB_FILE_DIRECTORY)
        return cb_fail(error, CB_INVALID, "mode %u is no sum of modes", order->flags);
    if (what->start == cb_start_poll && (order->flags < 1 || order->flags >= 2 * CB_POLL_ERROR))
        return cb_fail(error, CB_INVALID, "events are %u; they must be 1..7", order->flags);
    if (what->start == cb_start_sendfile && size < CB_SEND_ENTIRE_FILE)
        return cb_fail(error, CB_INVALID, "size is %lld; it must be -1 (all) or more", size);
    if (what->start == cb_start_open && (size < 0 || size > CB_PERMIT_ALL))
        return cb_fail(error, CB_INVALID, "permissions are %lld; they must be 0..511", size);
    if (what->fills && (size < 0 || size > most))
        return cb_fail(error, CB_INVALID, "size is %lld; it must be 0..%lld (CALLBOARD_MAX_OBJECT)",
                       size, (long long)most);
    return CB_OK;
}

static cb_status check(const cb_loop_service *service, cb_loop_start *start, const operation *what,
                       cb_error *error)
{
    const cb_limits *limits = &service->actor.core->options.limits;
    cb_status status = CB_OK;
    if (what->needs != NEEDS_NOTHING)
        status = find_handle(service, start->order.handle, what->needs, &start->handle, error);
    if (status == CB_OK && what->start == cb_start_sendfile)
        status = find_handle(service, start->order.file, NEEDS_FILE, &start->file, error);
    if (status == CB_OK)
        status = check_numbers(service, &start->order, what, error);
    if (status == CB_OK && what->has_address)
        status = read_endpoint(start, error);
    if (status == CB_OK && what->has_path && start->text == NULL)
        status = cb_fail(error, CB_FORMAT, "malformed command");
    if (status != CB_OK)
        return status;
    if (service->task_count >= limits->max_loop_ops)
        return cb_fail(error, CB_LIMIT, "too many operations (CALLBOARD_MAX_LOOP_OPS)");
    if (what->makes_handle && service->handle_count >= limits->max_loop_handles)
        return cb_fail(error, CB_LIMIT, "too many sockets and files (CALLBOARD_MAX_LOOP_HANDLES)");
    return CB_OK;
}

/* -- starting an operation -- */

/* A datagram's sender stands in front of its bytes. */
static int32_t event_kind(const operation *what, const cb_loop_handle *handle)
{
    bool datagram = handle != NULL && handle->kind == CB_HANDLE_DATAGRAMS;
    return datagram && what->kind == CB_NBIO_RECV ? CB_LOOP_KIND_RECV_FROM : what->kind;
}

static cb_loop_task *make_task(cb_loop_service *service, const cb_loop_start *start,
                               const operation *what, cb_error *error)
{
    const cb_loop_order *order = &start->order;
    size_t room = what->fills ? (size_t)order->size : CB_LOOP_STAT_SIZE;
    int64_t bytes = (int64_t)start->data_size + (what->fills ? order->size : 0);
    if (bytes > service->actor.core->options.limits.max_loop_bytes - service->bytes) {
        (void)cb_fail(error, CB_LIMIT, "too many bytes in operations (CALLBOARD_MAX_LOOP_BYTES)");
        return NULL;
    }
    cb_loop_task *task = cb_task_new(service, event_kind(what, start->handle), room);
    if (task == NULL) {
        (void)cb_fail(error, CB_NO_MEMORY, "out of memory");
        return NULL;
    }
    (void)cb_task_charge(task, bytes); /* looked at above */
    task->callback = order->callback;
    task->handle = order->handle;
    task->makes_handle = what->makes_handle;
    service->handle_count += what->makes_handle;
    if (start->file != NULL) {
        task->file = start->file->id;
        start->file->lent++;
    }
    return task;
}

/* Takes over the payload. */
static cb_status start_operation(cb_loop_service *service, const cb_message *message,
                                 const operation *what, int64_t *id, cb_error *error)
{
    cb_loop_start start = {.text = NULL};
    cb_buffer *payload = cb_message_payload(message);
    cb_loop_task *task = NULL;
    cb_status status = read_order(&start, payload, error);
    if (status == CB_OK)
        status = check(service, &start, what, error);
    if (status == CB_OK) {
        task = make_task(service, &start, what, error);
        status = task != NULL ? CB_OK : error->status;
    }
    if (status != CB_OK) {
        cb_buffer_release(payload);
        return status;
    }
    *id = task->id;
    task->cause = message->cause;
    task->data = payload;
    if (!cb_loop_service_may_start(service, task->kind)) {
        cb_task_free(task);
        return CB_OK;
    }
    if (service->stopping)
        task->callback = CB_LOOP_NO_CALLBACK;
    task->op = what->start(task, &start);
    if (task->op == NULL) {
        cb_task_free(task);
        return cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    task->op->user_data = task;
    return CB_OK;
}

/* -- commands that answer at once -- */

static cb_status open_socket(cb_loop_service *service, const cb_message *message, int64_t *id,
                             cb_error *error)
{
    cb_loop *loop = service->actor.loop;
    bool listens = message->status == CB_LOOP_LISTEN;
    cb_loop_start start = {.text = NULL};
    cb_socket socket = CB_NO_SOCKET;
    cb_status status = read_order(&start, cb_message_payload(message), error);
    if (status == CB_OK)
        status = read_endpoint(&start, error);
    if (status == CB_OK &&
        service->handle_count >= service->actor.core->options.limits.max_loop_handles)
        status =
            cb_fail(error, CB_LIMIT, "too many sockets and files (CALLBOARD_MAX_LOOP_HANDLES)");
    if (status == CB_OK && listens) {
        status = cb_listen_tcp(loop, &start.endpoint, 0, &socket, error);
    } else if (status == CB_OK) {
        status = cb_create_socket(loop, (cb_family)start.endpoint.family, CB_PROTOCOL_UDP, &socket,
                                  error);
        if (status == CB_OK)
            status = cb_bind(socket, &start.endpoint, error);
    }
    cb_loop_handle *handle = NULL;
    if (status == CB_OK) {
        handle = cb_handle_new(service, listens ? CB_HANDLE_SOCKET : CB_HANDLE_DATAGRAMS, socket);
        status = handle != NULL ? CB_OK : cb_fail(error, CB_NO_MEMORY, "out of memory");
    }
    if (status == CB_OK)
        *id = handle->id;
    else if (socket != CB_NO_SOCKET)
        cb_descriptor_drop(loop, socket);
    return status;
}

static cb_status remove_operation(cb_loop_service *service, int64_t id, cb_error *error)
{
    if (id < 1 || id > service->last_task)
        return cb_fail(error, CB_UNKNOWN, "no operation %lld", (long long)id);
    cb_loop_task *task = cb_task_find(service, id);
    if (task != NULL)
        cb_task_remove(task);
    return CB_OK;
}

static cb_status bound_port(cb_loop_service *service, int64_t id, int64_t *port, cb_error *error)
{
    cb_loop_handle *handle;
    cb_endpoint endpoint = {.port = 0};
    cb_status status = find_handle(service, id, NEEDS_SOCKET, &handle, error);
    if (status == CB_OK)
        status = cb_bound_endpoint(handle->descriptor, &endpoint, error);
    *port = endpoint.port;
    return status;
}

/* Everything that is no operation, but RUN. */
static cb_status answer_command(cb_loop_service *service, const cb_message *message, int64_t *value,
                                cb_error *error)
{
    switch (message->status) {
    case CB_LOOP_LISTEN:
    case CB_LOOP_UDP_SOCKET:
        return open_socket(service, message, value, error);
    case CB_LOOP_REMOVE:
        return remove_operation(service, message->value, error);
    case CB_LOOP_NUM_WAITING:
        *value = service->task_count;
        return CB_OK;
    case CB_LOOP_NOW:
        *value = cb_loop_now(service->actor.loop);
        return CB_OK;
    case CB_LOOP_BOUND_PORT:
        return bound_port(service, message->value, value, error);
    default:
        return cb_fail(error, CB_UNSUPPORTED, "the event loop has no command %d", message->status);
    }
}

void cb_loop_service_order(cb_loop_service *service, const cb_message *message)
{
    const size_t count = sizeof operations / sizeof operations[0];
    int64_t value = 0;
    cb_status status;
    cb_error error = {.status = CB_OK};
    if (message->status == CB_LOOP_RUN) {
        cb_buffer_release(cb_message_payload(message));
        cb_loop_service_wait(service, message);
        return;
    }
    if (message->status >= 0 && (size_t)message->status < count &&
        operations[message->status].start != NULL) {
        status = start_operation(service, message, &operations[message->status], &value, &error);
    } else {
        status = answer_command(service, message, &value, &error);
        cb_buffer_release(cb_message_payload(message));
    }
    /* At the end the actor closes everything: whoever comes too late has made no mistake. */
    if (status == CB_OK || (status == CB_UNKNOWN && service->stopping))
        cb_loop_service_answer(service, message, CB_OK, value, NULL);
    else
        answer_failure(service, message, &error);
}
