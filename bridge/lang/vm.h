/* The virtual machine: runs main or one callback of a program on the calling thread.
 *
 * A machine is made once for a thread and used again for every run, so that a callback costs no
 * allocation of frames. It knows nothing of actors: the host's table gives verbs what they need,
 * and the check hook says whether to go on.
 *
 * Threads: a machine belongs to one thread at a time; programs are shared by all.
 */
#ifndef CALLBOARD_LANG_VM_H
#define CALLBOARD_LANG_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bridge/lang/program.h"
#include "bridge/lang/source.h"
#include "callboard/buffer.h"
#include "callboard/limits.h"
#include "callboard/plugin.h"
#include "callboard/status.h"

typedef struct cb_vm cb_vm;

typedef struct cb_vm_options {
    cb_limits limits; /* vm_stack_kib, vm_depth, max_object */
    /* Called after about every 20 us of running, and at least once in a run that loops. A status
     * other than CB_OK ends the run with this status. NULL: never stop. */
    cb_status (*check)(void *user);
    /* Called before a verb that is flagged CB_VERB_BLOCKS; may be NULL. */
    void (*before_block)(void *user);
    void *user;
    const cb_host *host; /* the table for verbs; must outlive the machine */
} cb_vm_options;

#define CB_VM_ERROR_FRAMES 16
#define CB_VM_NAME_SIZE    64

typedef struct cb_vm_place {
    char function[CB_VM_NAME_SIZE]; /* cut if longer */
    uint32_t line;                  /* from 1 */
    uint32_t column;
} cb_vm_place;

/* Why a run ended early. Owns nothing. */
typedef struct cb_vm_error {
    cb_status status;
    char file[256]; /* the script's name in errors */
    uint32_t line;  /* 0 if the error has no place */
    uint32_t column;
    char message[CB_ERROR_TEXT_SIZE];
    /* The calls, innermost first. If frame_count is larger than the array, the rest is not kept. */
    cb_vm_place frames[CB_VM_ERROR_FRAMES];
    uint32_t frame_count;
} cb_vm_error;

/* Copies the options. CB_NO_MEMORY, CB_INVALID. */
cb_status cb_vm_new(const cb_vm_options *options, cb_vm **vm);
void cb_vm_free(cb_vm **vm); /* *vm becomes NULL; NULL in it is fine */

/* Runs main to its end. *exit_status = main's result & 255, or 0 for a void main. CB_OK; CB_SCRIPT
 * for a runtime error; CB_LIMIT for one that a limit caused; or the status of the hook or of a verb
 * that ended the run. *error is filled whenever the result is not CB_OK. */
cb_status cb_vm_run_main(cb_vm *vm, const cb_program *program, int *exit_status,
                         cb_vm_error *error);

/* Runs a callback. *blob: first the request's bytes (one reference, taken over; NULL is empty);
 * afterwards the bytes that the callback left in its blob (one reference, the caller's), or NULL
 * after an error. *written: true if the callback ever wrote to its blob. *returned: its i32. Status
 * as above, and CB_INVALID for an unknown entry. */
cb_status cb_vm_run_callback(cb_vm *vm, const cb_program *program, int64_t entry, cb_buffer **blob,
                             bool *written, int32_t *returned, cb_vm_error *error);

/* Prints the error for users: "FILE:LINE:COL: runtime error: MESSAGE", the source line with a caret
 * (source NULL: without it), and one line for each call. Control characters in the message are
 * written as \xNN. */
void cb_vm_error_print(const cb_vm_error *error, const cb_source *source, FILE *out);
/* Writes the first line of this, without its line end, into text[size]; cut if it does not fit. */
void cb_vm_error_text(const cb_vm_error *error, char *text, size_t size);

void *cb_vm_user(const cb_vm *vm); /* as set in the options */
/* The program that is running; NULL between runs. */
const cb_program *cb_vm_program(const cb_vm *vm);

/* -- for the functions of the host's table, during a verb's call -- */
cb_vm *cb_call_vm(cb_call *call);
/* The number that the catalog gave to the called verb's plugin. */
uint8_t cb_call_name_space(const cb_call *call);
/* Charges work that was done for the script (bytes moved) to its budget, so that it still stops
 * promptly. */
void cb_vm_charge(cb_vm *vm, size_t bytes);

/* The functions about values in the host's table (callboard/plugin.h describes each in cb_host). */
cb_status cb_vm_host_fail(cb_call *call, cb_status status, const char *format, ...)
    CB_PRINTF_LIKE(3, 4);
cb_status cb_vm_host_return_bytes(cb_call *call, const void *bytes, size_t size);
cb_status cb_vm_host_return_buffer(cb_call *call, cb_buffer *buffer);
cb_buffer *cb_vm_host_argument_buffer(cb_call *call, uint32_t index);
cb_status cb_vm_host_resize_argument(cb_call *call, uint32_t index, size_t size, uint8_t **data);
cb_status cb_vm_host_format(cb_call *call, uint32_t format_index, cb_buffer **text);

#endif
