/* Times, counted in fixed buckets: the memory does not grow with the time that is observed. */
#ifndef CALLBOARD_ACTORS_BASE_HISTOGRAM_H
#define CALLBOARD_ACTORS_BASE_HISTOGRAM_H

#include <stdint.h>

/* X(the bucket's upper bound in ns, the same bound in seconds as people write it). Ascending. A
 * time that equals a bound belongs to that bucket. A last bucket takes everything above. */
#define CB_HISTOGRAM_BOUNDS(X)                                                                     \
    X(10000, "0.00001")                                                                            \
    X(50000, "0.00005")                                                                            \
    X(100000, "0.0001")                                                                            \
    X(250000, "0.00025")                                                                           \
    X(500000, "0.0005")                                                                            \
    X(1000000, "0.001")                                                                            \
    X(2500000, "0.0025")                                                                           \
    X(5000000, "0.005")                                                                            \
    X(10000000, "0.01")                                                                            \
    X(25000000, "0.025")                                                                           \
    X(50000000, "0.05")                                                                            \
    X(100000000, "0.1")                                                                            \
    X(250000000, "0.25")                                                                           \
    X(500000000, "0.5")                                                                            \
    X(1000000000, "1")                                                                             \
    X(2500000000, "2.5")                                                                           \
    X(5000000000, "5")                                                                             \
    X(10000000000, "10")

#define CB_HISTOGRAM_COUNT(bound, text) +1
enum { CB_HISTOGRAM_BUCKETS = 1 CB_HISTOGRAM_BOUNDS(CB_HISTOGRAM_COUNT) };
#undef CB_HISTOGRAM_COUNT

typedef struct cb_histogram {
    uint64_t buckets[CB_HISTOGRAM_BUCKETS]; /* each counts only its own times, not those of lower
                                               buckets */
    uint64_t sum_ns;
} cb_histogram;

/* A negative time counts as 0. */
void cb_histogram_observe(cb_histogram *histogram, int64_t time_ns);
/* Adds the counts of another histogram. */
void cb_histogram_add(cb_histogram *to, const cb_histogram *from);

#endif
