/* SPDX-License-Identifier: MIT */
/*
 * publish.h - every item that this node writes, with what it changes in the books.
 *
 * All return false when the backplane takes nothing more; then nothing has happened.
 */
#ifndef PARLEY_HUB_PUBLISH_H
#define PARLEY_HUB_PUBLISH_H

#include <stdbool.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

#include "hub/person_internal.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"

/* Texts are clean and within their limits. */
bool publish_line(const struct member *m, const struct hub_speech *speech)
    PARLEY_MUST_CHECK;
bool publish_join(const struct request *r) PARLEY_MUST_CHECK;
bool publish_leave(const struct member *m, const struct request *r) PARLEY_MUST_CHECK;
/* The member is thrown out, for the request's text. */
bool publish_kick(const struct member *m, const struct request *r) PARLEY_MUST_CHECK;
bool publish_topic(const struct request *r) PARLEY_MUST_CHECK;
/* ITEM_NICK or ITEM_PERSON: the person is as `rec` says now. */
bool publish_change(const struct member *m, char type, const struct record *rec)
    PARLEY_MUST_CHECK;
bool publish_quit(const struct member *m, struct str_view reason, struct token token)
    PARLEY_MUST_CHECK;
/* The books name somebody who is not there: ITEM_QUIT or ITEM_LEAVE puts that right. */
bool publish_ghost(struct room *r, char type, struct str_view id, struct str_view who)
    PARLEY_MUST_CHECK;
/* Register a member again, under the present id; and the room's state if that was lost. */
bool publish_restore(const struct member *m) PARLEY_MUST_CHECK;
/* To the inbox of the node of member id `to_id`. */
bool publish_direct(const struct request *r, struct str_view to_id,
                    struct str_view to_nick) PARLEY_MUST_CHECK;
/* The request's text is the room; its operators are told too, if that can be. */
bool publish_invite(const struct request *r, struct str_view to_id) PARLEY_MUST_CHECK;
/* The request's text is the reason. */
bool publish_kill(const struct request *r, struct str_view to_id) PARLEY_MUST_CHECK;
bool publish_wallops(const struct hub_user *u, struct str_view text) PARLEY_MUST_CHECK;
bool publish_bounce(struct hub *hub, struct str_view to_id, struct str_view nick)
    PARLEY_MUST_CHECK;

#endif
