/* How many bytes of memory this process may have at most: what its control group allows, or one of
 * those that hold it, or what the machine has. Linux tells it in text files. */
#ifndef CALLBOARD_ACTORS_BASE_MACHINE_MEMORY_H
#define CALLBOARD_ACTORS_BASE_MACHINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least of the limits in memory.max (version 2) or memory.limit_in_bytes (version 1) of the
 * group and all above it, and MemTotal; 0: nobody knows. `root` stands before each path: "" for the
 * machine itself. */
uint64_t cb_machine_memory(const char *root);

/* The three kinds of text that it reads; false for anything else than what is meant. */

/* A whole number of bytes above 0. "max" is none. */
bool cb_memory_limit_text(const char *text, uint64_t *bytes);
/* The group's path in /proc/self/cgroup: of `controller` in version 1, of version 2 if it is NULL.
 * One that leads out of the tree, or is too long, is the tree's root: "". */
bool cb_memory_group_text(const char *text, const char *controller, char *path, size_t size);
/* MemTotal of /proc/meminfo, in bytes. */
bool cb_memory_total_text(const char *text, uint64_t *bytes);

#endif
