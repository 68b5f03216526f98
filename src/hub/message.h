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
#include <parley/util/base.h>
#include <parley/util/msg.h>

/* Where an item stands. */
struct item_place {
    struct entry_id id;
    uint64_t index;
};

/* One message kept for later. */
struct kept_message {
    struct msg *item; /* ref; encoded */
    struct item_place place;
};

/* Is it one of the types of messages? */
bool message_is_kind(char type);
/* The event that tells it; without person and origin. False: not a message, or malformed. */
bool message_to_event(const struct item *it, struct item_place place,
                      struct hub_event *ret) PARLEY_MUST_CHECK;
/* Deliver a kept one to a user, as EV_RECENT. */
void message_show(const struct kept_message *kept, const struct room *r,
                  struct hub_user *u);

#endif
