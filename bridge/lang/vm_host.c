/* The value part of the table of functions that plugins are given. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bridge/lang/format.h"
#include "bridge/lang/vm_state.h"

static cb_vm_call *call_of(const cb_call *call)
{
    return (cb_vm_call *)(uintptr_t)call;
}

cb_vm *cb_call_vm(cb_call *call)
{
    return call_of(call)->vm;
}

uint8_t cb_call_name_space(const cb_call *call)
{
    return call_of(call)->use->name_space;
}

cb_status cb_vm_host_fail(cb_call *call, cb_status status, const char *format, ...)
{
    cb_vm_call *inside = call_of(call);
    char text[CB_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    inside->failed = true;
    /* A plugin that fails with "ok" would go on as if nothing had happened. */
    return cb_vm_fail(inside->vm, status != CB_OK ? status : CB_SCRIPT, "%.200s: %s",
                      inside->use->name, text);
}

cb_status cb_vm_host_return_bytes(cb_call *call, const void *bytes, size_t size)
{
    cb_vm *vm = call_of(call)->vm;
    if (size > vm->heap.most_bytes) {
        return cb_vm_host_fail(call, CB_LIMIT, "the result would be longer than %zu bytes",
                               vm->heap.most_bytes);
    }
    /* One byte more, so that a string's NUL needs no second copy. */
    cb_buffer *copy = cb_buffer_new(0, size + 1);
    if (copy == NULL) {
        return cb_vm_host_fail(call, CB_NO_MEMORY, "%s", cb_buffer_why_not());
    }
    if (size != 0) {
        memcpy(copy->data, bytes, size);
    }
    copy->size = size;
    cb_vm_charge(vm, size);
    return cb_vm_host_return_buffer(call, copy);
}

cb_status cb_vm_host_return_buffer(cb_call *call, cb_buffer *buffer)
{
    cb_vm_call *inside = call_of(call);
    cb_buffer_release(inside->result);
    inside->result = buffer;
    return CB_OK;
}

cb_buffer *cb_vm_host_argument_buffer(cb_call *call, uint32_t index)
{
    cb_vm_call *inside = call_of(call);
    if (index >= call->argc) {
        return NULL;
    }
    if (inside->objects[index] != NULL) {
        /* What was passed by value is what it was at the call, whatever the verb changed since. */
        if (inside->pins[index] != NULL && (inside->pins[index]->flags & CB_BUFFER_FOREIGN) == 0) {
            return cb_buffer_retain(inside->pins[index]);
        }
        return cb_object_share(&inside->vm->heap, inside->objects[index]);
    }
    if (inside->constants[index] != NULL) {
        return cb_buffer_retain(inside->constants[index]);
    }
    return cb_buffer_copy(call->args[index].data, call->args[index].size);
}

cb_status cb_vm_host_resize_argument(cb_call *call, uint32_t index, size_t size, uint8_t **data)
{
    cb_vm_call *inside = call_of(call);
    *data = NULL;
    if (index >= call->argc || !inside->is_ref[index]) {
        return cb_vm_host_fail(call, CB_INVALID, "argument %u is no ref", index + 1);
    }
    cb_object *object = inside->objects[index];
    cb_status status = cb_object_resize(&inside->vm->heap, object, size, data);
    if (status != CB_OK) {
        cb_vm_object_failed(inside->vm, status);
        inside->failed = true;
        return status;
    }
    /* The same variable may have been passed twice. */
    for (uint32_t i = 0; i < call->argc; i++) {
        if (inside->is_ref[i] && inside->objects[i] == object) {
            inside->values[i].data = *data;
            inside->values[i].size = size;
        }
    }
    return CB_OK;
}

cb_status cb_vm_host_format(cb_call *call, uint32_t format_index, cb_buffer **text)
{
    cb_vm_call *inside = call_of(call);
    *text = NULL;
    if (format_index >= call->argc) {
        return cb_vm_host_fail(call, CB_INVALID, "the format is missing");
    }
    const cb_value *format = &call->args[format_index];
    cb_error error;
    cb_status status =
        cb_format((const char *)format->data, format->size, format + 1,
                  call->argc - format_index - 1, inside->vm->heap.most_bytes, text, &error);
    if (status != CB_OK) {
        return cb_vm_host_fail(call, status, "%s", error.text);
    }
    cb_vm_charge(inside->vm, (*text)->size);
    return CB_OK;
}
