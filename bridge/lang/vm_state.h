/* The inside of a machine; only for the files vm*.c. */
#ifndef CALLBOARD_LANG_VM_STATE_H
#define CALLBOARD_LANG_VM_STATE_H

#include "bridge/lang/ast.h"
#include "bridge/lang/bytecode.h"
#include "bridge/lang/object.h"
#include "bridge/lang/vm.h"

/* Instructions between two calls of the check hook: about 20 us of a simple loop. */
#define CB_VM_BUDGET      20000
/* The cost of a verb's call in instructions, beside the bytes that it moves. */
#define CB_VM_VERB_CHARGE 100
/* Bytes that can be moved in the time of one instruction. */
#define CB_VM_BYTES_EACH  8

typedef union cb_slot {
    int64_t i; /* integers; a reference: the number of a slot of the stack */
    double d;
} cb_slot;

/* The caller's state, which a return restores. */
typedef struct cb_frame {
    const cb_insn *pc; /* where the caller goes on */
    cb_slot *r;
    cb_object *o;
    uint64_t result; /* the caller's register for the result */
} cb_frame;

/* A verb's call in progress; `call` comes first, so that a pointer to it is a pointer to this
 * struct. */
typedef struct cb_vm_call {
    cb_call call;
    cb_vm *vm;
    const cb_verb_use *use;
    cb_buffer *result; /* of a string or blob verb */
    bool failed;       /* the verb called host->fail: vm->message holds the sentence */
    cb_value values[CB_MAX_ARGUMENTS];
    cb_object *objects[CB_MAX_ARGUMENTS]; /* of each string or blob that is no constant */
    cb_buffer *constants[CB_MAX_ARGUMENTS];
    cb_buffer *pins[CB_MAX_ARGUMENTS]; /* kept alive while the verb may change a variable */
    bool is_ref[CB_MAX_ARGUMENTS];
} cb_vm_call;

struct cb_vm {
    cb_vm_options options;
    cb_heap heap;
    cb_slot *slots;
    cb_slot *slots_end;
    cb_frame *frames;
    cb_frame *frames_end;
    cb_object *objects;
    cb_object *objects_end;
    cb_object *object_top; /* the first free object */
    cb_object request;     /* the object that a callback's blob refers to */
    const cb_program *program;
    /* Where the run stopped; set before anything that may fail. */
    const cb_insn *pc;
    cb_frame *frame;
    int64_t debt; /* work charged by host functions, in instructions */
    char message[CB_ERROR_TEXT_SIZE];
    cb_vm_call call;
};

/* Runs from the function's first instruction to its end. vm->frame is the frame below it, and the
 * arguments are in place; *result is the function's result. On failure vm->message, vm->pc and
 * vm->frame say why and where; the caller releases the objects. */
cb_status cb_vm_execute(cb_vm *vm, const cb_function *function, cb_slot *result);

/* Writes the message for a failure of an object function; returns `status`. */
cb_status cb_vm_object_failed(cb_vm *vm, cb_status status);
/* Writes the message for a failure; returns `status`. */
cb_status cb_vm_fail(cb_vm *vm, cb_status status, const char *format, ...) CB_PRINTF_LIKE(3, 4);

/* The slow part of calls. `insn` is the call; its ARGs follow. */
cb_status cb_vm_push_objects(cb_vm *vm, const cb_insn *insn, const cb_function *callee,
                             cb_object *o);
cb_status cb_vm_call_verb(cb_vm *vm, const cb_insn *insn, cb_slot *r, cb_object *o);
void cb_vm_pop_objects(cb_vm *vm, cb_object *first);

/* Writes the message for an index that is out of range. */
cb_status cb_vm_bad_index(cb_vm *vm, int64_t index, const cb_object *object);
/* Fields of an overlay. */
cb_status cb_vm_get_field(cb_vm *vm, const cb_insn *insn, cb_slot *r, cb_object *o);
cb_status cb_vm_set_field(cb_vm *vm, const cb_insn *insn, const cb_slot *r, cb_object *o);
/* Converts to an integer type; a value out of its range fails. */
cb_status cb_vm_real_to_integer(cb_vm *vm, double value, cb_type type, int64_t *out);

/* Writes why and where the run stopped. */
void cb_vm_describe(const cb_vm *vm, cb_status status, cb_vm_error *error);

#endif
