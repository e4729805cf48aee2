/* The binder's rules for types: families, ranges, and implicit conversions.
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
uint32_t cb_type_bytes(cb_type type); /* of a scalar; 0 for other types */

/* The smallest type that holds both scalars; CB_TYPE_COUNT if there is none (u64 with a signed
 * integer). An integer beside a double becomes a double. An integer beside a float becomes a double
 * only if it is wider than 16 bits. */
cb_type cb_type_common(cb_type left, cb_type right);

/* True if a value of scalar type `from` converts to `to` without a cast. */
bool cb_type_widens(cb_type from, cb_type to);

/* True if the constant fits the integer type. `is_big`: the 64 bits are an unsigned number of 2^63
 * or more. */
bool cb_type_fits(cb_type type, int64_t value, bool is_big);

/* The value cut to the type's width, then extended to 64 bits as in cb_value. */
int64_t cb_type_wrap(cb_type type, int64_t value);

#endif
