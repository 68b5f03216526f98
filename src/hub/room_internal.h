/* SPDX-License-Identifier: MIT */
/*
 * room_internal.h - how the copy of a room is kept.
 *
 * Model: a room has members; a member links a person and a room. The local users among them
 * lie in an array of their own, so that a message is handed out by one tight loop.
 *
 *   room --members[]--> member --> person (<- user)
 *        --locals[]---> user
 *
 *   OPENING (the log is opened, no snapshot yet) -> LIVE -> dropped, when no local user is in
 *   it and no request waits for it, after a while
 *
 * Nothing changes a copy but apply.c (entries) and snapshot.c.
 */
#ifndef PARLEY_HUB_ROOM_INTERNAL_H
#define PARLEY_HUB_ROOM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/core/loop.h>
#include <parley/hub/room.h>
#include <parley/util/list.h>
#include <parley/util/str.h>

#include "hub/hub_internal.h"
#include "hub/names.h"

struct recent;
struct room_modes;

struct member {
    struct list of_person;
    struct person *person; /* borrowed */
    struct room *room;     /* borrowed, owns this */
    uint32_t index;        /* in room->members */
    uint32_t local_index;  /* in room->locals, if it is a local user */
    uint32_t pending;      /* lines of this user on their way to this room */
    uint32_t stay;         /* tells this membership of the person from others */
    uint32_t ban_stamp;    /* room->ban_stamp when is_banned was found out; 0: never */
    uint16_t generation;   /* id of this node under which the books know it, low bits */
    uint16_t known;        /* the same, in the log where the copy is */
    uint8_t flags;         /* enum member_flag */
    uint8_t seen_flags;    /* of the snapshot that is being compared */
    bool is_confirmed : 1; /* the books, or an entry since they were lost, name it */
    bool is_seen : 1;      /* by the snapshot that is being compared */
    bool is_dirty : 1;     /* to be registered again; of a closed user: to be removed */
    bool awaits_name : 1;  /* the same, once user_has_name() */
    bool is_leaving : 1;   /* its leave or quit is handed over */
    bool is_awaited : 1;   /* a change of the person is on its way to this room */
    bool is_founder : 1;   /* the room's first modes, which it was to set, were refused */
    bool is_banned : 1;    /* from speaking, as of ban_stamp */
};

enum room_state { ROOM_OPENING, ROOM_LIVE };

/*
 * Invariants: members[m->index] == m for each member; locals[m->local_index] is m's user if
 * it is local; dirty_count members are dirty, and the room is in hub->repair_rooms if there
 * are any.
 */
struct room {
    struct log_owner owner; /* first */
    enum room_state state;
    bool is_lost; /* its books were lost: what we register again may be the first */
    bool are_modes_lost;     /* ... and nobody of ours has registered the modes again */
    uint16_t mode_flags;     /* enum room_flag */
    uint32_t ban_stamp;      /* of the lists of masks; not 0 */
    uint32_t number;         /* unique in this process: ids, not pointers, in tokens */
    struct member **members; /* owned */
    struct hub_user **locals;
    uint32_t member_count;
    uint32_t member_cap;
    uint32_t local_count;
    uint32_t local_cap;
    uint32_t dirty_count;
    uint32_t names_stamp;     /* see room_names_stamp() */
    struct entry_id last;     /* the last entry that was applied */
    struct list requests;     /* struct request, that concern this room */
    struct list repair;       /* in hub->repair_rooms */
    struct deadline end;      /* set while nobody needs the copy */
    struct deadline confirm;  /* set while members are unconfirmed */
    struct recent *recent;    /* owned; NULL: no messages */
    struct room_modes *modes; /* owned; NULL: neither key, limit nor masks */
    char *topic;              /* owned: the topic, then who set it */
    uint16_t topic_len;
    uint16_t topic_by_len;
    uint64_t topic_ms;
    uint64_t since_ms; /* when it was founded; 0: not known */
    uint16_t name_len;
    char names[]; /* folded, then as people write it */
};

/* The copy, opened now if there is none. The name is valid. */
struct room *room_open(struct hub *hub, struct str_view name);
/* Close the log and forget the copy, silently. */
void room_drop(struct room *r);
/* Drop the copy after a while if nobody needs it any more; to be called when somebody left
 * or a request ended. */
void room_check_end(struct room *r);
/* Same name in another spelling; others are ignored. */
void room_set_name(struct room *r, struct str_view name);
void room_set_topic(struct room *r, struct str_view topic, struct str_view by,
                    uint64_t ms);
struct str_view room_folded(const struct room *r);

/* Something about a member's name is another now. */
void room_renew_names(struct room *r);
struct member *room_find_member(const struct room *r, const struct person *p);
/* The person must not be a member yet. NULL when the room is full. */
struct member *room_add_member(struct room *r, struct person *p);
/* Also frees a person of another node that is in no room any more. */
void room_remove_member(struct member *m);
/* `m` becomes the membership of another person of another node. */
void room_relink_member(struct member *m, struct person *p);
void member_set_dirty(struct member *m, bool is_dirty);
/* Its id, under which entries that this node writes now mean it. */
struct str_view member_id_of(const struct member *m, struct member_id_text *ret);
/* The member with this number of a local user, or NULL. */
struct member *member_of_room_number(struct person *p, uint32_t room_number);

/* Asserts the invariants. */
void room_check(const struct room *r);
struct str_view room_key(const void *object);
size_t room_live_count(void);

#endif
