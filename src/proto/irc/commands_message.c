/* SPDX-License-Identifier: MIT */
/* PRIVMSG, NOTICE, TAGMSG (RFC 2812 section 3.3; IRCv3 message-tags). */
#include <parley/core/item.h>

#include "proto/irc/commands.h"
#include "proto/irc/render.h"
#include "proto/text.h"

/* What is said, and how a failure is told: of a NOTICE nothing is (RFC 2812, 3.3.2). */
struct speech {
    char kind;
    bool is_silent;
    struct str_view text;
    struct str_view tags;
};

/* The client-only tags of the line (IRCv3 message-tags). They go into `call`'s text, as a kept
 * line moves. */
static struct str_view tags_of(const struct irc *irc, struct irc_call *call)
{
    if ((irc->caps & IRC_CAP_MESSAGE_TAGS) == 0 || call->m.tags.len == 0) {
        return sv(NULL, 0);
    }
    strbuf_done(&call->text);
    strbuf_init(&call->text, IRC_TAGS_BYTES_MAX);
    irc_message_add_client_tags(&call->text, call->m.tags);
    return strbuf_view(&call->text);
}

static struct speech speech_of(const struct irc *irc, struct irc_call *call, char kind)
{
    bool is_notice = kind == ITEM_NOTICE;
    struct speech s = {kind, is_notice, call->m.params[1], tags_of(irc, call)};
    struct str_view action = {0};

    if (kind == ITEM_TAGMSG) {
        s.text = sv(NULL, 0);
    } else if (is_notice) {
        s.kind = ITEM_NOTICE;
    } else if (irc_render_is_action(s.text, &action)) {
        s.kind = ITEM_ACTION;
        s.text = action;
    }
    return s;
}

static void refuse_target(struct irc *irc, const struct speech *s,
                          enum irc_numeric numeric, struct str_view target)
{
    if (!s->is_silent) {
        irc_reply(irc, numeric, target);
    }
}

static void refuse_room(struct irc *irc, const struct speech *s, struct str_view name,
                        struct str_view why)
{
    if (!s->is_silent) {
        irc_reply(irc, ERR_CANNOTSENDTOCHAN, name, why);
    }
}

/* "@#room" and "+#room" are the operators of a room, and those with voice too (STATUSMSG). */
static struct str_view room_of_target(struct str_view target, char *ret_status)
{
    struct str_view rest = target;

    *ret_status = '\0';
    if (target.len > 0 && (target.ptr[0] == '@' || target.ptr[0] == '+')) {
        rest = sv(target.ptr + 1, target.len - 1);
    }
    if (rest.len < target.len && irc_is_room_name(rest)) {
        *ret_status = target.ptr[0];
        return rest;
    }
    return target;
}

static bool is_room_target(struct str_view target)
{
    char status = '\0';

    return irc_is_room_name(room_of_target(target, &status));
}

/* May the label go with the line to one room, so that its coming back is the answer? Else the
 * command is serial, and its answer a batch. */
static bool is_pipelined(const struct irc_call *call)
{
    struct str_view targets = call->m.params[0];

    return call->label == NULL ||
           (is_room_target(targets) && sv_find_char(targets, ',') == targets.len &&
            irc_label_text(call->label).len <= TEXT_EXCERPT_BYTES);
}

static void note_said(struct irc *irc, struct irc_call *call, const struct room *room)
{
    uint32_t line = hub_user_line(irc->user);

    if (call->label == NULL || !is_pipelined(call)) {
        said_add(&irc->said, room, line, SV(""));
        return;
    }
    said_add(&irc->said, room, line, irc_label_text(call->label));
    irc_label_free(call->label);
    call->label = NULL;
}

/* Why it was not said; empty: nothing is to be told. */
static struct str_view reason_of(enum hub_result result)
{
    static const struct str_view reasons[] = {
        [HUB_NOT_MEMBER] = SV_INIT("you are not in it"),
        [HUB_UNAVAILABLE] = SV_INIT("the backplane is away"),
        [HUB_BANNED] = SV_INIT("you are banned (+b)"),
        [HUB_MODERATED] = SV_INIT("it is moderated (+m)"),
        [HUB_NO_CTCP] = SV_INIT("it takes no CTCP (+C)"),
    };

    return (size_t)result < PARLEY_COUNT_OF(reasons) ? reasons[result] : SV("");
}

/* IRC_AGAIN: there is no place for it yet. */
static enum irc_step say_in_room(struct irc *irc, struct irc_call *call,
                                 const struct speech *s, struct str_view target)
{
    struct hub_speech speech = {.kind = s->kind, .text = s->text, .tags = s->tags};
    struct str_view name = room_of_target(target, &speech.status);
    const struct room *room = hub_room_find(irc->app->hub, name);
    enum hub_result result = HUB_NOT_MEMBER;

    if (room == NULL && !hub_room_name_is_valid(name)) {
        refuse_target(irc, s, ERR_NOSUCHCHANNEL, name);
        return IRC_DONE;
    }
    if (room != NULL) {
        result = hub_speak(irc->user, room, &speech);
    }
    if (result == HUB_TOO_MANY) {
        return IRC_AGAIN;
    }
    if (result == HUB_OK) {
        note_said(irc, call, room);
    } else if (reason_of(result).len > 0) {
        refuse_room(irc, s, name, reason_of(result));
    }
    return IRC_DONE;
}

/* Serial: what was said before is to be stored before. IRC_LAST: under way. */
static enum irc_step say_to_person(struct irc *irc, struct irc_call *call,
                                   const struct speech *s, struct str_view nick)
{
    call->needs_quiet = true;
    if (!hub_user_is_settled(irc->user)) {
        return IRC_AGAIN;
    }
    struct hub_speech speech = {.kind = s->kind, .text = s->text, .tags = s->tags};
    enum hub_result result = hub_speak_to(irc->user, nick, &speech);
    if (result == HUB_OK) {
        return IRC_LAST;
    }
    if (result == HUB_BAD_NAME) {
        refuse_target(irc, s, ERR_NOSUCHNICK, nick);
    } else if (!s->is_silent) {
        (void)irc_requested(irc, result, nick, IRC_DONE, IRC_DONE);
    }
    return IRC_DONE;
}

/* Without a text, or without anybody to tell it. */
static bool lacks_something(struct irc *irc, const struct irc_call *call, char kind)
{
    struct str_view target = {0};
    size_t at = 0;
    bool has_target = irc_message_next_item(call->m.params[0], &at, &target);

    if (has_target && (kind == ITEM_TAGMSG || call->m.params[1].len > 0)) {
        return false;
    }
    if (kind == ITEM_NOTICE) {
        return true;
    }
    if (has_target) {
        irc_reply_plain(irc, ERR_NOTEXTTOSEND);
    } else {
        irc_reply(irc, ERR_NORECIPIENT, call->row->name);
    }
    return true;
}

static enum irc_step say_to(struct irc *irc, struct irc_call *call,
                            const struct speech *s, struct str_view target)
{
    return is_room_target(target) ? say_in_room(irc, call, s, target)
                                  : say_to_person(irc, call, s, target);
}

/* To each target in turn, as far as it goes now. */
static enum irc_step say_to_all(struct irc *irc, struct irc_call *call,
                                const struct speech *s)
{
    struct str_view target = {0};
    enum irc_step step = IRC_DONE;
    size_t at = call->at;

    while (irc_message_next_item(call->m.params[0], &at, &target)) {
        if (call->targets == IRC_TARGETS_MAX) {
            refuse_target(irc, s, ERR_TOOMANYTARGETS, target);
            return IRC_DONE;
        }
        step = say_to(irc, call, s, target);
        if (step == IRC_AGAIN || !irc_is_open(irc)) {
            return step;
        }
        call->at = at;
        call->targets++;
        if (step == IRC_LAST && at < call->m.params[0].len) {
            return IRC_AGAIN;
        }
    }
    return step;
}

static enum irc_step say(struct irc *irc, struct irc_call *call, char kind)
{
    struct speech s = speech_of(irc, call, kind);

    if (lacks_something(irc, call, kind)) {
        return IRC_DONE;
    }
    if (kind == ITEM_TAGMSG && s.tags.len == 0) {
        return IRC_DONE; /* there is nothing to relay */
    }
    if (!is_pipelined(call)) {
        call->needs_quiet = true;
        if (call->targets == 0 && !hub_user_is_settled(irc->user)) {
            return IRC_AGAIN;
        }
    }
    enum irc_step step = say_to_all(irc, call, &s);
    if (step == IRC_DONE && call->needs_quiet && irc_is_open(irc) &&
        !hub_user_is_settled(irc->user)) {
        return IRC_LAST;
    }
    return step;
}

enum irc_step irc_command_privmsg(struct irc *irc, struct irc_call *call)
{
    return say(irc, call, ITEM_MESSAGE);
}

enum irc_step irc_command_notice(struct irc *irc, struct irc_call *call)
{
    return say(irc, call, ITEM_NOTICE);
}

enum irc_step irc_command_tagmsg(struct irc *irc, struct irc_call *call)
{
    return say(irc, call, ITEM_TAGMSG);
}
