/* SPDX-License-Identifier: MIT */
/*
 * flood.h - how fast one session may speak: a token bucket in one integer.
 *
 * Model: the bucket holds `burst` tokens, a line costs one, and one comes back every `line_us`
 * microseconds. Instead of the tokens we keep the time at which the bucket will be full
 * again: spending moves it on, waiting lets the clock come closer. No rounding, no timer.
 */
#ifndef PARLEY_NET_FLOOD_H
#define PARLEY_NET_FLOOD_H

#include <stdint.h>

/* Of the node; the same for all sessions. */
struct flood_policy {
    uint64_t line_us; /* between two tokens; 0: no limit */
    uint64_t burst;   /* tokens in a full bucket, at least 1 */
};

/* Of one session; all zero is a full bucket. */
struct flood {
    uint64_t full_at_us; /* private */
};

/*
 * `lines` per second on average (0: no limit), `burst` at once. The bucket is made to hold
 * at least what flows in between two ticks of the coarse deadlines that end a pause: else
 * a fast rate with a small burst would come out slower than asked for.
 */
void flood_policy_init(struct flood_policy *p, uint64_t lines, uint64_t burst);
/* How many lines may be taken now; UINT64_MAX without a limit. */
uint64_t flood_tokens(const struct flood *f, const struct flood_policy *p,
                      uint64_t now_ms);
/* Take a token; there must be one. */
void flood_spend(struct flood *f, const struct flood_policy *p, uint64_t now_ms);
/* Time until there is a token, rounded up; 0 when there is one. */
uint64_t flood_wait_ms(const struct flood *f, const struct flood_policy *p,
                       uint64_t now_ms);

#endif
