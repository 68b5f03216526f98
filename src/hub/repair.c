/* SPDX-License-Identifier: MIT */
#include "hub/repair.h"

#include "hub/change.h"
#include "hub/claims.h"
#include "hub/fanout.h"
#include "hub/inbox.h"
#include "hub/modes_publish.h"
#include "hub/publish.h"
#include "hub/request.h"

/* ---- slices ---- */

void repair_wake(struct hub *hub, uint64_t delay_ms)
{
    if (!timer_is_running(&hub->slice)) {
        timer_start(&hub->slice, delay_ms);
    }
}

static bool publish_own_quit(struct member *m)
{
    struct hub_user *u = m->person->user;
    struct token token = {u->number, TOKEN_REPAIR, m->room->number};

    return publish_quit(m, sv_of(u->quit_reason), token);
}

static bool restore(struct member *m)
{
    struct room *r = m->room;

    if (!publish_restore(m)) {
        return false;
    }
    if (r->are_modes_lost) {
        r->are_modes_lost = !modes_restore(m);
    }
    if (m->is_founder) {
        modes_found(m);
    }
    return !r->are_modes_lost && !m->is_founder;
}

bool repair_member(struct member *m)
{
    struct hub_user *u = m->person->user;
    bool is_done = false;

    if (m->is_leaving) {
        /* Registered again behind its leave, it would stay for ever. */
        member_set_dirty(m, false);
        return true;
    }
    if (!u->is_closed && !user_has_name(u)) {
        m->awaits_name = true;
        member_set_dirty(m, false);
        return true;
    }
    is_done = u->is_closed ? publish_own_quit(m) : restore(m);
    if (is_done && u->is_closed) {
        m->is_leaving = true;
    } else if (is_done) {
        m->generation = (uint16_t)u->hub->generation;
    }
    member_set_dirty(m, !is_done);
    return is_done;
}

/* False: the backplane takes nothing more now. */
static bool repair_room(struct room *r, size_t *budget)
{
    for (uint32_t i = 0; i < r->local_count && r->dirty_count > 0 && *budget > 0; i++) {
        struct member *m = room_find_member(r, &r->locals[i]->person);

        if (m->is_dirty) {
            (*budget)--;
            if (!repair_member(m)) {
                return false;
            }
        }
    }
    return true;
}

void repair_on_slice(void *arg)
{
    struct hub *hub = arg;
    size_t budget = HUB_SLICE;
    bool goes_on = true;

    while (goes_on && budget > 0 && !list_is_empty(&hub->repair_rooms)) {
        goes_on = repair_room(LIST_ENTRY(hub->repair_rooms.next, struct room, repair),
                              &budget);
    }
    while (budget > 0 && !list_is_empty(&hub->claim_users)) {
        claims_renew(LIST_ENTRY(hub->claim_users.next, struct hub_user, claim));
        budget--;
    }
    if (!list_is_empty(&hub->repair_rooms) || !list_is_empty(&hub->claim_users)) {
        repair_wake(hub, goes_on ? HUB_SLICE_MS : HUB_SLICE_RETRY_MS);
    }
}

/* ---- books that were lost ---- */

void repair_drop_pending(struct room *r)
{
    for (uint32_t i = 0; i < r->local_count; i++) {
        struct hub_user *u = r->locals[i];

        user_drop_pending(u, room_find_member(r, &u->person));
        user_check_idle(u);
    }
}

void repair_expect_confirmation(struct room *r)
{
    const struct hub *hub = r->owner.hub;
    uint64_t ms = hub->policy.confirm_ms;

    deadline_set(hub->loop, &r->confirm, ms > 0 ? ms : HUB_CONFIRM_MS);
}

/* Nobody registered it again: its node is gone, or it left meanwhile. */
static void remove_unconfirmed(struct member *m)
{
    struct hub *hub = m->room->owner.hub;
    struct person *p = m->person;
    struct hub_event ev = hub_event_of(EV_LEAVE, m->room, p);
    struct who_text who;
    bool is_elsewhere = false;

    LIST_FOR_EACH(&p->memberships, it) {
        is_elsewhere |= LIST_ENTRY(it, struct member, of_person)->is_confirmed;
    }
    ev.who = person_who(p, &who);
    if (is_elsewhere) {
        fanout_to_room(m->room, &ev);
    } else {
        change_quit(hub, p, SV("its node is gone"), &ev);
    }
    room_remove_member(m);
}

void repair_on_confirm_deadline(void *deadline)
{
    struct room *r = PARLEY_CONTAINER_OF(deadline, struct room, confirm);

    r->is_lost = false;
    for (uint32_t i = r->member_count; i > 0; i--) {
        struct member *m = r->members[i - 1];

        if (m->person->user == NULL && !m->is_confirmed) {
            remove_unconfirmed(m);
        }
    }
}

/* Whatever was on its way may be lost too; registered again it is told anew. */
static void own_is_lost(struct member *m)
{
    if (m->person->user->is_closed) {
        m->is_leaving = false;
    }
    if (!m->is_leaving) {
        member_set_dirty(m, true);
    }
    claims_change_came(m);
}

static void room_is_lost(struct room *r)
{
    r->is_lost = true;
    r->are_modes_lost = true;
    for (uint32_t i = 0; i < r->member_count; i++) {
        struct member *m = r->members[i];

        if (m->person->user == NULL) {
            m->is_confirmed = false;
        } else {
            own_is_lost(m);
        }
    }
    repair_expect_confirmation(r);
    request_repeat(r);
    repair_drop_pending(r);
}

void repair_on_lost(struct hub *hub, bool (*is_lost)(void *ctx, struct str_view name),
                    void *ctx)
{
    struct folded_name folded;
    size_t cursor = 0;
    struct room *r = NULL;
    struct hub_user *u = NULL;

    while ((r = map_next(&hub->rooms, &cursor)) != NULL) {
        if (r->state == ROOM_LIVE && is_lost(ctx, room_folded(r))) {
            room_is_lost(r);
        }
    }
    cursor = 0;
    while ((u = map_next(&hub->users, &cursor)) != NULL) {
        if (u->is_registered &&
            is_lost(ctx, name_fold(person_nick(&u->person), &folded))) {
            claims_renew_later(u);
        }
    }
}

/* ---- another id of this node ---- */

void repair_on_new_node_id(struct hub *hub, struct str_view new_id)
{
    size_t cursor = 0;
    struct hub_user *u = NULL;

    hub_add_node_id(hub, new_id);
    inbox_open(hub);
    while ((u = map_next(&hub->users, &cursor)) != NULL) {
        LIST_FOR_EACH(&u->person.memberships, it) {
            struct member *m = LIST_ENTRY(it, struct member, of_person);

            user_drop_pending(u, m);
            if (!m->is_leaving) {
                member_set_dirty(m, true);
            }
        }
        claims_renew_later(u);
        user_check_idle(u);
    }
}
