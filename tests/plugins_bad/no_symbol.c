/* A shared library, but no plugin. */
#include "callboard/status.h"

CB_PUBLIC int something_else(void);

int something_else(void)
{
    return 1;
}
