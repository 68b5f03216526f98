/* SPDX-License-Identifier: MIT */
/*
 * request.h - what becomes of a user's request when its answer comes.
 *
 * These are called where an answer is known: by apply.c when the item came back, by hub.c when
 * the backplane says what became of it, by snapshot.c when an echo was lost.
 */
#ifndef PARLEY_HUB_REQUEST_H
#define PARLEY_HUB_REQUEST_H

#include <stdbool.h>

#include <parley/core/backplane.h>

#include "hub/message.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"

/* A user's request of that kind about that room, or NULL. */
struct request *request_of_room(const struct hub_user *u, enum request_kind kind,
                                const struct room *r);
/* The new request was taken; if not it never was: HUB_UNAVAILABLE. */
enum hub_result request_handed_over(struct request *r, bool is_taken);
/* If the room's modes do not let the user in: the request ends, the user is told. */
bool request_refuse_join(struct request *r);
/* The room has its first snapshot: hand over the joins that waited for it. */
void request_room_is_live(struct room *r);
/* The user holds its name under the present id: hand over a join that waited for that. */
void request_name_is_held(const struct hub_user *u);
/* It belongs to somebody else: give up a join that waits. */
void request_name_is_lost(const struct hub_user *u);
/* The entries up to r->last have been applied, or are not to be seen any more: end what was
 * stored in them, by what the copy says. */
void request_settle_room(struct room *r);
/* Stored entries of the room may have been lost with its books: hand them over again. */
void request_repeat(struct room *r);
void request_on_stored(struct hub *hub, struct token token, struct item_place place);
void request_on_refused(struct hub *hub, struct token token);
/* The join took effect. */
void request_welcome(struct hub_user *u, struct room *r);

#endif
