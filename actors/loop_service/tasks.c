/* Tasks: what scripts have asked for, from the order to the end of its callback; see service.h. */
#include <assert.h>
#include <stdlib.h>

#include "actors/loop_service/service.h"

/* -- making and freeing -- */

cb_loop_task *cb_task_new(cb_loop_service *service, int32_t kind, size_t room)
{
    cb_loop_task *task = calloc(1, sizeof *task);
    if (task == NULL)
        return NULL;
    *task = (cb_loop_task){.service = service,
                           .id = service->last_task + 1,
                           .kind = kind,
                           .callback = CB_LOOP_NO_CALLBACK,
                           .step_file = CB_NO_FILE,
                           .next = service->tasks};
    size_t head = cb_loop_bytes_offset(kind);
    task->event = cb_buffer_new(head, head + room);
    if (task->event == NULL ||
        cb_address_map_insert(&service->tasks_by_id, (uint64_t)task->id, task) != CB_OK) {
        cb_buffer_release(task->event);
        free(task);
        return NULL;
    }
    service->last_task++;
    service->task_count++;
    if (task->next != NULL)
        task->next->previous = task;
    service->tasks = task;
    return task;
}

cb_loop_task *cb_task_find(const cb_loop_service *service, int64_t id)
{
    return id < 1 ? NULL : cb_address_map_find(&service->tasks_by_id, (uint64_t)id);
}

/* Takes a task off the line of those that wait for their turn. */
static void unlink_done(cb_loop_service *service, cb_loop_task *task)
{
    if (task->previous_done != NULL)
        task->previous_done->next_done = task->next_done;
    else
        service->done_first = task->next_done;
    if (task->next_done != NULL)
        task->next_done->previous_done = task->previous_done;
    else
        service->done_last = task->previous_done;
    task->next_done = task->previous_done = NULL;
}

/* What the task needs only while its op is in flight. */
static void let_go(cb_loop_task *task)
{
    cb_loop_service *service = task->service;
    cb_loop_handle *file = cb_handle_find(service, task->file);
    if (file != NULL) {
        assert(file->lent > 0);
        file->lent--;
    }
    task->file = 0;
    if (task->makes_handle) {
        assert(service->handle_count > 0);
        service->handle_count--;
    }
    task->makes_handle = false;
    cb_buffer_release(task->data);
    task->data = NULL;
    if (task->step_file != CB_NO_FILE)
        cb_descriptor_drop(service->actor.loop, task->step_file);
    task->step_file = CB_NO_FILE;
}

void cb_task_free(cb_loop_task *task)
{
    cb_loop_service *service = task->service;
    cb_op_remove(&task->op);
    let_go(task);
    if (task->state == CB_TASK_DONE)
        unlink_done(service, task);
    if (task->previous != NULL)
        task->previous->next = task->next;
    else
        service->tasks = task->next;
    if (task->next != NULL)
        task->next->previous = task->previous;
    (void)cb_address_map_remove(&service->tasks_by_id, (uint64_t)task->id);
    assert(service->task_count > 0 && service->bytes >= task->bytes);
    service->task_count--;
    service->bytes -= task->bytes;
    cb_buffer_release(task->event);
    free(task);
}

void cb_task_remove(cb_loop_task *task)
{
    cb_loop_service *service = task->service;
    if (task->state == CB_TASK_HANDED)
        return; /* its callback has begun, or is about to */
    if (task->state == CB_TASK_PENDING && task->kind == CB_NBIO_CLOSE) {
        task->callback = CB_LOOP_NO_CALLBACK; /* a close can't be taken back */
        return;
    }
    int64_t made = task->made;
    cb_task_free(task);
    cb_handle_close(service, made);
}

cb_status cb_task_charge(cb_loop_task *task, int64_t bytes)
{
    cb_loop_service *service = task->service;
    int64_t most = service->actor.core->options.limits.max_loop_bytes;
    assert(bytes >= 0 && service->bytes <= most);
    if (bytes > most - service->bytes)
        return CB_LIMIT;
    service->bytes += bytes;
    task->bytes += bytes;
    return CB_OK;
}

/* -- events -- */

uint8_t *cb_task_bytes(const cb_loop_task *task)
{
    return task->event->data + cb_loop_bytes_offset(task->kind);
}

void cb_task_set_bytes(cb_loop_task *task, size_t size)
{
    size_t head = cb_loop_bytes_offset(task->kind);
    assert(size <= task->event->capacity - head);
    task->event->size = head + size;
}

void cb_task_set_peer(cb_loop_task *task, const cb_endpoint *peer)
{
    cb_loop_peer written = {.family = peer->family, .port = peer->port, .scope = peer->scope};
    assert(cb_loop_bytes_offset(task->kind) == CB_LOOP_EVENT_SIZE + CB_LOOP_PEER_SIZE);
    for (size_t i = 0; i < sizeof written.address; i++)
        written.address[i] = peer->address[i];
    cb_loop_peer_write(&written, task->event->data + CB_LOOP_EVENT_SIZE);
}

/* Hands out the event of the task that was done first, unless another's callback is not over. */
static void hand_next(cb_loop_service *service)
{
    cb_loop_task *task = service->done_first;
    if (task == NULL || service->handed != NULL)
        return;
    unlink_done(service, task);
    task->state = CB_TASK_HANDED;
    service->handed = task;
    cb_message record = cb_loop_service_record(service, CB_MSG_REQUEST_READY, task->cause);
    record.flags = CB_FLAG_NEW;
    record.job = (uint64_t)task->callback;
    record.value = (int64_t)task->event->size;
    record.payload = cb_payload_handle(task->event);
    task->event = NULL;
    cb_loop_actor_post(&service->actor, &record);
}

void cb_task_done(cb_loop_task *task, cb_io_error error, int64_t value)
{
    cb_loop_service *service = task->service;
    assert(task->state == CB_TASK_PENDING && task->op == NULL);
    const cb_loop_event event = {.operation = task->id,
                                 .kind = task->kind,
                                 .error = (int32_t)error,
                                 .value = value,
                                 .handle = task->made != 0 ? task->made : task->handle};
    let_go(task);
    if (task->callback == CB_LOOP_NO_CALLBACK) {
        int64_t made = task->made;
        cb_task_free(task);
        cb_handle_close(service, made);
        return;
    }
    cb_loop_event_write(&event, task->event->data);
    task->state = CB_TASK_DONE;
    task->previous_done = service->done_last;
    if (service->done_last != NULL)
        service->done_last->next_done = task;
    else
        service->done_first = task;
    service->done_last = task;
    hand_next(service);
}

void cb_task_callback_over(cb_loop_service *service, bool was_run)
{
    cb_loop_task *task = service->handed;
    if (task == NULL)
        return;
    service->handed = NULL;
    int64_t made = was_run ? 0 : task->made;
    cb_task_free(task);
    cb_handle_close(service, made);
    hand_next(service);
}

void cb_tasks_take_file_back(cb_loop_service *service, int64_t file)
{
    cb_loop_task *next;
    for (cb_loop_task *task = service->tasks; task != NULL; task = next) {
        next = task->next;
        if (task->state != CB_TASK_PENDING || task->file != file)
            continue;
        int64_t sent = task->op != NULL ? task->op->sendfile.sent : 0;
        cb_op_remove(&task->op);
        cb_task_done(task, CB_IO_CANCELED, sent);
    }
}
