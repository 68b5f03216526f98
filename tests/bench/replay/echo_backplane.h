/* SPDX-License-Identifier: MIT */
/*
 * echo_backplane.h - a backplane that sends everything straight back, and costs next to nothing.
 *
 * Model: what the hub publishes during a turn waits; at the end of the turn's callbacks each
 * log gets it as entries of up to ENTRY_ITEMS_MAX items. Names are always granted, nobody else
 * is there, nothing is kept. Each run does the same, so that instructions can be counted.
 */
#ifndef PARLEY_BENCH_ECHO_BACKPLANE_H
#define PARLEY_BENCH_ECHO_BACKPLANE_H

#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/core/loop.h>

struct backplane *echo_backplane_new(struct loop *loop);
/* After the hub. */
void echo_backplane_free(struct backplane *bp);
/* Items that came back so far. */
uint64_t echo_backplane_items(const struct backplane *bp);

#endif
