/* SPDX-License-Identifier: MIT */
/*
 * modes_apply.h - modes of the copy change: by an item, by a snapshot.
 */
#ifndef PARLEY_HUB_MODES_APPLY_H
#define PARLEY_HUB_MODES_APPLY_H

#include <stdbool.h>

#include <parley/core/backplane.h>
#include <parley/util/str.h>

#include "hub/apply.h"

/* ITEM_MODE */
bool modes_apply(const struct applied *a);
/* ITEM_STATE: the copies know it. */
bool modes_apply_state(const struct applied *a);
/* A member was registered again with these flags. */
void modes_apply_restored(const struct applied *a, struct member *m,
                          struct str_view letters);
/* Of the state that a snapshot tells; the members are there already. What is new is told
 * unless it is the first one. */
void modes_load(const struct applied *a, const struct snapshot *snap, bool is_first);

#endif
