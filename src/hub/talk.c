/* SPDX-License-Identifier: MIT */
/* The requests about rooms: join, leave, say, topic. */
#include <parley/hub/hub.h>

#include "hub/access.h"
#include "hub/fanout.h"
#include "hub/message.h"
#include "hub/publish.h"
#include "hub/request.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"

static size_t count_rooms(const struct hub_user *u)
{
    size_t count = 0;

    LIST_FOR_EACH(&u->person.memberships, it) {
        count++;
    }
    return count;
}

enum hub_result hub_join(struct hub_user *u, struct str_view room)
{
    return hub_join_with_key(u, room, SV(""));
}

enum hub_result hub_join_with_key(struct hub_user *u, struct str_view room,
                                  struct str_view key)
{
    struct room *copy = hub_room_find(u->hub, room);
    struct request *r = NULL;

    if (!hub_room_name_is_valid(room)) {
        return HUB_BAD_NAME;
    }
    if (!u->is_registered) {
        return HUB_NOT_MEMBER;
    }
    if (copy != NULL && hub_user_is_in(u, copy)) {
        return HUB_ALREADY;
    }
    if (u->is_closed || hub_user_is_busy(u) ||
        count_rooms(u) >= u->hub->policy.max_rooms) {
        return HUB_TOO_MANY;
    }
    copy = room_open(u->hub, room);
    r = request_begin(u, REQUEST_JOIN, copy, room, key);
    if (copy->state == ROOM_OPENING || !user_has_name(u)) {
        return HUB_OK; /* checked when there is something to check against */
    }
    return request_refuse_join(r) ? HUB_OK : request_handed_over(r, publish_join(r));
}

enum hub_result hub_leave(struct hub_user *u, struct str_view room,
                          struct str_view reason)
{
    struct room *copy = hub_room_find(u->hub, room);
    struct member *m = copy != NULL ? room_find_member(copy, &u->person) : NULL;
    struct request *r = NULL;
    enum hub_result result = HUB_OK;

    if (m == NULL) {
        return HUB_NOT_MEMBER;
    }
    if (u->is_closed || hub_user_is_busy(u)) {
        return HUB_TOO_MANY;
    }
    reason = names_clean_text(reason, REASON_BYTES_MAX, &u->hub->text);
    r = request_begin(u, REQUEST_LEAVE, copy, room_name(copy), reason);
    result = request_handed_over(r, publish_leave(m, r));
    m->is_leaving = result == HUB_OK;
    return result;
}

enum hub_result hub_say(struct hub_user *u, const struct room *room, char kind,
                        struct str_view text)
{
    struct hub_speech speech = {.kind = kind, .text = text};

    return item_is_line(kind)        ? hub_speak(u, room, &speech)
           : hub_user_is_in(u, room) ? HUB_BAD_NAME
                                     : HUB_NOT_MEMBER;
}

static enum hub_result check_speech(const struct hub_user *u, struct member *m,
                                    const struct hub_speech *speech)
{
    enum hub_result sound = message_check_speech(speech);

    if (sound != HUB_OK) {
        return sound;
    }
    if (speech->status != '\0' && message_readers(speech->status) == 0) {
        return HUB_BAD_PARAMETER;
    }
    if (u->is_closed || hub_user_is_busy(u)) {
        return HUB_TOO_MANY;
    }
    return access_check_speech(m, speech->kind, speech->text);
}

enum hub_result hub_speak(struct hub_user *u, const struct room *room,
                          const struct hub_speech *speech)
{
    struct member *m = room_find_member(room, &u->person);
    struct hub_speech clean = *speech;

    if (m == NULL) {
        return HUB_NOT_MEMBER;
    }
    enum hub_result allowed = check_speech(u, m, speech);

    if (allowed != HUB_OK) {
        return allowed;
    }
    clean.text = names_clean_text(speech->text, HUB_TEXT_BYTES_MAX, &u->hub->text);
    if (!publish_line(m, &clean)) {
        return HUB_UNAVAILABLE;
    }
    u->lines++;
    user_await_line(m);
    return HUB_OK;
}

enum hub_result hub_topic(struct hub_user *u, const struct room *room,
                          struct str_view topic)
{
    struct member *m = room_find_member(room, &u->person);
    struct request *r = NULL;

    if (m == NULL) {
        return HUB_NOT_MEMBER;
    }
    if (topic.len > TOPIC_BYTES_MAX) {
        return HUB_TOO_LONG;
    }
    if (u->is_closed || hub_user_is_busy(u)) {
        return HUB_TOO_MANY;
    }
    if (access_check_topic(m) != HUB_OK) {
        return HUB_NOT_OPERATOR;
    }
    topic = names_clean_text(topic, TOPIC_BYTES_MAX, &u->hub->text);
    r = request_begin(u, REQUEST_TOPIC, m->room, room_name(room), topic);
    return request_handed_over(r, publish_topic(r));
}
