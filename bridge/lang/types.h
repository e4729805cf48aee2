/* What the binder knows of types: families, ranges, and which converts to which by itself.
 *
 * Pure functions; any thread.
 */
#ifndef CALLBOARD_LANG_TYPES_H
#define CALLBOARD_LANG_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "callboard/plugin.h"

bool cb_type_is_integer(cb_type type);
bool cb_type_is_signed(cb_type type); /* of an integer type */
bool cb_type_is_real(cb_type type);
bool cb_type_is_scalar(cb_type type); /* an integer, float or double */
uint32_t cb_type_bytes(cb_type type); /* of a scalar; 0 for the others */

/* The smallest type that holds both scalars; CB_TYPE_COUNT if there is none (u64 with a signed
 * integer). Integers beside a double become double; beside a float they do only if they are wider
 * than 16 bits. */
cb_type cb_type_common(cb_type left, cb_type right);

/* Whether a value of scalar type `from` may be given to `to` without a cast. */
bool cb_type_widens(cb_type from, cb_type to);

/* Whether the constant fits the integer type. `is_big`: the 64 bits are an unsigned number of 2^63
 * or more. */
bool cb_type_fits(cb_type type, int64_t value, bool is_big);

/* The value cut to the type's width, extended again as cb_value has it. */
int64_t cb_type_wrap(cb_type type, int64_t value);

#endif
