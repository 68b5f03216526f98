/* SPDX-License-Identifier: MIT */
/*
 * hist.h - a latency histogram with log-linear buckets, as HDR histograms have them.
 *
 * Model: each power of two is cut into HIST_STEPS equal buckets, so a value is known to
 * better than 1 % whatever its size. Recording is a shift and an increment.
 */
#ifndef PARLEY_BENCH_HIST_H
#define PARLEY_BENCH_HIST_H

#include <stdint.h>

enum {
    HIST_STEP_BITS = 7,
    HIST_STEPS = 1 << HIST_STEP_BITS,
    HIST_BUCKETS = (33 - HIST_STEP_BITS) * HIST_STEPS,
};

/* All private. */
struct hist {
    uint64_t count;
    uint64_t sum;
    uint32_t max;
    uint32_t buckets[HIST_BUCKETS];
};

void hist_clear(struct hist *h);
void hist_add(struct hist *h, uint32_t value);
/* The smallest value that `share` (0 to 1) of all are not above; 0 when there are none. */
uint32_t hist_quantile(const struct hist *h, double share);
double hist_mean(const struct hist *h);

#endif
