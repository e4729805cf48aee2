/* The most bytes of memory that this process may have: the limit of its control group, or of a
 * group that contains it, or the memory of the machine. Linux gives them in text files. */
#ifndef CALLBOARD_ACTORS_BASE_MACHINE_MEMORY_H
#define CALLBOARD_ACTORS_BASE_MACHINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least of the limits in memory.max (version 2) or memory.limit_in_bytes (version 1) of the
 * group and of all groups above it, and of MemTotal; 0: unknown. `root` is put before each path: ""
 * for the machine itself. */
uint64_t cb_machine_memory(const char *root);

/* The three kinds of text that it reads. Each function returns false for any other text. */

/* A whole number of bytes above 0. "max" is not a number. */
bool cb_memory_limit_text(const char *text, uint64_t *bytes);
/* The group's path in /proc/self/cgroup: for `controller` in version 1, or for version 2 if it is
 * NULL. A path that leads out of the tree, or is too long, becomes the tree's root: "". */
bool cb_memory_group_text(const char *text, const char *controller, char *path, size_t size);
/* MemTotal of /proc/meminfo, in bytes. */
bool cb_memory_total_text(const char *text, uint64_t *bytes);

#endif
