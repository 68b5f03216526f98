/* SPDX-License-Identifier: MIT */
#include "hist.h"

#include <string.h>

/* Values below HIST_STEPS have a bucket each; then come HIST_STEPS buckets for each bit. */
static uint32_t bucket_of(uint32_t value)
{
    if (value < HIST_STEPS) {
        return value;
    }
    uint32_t shift = 31 - (uint32_t)__builtin_clz(value) - HIST_STEP_BITS;
    return (shift + 1) * HIST_STEPS + ((value >> shift) - HIST_STEPS);
}

/* The highest value that falls into the bucket. */
static uint32_t bucket_top(uint32_t bucket)
{
    if (bucket < HIST_STEPS) {
        return bucket;
    }
    uint32_t shift = bucket / HIST_STEPS - 1;
    uint64_t low = (uint64_t)(bucket % HIST_STEPS + HIST_STEPS) << shift;
    return (uint32_t)(low + (UINT64_C(1) << shift) - 1);
}

void hist_clear(struct hist *h)
{
    memset(h, 0, sizeof *h);
}

void hist_add(struct hist *h, uint32_t value)
{
    h->buckets[bucket_of(value)]++;
    h->count++;
    h->sum += value;
    if (value > h->max) {
        h->max = value;
    }
}

uint32_t hist_quantile(const struct hist *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->count);
    uint64_t seen = 0;

    for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && seen >= wanted) {
            uint32_t top = bucket_top(i);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}

double hist_mean(const struct hist *h)
{
    return h->count == 0 ? 0.0 : (double)h->sum / (double)h->count;
}
