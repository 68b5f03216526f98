/* SPDX-License-Identifier: MIT */
/* Rooms (RFC 2812 section 3.2; Modern IRC "Channel Operations"). */
#include <parley/util/mask.h>
#include <parley/util/utf8.h>

#include "proto/irc/commands.h"

/* ---- JOIN ---- */

/* "JOIN 0": leave one room after the other (RFC 2812, 3.2.1). */
static enum irc_step leave_all(struct irc *irc)
{
    const struct room *room = hub_user_room(irc->user, 0);

    if (room == NULL) {
        return IRC_DONE;
    }
    struct str_view name = room_name(room);
    return irc_requested(irc, hub_leave(irc->user, name, SV("")), name, IRC_AGAIN,
                         IRC_DONE);
}

/* The index-th item of the list of keys: what stands between commas may be empty. */
static struct str_view key_at(struct str_view keys, unsigned index)
{
    struct str_view key = sv_next_until(&keys, ',');

    while (index-- > 0) {
        key = sv_next_until(&keys, ',');
    }
    return key;
}

static enum irc_step join_one(struct irc *irc, struct str_view name, struct str_view key)
{
    const struct room *room = hub_room_find(irc->app->hub, name);

    if (room != NULL && hub_user_is_in(irc->user, room)) {
        return IRC_DONE;
    }
    if (!hub_room_name_is_valid(name)) {
        irc_reply(irc, irc_is_room_name(name) ? ERR_BADCHANMASK : ERR_NOSUCHCHANNEL,
                  name);
        return IRC_DONE;
    }
    enum hub_result result = hub_join_with_key(irc->user, name, key);
    if (result == HUB_TOO_MANY) {
        irc_reply(irc, ERR_TOOMANYCHANNELS, name);
        return IRC_DONE;
    }
    return irc_requested(irc, result, name, IRC_AGAIN, IRC_DONE);
}

/* Topic and names of the room that the client has come into: not before its first modes are
 * there, so that a founder is seen with its prefix. */
static void welcome(struct irc *irc, struct irc_call *call)
{
    const struct room *room = hub_room_find(irc->app->hub, strbuf_view(&call->text));

    strbuf_clear(&call->text);
    if (room != NULL && hub_user_is_in(irc->user, room)) {
        irc_tell_welcome(irc, room);
    }
}

enum irc_step irc_command_join(struct irc *irc, struct irc_call *call)
{
    struct str_view list = call->m.params[0];
    struct str_view name = {0};

    if (call->text.len > 0) {
        welcome(irc, call);
    }
    if (sv_equal(list, SV("0"))) {
        return leave_all(irc);
    }
    while (irc_is_open(irc) && irc_message_next_item(list, &call->at, &name)) {
        struct str_view key = key_at(call->m.params[1], call->targets++);

        if (join_one(irc, name, key) == IRC_AGAIN) {
            return IRC_AGAIN;
        }
    }
    if (call->step == 0 && call->at == 0) {
        irc_reply(irc, ERR_NEEDMOREPARAMS, call->row->name);
    }
    return IRC_DONE;
}

/* ---- PART ---- */

enum irc_step irc_command_part(struct irc *irc, struct irc_call *call)
{
    struct str_view reason = utf8_truncate(call->m.params[1], IRC_REASON_BYTES_MAX);
    struct str_view name = {0};

    while (irc_is_open(irc) &&
           irc_message_next_item(call->m.params[0], &call->at, &name)) {
        const struct room *room = irc_own_room(irc, name);
        if (room != NULL &&
            irc_requested(irc, hub_leave(irc->user, room_name(room), reason), name,
                          IRC_AGAIN, IRC_DONE) == IRC_AGAIN) {
            return IRC_AGAIN;
        }
    }
    return IRC_DONE;
}

/* ---- TOPIC, NAMES ---- */

enum irc_step irc_command_topic(struct irc *irc, struct irc_call *call)
{
    const struct room *room = irc_own_room(irc, call->m.params[0]);

    if (room == NULL) {
        return IRC_DONE;
    }
    if (call->m.count > 1) {
        struct str_view topic = utf8_truncate(call->m.params[1], IRC_TOPIC_BYTES_MAX);
        return irc_requested(irc, hub_topic(irc->user, room, topic), room_name(room),
                             IRC_LAST, IRC_DONE);
    }
    if (room_topic(room).len > 0) {
        irc_tell_topic(irc, room);
    } else {
        irc_reply(irc, RPL_NOTOPIC, room_name(room));
    }
    return IRC_DONE;
}

/* Of other rooms nothing is told: what this node knows of them is chance. */
enum irc_step irc_command_names(struct irc *irc, struct irc_call *call)
{
    size_t at = 0;
    struct str_view name = {0};

    if (!irc_message_next_item(call->m.params[0], &at, &name)) {
        irc_reply(irc, RPL_ENDOFNAMES, SV("*"));
        return IRC_DONE;
    }
    const struct room *room = hub_room_find(irc->app->hub, name);
    if (room != NULL && hub_user_is_in(irc->user, room)) {
        irc_tell_names(irc, room);
    } else {
        irc_reply(irc, RPL_ENDOFNAMES, name);
    }
    return IRC_DONE;
}

/* ---- LIST ---- */

enum irc_step irc_command_list(struct irc *irc, struct irc_call *call)
{
    if (call->step > 0) {
        irc_reply_plain(irc, RPL_LISTEND);
        return IRC_DONE;
    }
    irc_reply_plain(irc, RPL_LISTSTART);
    enum irc_step step = irc_requested(irc, hub_rooms(irc->user), SV("*"), IRC_AGAIN,
                                       IRC_DONE);
    if (step == IRC_DONE) {
        irc_reply_plain(irc, RPL_LISTEND);
    }
    return step;
}

/* Does the room pass one condition of ELIST=MNU? A name without stars is one too. */
static bool passes(const struct hub_event *e, struct str_view condition)
{
    struct str_view rest = sv(condition.ptr + 1, condition.len - 1);
    uint64_t count = 0;

    switch (condition.ptr[0]) {
    case '<':
        return sv_to_u64(rest, UINT32_MAX, &count) && e->count < count;
    case '>':
        return sv_to_u64(rest, UINT32_MAX, &count) && e->count > count;
    case '!':
        return !mask_matches(rest, e->room_name);
    default:
        return mask_matches(condition, e->room_name);
    }
}

static bool is_name_condition(struct str_view condition)
{
    return condition.ptr[0] != '<' && condition.ptr[0] != '>' && condition.ptr[0] != '!';
}

/* All conditions on numbers and what not to be called, and one of the names if there are any. */
static bool is_wanted(const struct hub_event *e, struct str_view conditions)
{
    struct str_view condition = {0};
    bool has_names = false;
    bool has_name = false;
    size_t at = 0;

    while (irc_message_next_item(conditions, &at, &condition)) {
        bool is_passed = passes(e, condition);

        if (is_name_condition(condition)) {
            has_names = true;
            has_name = has_name || is_passed;
        } else if (!is_passed) {
            return false;
        }
    }
    return has_name || !has_names;
}

void irc_on_room_listed(struct irc *irc, struct hub_event *e)
{
    struct irc_digits digits;

    if (irc->speaking != NULL && is_wanted(e, irc->speaking->m.params[0])) {
        irc_reply(irc, RPL_LIST, e->room_name, irc_digits(e->count, &digits), e->text);
    }
}

/* ---- MODE ---- */

enum irc_step irc_command_mode(struct irc *irc, struct irc_call *call)
{
    struct str_view target = call->m.params[0];

    if (irc_is_room_name(target)) {
        const struct room *room = irc_own_room(irc, target);
        return room != NULL ? irc_room_mode(irc, call, room) : IRC_DONE;
    }
    return irc_user_modes(irc, call);
}
