#include "actors/io/http/fault.h"

#include <assert.h>

static const struct {
    int status;
    const char *text;
} faults[] = {
#define FAULT_ROW(name, status, text) {status, text},
    CB_HTTP_FAULTS(FAULT_ROW)
#undef FAULT_ROW
};

int cb_http_fault_status(cb_http_fault fault)
{
    assert(fault < CB_HTTP_FAULT_COUNT);
    return faults[fault].status;
}

const char *cb_http_fault_text(cb_http_fault fault)
{
    assert(fault < CB_HTTP_FAULT_COUNT);
    return faults[fault].text;
}
