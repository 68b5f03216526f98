/* SPDX-License-Identifier: MIT */
/*
 * event.h - what the hub tells a front-end about.
 *
 * An event is made once and shown to many users in a row. All that it points at is valid
 * during the call; `rendered` is a place for the front-end to keep what it made of the event,
 * so that a line for a thousand readers is rendered once. The hub drops those references.
 */
#ifndef PARLEY_HUB_EVENT_H
#define PARLEY_HUB_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/hub/result.h>
#include <parley/util/msg.h>
#include <parley/util/str.h>

struct hub_mode_change;
struct hub_user;
struct person;
struct room;

/* Rendered forms of one event that differ in bytes; a front-end uses what it needs. */
enum { HUB_VARIANTS_MAX = 16 };

enum hub_event_type {
    EV_REGISTERED,  /* to the user: the name is yours (person) */
    EV_NICK_TAKEN,  /* to the user: text = the name */
    EV_UNAVAILABLE, /* to the user: what you asked for was given up; text = what (a line's
                        beginning, a room, a name; empty if unknown), kind = the item type
                        or 0 */
    EV_WELCOME,     /* to the user who joined: the room is complete in event->room */
    EV_JOIN,        /* person joined room */
    EV_LEAVE,       /* person left room, text = reason */
    EV_QUIT,        /* person is gone from all rooms, text = reason; once per reader */
    EV_NICK,        /* person, old_nick; once per reader. Also comes when the hub had to
                        rename a user whose name was lost to somebody else */
    EV_TOPIC,       /* who set text as the topic of room ("" = none) */
    EV_MESSAGE, /* in room: who, text, kind (ITEM_MESSAGE, ITEM_ACTION, ITEM_NOTICE), tags, status */
    EV_TAGMSG,       /* who sent tags without text: in room, or without one to target */
    EV_RECENT,       /* as EV_MESSAGE, but from history; kind ITEM_LOST: as EV_LOST */
    EV_HISTORY_END,  /* answer to hub_history(): that was all */
    EV_DIRECT,       /* to the user: who said text to you, kind */
    EV_DIRECT_SENT,  /* to the user: your text to `target` is stored, kind */
    EV_NO_SUCH_NICK, /* to the user: text = the name */
    EV_HOLE,         /* in room: the history has a hole here */
    EV_LOST,        /* in room: count lines are gone for good; 0: nobody knows how many */
    EV_ROOM_LISTED, /* answer to hub_rooms(): room_name, count, text = topic */
    EV_ROOMS_END,   /* count = rooms that were listed */
    EV_WHOIS,       /* answer to hub_whois(): record, text = nick, person if known here */
    EV_AWAY,        /* person's away text changed: text ("" = back); once per reader */
    EV_JOIN_REFUSED,
    /* to the user: you may not come into room_name, for that reason */
    EV_SETNAME, /* person's real name changed: text; once per reader */
    EV_ONLINE,  /* somebody has the name text, which the user watches: who */
    EV_OFFLINE, /* nobody has it */
    EV_USER_MODES,
    /* to the user: your modes are text */
    EV_KILLED, /* to the user: who has you thrown off, text = reason. The front-end is to
                     close the session */
    EV_KILL_SENT, /* to the user: target will be thrown off, as you wanted; text = reason */
    EV_WALLOPS,   /* to users with the mode 'w': who tells them text */
    EV_INVITE,    /* to the user: who asks you into room_name */
    EV_INVITED,   /* to the user: target is asked into room_name, as you wanted */
    EV_INVITE_SEEN, /* to the operators of room: who asks target into it */
    EV_KICK, /* who threw the person `other`, target = its nick, out of room; text = reason. To
                that person too */
    EV_MODE, /* who made these changes in room; without who it is the room's own doing:
                its first operator (whose join is the origin), or what came to light after
                a loss */
};

struct hub_event {
    enum hub_event_type type;
    char kind; /* item type where it matters */
    char
        status; /* EV_MESSAGE, EV_TAGMSG: '@', '+': only for those who have at least that */
    const struct room *room;     /* or NULL */
    const struct person *person; /* whose doing it is, if known, or NULL */
    const struct person *other;  /* EV_KICK: whom it befell */
    struct str_view who;         /* nick!user@host as the item carries it */
    struct str_view account;
    struct str_view text;
    struct str_view
        modes; /* EV_DIRECT, EV_TAGMSG: those of who, if `person` is not known */
    struct str_view tags;   /* of what was said: client-only tags, "+a=b;+c", or empty */
    struct str_view target; /* nick to whom */
    struct str_view away;   /* EV_DIRECT_SENT, EV_INVITED: the other's away text */
    struct str_view old_nick;  /* EV_NICK */
    struct str_view room_name; /* EV_ROOM_LISTED, EV_JOIN_REFUSED, EV_INVITE... */
    struct str_view record;    /* EV_WHOIS: see person_record_decode() */
    enum hub_result
        reason;     /* EV_JOIN_REFUSED: HUB_BANNED, _INVITE_ONLY, _BAD_KEY, _FULL */
    uint64_t count; /* EV_ROOM_LISTED: members; EV_LOST: lines */
    uint32_t line;  /* EV_UNAVAILABLE of something said in a room: its hub_user_line() */
    const struct hub_mode_change *changes; /* EV_MODE: change_count of them; see mode.h */
    size_t change_count;
    bool is_watched;    /* EV_AWAY, EV_SETNAME: told for hub_watch(), not by a room */
    struct entry_id id; /* of the entry, {0,0} if none */
    uint64_t index;     /* of the item within its entry */
    uint64_t time_ms;   /* the log's time, else this node's */
    struct hub_user *origin; /* the local user whose doing it is, or NULL */
    /* The front-end's cache: NULL until rendered; the hub drops the references. */
    struct msg *rendered[HUB_VARIANTS_MAX];
};

/* Several events of one room, in order, told together: EV_JOIN, EV_MESSAGE or EV_TAGMSG. */
struct hub_run {
    struct hub_event *events;
    size_t count;
    struct msg *rendered[HUB_VARIANTS_MAX]; /* as of an event: all in one piece */
};

#endif
