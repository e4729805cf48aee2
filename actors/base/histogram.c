#include "actors/base/histogram.h"

void cb_histogram_observe(cb_histogram *histogram, int64_t time_ns)
{
    static const int64_t bounds_ns[CB_HISTOGRAM_BUCKETS - 1] = {
#define BOUND_NS(bound_ns, text) (bound_ns),
        CB_HISTOGRAM_BOUNDS(BOUND_NS)
#undef BOUND_NS
    };
    /* From below: most of what is measured is short. */
    unsigned bucket = 0;
    while (bucket < CB_HISTOGRAM_BUCKETS - 1 && time_ns > bounds_ns[bucket])
        bucket++;
    histogram->buckets[bucket]++;
    histogram->sum_ns += time_ns > 0 ? (uint64_t)time_ns : 0;
}

void cb_histogram_add(cb_histogram *to, const cb_histogram *from)
{
    for (unsigned i = 0; i < CB_HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
    to->sum_ns += from->sum_ns;
}
