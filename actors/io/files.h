/* File functions that the back ends share. */
#ifndef CALLBOARD_ACTORS_IO_FILES_H
#define CALLBOARD_ACTORS_IO_FILES_H

#include <sys/types.h>

#include "actors/io/attempt.h"

/* True if CB_FILE_* and CB_PERMIT_* are known bits and fit together. */
bool cb_file_flags_are_valid(uint32_t flags, uint32_t permissions);
/* O_* for CB_FILE_*, with O_CLOEXEC. */
int cb_file_open_flags(uint32_t flags);
/* The type of a file, from its mode. */
cb_file_type cb_file_type_of(mode_t mode);
/* Does a read, write, open or stat at once, no matter how long it takes; always done. */
cb_attempt cb_attempt_file(cb_op *op);
/* Takes the result of a read or write at op's place: the bytes that it moved, or a negative errno.
 * Not done: there is more to move. */
cb_attempt cb_file_moved(cb_op *op, ssize_t result);

#endif
