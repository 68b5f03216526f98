/* SPDX-License-Identifier: MIT */
/* What several commands tell. */
#include "proto/irc/commands.h"
#include "proto/irc/isupport.h"
#include "proto/irc/modes.h"

/* ---- rooms ---- */

bool irc_is_room_name(struct str_view name)
{
    return name.len > 0 && name.ptr[0] == '#';
}

const struct room *irc_own_room(struct irc *irc, struct str_view name)
{
    const struct room *room = hub_room_find(irc->app->hub, name);

    if (room != NULL && hub_user_is_in(irc->user, room)) {
        return room;
    }
    irc_reply(irc, hub_room_name_is_valid(name) ? ERR_NOTONCHANNEL : ERR_NOSUCHCHANNEL,
              name);
    return NULL;
}

void irc_tell_topic(struct irc *irc, const struct room *room)
{
    struct irc_digits digits;

    if (room_topic(room).len > 0) {
        irc_reply(irc, RPL_TOPIC, room_name(room), room_topic(room));
        irc_reply(irc, RPL_TOPICWHOTIME, room_name(room), room_topic_by(room),
                  irc_digits(room_topic_ms(room) / 1000, &digits));
    }
}

void irc_add_prefixes(const struct irc *irc, struct strbuf *out, unsigned member_flags)
{
    irc_modes_add_prefixes(out, member_flags, (irc->caps & IRC_CAP_MULTI_PREFIX) != 0);
}

void irc_tell_welcome(struct irc *irc, const struct room *room)
{
    irc_tell_topic(irc, room);
    irc_tell_names(irc, room);
}

/* ---- requests ---- */

enum irc_step irc_requested(struct irc *irc, enum hub_result result, struct str_view what,
                            enum irc_step next, enum irc_step otherwise)
{
    switch (result) {
    case HUB_OK:
        return next;
    case HUB_NOT_MEMBER:
        irc_reply(irc, ERR_NOTONCHANNEL, what);
        break;
    case HUB_BAD_NAME:
        irc_reply(irc, irc_is_room_name(what) ? ERR_NOSUCHCHANNEL : ERR_NOSUCHNICK, what);
        break;
    case HUB_TOO_MANY:
    case HUB_UNAVAILABLE:
        irc_tell_unavailable(irc, what);
        break;
    case HUB_TOO_LONG:
        irc_reply_plain(irc, ERR_INPUTTOOLONG);
        break;
    case HUB_NOT_OPERATOR:
        irc_reply(irc, ERR_CHANOPRIVSNEEDED, what);
        break;
    case HUB_ALREADY:
    case HUB_EMPTY:
    case HUB_BANNED:
    case HUB_MODERATED:
    case HUB_NO_CTCP:
    case HUB_INVITE_ONLY:
    case HUB_BAD_KEY:
    case HUB_FULL:
    case HUB_NO_SUCH_MEMBER:
    case HUB_NO_SUCH_MODE:
    case HUB_BAD_PARAMETER:
    case HUB_LIST_FULL:
        break;
    }
    return otherwise;
}

enum irc_step irc_look_up(struct irc *irc, struct irc_call *call, struct str_view nick,
                          irc_person_fn on_person)
{
    call->on_person = on_person;
    if (!hub_nick_is_valid(nick)) {
        on_person(irc, call, NULL, NULL);
        return IRC_DONE;
    }
    return irc_requested(irc, hub_whois(irc->user, nick), nick, IRC_AGAIN, IRC_DONE);
}

/* ---- the greeting ---- */

void irc_tell_isupport(struct irc *irc)
{
    struct strbuf tokens;
    size_t cursor = 0;

    strbuf_init(&tokens, IRC_LINE_BYTES_MAX);
    while (irc_isupport_next(&cursor, hub_max_rooms(irc->app->hub), &tokens)) {
        irc_reply(irc, RPL_ISUPPORT, strbuf_view(&tokens));
        strbuf_clear(&tokens);
    }
    strbuf_done(&tokens);
}

static void tell_myinfo(struct irc *irc)
{
    struct strbuf all;
    struct strbuf with_parameter;

    strbuf_init(&all, IRC_LINE_BYTES_MAX);
    strbuf_init(&with_parameter, IRC_LINE_BYTES_MAX);
    irc_modes_add_letters(&all);
    irc_modes_add_letters_with_parameter(&with_parameter);
    irc_reply(irc, RPL_MYINFO, SV(IRC_SERVER_NAME), sv_of(irc->app->version),
              irc_modes_user_letters, strbuf_view(&all), strbuf_view(&with_parameter));
    strbuf_done(&all);
    strbuf_done(&with_parameter);
}

static void tell_welcome_line(struct irc *irc)
{
    const struct person *self = hub_user_person(irc->user);
    struct strbuf who;

    strbuf_init(&who, IRC_LINE_BYTES_MAX);
    strbuf_add(&who, person_nick(self));
    strbuf_add_char(&who, '!');
    strbuf_add(&who, person_user(self));
    strbuf_add_char(&who, '@');
    strbuf_add(&who, person_host(self));
    irc_reply(irc, RPL_WELCOME, SV(IRC_NETWORK), strbuf_view(&who));
    strbuf_done(&who);
}

void irc_tell_greeting(struct irc *irc)
{
    tell_welcome_line(irc);
    irc_reply(irc, RPL_YOURHOST, SV(IRC_SERVER_NAME), sv_of(irc->app->version));
    irc_reply(irc, RPL_CREATED, sv_of(irc->app->node_name));
    tell_myinfo(irc);
    irc_tell_isupport(irc);
    irc_tell_lusers(irc);
    irc_tell_motd(irc);
}
