/* The editions of a script: the text that was loaded first, and each text that `--watch` loaded
 * when the file changed. Each is compiled once and shared by all threads. A job keeps the edition
 * that it began with; the next job takes the newest.
 *
 * The actors know a callback by its entry. An entry carries the number of the edition that gave it
 * away. So an entry of an old edition can be found in a newer one, by the callback's name.
 *
 * Threads: any, except where a comment says otherwise.
 */
#ifndef CALLBOARD_BRIDGE_HOST_EDITION_H
#define CALLBOARD_BRIDGE_HOST_EDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/host/loader.h"
#include "bridge/lang/program.h"
#include "bridge/lang/source.h"
#include "callboard/log.h"

/* Most reloads of a process: the names of old entries are kept for good. */
#define CB_EDITIONS_MAX 65536u

typedef struct cb_edition {
    cb_source source;
    cb_program *program;
    uint32_t refs; /* atomic */
} cb_edition;

typedef struct cb_editions cb_editions;

/* `log` (may be NULL) gets the errors of texts; it must outlive the editions. */
cb_status cb_editions_new(cb_log *log, cb_editions **editions, cb_error *error);
/* No edition may be held any more. *editions becomes NULL; if *editions is NULL, nothing
 * happens. */
void cb_editions_free(cb_editions **editions);

/* Reads and compiles the file and makes it the newest edition. CB_SCRIPT: it has errors, which are
 * printed or logged. After any failure the newest edition stays. One thread at a time. */
cb_status cb_editions_load(cb_editions *editions, const char *path, const cb_loader *loader,
                           cb_error *error);

/* The newest edition, with one reference to it. NULL before the first. */
cb_edition *cb_editions_newest(cb_editions *editions);
void cb_edition_release(cb_edition *edition); /* NULL is fine */

/* Gives the newest edition (one reference), and the number of the callback in it that has the
 * entry's name. Returns false if it has no callback of this name any more: *callback is then -1,
 * and *name (lives as long as the editions) is the old name, or NULL for an entry that never
 * existed. */
bool cb_editions_find(cb_editions *editions, int64_t entry, cb_edition **edition, int64_t *callback,
                      const char **name);

/* How many callbacks of the previous edition are missing in the newest, and the name of the first
 * of them. */
size_t cb_editions_lost(cb_editions *editions, const char **name);

#endif
