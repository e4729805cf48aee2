/* Making a machine, entering and leaving runs, wording errors. */
#include "bridge/lang/vm.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lang/diagnostics.h"
#include "bridge/lang/vm_state.h"

cb_status cb_vm_new(const cb_vm_options *options, cb_vm **vm)
{
    *vm = NULL;
    const cb_limits *limits = &options->limits;
    if (limits->vm_stack_kib <= 0 || limits->vm_depth <= 0 || limits->max_object <= 0) {
        return CB_INVALID;
    }
    cb_vm *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return CB_NO_MEMORY;
    }
    made->options = *options;
    made->heap.most_bytes = (size_t)limits->max_object;
    /* Half a stack more for objects: a string or blob variable takes what six scalars take. None of
     * it is touched before it is used, so an idle machine is small. */
    size_t bytes = (size_t)limits->vm_stack_kib * 1024;
    size_t slots = bytes / sizeof(cb_slot);
    size_t objects = bytes / 2 / sizeof(cb_object);
    size_t frames = (size_t)limits->vm_depth + 1;
    made->slots = malloc(slots * sizeof *made->slots);
    made->objects = malloc(objects * sizeof *made->objects);
    made->frames = malloc(frames * sizeof *made->frames);
    if (made->slots == NULL || made->objects == NULL || made->frames == NULL) {
        cb_vm_free(&made);
        return CB_NO_MEMORY;
    }
    made->slots_end = made->slots + slots;
    made->objects_end = made->objects + objects;
    made->object_top = made->objects;
    made->frames_end = made->frames + frames;
    *vm = made;
    return CB_OK;
}

void cb_vm_free(cb_vm **vm)
{
    if (*vm == NULL) {
        return;
    }
    assert((*vm)->program == NULL);
    free((*vm)->slots);
    free((*vm)->objects);
    free((*vm)->frames);
    free(*vm);
    *vm = NULL;
}

void *cb_vm_user(const cb_vm *vm)
{
    return vm->options.user;
}

const cb_program *cb_vm_program(const cb_vm *vm)
{
    return vm->program;
}

void cb_vm_charge(cb_vm *vm, size_t bytes)
{
    vm->debt += (int64_t)(bytes / CB_VM_BYTES_EACH);
}

cb_status cb_vm_fail(cb_vm *vm, cb_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(vm->message, sizeof vm->message, format, arguments);
    va_end(arguments);
    return status;
}

cb_status cb_vm_object_failed(cb_vm *vm, cb_status status)
{
    switch (status) {
    case CB_NO_MEMORY:
        return cb_vm_fail(vm, status, "%s", cb_buffer_why_not());
    case CB_LIMIT:
        return cb_vm_fail(vm, status, "a string or blob would be longer than %zu bytes",
                          vm->heap.most_bytes);
    default:
        return cb_vm_fail(vm, status, "%s", cb_status_text(status));
    }
}

cb_status cb_vm_bad_index(cb_vm *vm, int64_t index, const cb_object *object)
{
    return cb_vm_fail(vm, CB_SCRIPT, "index %lld is out of range: the length is %zu",
                      (long long)index, cb_object_size(object));
}

static uint32_t add_place(const cb_program *program, const cb_insn *insn, cb_vm_error *error)
{
    const cb_function *function = cb_program_function_at(program, insn);
    if (function == NULL) {
        return error->frame_count;
    }
    if (error->frame_count < CB_VM_ERROR_FRAMES) {
        cb_vm_place *place = &error->frames[error->frame_count];
        const cb_line *line = &program->lines[insn - program->code];
        snprintf(place->function, sizeof place->function, "%s", function->name);
        place->line = line->line;
        place->column = line->column;
    }
    return ++error->frame_count;
}

void cb_vm_describe(const cb_vm *vm, cb_status status, cb_vm_error *error)
{
    error->status = status;
    snprintf(error->file, sizeof error->file, "%s", vm->program->path);
    memcpy(error->message, vm->message, sizeof error->message);
    error->frame_count = 0;
    add_place(vm->program, vm->pc, error);
    /* frames[0] leads back to the caller of the machine. */
    for (const cb_frame *frame = vm->frame; frame > vm->frames; frame--) {
        add_place(vm->program, frame->pc - 1, error);
    }
    error->line = error->frame_count > 0 ? error->frames[0].line : 0;
    error->column = error->frame_count > 0 ? error->frames[0].column : 0;
}

/* An error that comes before the first instruction. */
static cb_status refuse(cb_vm_error *error, const cb_program *program, cb_status status,
                        const char *message)
{
    memset(error, 0, sizeof *error);
    error->status = status;
    snprintf(error->file, sizeof error->file, "%s", program->path);
    snprintf(error->message, sizeof error->message, "%s", message);
    return status;
}

/* Runs the function with its objects (all of them, or a callback's blob) made ready. */
static cb_status run(cb_vm *vm, const cb_program *program, const cb_function *function,
                     cb_slot *result, cb_vm_error *error)
{
    assert(vm->program == NULL);
    if (function->object_count > (size_t)(vm->objects_end - vm->objects)) {
        return refuse(error, program, CB_LIMIT, "too many strings and blobs in one function");
    }
    vm->program = program;
    vm->frame = vm->frames;
    vm->pc = function->code;
    vm->heap.bytes_moved = 0;
    vm->debt = 0;
    memset(vm->objects, 0, function->object_count * sizeof *vm->objects);
    for (uint32_t i = 0; i < function->object_count; i++) {
        vm->objects[i].is_string = function->object_kinds[i] == CB_KIND_STRING;
    }
    if (function->is_callback) {
        vm->objects[0].target = &vm->request;
    }
    vm->object_top = vm->objects + function->object_count;
    cb_status status = cb_vm_execute(vm, function, result);
    if (status != CB_OK) {
        cb_vm_describe(vm, status, error);
        cb_vm_pop_objects(vm, vm->objects);
    }
    assert(vm->object_top == vm->objects);
    vm->program = NULL;
    return status;
}

cb_status cb_vm_run_main(cb_vm *vm, const cb_program *program, int *exit_status, cb_vm_error *error)
{
    *exit_status = 0;
    if (program->main_index == CB_NO_MAIN) {
        return refuse(error, program, CB_INVALID, "the script has no main");
    }
    const cb_function *function = &program->functions[program->main_index];
    cb_slot result = {.i = 0};
    cb_status status = run(vm, program, function, &result, error);
    if (status == CB_OK && function->result == CB_KIND_INT) {
        *exit_status = (int)(result.i & 255);
    }
    return status;
}

cb_status cb_vm_run_callback(cb_vm *vm, const cb_program *program, int64_t entry, cb_buffer **blob,
                             bool *written, int32_t *returned, cb_vm_error *error)
{
    cb_buffer *request = *blob;
    *blob = NULL;
    *written = false;
    *returned = 0;
    if (entry < 0 || (uint64_t)entry >= program->callback_count) {
        cb_buffer_release(request);
        return refuse(error, program, CB_INVALID, "no such callback");
    }
    const cb_function *function = &program->functions[program->callbacks[entry]];
    memset(&vm->request, 0, sizeof vm->request);
    vm->request.bytes = request;
    vm->request.capacity = request != NULL ? request->size : 0;
    cb_slot result = {.i = 0};
    cb_status status = run(vm, program, function, &result, error);
    if (status == CB_OK) {
        *blob = vm->request.bytes;
        vm->request.bytes = NULL;
        *written = vm->request.written;
        *returned = (int32_t)result.i;
    } else {
        cb_object_clear(&vm->request);
    }
    return status;
}

void cb_vm_error_text(const cb_vm_error *error, char *text, size_t size)
{
    if (error->line == 0) {
        snprintf(text, size, "%s: runtime error: %s", error->file, error->message);
        return;
    }
    snprintf(text, size, "%s:%u:%u: runtime error: %s", error->file, error->line, error->column,
             error->message);
}

/* The message may quote what a client sent: that neither ends the line nor commands a terminal. */
static void print_line(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7F) {
            fprintf(out, "\\x%02x", byte);
        } else {
            fputc(byte, out);
        }
    }
    fputc('\n', out);
}

void cb_vm_error_print(const cb_vm_error *error, const cb_source *source, FILE *out)
{
    char text[sizeof error->file + CB_ERROR_TEXT_SIZE + 64];
    cb_vm_error_text(error, text, sizeof text);
    print_line(text, out);
    if (source != NULL) {
        cb_diagnostics_print_excerpt(source, error->line, error->column, out);
    }
    for (uint32_t i = 0; i < error->frame_count && i < CB_VM_ERROR_FRAMES; i++) {
        const cb_vm_place *place = &error->frames[i];
        fprintf(out, "  %s %s at %s:%u:%u\n", i == 0 ? "in" : "called from", place->function,
                error->file, place->line, place->column);
    }
    if (error->frame_count > CB_VM_ERROR_FRAMES) {
        fprintf(out, "  and %u calls more\n", error->frame_count - CB_VM_ERROR_FRAMES);
    }
}
