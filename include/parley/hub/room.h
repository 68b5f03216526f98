/* SPDX-License-Identifier: MIT */
/*
 * room.h - looking at this node's copy of a room.
 *
 * The hub owns rooms; a room is valid as long as a user of this node is in it, and during an
 * event that shows it. Front-ends only look.
 */
#ifndef PARLEY_HUB_ROOM_H
#define PARLEY_HUB_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/str.h>

struct hub;
struct hub_user;
struct person;
struct room;

enum {
    ROOM_BYTES_MAX = 64, /* with the '#' */
    TOPIC_BYTES_MAX = 390,
    HUB_RECENT_MESSAGES = 20, /* kept with each room copy for those who join */
};

/* The copy of a room, by name in any case; NULL if this node keeps none. */
struct room *hub_room_find(const struct hub *hub, struct str_view name);

struct str_view room_name(const struct room *room);
struct str_view room_topic(const struct room *room);
/* Who set it (nick!user@host) and when (milliseconds since 1970). */
struct str_view room_topic_by(const struct room *room);
uint64_t room_topic_ms(const struct room *room);
/* Since when somebody is in it (milliseconds since 1970): when the first one came into the
 * empty room. 0: not known. */
uint64_t room_since_ms(const struct room *room);
size_t room_member_count(const struct room *room);
bool room_has(const struct room *room, const struct person *person);
/* A member as a listing shows it. */
struct room_member {
    const struct person *person;
    unsigned flags; /* enum member_flag, ored */
};

/* Members in no special order: *cursor = 0 at first; false at the end. */
bool room_next_member(const struct room *room, size_t *cursor, struct room_member *ret);
/* Another one when somebody has left or a member has another name or other flags, the same when
 * somebody has only come in: what was made of the members up to a cursor holds as long as the
 * stamp does. No two rooms have the same. */
uint32_t room_names_stamp(const struct room *room);
/* Deliver the last HUB_RECENT_MESSAGES messages to `u`, oldest first, as EV_RECENT. */
void room_show_recent(const struct room *room, struct hub_user *u);

#endif
