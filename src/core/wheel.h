/* SPDX-License-Identifier: MIT */
/*
 * wheel.h - deadlines sorted by the tick at which they are due.
 *
 * Model: a ring of WHEEL_SLOTS lists; a deadline lies in slot (due_tick % WHEEL_SLOTS), so one
 * that is due more than a turn of the ring ahead is met, and left, once per turn. Time is
 * whatever the caller says: the wheel has no clock and no timer (loop.c has both).
 */
#ifndef PARLEY_CORE_WHEEL_H
#define PARLEY_CORE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/list.h>

enum { WHEEL_SLOTS = 1024 }; /* a turn is 102 s of LOOP_TICK_MS */

/* Invariant: every deadline in the wheel is due after `tick` and lies in the slot of its
 * due_tick (wheel_check()). */
struct wheel {
    struct list slots[WHEEL_SLOTS];
    uint64_t tick; /* what was due up to here has fired */
};

void wheel_init(struct wheel *w, uint64_t now_tick);
/* Put it in, out of wherever it is; due at `due_tick`, or at the next tick if that passed. */
void wheel_set(struct wheel *w, struct deadline *d, uint64_t due_tick);
/*
 * Fire what is due up to `now_tick`, earlier ticks first and, within a tick, in the order of
 * setting. Callbacks may set and clear any deadline, their own too; what they set fires in a
 * later call. (Ticks come mixed only when a whole turn of the ring passed between two calls.)
 */
void wheel_advance(struct wheel *w, uint64_t now_tick);
/* The next tick at which something may be due; false when the wheel is empty. */
bool wheel_next_tick(const struct wheel *w, uint64_t *ret_tick);
void wheel_check(const struct wheel *w);

#endif
