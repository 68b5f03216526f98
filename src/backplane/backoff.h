/* SPDX-License-Identifier: MIT */
/*
 * backoff.h - how long to wait before trying again.
 *
 * The bound doubles with every try, and the wait is anything below it ("full jitter"), so that
 * nodes that lost the same server do not come back all at once.
 */
#ifndef PARLEY_BACKPLANE_BACKOFF_H
#define PARLEY_BACKPLANE_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint32_t min_ms;   /* bound of the first wait */
    uint32_t max_ms;   /* bound of any wait */
    uint32_t bound_ms; /* of the next wait */
    unsigned strikes;  /* since the last reset */
};

void backoff_init(struct backoff *b, uint32_t min_ms, uint32_t max_ms);
/* How long to wait now. */
uint32_t backoff_next_ms(struct backoff *b);
/*
 * It seemed to work, and then the other side did not keep up. From the second time on the next wait
 * may be longer, up to `most_ms`: of many that ask for too much at once some stay away, the others
 * are served, and then these.
 */
void backoff_strike(struct backoff *b, uint32_t most_ms);
/* It worked: the next wait is short again. */
void backoff_reset(struct backoff *b);

#endif
