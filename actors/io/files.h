/* What the back ends share about files. */
#ifndef CALLBOARD_ACTORS_IO_FILES_H
#define CALLBOARD_ACTORS_IO_FILES_H

#include <sys/types.h>

#include "actors/io/attempt.h"

/* Whether CB_FILE_* and CB_PERMIT_* are known bits that go together. */
bool cb_file_flags_are_valid(uint32_t flags, uint32_t permissions);
/* O_* for CB_FILE_*, with O_CLOEXEC. */
int cb_file_open_flags(uint32_t flags);
/* The kind that a file's mode tells. */
cb_file_type cb_file_type_of(mode_t mode);
/* Does a read, write, open or stat at once, for as long as that takes; always done. */
cb_attempt cb_attempt_file(cb_op *op);
/* Takes in what a read or write at op's place has moved: its bytes, or a negative errno. Not done:
 * there is more to move. */
cb_attempt cb_file_moved(cb_op *op, ssize_t result);

#endif
