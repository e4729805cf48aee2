#include "callboard/version.h"

#include <stdio.h>
#include <zmq.h>

const char *cb_version(void)
{
    return CB_VERSION;
}

void cb_version_libraries(char *text, size_t size)
{
    int major = 0;
    int minor = 0;
    int patch = 0;
    zmq_version(&major, &minor, &patch);
    (void)snprintf(text, size, "libzmq %d.%d.%d", major, minor, patch);
}
