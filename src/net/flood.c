/* SPDX-License-Identifier: MIT */
#include <parley/net/flood.h>

#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/base.h>

void flood_policy_init(struct flood_policy *p, uint64_t lines, uint64_t burst)
{
    uint64_t floor = 2 * lines * LOOP_TICK_MS / 1000;

    if (lines == 0) {
        *p = (struct flood_policy){.line_us = 0, .burst = 1};
        return;
    }
    p->line_us = lines < 1000000 ? 1000000 / lines : 1;
    p->burst = burst > floor ? burst : floor;
    if (p->burst == 0) {
        p->burst = 1;
    }
}

/* How far the bucket is from being full, as time. */
static uint64_t debt_us(const struct flood *f, uint64_t now_ms)
{
    uint64_t now_us = now_ms * 1000;

    return f->full_at_us > now_us ? f->full_at_us - now_us : 0;
}

uint64_t flood_tokens(const struct flood *f, const struct flood_policy *p,
                      uint64_t now_ms)
{
    if (p->line_us == 0) {
        return UINT64_MAX;
    }
    uint64_t spent = (debt_us(f, now_ms) + p->line_us - 1) / p->line_us;
    return spent < p->burst ? p->burst - spent : 0;
}

void flood_spend(struct flood *f, const struct flood_policy *p, uint64_t now_ms)
{
    PARLEY_ASSERT(flood_tokens(f, p, now_ms) > 0);
    f->full_at_us = now_ms * 1000 + debt_us(f, now_ms) + p->line_us;
}

uint64_t flood_wait_ms(const struct flood *f, const struct flood_policy *p,
                       uint64_t now_ms)
{
    if (flood_tokens(f, p, now_ms) > 0) {
        return 0;
    }
    uint64_t wait_us = debt_us(f, now_ms) - (p->burst - 1) * p->line_us;
    return (wait_us + 999) / 1000;
}
