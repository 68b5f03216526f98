/* SPDX-License-Identifier: MIT */
#include "hub/lookup.h"

#include <parley/core/metrics.h>

#include "hub/fanout.h"
#include "hub/letters.h"
#include "hub/monitor.h"
#include "hub/modes_publish.h"

/* ---- requests ---- */

void lookup_begin(const struct request *r)
{
    struct hub *hub = r->user->hub;
    struct folded_name folded;

    backplane_ops(hub->bp)->lookup(hub->bp, name_fold(request_name(r), &folded),
                                   request_token(r));
}

enum hub_result lookup_check_ready(const struct hub_user *u)
{
    if (!u->is_registered) {
        return HUB_NOT_MEMBER;
    }
    return u->is_closed || hub_user_is_busy(u) ? HUB_TOO_MANY : HUB_OK;
}

enum hub_result hub_whois(struct hub_user *u, struct str_view nick)
{
    enum hub_result ready = lookup_check_ready(u);

    if (!hub_nick_is_valid(nick)) {
        return HUB_BAD_NAME;
    }
    if (ready == HUB_OK) {
        lookup_begin(request_begin(u, REQUEST_WHOIS, NULL, nick, SV("")));
    }
    return ready;
}

enum hub_result hub_rooms(struct hub_user *u)
{
    enum hub_result ready = lookup_check_ready(u);

    if (ready == HUB_OK) {
        backplane_ops(u->hub->bp)
            ->list_rooms(u->hub->bp, request_token(request_begin(u, REQUEST_ROOMS, NULL,
                                                                 SV(""), SV(""))));
    }
    return ready;
}

/* ---- answers about a name ---- */

static void tell_no_such_nick(struct request *r)
{
    struct hub_user *u = r->user;
    struct hub_event ev = hub_event_of(EV_NO_SUCH_NICK, NULL, NULL);

    request_end(r);
    ev.text = request_name(r);
    ev.origin = u;
    fanout_to_user(u, &ev);
    user_check_idle(u);
}

static void tell_whois(struct request *r, struct str_view owner, struct str_view record,
                       const struct record *rec)
{
    struct hub_user *u = r->user;
    struct hub_event ev = hub_event_of(EV_WHOIS, NULL, person_find(u->hub, owner));
    struct who_text who;

    request_end(r);
    ev.text = rec->texts[PERSON_NICK];
    ev.who = record_who(rec, &who);
    ev.account = rec->texts[PERSON_ACCOUNT];
    ev.record = record;
    ev.origin = u;
    fanout_to_user(u, &ev);
    user_check_idle(u);
}

void lookup_on_name(struct hub *hub, struct token token, bool answered,
                    struct str_view owner, struct str_view record)
{
    struct request *r = NULL;
    struct member_id id;
    struct record rec;

    if (token.kind == TOKEN_MONITOR) {
        monitor_on_name(hub, token, answered, owner, record);
        return;
    }
    r = request_find(hub, token);
    if (r == NULL || r->state != REQUEST_WAITING) {
        return;
    }
    if (!answered) {
        request_fail(r);
    } else if (r->kind == REQUEST_WATCH) {
        monitor_add(r, owner, record);
    } else if (owner.len == 0) {
        tell_no_such_nick(r);
    } else if (!member_id_parse(owner, &id) || !record_decode(record, &rec)) {
        metric_add(METRIC_MALFORMED, 1);
        tell_no_such_nick(r);
    } else if (r->kind == REQUEST_WHOIS) {
        tell_whois(r, owner, record, &rec);
    } else if (letters_is_request(r)) {
        letters_send(r, owner, &rec);
    }
}

/* ---- answers about rooms ---- */

static void list_one(struct request *r, const struct listing *room)
{
    struct hub_event ev = hub_event_of(EV_ROOM_LISTED, NULL, NULL);
    bool is_secret = false;
    struct str_view name = modes_name_of(room->room, &is_secret);
    const struct room *copy = hub_room_find(r->user->hub, name);

    if (is_secret && (copy == NULL || !hub_user_is_in(r->user, copy))) {
        return;
    }
    if (!hub_room_name_is_valid(name) || room->topic.len > TOPIC_BYTES_MAX ||
        !names_allow_text(room->topic)) {
        metric_add(METRIC_MALFORMED, 1);
        return;
    }
    r->listed++;
    ev.room_name = name;
    ev.text = room->topic;
    ev.count = room->members;
    fanout_to_user(r->user, &ev);
}

void lookup_on_rooms(struct hub *hub, struct token token, bool answered,
                     const struct listing *rooms, size_t count, bool last)
{
    struct request *r = request_find(hub, token);
    struct hub_event end = hub_event_of(EV_ROOMS_END, NULL, NULL);

    if (r == NULL || r->kind != REQUEST_ROOMS) {
        return;
    }
    if (!answered) {
        request_fail(r);
        return;
    }
    if (last) {
        request_end(r);
    }
    for (size_t i = 0; i < count && r->listed < HUB_LISTED_MAX; i++) {
        list_one(r, &rooms[i]);
    }
    if (last) {
        end.count = r->listed;
        fanout_to_user(r->user, &end);
        user_check_idle(r->user);
    }
}
