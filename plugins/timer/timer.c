/* timer: sleeping and clocks. A sleep is a wait that the supervisor answers, so that a shutdown or
 * the callback's time limit can end it. */
#include <time.h>

#include "callboard/plugin.h"

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(clock, &now); /* cannot fail for the two clocks it is asked for */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static cb_status sleep_ms(cb_call *call)
{
    int64_t ms = call->args[0].integer;
    if (ms < -1 || ms > INT32_MAX)
        return call->host->fail(call, CB_INVALID, "ms is %lld; it must be -1 or 0..2147483647",
                                (long long)ms);

    int64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
    int happened = 0;
    cb_status status = call->host->wait(call, CB_WAIT_TIME, 0, (int32_t)ms, &happened);
    if (status == CB_LIMIT)
        return call->host->fail(call, status, "too many waits are open (CALLBOARD_MAX_WAITS)");
    call->result.integer = ms >= 0 && clock_ns(CLOCK_MONOTONIC) - begin_ns >= ms * 1000000;
    return status;
}

static cb_status now_ms(cb_call *call)
{
    call->result.integer = clock_ns(CLOCK_MONOTONIC) / 1000000;
    return CB_OK;
}

static cb_status unix_ms(cb_call *call)
{
    call->result.integer = clock_ns(CLOCK_REALTIME) / 1000000;
    return CB_OK;
}

static const cb_verb verbs[] = {
    {"SleepMs", "i32(i32 ms)", sleep_ms, 0,
     "sleeps; 1 if the whole time passed, 0 if a shutdown ended it early"},
    {"NowMs", "i64()", now_ms, 0, "milliseconds of a clock that never goes back"},
    {"UnixMs", "i64()", unix_ms, 0, "milliseconds since 1970-01-01 00:00 UTC"},
};

CB_PLUGIN_EXPORT const cb_plugin callboard_plugin = {
    .abi = CB_PLUGIN_ABI,
    .name_space = "timer",
    .version = "0.1.0",
    .summary = "sleeping and clocks",
    .verbs = verbs,
    .verb_count = sizeof verbs / sizeof verbs[0],
};
