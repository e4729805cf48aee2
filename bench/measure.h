/* Helpers that the measuring programs share: clocks, medians, and the printing of a row. Header
 * only, so that each program of bench/ stays one file. */
#ifndef CALLBOARD_BENCH_MEASURE_H
#define CALLBOARD_BENCH_MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MEASURE_MOST_ROUNDS 32

typedef struct measure {
    const char *name;
    const char *unit;
    double values[MEASURE_MOST_ROUNDS];
    int count;
} measure;

static inline double measure_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void measure_add(measure *self, double value)
{
    if (self->count < MEASURE_MOST_ROUNDS)
        self->values[self->count++] = value;
}

static inline int measure_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts the values. */
static inline double measure_median(measure *self)
{
    if (self->count == 0)
        return 0;
    qsort(self->values, (size_t)self->count, sizeof self->values[0], measure_compare);
    double upper = self->values[self->count / 2];
    return self->count % 2 ? upper : (self->values[self->count / 2 - 1] + upper) / 2;
}

static inline void measure_print(measure *self)
{
    double median = measure_median(self);
    if (self->count == 0)
        printf("%-44s not measured\n", self->name);
    else
        printf("%-44s %12.2f %-8s min %.2f max %.2f (%d rounds)\n", self->name, median, self->unit,
               self->values[0], self->values[self->count - 1], self->count);
}

#endif
