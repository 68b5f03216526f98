/* SPDX-License-Identifier: MIT */
/*
 * hub_internal.h - what the parts of the hub share.
 *
 * Model: three maps (rooms by folded name, users by number, persons of other nodes by member
 * id), the ids that this node had, and two lists of work that is done in slices.
 */
#ifndef PARLEY_HUB_HUB_INTERNAL_H
#define PARLEY_HUB_HUB_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/core/loop.h>
#include <parley/hub/hub.h>
#include <parley/util/list.h>
#include <parley/util/map.h>
#include <parley/util/strbuf.h>

#include "hub/names.h"

enum {
    HUB_IDS_KEPT = 8,         /* ids of this node, the newest included */
    HUB_MEMBERS_MAX = 200000, /* of one room; more are not believed */
    HUB_CONFIRM_MS = 20000,   /* members unconfirmed for so long are gone */
    HUB_IN_DOUBT_MS = 60000,  /* no replica that takes over is so far behind */
    HUB_OLD_INBOX_MS = 60000, /* the inbox of a former id is read that long */
    HUB_SLICE = 200,          /* publications or claims of one turn, of long work */
    HUB_SLICE_MS = 10,        /* between two such turns */
    HUB_SLICE_RETRY_MS = 500, /* after the backplane took no more */
    HUB_UPDATES_MAX = 28,     /* of the books, with one item */
};

/* The inbox of all nodes: no node has that id, and no room that name. */
#define HUB_ALL_LOG "@all"

struct member;

/* What an answer is to. */
enum token_kind {
    TOKEN_NONE,
    TOKEN_SAY,     /* serial: the room's number; see line_token() */
    TOKEN_TAGS,    /* the same, of an ITEM_TAGMSG */
    TOKEN_CHANGE,  /* a person's change; serial: the room's number */
    TOKEN_REPAIR,  /* a quit, or a member registered again; serial: the room's number */
    TOKEN_FOUND,   /* the first modes of a room; serial: the room's number */
    TOKEN_STATE,   /* a room's state registered again; serial: the room's number */
    TOKEN_CLAIM,   /* a name claimed again; serial: generation of the node's id */
    TOKEN_MONITOR, /* person: the number of a name that is watched */
    TOKEN_REQUEST, /* serial: the request's */
};

/* Of the line that is said next; its number stands above the kind. */
struct token line_token(const struct member *m, enum token_kind kind);
enum token_kind token_kind_of(struct token token);
uint32_t token_line(struct token token);

/* Begins whatever a backplane log is opened for. */
struct log_owner {
    bool is_inbox; /* else a room */
    struct hub *hub;
    struct log_handle *log; /* the backplane's */
};

struct former;
struct inbox;
struct run;

struct hub {
    struct loop *loop;    /* borrowed */
    struct backplane *bp; /* borrowed */
    struct hub_policy policy;
    struct map rooms;    /* owned */
    struct map users;    /* owned; closed ones that still have something under way too */
    struct map persons;  /* owned; of other nodes */
    struct list inboxes; /* owned; the newest last */
    struct inbox *all;   /* owned: the inbox of all nodes */
    struct run *run;     /* owned; see run.h */
    struct list wallops; /* users who are told EV_WALLOPS */
    struct list repair_rooms;     /* rooms with members to register again */
    struct list claim_users;      /* users whose names are to be claimed again */
    struct timer slice;           /* does the work of both */
    uint64_t away_ms;             /* when the backplane went away; 0: it is there */
    struct list released;         /* names given back of late; see released.c */
    struct map released_texts;    /* the same */
    struct map monitored_names;   /* names that users watch; see monitor.c */
    struct map monitored_numbers; /* the same by number */
    struct list monitored;        /* the same, in the order in which they are looked up */
    struct timer monitor;         /* does that */
    uint64_t last_monitored;
    unsigned monitor_asked; /* look-ups that are not answered */
    bool is_monitor_soon;
    struct former *former; /* owned: a ring; NULL: nobody is gone yet. See former.c */
    size_t former_count;   /* so many were put in */
    uint64_t last_number;  /* of a user */
    uint32_t last_room;
    uint32_t last_names_stamp;
    uint32_t last_serial; /* of a request */
    uint32_t stamp;       /* of the last delivery to several rooms */
    uint32_t generation;  /* of this node's id: ids[generation % HUB_IDS_KEPT] */
    struct {
        char bytes[NODE_ID_MAX];
        size_t len;
    } ids[HUB_IDS_KEPT];
    /* Emptied by whoever uses them; what they hold lives until the next use. */
    struct strbuf item;
    struct strbuf record;
    struct strbuf text;
    struct book_update updates[HUB_UPDATES_MAX];
};

/* A replica that takes over may lack what the backplane was told since then. While it is away
 * that does not change. */
uint64_t hub_in_doubt_since(const struct hub *hub);

/* Is it the id of this node, now or formerly? */
bool hub_owns_node(const struct hub *hub, struct str_view node);
/* The id of that generation; empty if forgotten. */
struct str_view hub_node_id(const struct hub *hub, uint32_t generation);
/* The generation of an id of this node's. */
uint32_t hub_node_generation(const struct hub *hub, struct str_view node);
/* Append a new id. */
void hub_add_node_id(struct hub *hub, struct str_view node);

/* A user that is not buried yet (it may be closed). */
struct hub_user *hub_user_find(const struct hub *hub, uint64_t number);
struct person *hub_user_own_person(struct hub_user *u);

#endif
