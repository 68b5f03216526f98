/* SPDX-License-Identifier: MIT */
/*
 * loop_lag.h - how late the loop comes to what is due.
 *
 * Four times a second a timer of the kernel fires (a timerfd: libevent's own clock is coarser
 * than what is to be measured); the time until the loop takes notice is METRIC_LOOP_LAG.
 */
#ifndef PARLEY_CORE_LOOP_LAG_H
#define PARLEY_CORE_LOOP_LAG_H

#include <parley/core/loop.h>

struct loop_lag;

/* NULL when the kernel gives no timer. */
struct loop_lag *loop_lag_new(struct loop *loop);
void loop_lag_free(struct loop_lag *lag);

#endif
