/* SPDX-License-Identifier: MIT */
/*
 * user_internal.h - somebody whose session is on this node, and what was asked for.
 *
 * Model: a user has at most one request under way. A closed user stays, deaf, until its
 * request has ended, its claims are answered and its quits have come back from all rooms;
 * then it is buried. So nothing that was handed over loses its owner.
 */
#ifndef PARLEY_HUB_USER_INTERNAL_H
#define PARLEY_HUB_USER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/hub/hub.h>
#include <parley/util/list.h>
#include <parley/util/str.h>

#include "hub/person_internal.h"

struct history;
struct invitation;
struct member;

enum request_kind {
    REQUEST_NICK,
    REQUEST_RENAME, /* our own doing: the name was lost to somebody else */
    REQUEST_JOIN,
    REQUEST_LEAVE,
    REQUEST_DIRECT,
    REQUEST_INVITE,
    REQUEST_KILL,
    REQUEST_TOPIC,
    REQUEST_MODE,
    REQUEST_KICK,
    REQUEST_AWAY,
    REQUEST_SETNAME,
    REQUEST_USER_MODES,
    REQUEST_WHOIS,
    REQUEST_WATCH,
    REQUEST_ROOMS,
    REQUEST_HISTORY,
    REQUEST_KIND_COUNT,
};

enum request_state {
    REQUEST_WAITING,   /* for the room's snapshot, or for an answer */
    REQUEST_PUBLISHED, /* handed over: an entry is to come */
    REQUEST_STORED,    /* the entry is in the log, at request->stored */
};

struct request {
    enum request_kind kind;
    enum request_state state;
    uint32_t serial;
    char item_kind;        /* REQUEST_DIRECT: of the text */
    struct hub_user *user; /* borrowed, owns this */
    struct room *room;     /* borrowed, kept alive by `of_room`; or NULL */
    struct list of_room;   /* in room->requests */
    struct deadline give_up;
    struct entry_id stored;
    uint32_t generation;     /* REQUEST_NICK: of the node id that claims */
    uint32_t version;        /* of a change of the person: what it has then */
    uint32_t awaited;        /* the same: rooms that the change is on its way to */
    uint32_t listed;         /* REQUEST_ROOMS */
    struct history *history; /* owned; REQUEST_HISTORY */
    char *name;              /* owned: nick or room, as asked for */
    char *text;              /* owned: message, topic, away text */
    char *tags;              /* owned; REQUEST_DIRECT; NULL: none */
    char *away; /* owned; of whom a letter is for; NULL: unknown or not away */
    uint32_t away_len;
    uint32_t tags_len;
    uint32_t name_len;
    uint32_t text_len;
};

struct hub_user {
    struct hub *hub;
    const struct hub_sink_ops *ops; /* of a closed user: does nothing */
    void *sink;                     /* borrowed */
    struct request *request;        /* owned; NULL: none is under way */
    char *quit_reason;              /* owned; NULL until closed */
    struct list claim;              /* in hub->claim_users */
    struct list wallops;            /* in hub->wallops: it has the mode 'w' */
    struct list watches;            /* see monitor.c */
    struct invitation *invitations; /* owned; NULL: none */
    uint64_t number;
    uint64_t claimed_ms; /* when the name was claimed last, on the loop's clock */
    struct person person;
    uint32_t stamp;         /* of the last delivery to several rooms */
    uint32_t pending;       /* lines on their way, all rooms */
    uint32_t lines;         /* said so far */
    uint32_t since;         /* generation of the node id when it came */
    uint32_t claimed_under; /* generation of the node id under which the name is held */
    uint32_t claim_version; /* of the person when the last claim again was made */
    uint16_t claims;        /* claims again that are not answered */
    uint8_t watch_count;
    uint8_t invitation_count;
    bool is_registered : 1;
    bool is_closed : 1;
    bool is_released : 1; /* the name, at the end */
    bool is_buried : 1;
    bool was_busy : 1;      /* the front-end waits for on_idle() */
    bool was_unsettled : 1; /* the same, for all lines to come back */
    bool has_lost_name : 1; /* a rename is to be made */
    bool is_in_run : 1;     /* some of the run that is being told is its doing */
};

/* ---- requests ---- */

/* The user is not busy. `room` may be NULL; texts are copied. */
struct request *request_begin(struct hub_user *u, enum request_kind kind,
                              struct room *room, struct str_view name,
                              struct str_view text);
/* The request a token is the answer to; NULL if it has ended meanwhile. */
struct request *request_find(const struct hub *hub, struct token token);
struct token request_token(const struct request *r);
struct str_view request_name(const struct request *r);
struct str_view request_text(const struct request *r);
struct str_view request_tags(const struct request *r);
void request_set_tags(struct request *r, struct str_view tags);
struct str_view request_away(const struct request *r);
void request_set_away(struct request *r, struct str_view away);
/*
 * It has ended: the user may ask for the next thing, but is told so only by
 * user_check_idle(), after the events. The memory stays until the end of the turn.
 */
void request_end(struct request *r);
/* Undo what was prepared, tell the user that it was given up, and end it. */
void request_fail(struct request *r);

/* ---- users ---- */

/* Calls on_idle() if the user was busy and is not; begins a rename that waits. To be called
 * last: it may bury the user. */
void user_check_idle(struct hub_user *u);
/* The backplane went away: calls on_away() if that matters to this user. */
void user_tell_away(struct hub_user *u);
/* Its lines on their way to a room will not be waited for any more. */
void user_drop_pending(struct hub_user *u, struct member *m);
/* A line of the member is on its way. */
void user_await_line(struct member *m);
/* One line came back or was refused. */
void user_line_done(struct member *m);
/* The same of one that it said in `r`, where it may not be any more. */
void user_line_came_back(struct hub_user *u, const struct room *r);
/* A closed user with nothing under way goes to the graveyard. */
void user_try_bury(struct hub_user *u);
/* The hub ends: closed without a word to anybody, to be buried when it is in no room. */
void user_forget(struct hub_user *u);
/* Its member id under the node's id of that generation. */
struct str_view user_id(const struct hub_user *u, uint32_t generation,
                        struct member_id_text *ret);
/* The text of the person that such a request changes; PERSON_TEXT_COUNT: none. */
enum person_text request_changes(const struct request *r);
/* What the books should say: with a change that is on its way already. */
struct record user_record(const struct hub_user *u);
/*
 * Is the name held under the present id of this node? Not before it is claimed under it: this
 * node may have been thought dead, and somebody else be called so now. Until then nothing puts
 * the user into the books of a room, or two there would have one name.
 */
bool user_has_name(const struct hub_user *u);
/* Its modes have changed: who is told EV_WALLOPS? */
void user_note_modes(struct hub_user *u);
/* Give the name back, once. */
void user_release_name(struct hub_user *u);

struct str_view user_key(const void *object);
size_t user_live_count(void);

#endif
