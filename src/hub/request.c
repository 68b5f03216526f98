/* SPDX-License-Identifier: MIT */
/* The life of a request: begun, handed over, stored; ended by its effect or given up. */
#include "hub/request.h"

#include <stdlib.h>

#include <parley/util/alloc.h>

#include "hub/access.h"
#include "hub/claims.h"
#include "hub/fanout.h"
#include "hub/history.h"
#include "hub/letters.h"
#include "hub/publish.h"

enum { REQUEST_MS_DEFAULT = 120000 };

static void fail_nothing(const struct request *r)
{
    (void)r;
}

/* Still a member: as if it had never been asked for. */
static void fail_leave(const struct request *r)
{
    struct member *m = room_find_member(r->room, &r->user->person);

    if (m != NULL) {
        m->is_leaving = false;
        member_set_dirty(m, true);
    }
}

/* How a request ends without effect. */
static const struct request_row {
    char item_kind; /* told with EV_UNAVAILABLE */
    void (*on_fail)(const struct request *r);
} rows[REQUEST_KIND_COUNT] = {
    [REQUEST_NICK] = {ITEM_NICK, claims_fail},
    [REQUEST_RENAME] = {ITEM_NICK, claims_fail},
    [REQUEST_JOIN] = {ITEM_JOIN, fail_nothing},
    [REQUEST_LEAVE] = {ITEM_LEAVE, fail_leave},
    [REQUEST_DIRECT] = {ITEM_DIRECT, fail_nothing},
    [REQUEST_INVITE] = {ITEM_INVITE, fail_nothing},
    [REQUEST_KILL] = {ITEM_KILL, fail_nothing},
    [REQUEST_TOPIC] = {ITEM_TOPIC, fail_nothing},
    [REQUEST_MODE] = {ITEM_MODE, fail_nothing},
    [REQUEST_KICK] = {ITEM_KICK, fail_nothing},
    [REQUEST_AWAY] = {ITEM_PERSON, claims_fail},
    [REQUEST_SETNAME] = {ITEM_PERSON, claims_fail},
    [REQUEST_USER_MODES] = {ITEM_PERSON, claims_fail},
    [REQUEST_WHOIS] = {0, fail_nothing},
    [REQUEST_WATCH] = {0, fail_nothing},
    [REQUEST_ROOMS] = {0, fail_nothing},
    [REQUEST_HISTORY] = {0, fail_nothing},
};

/* ---- begin and end ---- */

static void on_give_up(void *deadline)
{
    request_fail(PARLEY_CONTAINER_OF(deadline, struct request, give_up));
}

static char *copy_text(struct str_view text, uint32_t *ret_len)
{
    *ret_len = (uint32_t)text.len;
    return xstrndup(text.len > 0 ? text.ptr : "", text.len);
}

struct request *request_begin(struct hub_user *u, enum request_kind kind,
                              struct room *room, struct str_view name,
                              struct str_view text)
{
    struct request *r = xcalloc(1, sizeof *r);
    uint64_t ms = u->hub->policy.request_ms;

    PARLEY_ASSERT(u->request == NULL);
    r->kind = kind;
    r->state = REQUEST_WAITING;
    r->serial = ++u->hub->last_serial;
    r->user = u;
    r->room = room;
    r->generation = u->hub->generation;
    r->name = copy_text(name, &r->name_len);
    r->text = copy_text(text, &r->text_len);
    list_init(&r->of_room);
    if (room != NULL) {
        list_append(&room->requests, &r->of_room);
        room_check_end(room);
    }
    deadline_init(&r->give_up, on_give_up);
    deadline_set(u->hub->loop, &r->give_up, ms > 0 ? ms : REQUEST_MS_DEFAULT);
    u->request = r;
    u->was_busy = true;
    return r;
}

static void request_free(void *arg)
{
    struct request *r = arg;

    history_free(r->history);
    free(r->name);
    free(r->text);
    free(r->tags);
    free(r->away);
    free(r);
}

void request_end(struct request *r)
{
    struct hub_user *u = r->user;

    PARLEY_ASSERT(u->request == r);
    u->request = NULL;
    deadline_clear(&r->give_up);
    list_remove(&r->of_room);
    if (r->room != NULL) {
        room_check_end(r->room);
    }
    loop_bury(u->hub->loop, r, request_free);
}

void request_fail(struct request *r)
{
    struct hub_user *u = r->user;
    struct room *room = r->room;
    struct hub_event ev = hub_event_of(EV_UNAVAILABLE, NULL, NULL);

    rows[r->kind].on_fail(r);
    request_end(r);
    if (room != NULL && room->state == ROOM_LIVE) {
        ev.room = room;
    }
    ev.kind = rows[r->kind].item_kind;
    ev.text = r->kind == REQUEST_DIRECT ? request_text(r) : request_name(r);
    if (r->kind != REQUEST_RENAME) {
        fanout_to_user(u, &ev);
    }
    user_check_idle(u);
}

enum hub_result request_handed_over(struct request *r, bool is_taken)
{
    if (!is_taken) {
        r->user->was_busy = false;
        request_end(r);
        return HUB_UNAVAILABLE;
    }
    r->state = REQUEST_PUBLISHED;
    return HUB_OK;
}

/* ---- looking ---- */

struct token request_token(const struct request *r)
{
    return (struct token){r->user->number, TOKEN_REQUEST, r->serial};
}

struct request *request_find(const struct hub *hub, struct token token)
{
    const struct hub_user *u = hub_user_find(hub, token.person);

    if (u == NULL || u->request == NULL || u->request->serial != token.serial) {
        return NULL;
    }
    return u->request;
}

struct str_view request_name(const struct request *r)
{
    return sv(r->name, r->name_len);
}

struct str_view request_text(const struct request *r)
{
    return sv(r->text, r->text_len);
}

struct str_view request_tags(const struct request *r)
{
    return sv(r->tags, r->tags_len);
}

void request_set_tags(struct request *r, struct str_view tags)
{
    r->tags = copy_text(tags, &r->tags_len);
}

struct str_view request_away(const struct request *r)
{
    return sv(r->away, r->away_len);
}

void request_set_away(struct request *r, struct str_view away)
{
    free(r->away);
    r->away = copy_text(away, &r->away_len);
}

struct request *request_of_room(const struct hub_user *u, enum request_kind kind,
                                const struct room *r)
{
    struct request *request = u->request;

    return request != NULL && request->kind == kind && request->room == r ? request
                                                                          : NULL;
}

/* ---- effects ---- */

void request_welcome(struct hub_user *u, struct room *r)
{
    struct request *request = request_of_room(u, REQUEST_JOIN, r);
    struct hub_event ev = hub_event_of(EV_WELCOME, r, &u->person);

    if (request != NULL) {
        request_end(request);
    }
    access_use_invitation(u, r);
    ev.origin = u;
    fanout_to_user(u, &ev);
    user_check_idle(u);
}

/* Is what was asked for so, in the copy? */
static bool has_effect(const struct request *r)
{
    bool is_member = hub_user_is_in(r->user, r->room);

    switch (r->kind) {
    case REQUEST_JOIN:
        return is_member;
    case REQUEST_LEAVE:
        return !is_member;
    case REQUEST_TOPIC:
        return sv_equal(room_topic(r->room), request_text(r));
    case REQUEST_MODE:
    case REQUEST_KICK:
        return true; /* it was applied to the books */
    case REQUEST_NICK:
    case REQUEST_RENAME:
    case REQUEST_DIRECT:
    case REQUEST_INVITE:
    case REQUEST_KILL:
    case REQUEST_AWAY:
    case REQUEST_SETNAME:
    case REQUEST_USER_MODES:
    case REQUEST_WHOIS:
    case REQUEST_WATCH:
    case REQUEST_ROOMS:
    case REQUEST_HISTORY:
    case REQUEST_KIND_COUNT:
        break; /* not about a room's entry */
    }
    return false;
}

/* Its entry went by unseen. */
static void settle_one(struct request *r)
{
    struct hub_user *u = r->user;

    if (!has_effect(r)) {
        request_fail(r);
    } else if (r->kind == REQUEST_JOIN) {
        request_welcome(u, r->room);
    } else {
        request_end(r);
        user_check_idle(u);
    }
}

typedef void (*request_fn)(struct request *r);

/* Each request about the room once, whatever `fn` does to requests and users. */
static void for_each_request(struct room *r, request_fn fn)
{
    struct list todo;
    struct list *link = NULL;

    list_init(&todo);
    list_splice(&todo, &r->requests);
    while ((link = list_take(&todo)) != NULL) {
        list_append(&r->requests, link);
        fn(LIST_ENTRY(link, struct request, of_room));
    }
}

static void settle_if_past(struct request *r)
{
    if (r->state == REQUEST_STORED && entry_id_compare(r->stored, r->room->last) <= 0) {
        settle_one(r);
    }
}

void request_settle_room(struct room *r)
{
    for_each_request(r, settle_if_past);
}

bool request_refuse_join(struct request *r)
{
    struct hub_user *u = r->user;
    struct hub_event ev = hub_event_of(EV_JOIN_REFUSED, NULL, NULL);

    ev.reason = access_check_join(r->room, u, request_text(r));
    if (ev.reason == HUB_OK) {
        return false;
    }
    request_end(r);
    ev.room_name = request_name(r);
    ev.origin = u;
    fanout_to_user(u, &ev);
    user_check_idle(u);
    return true;
}

static void join_if_waiting(struct request *r)
{
    if (r->kind != REQUEST_JOIN || r->state != REQUEST_WAITING ||
        !user_has_name(r->user) || request_refuse_join(r)) {
        return;
    }
    if (publish_join(r)) {
        r->state = REQUEST_PUBLISHED;
    } else {
        request_fail(r);
    }
}

void request_room_is_live(struct room *r)
{
    for_each_request(r, join_if_waiting);
}

void request_name_is_held(const struct hub_user *u)
{
    struct request *r = u->request;

    if (r != NULL && r->room != NULL && r->room->state == ROOM_LIVE) {
        join_if_waiting(r);
    }
}

void request_name_is_lost(const struct hub_user *u)
{
    struct request *r = u->request;

    if (r != NULL && r->kind == REQUEST_JOIN && r->state == REQUEST_WAITING) {
        request_fail(r);
    }
}

static bool hand_over_again(const struct request *r)
{
    const struct member *m = room_find_member(r->room, &r->user->person);

    if (r->kind == REQUEST_JOIN) {
        return publish_join(r);
    }
    return r->kind == REQUEST_LEAVE && m != NULL && publish_leave(m, r);
}

static void repeat_if_stored(struct request *r)
{
    if (r->state != REQUEST_STORED) {
        return;
    }
    if (r->kind == REQUEST_JOIN && !user_has_name(r->user)) {
        r->state = REQUEST_WAITING;
    } else if (hand_over_again(r)) {
        r->state = REQUEST_PUBLISHED;
    } else {
        request_fail(r);
    }
}

void request_repeat(struct room *r)
{
    for_each_request(r, repeat_if_stored);
}

/* ---- what the backplane says ---- */

void request_on_stored(struct hub *hub, struct token token, struct item_place place)
{
    struct request *r = token.kind == TOKEN_REQUEST ? request_find(hub, token) : NULL;

    if (r == NULL || r->state != REQUEST_PUBLISHED) {
        return;
    }
    if (letters_is_request(r)) {
        letters_on_stored(r, place);
        return;
    }
    r->state = REQUEST_STORED;
    r->stored = place.id;
    if (r->room != NULL && entry_id_compare(place.id, r->room->last) <= 0) {
        settle_one(r);
    }
}

static void refuse_line(struct hub_user *u, struct token token, char kind)
{
    struct member *m = member_of_room_number(&u->person, token.serial);
    struct hub_event ev = hub_event_of(EV_UNAVAILABLE, m != NULL ? m->room : NULL, NULL);

    ev.kind = kind;
    ev.line = token_line(token);
    fanout_to_user(u, &ev);
    if (m != NULL) {
        user_line_done(m);
    }
}

/* Tried again with the repairs. */
static void refuse_modes(struct member *m, enum token_kind kind)
{
    if (kind == TOKEN_FOUND) {
        m->is_founder = true;
    } else {
        m->room->are_modes_lost = true;
    }
    member_set_dirty(m, true);
    if (kind == TOKEN_FOUND) {
        user_line_done(m);
    }
}

void request_on_refused(struct hub *hub, struct token token)
{
    struct hub_user *u = hub_user_find(hub, token.person);
    struct request *r = NULL;
    struct member *m = NULL;

    if (u == NULL) {
        return;
    }
    switch (token_kind_of(token)) {
    case TOKEN_SAY:
        refuse_line(u, token, ITEM_MESSAGE);
        break;
    case TOKEN_TAGS:
        refuse_line(u, token, ITEM_TAGMSG);
        break;
    case TOKEN_CHANGE:
    case TOKEN_REPAIR:
        m = member_of_room_number(&u->person, token.serial);
        if (m != NULL) {
            claims_change_is_refused(m);
        }
        break;
    case TOKEN_FOUND:
    case TOKEN_STATE:
        m = member_of_room_number(&u->person, token.serial);
        if (m != NULL) {
            refuse_modes(m, (enum token_kind)token.kind);
        }
        break;
    case TOKEN_REQUEST:
        r = request_find(hub, token);
        if (r != NULL) {
            request_fail(r);
        }
        break;
    case TOKEN_NONE:
    case TOKEN_CLAIM:
    case TOKEN_MONITOR:
        break;
    }
}
