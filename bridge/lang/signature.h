/* Signatures of verbs, such as "i64(callback name, i32 timeoutMs, i32 port?)": parsing and
 * printing.
 *
 * The grammar is in callboard/plugin.h. Pure functions; any thread.
 */
#ifndef CALLBOARD_LANG_SIGNATURE_H
#define CALLBOARD_LANG_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/plugin.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CB_SIGNATURE_MAX_PARAMETERS 16u  /* a verb with more should take a struct */
#define CB_SIGNATURE_NAME_SIZE      32u  /* with its NUL */
#define CB_SIGNATURE_TEXT_SIZE      768u /* any signature fits when printed */

typedef struct cb_signature_parameter {
    cb_type type; /* CB_TYPE_CALLBACK for a callback's name; never VOID */
    bool is_ref;  /* a variable that the verb may change: BLOB or STRING only */
    char name[CB_SIGNATURE_NAME_SIZE];
} cb_signature_parameter;

typedef struct cb_signature {
    cb_type result;
    uint32_t parameter_count; /* without `...` */
    uint32_t required_count;  /* so many parameters, from the first on, must be given */
    bool is_variadic;         /* ends with `...` */
    cb_signature_parameter parameters[CB_SIGNATURE_MAX_PARAMETERS];
} cb_signature;

/* CB_FORMAT, and a sentence that says what is wrong and where. */
CB_PUBLIC cb_status cb_signature_parse(const char *text, cb_signature *signature, cb_error *error);

/* Prints "i64(callback name, i32 timeoutMs, i32 port?)"; cut to `size` bytes with the NUL. */
CB_PUBLIC void cb_signature_print(const cb_signature *signature, char *text, size_t size);
/* The parameter types alone, as error texts show them: "(callback, i32, [i32])". */
CB_PUBLIC void cb_signature_print_types(const cb_signature *signature, char *text, size_t size);

/* "i32"; an unknown number gives "?". Never NULL. */
CB_PUBLIC const char *cb_type_name(cb_type type);
/* Finds a type by its spelling of `length` bytes; CB_TYPE_COUNT if there is none. */
CB_PUBLIC cb_type cb_type_find(const char *name, size_t length);

#ifdef __cplusplus
}
#endif
#endif
