/* Sockets and files of scripts: numbers of ours in front of descriptors. */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/loop_service/service.h"

cb_loop_handle *cb_handle_new(cb_loop_service *service, cb_handle_kind kind, int descriptor)
{
    assert(descriptor >= 0);
    cb_loop_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL)
        return NULL;
    *handle = (cb_loop_handle){.id = service->last_handle + 1,
                               .kind = kind,
                               .descriptor = descriptor,
                               .next = service->handles};
    if (cb_address_map_insert(&service->handles_by_id, (uint64_t)handle->id, handle) != CB_OK) {
        free(handle);
        return NULL;
    }
    service->last_handle++;
    service->handle_count++;
    if (handle->next != NULL)
        handle->next->previous = handle;
    service->handles = handle;
    return handle;
}

cb_loop_handle *cb_handle_find(const cb_loop_service *service, int64_t id)
{
    return id < 1 ? NULL : cb_address_map_find(&service->handles_by_id, (uint64_t)id);
}

int cb_handle_forget(cb_loop_service *service, cb_loop_handle *handle)
{
    int descriptor = handle->descriptor;
    (void)cb_address_map_remove(&service->handles_by_id, (uint64_t)handle->id);
    if (handle->previous != NULL)
        handle->previous->next = handle->next;
    else
        service->handles = handle->next;
    if (handle->next != NULL)
        handle->next->previous = handle->previous;
    assert(service->handle_count > 0);
    service->handle_count--;
    free(handle);
    return descriptor;
}

void cb_descriptor_drop(cb_loop *loop, int descriptor)
{
    if (cb_close(loop, descriptor, NULL) != NULL)
        return;
    /* Without memory for an op. */
    cb_loop_forget(loop, descriptor);
    (void)close(descriptor);
}

static void on_closed(cb_op *op)
{
    cb_loop_service *service = op->user_data;
    assert(service->closing > 0);
    service->closing--;
    cb_loop_service_settle(service);
}

void cb_handle_close(cb_loop_service *service, int64_t id)
{
    cb_loop_handle *handle = cb_handle_find(service, id);
    if (handle == NULL)
        return;
    if (handle->lent > 0)
        cb_tasks_take_file_back(service, id);
    int descriptor = cb_handle_forget(service, handle);
    cb_op *op = cb_close(service->actor.loop, descriptor, on_closed);
    if (op == NULL) {
        cb_descriptor_drop(service->actor.loop, descriptor);
        return;
    }
    op->user_data = service;
    service->closing++;
}
