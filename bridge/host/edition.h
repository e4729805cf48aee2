/* The texts of a script, one after the other: what was loaded first, and what `--watch` loaded when
 * the file changed. Each is compiled once and shared by all threads; a job keeps the one that it
 * began with, and the next job takes the newest.
 *
 * A callback is known to the actors by its entry. An entry carries the number of the edition that
 * gave it away, so that one of an old edition is found again in a newer one, by its name.
 *
 * Threads: any, except where it is said.
 */
#ifndef CALLBOARD_BRIDGE_HOST_EDITION_H
#define CALLBOARD_BRIDGE_HOST_EDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/host/loader.h"
#include "bridge/lang/program.h"
#include "bridge/lang/source.h"
#include "callboard/log.h"

/* Reloads after which a process takes no more: the names of old entries are kept for good. */
#define CB_EDITIONS_MAX 65536u

typedef struct cb_edition {
    cb_source source;
    cb_program *program;
    uint32_t refs; /* atomic */
} cb_edition;

typedef struct cb_editions cb_editions;

/* `log` (may be NULL) is told the errors of texts; it must live as long. */
cb_status cb_editions_new(cb_log *log, cb_editions **editions, cb_error *error);
/* Nobody may hold an edition any more. *editions becomes NULL; NULL in it is fine. */
void cb_editions_free(cb_editions **editions);

/* Reads and compiles the file and makes it the newest edition. CB_SCRIPT: it has errors, which are
 * printed or logged; like after any other failure the newest edition stays. One thread at a
 * time. */
cb_status cb_editions_load(cb_editions *editions, const char *path, const cb_loader *loader,
                           cb_error *error);

/* The newest edition, one reference to it. NULL before the first. */
cb_edition *cb_editions_newest(cb_editions *editions);
void cb_edition_release(cb_edition *edition); /* NULL is fine */

/* The newest edition (one reference), and the callback there that an entry stands for. False if it
 * has none of that name any more: *callback is then -1, and *name (lives as long as the editions)
 * is what it was called, NULL for an entry that never was. */
bool cb_editions_find(cb_editions *editions, int64_t entry, cb_edition **edition, int64_t *callback,
                      const char **name);

/* How many callbacks of the edition before the newest are not in the newest, and the name of the
 * first of them. */
size_t cb_editions_lost(cb_editions *editions, const char **name);

#endif
