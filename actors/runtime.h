/* The inside of a runtime, for tests that stand in an asker's place. */
#ifndef CALLBOARD_ACTORS_RUNTIME_H
#define CALLBOARD_ACTORS_RUNTIME_H

#include "actors/core/core.h"

/* Returns what all actors of the runtime share; the runtime's own. */
cb_core *cb_runtime_core(cb_runtime *runtime);

#endif
