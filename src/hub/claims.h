/* SPDX-License-Identifier: MIT */
/*
 * claims.h - names: taken, changed, held, given back.
 *
 * Order of a change: claim the new name -> tell all rooms -> when it came back from all,
 * release the old one. Whether a person is called so is decided by the claim; rooms that the
 * news could not be handed over to are repaired.
 */
#ifndef PARLEY_HUB_CLAIMS_H
#define PARLEY_HUB_CLAIMS_H

#include <parley/core/backplane.h>
#include <parley/util/str.h>

#include "hub/room_internal.h"
#include "hub/user_internal.h"

void claims_on_claim(struct hub *hub, struct token token, enum claim_result result);
/* Another text of the person than the nick: told to all rooms, then put into the record. */
enum hub_result claims_change(struct hub_user *u, enum request_kind kind,
                              struct str_view text);
/* The user's change came back from this room. */
void claims_change_came(struct member *m);
/* ... or will not: it is in one of those rooms no more. */
void claims_await_one_less(struct hub_user *u);
/* What was to be told to this room will not be; it is repaired. */
void claims_change_is_refused(struct member *m);
/* A change, or the claim before it, is given up. */
void claims_fail(const struct request *r);
/* Queue the user's name to be claimed again. */
void claims_renew_later(struct hub_user *u);
/* Claim again the names that were claimed too lately for the backplane to know them surely. */
void claims_on_takeover(struct hub *hub);
/* Claim it now: it may have been lost, or its record is to be replaced. */
void claims_renew(struct hub_user *u);
/* The name belongs to somebody else: take another. */
void claims_rename(struct hub_user *u);
void claims_release(const struct hub_user *u, struct str_view nick);

#endif
