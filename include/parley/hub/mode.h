/* SPDX-License-Identifier: MIT */
/*
 * mode.h - the modes of rooms and of their members: one row each.
 *
 * Model: a room has flags, perhaps a key and a limit, and three lists of masks
 * (nick!user@host with '*' and '?'); a member has flags of its own. All of that is changed by
 * entries of the room's log (hub_mode()) and nothing else.
 *
 * The first who joins an empty room becomes its operator, and the room gets +n alone (what
 * was set when it was last in use is taken back): +n forbids what nobody can do but IRC
 * clients, while +t, which IRC networks set too, would take /topic from the people of the
 * line protocol. Two who come at once: the log's order makes one of them the first.
 *
 * Who may do what is checked by the node that takes the command, against its copy. So two at
 * once may both get the last place under a limit, or put one mask too many into a list; what
 * stands in the log holds.
 */
#ifndef PARLEY_HUB_MODE_H
#define PARLEY_HUB_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/hub/result.h>
#include <parley/util/str.h>

struct person;
struct room;

enum {
    ROOM_MASKS_MAX = 100,      /* of each list */
    ROOM_MASK_BYTES_MAX = 191, /* what mask.h matches */
    ROOM_KEY_BYTES_MAX = 32,
    HUB_MODE_CHANGES_MAX = 20, /* of one hub_mode() */
};

enum room_mode_kind {
    ROOM_MODE_MEMBER, /* parameter: a nick */
    ROOM_MODE_LIST,   /* a mask */
    ROOM_MODE_KEY,    /* the key; when taken away, whatever is given */
    ROOM_MODE_LIMIT,  /* 1 to 2^32 - 1; none when taken away */
    ROOM_MODE_FLAG,   /* none */
};

enum member_flag { MEMBER_VOICE = 1, MEMBER_OPERATOR = 2 };
/* Place of a list among the room's. */
enum room_list { ROOM_BANS, ROOM_EXCEPTIONS, ROOM_INVITED, ROOM_LIST_COUNT };
enum room_flag {
    ROOM_INVITE_ONLY = 1,
    ROOM_MODERATED = 2,
    ROOM_NO_OUTSIDE = 4, /* always so: nobody speaks to a room without being in it */
    ROOM_SECRET = 8,     /* not listed for those who are not in it */
    ROOM_TOPIC_LOCKED = 16,
    ROOM_NO_CTCP = 32, /* messages and notices that begin with 0x01 */
};

struct room_mode_row {
    enum room_mode_kind kind;
    char letter;
    uint8_t value; /* enum member_flag, room_list or room_flag */
};

/* The index-th row; NULL behind the last one. */
const struct room_mode_row *room_mode_at(size_t index);
/* NULL: no such mode. */
const struct room_mode_row *room_mode_find(char letter);

/* ---- looking ---- */

/* enum room_flag, ored. */
unsigned room_mode_flags(const struct room *room);
/* Empty: none. */
struct str_view room_mode_key(const struct room *room);
/* 0: none. */
uint32_t room_mode_limit(const struct room *room);

struct room_mask {
    struct str_view mask;
    struct str_view by; /* nick!user@host */
    uint64_t ms;        /* since 1970 */
};

/* The next mask of a list, the oldest first: *cursor = 0 at first. False at the end. */
bool room_next_mask(const struct room *room, enum room_list list, size_t *cursor,
                    struct room_mask *ret);
/* enum member_flag, ored; 0 if it is not a member. */
unsigned room_member_flags(const struct room *room, const struct person *person);

/* ---- changing ---- */

/* A change: asked for, or told by EV_MODE. */
struct hub_mode_change {
    bool is_added;
    char letter;
    struct str_view parameter;   /* nick, mask, key or number; empty if there is none */
    const struct person *person; /* told: the member, or NULL */
    enum hub_result result;      /* asked for: what became of it */
};

#endif
