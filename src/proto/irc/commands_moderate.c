/* SPDX-License-Identifier: MIT */
/* What a room's operators do: MODE, KICK, INVITE (RFC 2812 section 3.2; Modern IRC "Channel
 * Operations", "MODE message"). */
#include <parley/util/utf8.h>

#include "proto/irc/commands.h"
#include "proto/irc/modes.h"

/* ---- MODE ---- */

static void tell_modes(struct irc *irc, const struct room *room)
{
    uint64_t since_ms = room_since_ms(room);
    struct irc_digits digits;
    struct strbuf modes;

    strbuf_init(&modes, IRC_LINE_BYTES_MAX);
    irc_modes_add_room(&modes, room);
    irc_reply(irc, RPL_CHANNELMODEIS, room_name(room), strbuf_view(&modes));
    strbuf_done(&modes);
    if (since_ms > 0) {
        irc_reply(irc, RPL_CREATIONTIME, room_name(room),
                  irc_digits(since_ms / 1000, &digits));
    }
}

static void tell_list(struct irc *irc, const struct room *room, enum room_list list)
{
    static const struct {
        enum irc_numeric item;
        enum irc_numeric end;
    } numerics[ROOM_LIST_COUNT] = {
        [ROOM_BANS] = {RPL_BANLIST, RPL_ENDOFBANLIST},
        [ROOM_EXCEPTIONS] = {RPL_EXCEPTLIST, RPL_ENDOFEXCEPTLIST},
        [ROOM_INVITED] = {RPL_INVEXLIST, RPL_ENDOFINVEXLIST},
    };
    struct room_mask mask;
    struct irc_digits digits;
    size_t cursor = 0;

    while (irc_is_open(irc) && room_next_mask(room, list, &cursor, &mask)) {
        irc_reply(irc, numerics[list].item, room_name(room), mask.mask, mask.by,
                  irc_digits(mask.ms / 1000, &digits));
    }
    irc_reply(irc, numerics[list].end, room_name(room));
}

/* The letter in an answer; half a character would not be UTF-8. */
static struct str_view letter_of(const struct hub_mode_change *c)
{
    return (unsigned char)c->letter < 0x80 ? sv(&c->letter, 1) : SV("?");
}

/* What a change that is not made is answered with; one that changes nothing with nothing. */
static void refuse_change(struct irc *irc, const struct room *room,
                          const struct hub_mode_change *c)
{
    struct str_view name = room_name(room);
    bool is_wrong = c->result == HUB_BAD_PARAMETER || c->result == HUB_NO_SUCH_MEMBER;

    if (c->result == HUB_NO_SUCH_MODE) {
        irc_reply(irc, ERR_UNKNOWNMODE, letter_of(c));
    } else if (c->result == HUB_LIST_FULL) {
        irc_reply(irc, ERR_BANLISTFULL, name, letter_of(c));
    } else if (is_wrong && c->parameter.len == 0) {
        irc_reply(irc, ERR_INVALIDMODEPARAM, name, letter_of(c), SV("*"),
                  SV("A parameter is needed"));
    } else if (c->result == HUB_NO_SUCH_MEMBER) {
        irc_reply(irc, ERR_USERNOTINCHANNEL, c->parameter, name);
    } else if (is_wrong && room_mode_find(c->letter)->kind == ROOM_MODE_KEY) {
        irc_reply(irc, ERR_INVALIDKEY, name);
    } else if (is_wrong) {
        irc_reply(irc, ERR_INVALIDMODEPARAM, name, letter_of(c), c->parameter,
                  SV("The parameter is not valid"));
    }
}

static enum irc_step change_modes(struct irc *irc, const struct room *room,
                                  struct irc_mode_wish *wish)
{
    enum hub_result result = hub_mode(irc->user, room, wish->changes, wish->count);

    if (result == HUB_OK || result == HUB_EMPTY) {
        for (size_t i = 0; i < wish->count; i++) {
            refuse_change(irc, room, &wish->changes[i]);
        }
    }
    return irc_requested(irc, result, room_name(room), IRC_LAST, IRC_DONE);
}

enum irc_step irc_room_mode(struct irc *irc, const struct irc_call *call,
                            const struct room *room)
{
    struct irc_mode_wish wish;

    if (call->m.params[1].len == 0) {
        tell_modes(irc, room);
        return IRC_DONE;
    }
    irc_modes_parse(&call->m, &wish);
    for (unsigned list = 0; list < ROOM_LIST_COUNT; list++) {
        if ((wish.lists >> list & 1) != 0) {
            tell_list(irc, room, (enum room_list)list);
        }
    }
    return wish.count > 0 && irc_is_open(irc) ? change_modes(irc, room, &wish) : IRC_DONE;
}

/* ---- KICK ---- */

/* IRC_DONE: the next nick may be tried; IRC_LAST: no other. */
static enum irc_step kick_one(struct irc *irc, const struct irc_call *call,
                              struct str_view nick)
{
    struct str_view reason = utf8_truncate(call->m.params[2], IRC_KICK_BYTES_MAX);
    const struct room *room = irc_own_room(irc, call->m.params[0]);

    if (room == NULL) {
        return IRC_LAST;
    }
    enum hub_result result = hub_kick(irc->user, room, nick, reason);
    if (result == HUB_NO_SUCH_MEMBER) {
        irc_reply(irc, ERR_USERNOTINCHANNEL, nick, room_name(room));
        return IRC_DONE;
    }
    return irc_requested(irc, result, room_name(room), IRC_AGAIN, IRC_LAST);
}

enum irc_step irc_command_kick(struct irc *irc, struct irc_call *call)
{
    enum irc_step step = IRC_DONE;
    struct str_view nick = {0};

    while (step == IRC_DONE && irc_is_open(irc) &&
           irc_message_next_item(call->m.params[1], &call->at, &nick)) {
        if (call->targets++ == IRC_TARGETS_MAX) {
            irc_reply(irc, ERR_TOOMANYTARGETS, nick);
            return IRC_DONE;
        }
        step = kick_one(irc, call, nick);
    }
    return step == IRC_AGAIN ? IRC_AGAIN : IRC_DONE;
}

/* ---- INVITE ---- */

static void tell_invitations(struct irc *irc)
{
    struct str_view name = {0};
    size_t cursor = 0;

    while (irc_is_open(irc) && hub_user_next_invitation(irc->user, &cursor, &name)) {
        irc_reply(irc, RPL_INVITELIST, name);
    }
    irc_reply_plain(irc, RPL_ENDOFINVITELIST);
}

/* The rest: EV_INVITED or EV_NO_SUCH_NICK. */
static enum irc_step invite(struct irc *irc, const struct room *room,
                            struct str_view nick)
{
    enum hub_result result = hub_invite(irc->user, room, nick);

    if (result == HUB_ALREADY) {
        irc_reply(irc, ERR_USERONCHANNEL, nick, room_name(room));
    } else if (result == HUB_BAD_NAME) {
        irc_reply(irc, ERR_NOSUCHNICK, nick);
    } else {
        return irc_requested(irc, result, room_name(room), IRC_LAST, IRC_DONE);
    }
    return IRC_DONE;
}

enum irc_step irc_command_invite(struct irc *irc, struct irc_call *call)
{
    if (call->m.count == 0) {
        tell_invitations(irc);
        return IRC_DONE;
    }
    if (call->m.count < 2) {
        irc_reply(irc, ERR_NEEDMOREPARAMS, call->row->name);
        return IRC_DONE;
    }
    const struct room *room = irc_own_room(irc, call->m.params[1]);
    return room != NULL ? invite(irc, room, call->m.params[0]) : IRC_DONE;
}
