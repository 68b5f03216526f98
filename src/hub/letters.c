/* SPDX-License-Identifier: MIT */
#include "hub/letters.h"

#include <string.h>

#include "hub/fanout.h"
#include "hub/lookup.h"
#include "hub/message.h"
#include "hub/publish.h"

/* ---- requests ---- */

enum hub_result hub_direct(struct hub_user *u, struct str_view nick, char kind,
                           struct str_view text)
{
    struct hub_speech speech = {.kind = kind, .text = text};

    return item_is_line(kind) ? hub_speak_to(u, nick, &speech) : HUB_BAD_NAME;
}

enum hub_result hub_speak_to(struct hub_user *u, struct str_view nick,
                             const struct hub_speech *speech)
{
    enum hub_result ready = lookup_check_ready(u);
    enum hub_result sound = message_check_speech(speech);

    if (!hub_nick_is_valid(nick)) {
        return HUB_BAD_NAME;
    }
    if (sound != HUB_OK || ready != HUB_OK) {
        return sound != HUB_OK ? sound : ready;
    }
    struct str_view text = names_clean_text(speech->text, HUB_TEXT_BYTES_MAX,
                                            &u->hub->text);
    struct request *r = request_begin(u, REQUEST_DIRECT, NULL, nick, text);

    r->item_kind = speech->kind;
    request_set_tags(r, speech->tags);
    lookup_begin(r);
    return HUB_OK;
}

static bool is_in_room(const struct room *r, struct str_view nick)
{
    for (uint32_t i = 0; i < r->member_count; i++) {
        if (sv_equal_nocase(person_nick(r->members[i]->person), nick)) {
            return true;
        }
    }
    return false;
}

enum hub_result hub_invite(struct hub_user *u, const struct room *room,
                           struct str_view nick)
{
    const struct member *m = room_find_member(room, &u->person);
    enum hub_result ready = lookup_check_ready(u);

    if (m == NULL) {
        return HUB_NOT_MEMBER;
    }
    if (!hub_nick_is_valid(nick)) {
        return HUB_BAD_NAME;
    }
    if ((room->mode_flags & ROOM_INVITE_ONLY) != 0 && (m->flags & MEMBER_OPERATOR) == 0) {
        return HUB_NOT_OPERATOR;
    }
    if (is_in_room(room, nick)) {
        return HUB_ALREADY;
    }
    if (ready == HUB_OK) {
        lookup_begin(request_begin(u, REQUEST_INVITE, NULL, nick, room_name(room)));
    }
    return ready;
}

enum hub_result hub_kill(struct hub_user *u, struct str_view nick, struct str_view reason)
{
    enum hub_result ready = lookup_check_ready(u);

    if (!hub_nick_is_valid(nick)) {
        return HUB_BAD_NAME;
    }
    if (ready == HUB_OK) {
        reason = names_clean_text(reason, REASON_BYTES_MAX, &u->hub->text);
        lookup_begin(request_begin(u, REQUEST_KILL, NULL, nick, reason));
    }
    return ready;
}

enum hub_result hub_wallops(struct hub_user *u, struct str_view text)
{
    enum hub_result ready = lookup_check_ready(u);

    if (text.len == 0) {
        return HUB_EMPTY;
    }
    if (text.len > HUB_TEXT_BYTES_MAX) {
        return HUB_TOO_LONG;
    }
    if (ready != HUB_OK) {
        return ready;
    }
    text = names_clean_text(text, HUB_TEXT_BYTES_MAX, &u->hub->text);
    return publish_wallops(u, text) ? HUB_OK : HUB_UNAVAILABLE;
}

/* ---- on the way ---- */

static bool publish(const struct request *r, struct str_view owner)
{
    if (r->kind == REQUEST_INVITE) {
        return publish_invite(r, owner);
    }
    return r->kind == REQUEST_KILL ? publish_kill(r, owner)
                                   : publish_direct(r, owner, request_name(r));
}

void letters_send(struct request *r, struct str_view owner, const struct record *rec)
{
    struct str_view nick = rec->texts[PERSON_NICK];

    /* As its owner writes it; valid nicks of one name are of one length. */
    if (nick.len == r->name_len) {
        memcpy(r->name, nick.ptr, nick.len);
    }
    if (rec->texts[PERSON_AWAY].len > 0) {
        request_set_away(r, rec->texts[PERSON_AWAY]);
    }
    if (publish(r, owner)) {
        r->state = REQUEST_PUBLISHED;
    } else {
        request_fail(r);
    }
}

/* What is told when a letter is stored. */
static const enum hub_event_type told[REQUEST_KIND_COUNT] = {
    [REQUEST_DIRECT] = EV_DIRECT_SENT,
    [REQUEST_INVITE] = EV_INVITED,
    [REQUEST_KILL] = EV_KILL_SENT,
};

bool letters_is_request(const struct request *r)
{
    return told[r->kind] != 0;
}

void letters_on_stored(struct request *r, struct item_place place)
{
    struct hub_user *u = r->user;
    struct hub_event ev = hub_event_of(told[r->kind], NULL, &u->person);
    struct who_text who;

    request_end(r);
    ev.kind = r->item_kind;
    ev.id = place.id;
    ev.index = place.index;
    ev.time_ms = place.id.ms > 0 ? place.id.ms : ev.time_ms;
    ev.who = person_who(&u->person, &who);
    ev.target = request_name(r);
    ev.away = request_away(r);
    ev.origin = u;
    if (r->kind == REQUEST_INVITE) {
        ev.room_name = request_text(r);
    } else {
        ev.text = request_text(r);
        ev.tags = request_tags(r);
    }
    fanout_to_user(u, &ev);
    user_check_idle(u);
}
