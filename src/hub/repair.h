/* SPDX-License-Identifier: MIT */
/*
 * repair.h - what to do when the books do not say what is true.
 *
 * Nodes hold what must outlive Redis: when the books of a room or a name are lost, or this
 * node was declared dead and has another id now, everything of ours is registered again, in
 * slices: a name first, then the rooms of its owner. The same way a quit is handed over again
 * that could not be.
 */
#ifndef PARLEY_HUB_REPAIR_H
#define PARLEY_HUB_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/str.h>

struct hub;
struct member;
struct room;

/* Do the queued work soon, at the latest in `delay_ms`. */
void repair_wake(struct hub *hub, uint64_t delay_ms);
/* A turn of it: the callback of hub->slice. */
void repair_on_slice(void *hub);
/* Register a local member again, now or when its user holds its name; of a closed user: hand
 * its quit over. False: not taken, it stays to be done. */
bool repair_member(struct member *m);
/* Lines on their way to this room will not be waited for. */
void repair_drop_pending(struct room *r);
/* Members of other nodes that nobody confirms for a while are gone. */
void repair_expect_confirmation(struct room *r);
/* The callback of room->confirm. */
void repair_on_confirm_deadline(void *deadline);

void repair_on_lost(struct hub *hub, bool (*is_lost)(void *ctx, struct str_view name),
                    void *ctx);
void repair_on_new_node_id(struct hub *hub, struct str_view new_id);

#endif
