/* The inside of a runtime, for tests that stand in an asker's place. */
#ifndef CALLBOARD_ACTORS_RUNTIME_H
#define CALLBOARD_ACTORS_RUNTIME_H

#include "actors/core/core.h"

/* The core that all actors of the runtime share; it belongs to the runtime. */
cb_core *cb_runtime_core(cb_runtime *runtime);

#endif
