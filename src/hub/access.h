/* SPDX-License-Identifier: MIT */
/*
 * access.h - what a room's modes allow: to come in, to speak; and invitations.
 *
 * A room without modes costs one look. Masks are compared once for each member and change of
 * the lists: what came out is kept with the member.
 */
#ifndef PARLEY_HUB_ACCESS_H
#define PARLEY_HUB_ACCESS_H

#include <stdbool.h>

#include <parley/hub/result.h>
#include <parley/util/str.h>

#include "hub/room_internal.h"
#include "hub/user_internal.h"

/* HUB_OK, or why not. Into an empty room everybody may come. */
enum hub_result access_check_join(const struct room *r, const struct hub_user *u,
                                  struct str_view key);
enum hub_result access_check_speech(struct member *m, char kind, struct str_view text);
enum hub_result access_check_topic(const struct member *m);
/* A local user is called otherwise now: masks are to be compared anew. */
void access_forget_bans(struct person *p);

/* ---- invitations: of a user of this node, for HUB_INVITATION_MS ---- */

/* Of HUB_INVITATIONS_MAX the oldest one makes room. `name` is folded. */
void access_invite(struct hub_user *u, struct str_view name);
/* It came in: the invitation is used up. */
void access_use_invitation(struct hub_user *u, const struct room *r);

#endif
