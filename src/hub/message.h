/* SPDX-License-Identifier: MIT */
/*
 * message.h - what somebody said: the items that a history consists of.
 */
#ifndef PARLEY_HUB_MESSAGE_H
#define PARLEY_HUB_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/hub/event.h>
#include <parley/hub/hub.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

/* Where an item stands. */
struct item_place {
    struct entry_id id;
    uint64_t index;
};

/* Does a history consist of it: a line said to all, or what tells of lines that it lacks? */
bool message_is_kept(const struct item *it);
/* Has it what it needs, and not too much? Its status is not looked at. */
enum hub_result message_check_speech(const struct hub_speech *speech);
/* Tags that can stand in an item and in a line. */
bool message_tags_are_valid(struct str_view tags);
/* The flags of members who may read what has that status; 0: everybody. */
unsigned message_readers(char status);
/* The event that tells it, or EV_TAGMSG; without person and origin. False: neither, or
 * malformed. */
bool message_to_event(const struct item *it, struct item_place place,
                      struct hub_event *ret) PARLEY_MUST_CHECK;
/* EV_LOST, of an ITEM_LOST. False: malformed. */
bool message_to_loss(const struct item *it, struct item_place place,
                     struct hub_event *ret) PARLEY_MUST_CHECK;
/* Deliver an encoded one that was kept to a user, as EV_RECENT. */
void message_show(struct str_view item, struct item_place place, const struct room *r,
                  struct hub_user *u);

#endif
