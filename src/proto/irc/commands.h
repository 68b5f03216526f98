/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the rows of the table of commands, and what the families share.
 *
 * A handler irc_command_<name>() runs when it is the command's turn, the client may use it,
 * and it has as many parameters as it needs. More than a command knows are ignored.
 */
#ifndef PARLEY_PROTO_IRC_COMMANDS_H
#define PARLEY_PROTO_IRC_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/irc/irc.h"

enum irc_command_flag {
    IRC_EARLY = 1,  /* works before registration */
    IRC_SERIAL = 2, /* waits for all before it */
    IRC_URGENT = 4, /* but not while the backplane is away */
};

struct irc_command {
    struct str_view name;
    irc_handler run;
    uint8_t params_min;
    uint8_t flags;
    const char *parameters; /* as HELP shows them */
    const char *help;
};

/* One more call of a command came; how many there were, for STATS. */
void irc_command_count_up(const struct irc_command *row);
uint64_t irc_command_count(const struct irc_command *row);
/* Never NULL: what is unknown has a row too. */
const struct irc_command *irc_command_find(struct str_view name);
/* The index-th row, NULL behind the last one. */
const struct irc_command *irc_command_at(size_t index);

/* ---- commands_shared.c ---- */
/* The room of that name if the client is in it; else NULL, and the right error is sent. */
const struct room *irc_own_room(struct irc *irc, struct str_view name);
bool irc_is_room_name(struct str_view name);
/* After a request: `next` when it is under way, else the error that all commands
 * share is sent and the result is `otherwise`. */
enum irc_step irc_requested(struct irc *irc, enum hub_result result, struct str_view what,
                            enum irc_step next, enum irc_step otherwise);
/* MODE of a person: the own modes, or the right error. */
enum irc_step irc_user_modes(struct irc *irc, struct irc_call *call);
/* Is the client a server operator? If not, the error is sent. */
bool irc_is_operator(struct irc *irc);
/* EV_ONLINE, EV_OFFLINE: what MONITOR is for. */
void irc_on_online(struct irc *irc, struct hub_event *e);
void irc_on_offline(struct irc *irc, struct hub_event *e);
/* EV_ROOM_LISTED, for LIST. */
void irc_on_room_listed(struct irc *irc, struct hub_event *e);
/* Look somebody up; on_person comes before the next step. IRC_DONE: nobody has such a name. */
enum irc_step irc_look_up(struct irc *irc, struct irc_call *call, struct str_view nick,
                          irc_person_fn on_person);
/* What stands before a member's nick, as this client wants it (multi-prefix). */
void irc_add_prefixes(const struct irc *irc, struct strbuf *out, unsigned member_flags);
/* 332 and 333, nothing without a topic. */
void irc_tell_topic(struct irc *irc, const struct room *room);
/* What follows JOIN. */
void irc_tell_welcome(struct irc *irc, const struct room *room);
/* 005, all lines. */
void irc_tell_isupport(struct irc *irc);
void irc_tell_lusers(struct irc *irc);
void irc_tell_motd(struct irc *irc);
/* 001 to 376: registration is complete. */
void irc_tell_greeting(struct irc *irc);

/* ---- names.c ---- */
/* 353 for all members, and 366. */
void irc_tell_names(struct irc *irc, const struct room *room);

#define IRC_HANDLER(name)                                                                \
    enum irc_step irc_command_##name(struct irc *irc, struct irc_call *call)

/* commands_registration.c */
IRC_HANDLER(authenticate);
IRC_HANDLER(cap);
IRC_HANDLER(nick);
IRC_HANDLER(pass);
IRC_HANDLER(ping);
IRC_HANDLER(pong);
IRC_HANDLER(quit);
IRC_HANDLER(user);
/* commands_moderate.c */
IRC_HANDLER(invite);
IRC_HANDLER(kick);
/* MODE of a room that the client is in. */
enum irc_step irc_room_mode(struct irc *irc, const struct irc_call *call,
                            const struct room *room);
/* commands_room.c */
IRC_HANDLER(join);
IRC_HANDLER(list);
IRC_HANDLER(mode);
IRC_HANDLER(names);
IRC_HANDLER(part);
IRC_HANDLER(topic);
/* commands_message.c */
IRC_HANDLER(notice);
IRC_HANDLER(privmsg);
IRC_HANDLER(tagmsg);
/* commands_person.c */
IRC_HANDLER(away);
IRC_HANDLER(ison);
IRC_HANDLER(setname);
IRC_HANDLER(userhost);
IRC_HANDLER(userip);
IRC_HANDLER(whois);
IRC_HANDLER(whowas);
/* commands_who.c */
IRC_HANDLER(who);
/* commands_monitor.c */
IRC_HANDLER(monitor);
/* commands_operator.c */
IRC_HANDLER(kill);
IRC_HANDLER(oper);
IRC_HANDLER(rehash);
IRC_HANDLER(wallops);
/* commands_server.c */
IRC_HANDLER(admin);
IRC_HANDLER(help);
IRC_HANDLER(info);
IRC_HANDLER(links);
IRC_HANDLER(lusers);
IRC_HANDLER(map);
IRC_HANDLER(motd);
IRC_HANDLER(stats);
IRC_HANDLER(time);
IRC_HANDLER(unknown);
IRC_HANDLER(version);

#endif
