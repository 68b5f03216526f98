/* SPDX-License-Identifier: MIT */
/*
 * membership.h - who comes into a room and who goes, by its log or by its books.
 */
#ifndef PARLEY_HUB_MEMBERSHIP_H
#define PARLEY_HUB_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/str.h>

#include "hub/apply.h"

bool membership_apply_join(const struct applied *a);
bool membership_apply_restore(const struct applied *a);
bool membership_apply_leave(const struct applied *a);
bool membership_apply_quit(const struct applied *a);
bool membership_apply_kick(const struct applied *a);
bool membership_apply_node_gone(const struct applied *a);

/* `id` is a member of a->room, as `rec` says, with that stay; told if that is new. False: not
 * an id, or the room is full. */
bool membership_introduce(const struct applied *a, struct str_view id,
                          const struct record *rec, uint32_t stay);
/* The member that an entry of a->room means by that id; NULL: nobody. */
struct member *membership_find(const struct applied *a, struct str_view id);
/* Is it the id of somebody of this node, known or not? */
bool membership_is_own(const struct hub *hub, struct str_view id);
/* The books name somebody of this node who is not in this room: have that changed. */
void membership_send_away(const struct applied *a, struct str_view id,
                          const struct record *rec);
/* A change of a user of ours, who is not in the room any more, put it into the books again:
 * have that changed. */
void membership_take_back(const struct applied *a, const struct hub_user *u);
/* It is one no more; told as EV_LEAVE. */
void membership_leave(const struct applied *a, struct member *m, struct str_view reason);

#endif
