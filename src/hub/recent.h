/* SPDX-License-Identifier: MIT */
/*
 * recent.h - the last messages of a room, for those who join.
 */
#ifndef PARLEY_HUB_RECENT_H
#define PARLEY_HUB_RECENT_H

#include <parley/hub/room.h>
#include <parley/util/str.h>

#include "hub/message.h"

/* A ring of HUB_RECENT_MESSAGES messages, made with the first one. */
struct recent;

/* NULL is allowed. */
void recent_free(struct recent *recent);
/* Keep a copy of an encoded item; the oldest one goes. */
void recent_add(struct room *r, struct str_view item, struct item_place place);
void recent_show(const struct room *r, struct hub_user *u);

#endif
