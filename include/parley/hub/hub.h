/* SPDX-License-Identifier: MIT */
/*
 * hub.h - people, rooms and the rules; knows neither sockets nor Redis.
 *
 * Model: a room is a log. The hub keeps a copy of every room that has a member on this node
 * and changes a copy only by applying entries of its log. A request (hub_say, hub_join ...)
 * checks the rules against the copy and publishes an item; its effect, for the sender too,
 * comes when the item comes back. So every node sees one order and an echo is a receipt.
 *
 *   front-end --hub_say--> hub --publish--> backplane ... on_entry --> room copy
 *                                                                        |
 *   front-end <--deliver(event)-- for each local member of the room <----'
 *
 * A user is a person whose session is on this node; a person may be on any node.
 * Owns users, persons, rooms. Borrows the backplane. A front-end frees nothing: it calls
 * hub_user_close() once and forgets the user.
 *
 * Order: each request of a user is either pipelined (messages: several may be under way) or
 * serial (one at a time, until it has taken effect). While hub_user_is_busy() a front-end
 * starts nothing; on_idle() tells when that ends. A request made nevertheless is answered
 * with HUB_TOO_MANY.
 */
#ifndef PARLEY_HUB_HUB_H
#define PARLEY_HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/core/loop.h>
#include <parley/hub/event.h>
#include <parley/hub/mode.h>
#include <parley/hub/person.h>
#include <parley/hub/result.h>
#include <parley/hub/room.h>
#include <parley/util/str.h>

struct hub;
struct hub_user;

enum {
    HUB_TEXT_BYTES_MAX =
        3936, /* of a message: a line of 4096 bytes has room for the rest */
    HUB_TAGS_BYTES_MAX = 4094,
    REASON_BYTES_MAX = 390,  /* of leaving; longer ones are cut */
    HUB_HISTORY_MAX = 500,   /* messages that hub_history() shows at most */
    HUB_LISTED_MAX = 2000,   /* rooms that hub_rooms() lists at most */
    HUB_INVITATIONS_MAX = 8, /* of one person, that were not followed */
    HUB_INVITATION_MS = 3600000,
    HUB_FORMER_MAX = 1000, /* people who are gone, whom a node remembers */
    HUB_WATCHED_MAX = 100, /* names that one person watches */
};

struct hub_policy {
    uint64_t max_rooms;         /* that one person may be in */
    uint64_t max_pending_lines; /* of one person on their way; at that many it is busy */
    uint64_t linger_ms;         /* a copy without local members is kept that long */
    uint64_t request_ms; /* a request without effect is given up then; 0: 120,000 */
    uint64_t
        confirm_ms; /* after a loss, members of other nodes that nobody registers again
                            are gone then; 0: 20,000 */
};

/* What a front-end is told. It may make requests and close users from inside both. */
struct hub_sink_ops {
    /* Show the event to this user. Called for many users in a row with the same event: use
     * event->rendered to do the work once. */
    void (*deliver)(void *sink, struct hub_event *event);
    /* Show all of these; none is the user's own doing. May be NULL: they come one by one. */
    void (*deliver_run)(void *sink, struct hub_run *run);
    /* hub_user_is_busy() went from true to false, or hub_user_is_settled() from false to
     * true. */
    void (*on_idle)(void *sink);
    /* The backplane went away while something of this user is under way. May be NULL. */
    void (*on_away)(void *sink);
};

/* ---- life ---- */
struct hub *hub_new(struct loop *loop, struct backplane *bp,
                    const struct hub_policy *policy);
/* Users that are still there are forgotten without a word to anybody. */
void hub_free(struct hub *hub);
bool hub_is_available(const struct hub *hub);
/* As the policy says. */
uint64_t hub_max_rooms(const struct hub *hub);

/* ---- names ---- */
/* The nick in front of nick!user@host. */
struct str_view hub_nick_of(struct str_view who);
/* Letters, digits and []\`_^{|}- , not a digit or '-' first, 1 to NICK_BYTES_MAX bytes. */
bool hub_nick_is_valid(struct str_view nick);
/* '#', then 1 to ROOM_BYTES_MAX - 1 bytes of valid UTF-8 without blanks, controls, commas. */
bool hub_room_name_is_valid(struct str_view name);

/* Somebody who had a name that was given up since, as far as this node saw it: its own users
 * and the members of its rooms. */
struct hub_former {
    struct str_view nick, user, host, realname; /* valid until the next call of the hub */
    uint64_t ms;                                /* since 1970: until then */
};
/* The next one who was called so, the latest first: *cursor = 0 at first. False at the end. */
bool hub_next_former(const struct hub *hub, struct str_view nick, size_t *cursor,
                     struct hub_former *ret);

/* ---- users ---- */
struct hub_user *hub_user_new(struct hub *hub, const struct hub_sink_ops *ops, void *sink,
                              struct str_view host);
/* What others may know beside the nick (cut to their limits). Before the first hub_nick(). */
void hub_user_describe(struct hub_user *u, struct str_view user, struct str_view realname,
                       struct str_view account);
/* The session ended: leave all rooms, release the name. No call to the sink follows. */
void hub_user_close(struct hub_user *u, struct str_view reason);
/* A serial request is under way, or too many lines are. */
bool hub_user_is_busy(const struct hub_user *u);
/* Nothing is under way: whatever the user asked for has taken effect and was delivered. */
bool hub_user_is_settled(const struct hub_user *u);
bool hub_user_is_registered(const struct hub_user *u);
const struct person *hub_user_person(const struct hub_user *u);
/* Rooms that the user is in, in order of joining: index 0..; NULL at the end. */
const struct room *hub_user_room(const struct hub_user *u, size_t index);
bool hub_user_is_in(const struct hub_user *u, const struct room *room);
/* Rooms that the user is asked into and has not come into, the oldest first, in lower case:
 * *cursor = 0 at first; valid until the next event. False at the end. */
bool hub_user_next_invitation(const struct hub_user *u, size_t *cursor,
                              struct str_view *ret_name);

/* ---- requests; serial ones are marked; answers: see result.h ---- */
/* Carriage returns, line feeds and zeros in texts become blanks. Each serial request may also
 * end with EV_UNAVAILABLE. */

/* (serial) Take a name: first time or change. -> EV_REGISTERED / EV_NICK / EV_NICK_TAKEN */
enum hub_result hub_nick(struct hub_user *u, struct str_view nick);
/* (serial) -> EV_JOIN to the room, EV_WELCOME to the user; or EV_JOIN_REFUSED, perhaps before
 * the call returns HUB_OK */
enum hub_result hub_join(struct hub_user *u, struct str_view room);
enum hub_result hub_join_with_key(struct hub_user *u, struct str_view room,
                                  struct str_view key);
/* (serial) -> EV_LEAVE */
enum hub_result hub_leave(struct hub_user *u, struct str_view room,
                          struct str_view reason);
/* kind: ITEM_MESSAGE, ITEM_ACTION, ITEM_NOTICE. -> EV_MESSAGE, or EV_UNAVAILABLE. HUB_BANNED,
 * HUB_MODERATED, HUB_NO_CTCP: the room's modes forbid it. Nobody speaks from outside a room,
 * whether it has +n or not. */
enum hub_result hub_say(struct hub_user *u, const struct room *room, char kind,
                        struct str_view text);
/* What is said, with all that IRC adds. */
struct hub_speech {
    char kind;   /* as above, or ITEM_TAGMSG: no text */
    char status; /* '@', '+': only for members with that flag or more; 0: for all */
    struct str_view text; /* not empty but for ITEM_TAGMSG */
    struct str_view
        tags; /* client-only tags as they stand in a line, "+a=b;+c", or empty; at
                             most HUB_TAGS_BYTES_MAX (IRCv3 message-tags) */
};
/* As hub_say(); HUB_BAD_PARAMETER: the tags or the status. -> EV_MESSAGE or EV_TAGMSG */
enum hub_result hub_speak(struct hub_user *u, const struct room *room,
                          const struct hub_speech *speech);
/* Number of the line that hub_say() or hub_speak() took last; EV_UNAVAILABLE tells which line
 * was given up: not always the oldest under way. */
uint32_t hub_user_line(const struct hub_user *u);
/* (serial) As hub_direct(), without status. -> EV_DIRECT or EV_TAGMSG to the other */
enum hub_result hub_speak_to(struct hub_user *u, struct str_view nick,
                             const struct hub_speech *speech);
/* (serial) -> EV_DIRECT to the other, EV_DIRECT_SENT or EV_NO_SUCH_NICK to the user */
enum hub_result hub_direct(struct hub_user *u, struct str_view nick, char kind,
                           struct str_view text);
/* (serial) Ask somebody into a room that you are in; HUB_NOT_OPERATOR: +i. For a while it lets
 * that person pass +i (not +b, +k, +l). -> EV_INVITE to the other, EV_INVITED or EV_NO_SUCH_NICK
 * to the user, EV_INVITE_SEEN to the room's operators */
enum hub_result hub_invite(struct hub_user *u, const struct room *room,
                           struct str_view nick);
/* (serial) HUB_NOT_OPERATOR: +t. -> EV_TOPIC */
enum hub_result hub_topic(struct hub_user *u, const struct room *room,
                          struct str_view topic);
/* (serial) Change modes, at most HUB_MODE_CHANGES_MAX, as an operator of the room. Says for each
 * what becomes of it; HUB_EMPTY: nothing is to be done. -> EV_MODE unless others were faster */
enum hub_result hub_mode(struct hub_user *u, const struct room *room,
                         struct hub_mode_change *changes, size_t count);
/* (serial) Throw a member out, as an operator of the room; HUB_NO_SUCH_MEMBER. -> EV_KICK
 * unless it was gone already */
enum hub_result hub_kick(struct hub_user *u, const struct room *room,
                         struct str_view nick, struct str_view reason);
/* (serial) "" is back. -> EV_AWAY to those who share a room, and to the user */
enum hub_result hub_away(struct hub_user *u, struct str_view text);
/* (serial) Another real name. -> EV_SETNAME to those who share a room, and to the user */
enum hub_result hub_setname(struct hub_user *u, struct str_view realname);
/* (serial) The user's own modes, all of them: letters, at most PERSON_MODES_MAX, else
 * HUB_BAD_PARAMETER. They stand in the record; who has 'w' is told EV_WALLOPS. Before the first
 * hub_nick() they are so at once. -> EV_USER_MODES to the user */
enum hub_result hub_set_modes(struct hub_user *u, struct str_view modes);
/* Who may do the next two is for the front-end to say: the hub knows no operators of servers. */
/* (serial) -> EV_KILLED to the other, whose front-end closes it; EV_KILL_SENT or EV_NO_SUCH_NICK
 * to the user */
enum hub_result hub_kill(struct hub_user *u, struct str_view nick,
                         struct str_view reason);
/* -> EV_WALLOPS to everybody on any node who has the mode 'w'. May be lost while the backplane
 * is away. */
enum hub_result hub_wallops(struct hub_user *u, struct str_view text);
/* (serial) -> EV_WHOIS or EV_NO_SUCH_NICK */
enum hub_result hub_whois(struct hub_user *u, struct str_view nick);
/* (serial) Watch a name, at most HUB_WATCHED_MAX (HUB_LIST_FULL), whether or not somebody has it.
 * -> EV_ONLINE or EV_OFFLINE with the user as origin; and later, whenever somebody takes the
 * name or gives it up, on any node, and EV_AWAY and EV_SETNAME to who shares no room. Usually
 * at once, else within seconds. */
enum hub_result hub_watch(struct hub_user *u, struct str_view nick);
void hub_unwatch(struct hub_user *u, struct str_view nick);
void hub_unwatch_all(struct hub_user *u);
struct hub_watched {
    struct str_view nick; /* both are valid until the next call of the hub */
    struct str_view who;  /* nick!user@host; empty: nobody has the name */
};
/* The index-th of the names that the user watches, as last heard; false at the end. */
bool hub_watched_at(struct hub_user *u, size_t index, struct hub_watched *ret);
/* (serial) -> EV_ROOM_LISTED..., EV_ROOMS_END */
enum hub_result hub_rooms(struct hub_user *u);
/* (serial) The newest `count` messages of a room. -> EV_RECENT..., EV_HISTORY_END */
enum hub_result hub_history(struct hub_user *u, const struct room *room, size_t count);

#endif
