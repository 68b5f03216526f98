/* SPDX-License-Identifier: MIT */
#include "backplane/backoff.h"

#include <parley/util/rng.h>

void backoff_init(struct backoff *b, uint32_t min_ms, uint32_t max_ms)
{
    *b = (struct backoff){.min_ms = min_ms, .max_ms = max_ms, .bound_ms = min_ms};
}

uint32_t backoff_next_ms(struct backoff *b)
{
    uint32_t wait_ms = rng_below(b->bound_ms + 1);

    b->bound_ms = b->bound_ms > b->max_ms / 2 ? b->max_ms : 2 * b->bound_ms;
    return wait_ms;
}

void backoff_strike(struct backoff *b, uint32_t most_ms)
{
    uint32_t bound_ms = b->max_ms;

    for (unsigned i = 0; i < b->strikes && bound_ms < most_ms; i++) {
        bound_ms *= 2;
    }
    if (b->strikes++ > 0) {
        b->bound_ms = bound_ms < most_ms ? bound_ms : most_ms;
    }
}

void backoff_reset(struct backoff *b)
{
    b->strikes = 0;
    b->bound_ms = b->min_ms;
}
