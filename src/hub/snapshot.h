/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - a room's books are read: for the first time, or again after a hole.
 */
#ifndef PARLEY_HUB_SNAPSHOT_H
#define PARLEY_HUB_SNAPSHOT_H

#include <parley/core/backplane.h>

#include "hub/room_internal.h"

/*
 * The first one fills the copy and lets the joins that waited begin. A later one is compared
 * with the copy, and what happened unseen is told as if it happened now.
 */
void snapshot_apply(struct room *r, const struct snapshot *snap);

#endif
