/* SPDX-License-Identifier: MIT */
#include "hub/claims.h"

#include <parley/core/metrics.h>
#include <parley/util/rng.h>

#include "hub/change.h"
#include "hub/fanout.h"
#include "hub/monitor.h"
#include "hub/publish.h"
#include "hub/released.h"
#include "hub/repair.h"
#include "hub/request.h"

enum { GUEST_LETTERS = 6 };
#define GUEST_PREFIX "guest-"

/* ---- the backplane's operations ---- */

static void claim(const struct hub_user *u, const struct record *rec,
                  struct str_view expected, struct token token)
{
    struct hub *hub = u->hub;
    struct folded_name folded;
    struct member_id_text owner;

    struct str_view name = name_fold(rec->texts[PERSON_NICK], &folded);
    struct str_view id = user_id(u, hub->generation, &owner);

    released_forget(hub, name, id);
    strbuf_clear(&hub->record);
    record_encode(&hub->record, rec);
    backplane_ops(hub->bp)->claim(hub->bp, name, id, expected, strbuf_view(&hub->record),
                                  token);
}

static void claim_for_request(const struct request *r)
{
    struct record rec = person_record(&r->user->person);

    rec.texts[PERSON_NICK] = request_name(r);
    claim(r->user, &rec, SV(""), request_token(r));
}

void claims_release(const struct hub_user *u, struct str_view nick)
{
    struct hub *hub = u->hub;
    struct folded_name folded;
    struct member_id_text owner;
    struct str_view name = name_fold(nick, &folded);

    /* The claim under the present id may not have been made yet. */
    for (uint32_t g = hub->generation; g >= u->since; g--) {
        struct str_view id = user_id(u, g, &owner);

        if (id.len == 0) {
            return;
        }
        released_add(hub, name, id);
    }
}

void claims_renew(struct hub_user *u)
{
    struct token token = {u->number, TOKEN_CLAIM, u->hub->generation};
    struct record rec = person_record(&u->person);
    struct member_id_text expected;

    list_remove(&u->claim);
    if (u->is_closed || !u->is_registered) {
        return;
    }
    u->claims++;
    u->claim_version = u->person.version;
    claim(u, &rec, user_id(u, u->claimed_under, &expected), token);
}

void claims_renew_later(struct hub_user *u)
{
    if (!u->is_closed && u->is_registered && !list_is_linked(&u->claim)) {
        list_append(&u->hub->claim_users, &u->claim);
        repair_wake(u->hub, HUB_SLICE_MS);
    }
}

void claims_on_takeover(struct hub *hub)
{
    size_t cursor = 0;

    for (struct hub_user *u; (u = map_next(&hub->users, &cursor)) != NULL;) {
        if (u->claimed_ms > hub_in_doubt_since(hub)) {
            claims_renew_later(u);
        }
    }
}

static void is_claimed(struct hub_user *u, uint32_t generation)
{
    u->claimed_under = generation;
    u->claimed_ms = loop_now_ms(u->hub->loop);
    if (!user_has_name(u)) {
        return;
    }
    LIST_FOR_EACH(&u->person.memberships, it) {
        struct member *m = LIST_ENTRY(it, struct member, of_person);

        if (m->awaits_name) {
            m->awaits_name = false;
            member_set_dirty(m, true);
        }
    }
    request_name_is_held(u);
}

/* ---- requests ---- */

enum hub_result hub_nick(struct hub_user *u, struct str_view nick)
{
    if (!hub_nick_is_valid(nick)) {
        return HUB_BAD_NAME;
    }
    if (u->is_registered && sv_equal(nick, person_nick(&u->person))) {
        return HUB_ALREADY;
    }
    if (u->is_closed || hub_user_is_busy(u)) {
        return HUB_TOO_MANY;
    }
    claim_for_request(
        request_begin(u, REQUEST_NICK, NULL, nick, person_nick(&u->person)));
    return HUB_OK;
}

void claims_rename(struct hub_user *u)
{
    char nick[sizeof GUEST_PREFIX + GUEST_LETTERS] = GUEST_PREFIX;
    size_t prefix = sizeof GUEST_PREFIX - 1;

    rng_token(nick + prefix, GUEST_LETTERS);
    claim_for_request(request_begin(u, REQUEST_RENAME, NULL,
                                    sv(nick, prefix + GUEST_LETTERS),
                                    person_nick(&u->person)));
}

static bool is_same_name(struct str_view a, struct str_view b)
{
    return sv_equal_nocase(a, b);
}

/* Nobody is called by the old name any more. */
static void release_old_name(const struct request *r)
{
    if (request_changes(r) == PERSON_NICK &&
        !is_same_name(request_text(r), request_name(r))) {
        claims_release(r->user, request_text(r));
    }
}

/* The change is over: the old name is free, and so is the user. */
static void finish_change(struct request *r)
{
    struct hub_user *u = r->user;

    request_end(r);
    release_old_name(r);
    if (request_changes(r) != PERSON_NICK) {
        claims_renew(u);
    } else if (u->is_closed) {
        claims_release(u, request_name(r));
    }
    user_check_idle(u);
}

static void take_effect(const struct request *r)
{
    struct hub_event at = hub_event_of(EV_NICK, NULL, NULL);
    struct record rec = user_record(r->user);

    change_apply(r->user->hub, &r->user->person, &rec, &at);
}

static void finish_if_all_came(struct request *r)
{
    if (r->awaited == 0) {
        take_effect(r);
        finish_change(r);
    }
}

static void start_change(struct request *r, char type)
{
    struct hub_user *u = r->user;

    r->version = u->person.version + 1;
    r->state = REQUEST_PUBLISHED;
    struct record rec = user_record(u);

    LIST_FOR_EACH(&u->person.memberships, it) {
        struct member *m = LIST_ENTRY(it, struct member, of_person);
        bool is_known = m->generation == (uint16_t)u->hub->generation;

        if (is_known && publish_change(m, type, &rec)) {
            m->is_awaited = true;
            r->awaited++;
        } else {
            member_set_dirty(m, true);
        }
    }
    finish_if_all_came(r);
}

enum hub_result claims_change(struct hub_user *u, enum request_kind kind,
                              struct str_view text)
{
    if (!u->is_registered) {
        return HUB_NOT_MEMBER;
    }
    if (u->is_closed || hub_user_is_busy(u)) {
        return HUB_TOO_MANY;
    }
    start_change(request_begin(u, kind, NULL, SV(""), text), ITEM_PERSON);
    return HUB_OK;
}

/* ---- answers ---- */

static void register_user(struct request *r)
{
    struct hub_user *u = r->user;
    struct record rec = person_record(&u->person);
    struct hub_event ev = hub_event_of(EV_REGISTERED, NULL, &u->person);

    rec.texts[PERSON_NICK] = request_name(r);
    person_set_record(&u->person, &rec);
    u->is_registered = true;
    metric_add(METRIC_USERS, 1);
    request_end(r);
    ev.origin = u;
    ev.text = person_nick(&u->person);
    fanout_to_user(u, &ev);
    monitor_note(u->hub, person_nick(&u->person));
    user_check_idle(u);
}

static void name_is_granted(struct request *r)
{
    struct hub_user *u = r->user;

    u->has_lost_name = false;
    is_claimed(u, r->generation);
    if (u->is_registered) {
        start_change(r, ITEM_NICK);
    } else {
        register_user(r);
    }
    if (u->claimed_under != u->hub->generation) {
        claims_renew_later(u);
    }
}

static void name_is_taken(struct request *r)
{
    struct hub_user *u = r->user;
    struct hub_event ev = hub_event_of(EV_NICK_TAKEN, NULL, NULL);

    request_end(r);
    if (r->kind == REQUEST_NICK) {
        ev.text = request_name(r);
        ev.origin = u;
        fanout_to_user(u, &ev);
    }
    /* A rename begins anew, with another guest's name. */
    user_check_idle(u);
}

static void on_request_claim(struct request *r, enum claim_result result)
{
    struct hub_user *u = r->user;

    if (u->is_closed && result != CLAIM_TAKEN) {
        claims_release(u, request_name(r));
        request_end(r);
        user_check_idle(u);
        return;
    }
    switch (result) {
    case CLAIM_GRANTED:
        name_is_granted(r);
        break;
    case CLAIM_TAKEN:
        name_is_taken(r);
        break;
    case CLAIM_FAILED:
        request_fail(r);
        break;
    }
}

static void on_renewed(struct hub_user *u, uint32_t generation, enum claim_result result)
{
    bool is_current = generation == u->hub->generation &&
                      u->claim_version == u->person.version;

    u->claims--;
    if (u->is_closed) {
        if (result != CLAIM_TAKEN) {
            claims_release(u, person_nick(&u->person));
        }
        user_try_bury(u);
        return;
    }
    if (result == CLAIM_GRANTED) {
        is_claimed(u, generation);
    }
    if (!is_current || result == CLAIM_FAILED) {
        claims_renew_later(u);
    } else if (result == CLAIM_TAKEN) {
        u->has_lost_name = true;
        request_name_is_lost(u);
        user_check_idle(u);
    }
}

void claims_on_claim(struct hub *hub, struct token token, enum claim_result result)
{
    struct hub_user *u = hub_user_find(hub, token.person);
    struct request *r = NULL;

    if (u == NULL) {
        return;
    }
    if (token.kind == TOKEN_CLAIM && u->claims > 0) {
        on_renewed(u, token.serial, result);
        return;
    }
    r = request_find(hub, token);
    if (r != NULL && r->state == REQUEST_WAITING) {
        on_request_claim(r, result);
    }
}

void claims_change_came(struct member *m)
{
    if (m->is_awaited) {
        m->is_awaited = false;
        claims_await_one_less(m->person->user);
    }
}

void claims_await_one_less(struct hub_user *u)
{
    if (u->request != NULL && u->request->awaited > 0) {
        u->request->awaited--;
        finish_if_all_came(u->request);
    }
}

void claims_change_is_refused(struct member *m)
{
    m->is_leaving = m->is_leaving && !m->person->user->is_closed;
    member_set_dirty(m, true);
    claims_change_came(m);
}

void claims_fail(const struct request *r)
{
    struct hub_user *u = r->user;

    if (r->state == REQUEST_PUBLISHED) {
        LIST_FOR_EACH(&u->person.memberships, it) {
            struct member *m = LIST_ENTRY(it, struct member, of_person);

            if (m->is_awaited) {
                m->is_awaited = false;
                member_set_dirty(m, true);
            }
        }
        take_effect(r);
        release_old_name(r);
    } else if (!is_same_name(request_name(r), person_nick(&u->person))) {
        claims_release(u, request_name(r));
    }
    if (r->kind == REQUEST_RENAME) {
        u->has_lost_name = false;
        claims_renew_later(u);
    }
}
