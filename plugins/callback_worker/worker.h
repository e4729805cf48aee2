/* The verbs that callbackworker has in addition to its family's; see worker.c. */
#ifndef CALLBOARD_PLUGINS_CALLBACKWORKER_H
#define CALLBOARD_PLUGINS_CALLBACKWORKER_H

#include "callboard/plugin.h"

cb_verb_fn cb_worker_start;
cb_verb_fn cb_worker_wait;
cb_verb_fn cb_worker_cancel;
cb_verb_fn cb_worker_close;
cb_verb_fn cb_worker_job_info;

#endif
