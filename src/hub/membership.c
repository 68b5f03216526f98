/* SPDX-License-Identifier: MIT */
#include "hub/membership.h"

#include "hub/change.h"
#include "hub/claims.h"
#include "hub/fanout.h"
#include "hub/modes_apply.h"
#include "hub/modes_publish.h"
#include "hub/publish.h"
#include "hub/repair.h"
#include "hub/request.h"
#include "hub/run.h"

/* ---- coming ---- */

static void tell_join(const struct applied *a, const struct person *p)
{
    struct hub_event ev = applied_event(a, EV_JOIN, p);
    struct who_text who;

    ev.who = person_who(p, &who);
    ev.account = person_account(p);
    run_add(a->room, &ev);
}

bool membership_is_own(const struct hub *hub, struct str_view id)
{
    struct member_id parsed;

    return member_id_parse(id, &parsed) && hub_owns_node(hub, parsed.node);
}

void membership_send_away(const struct applied *a, struct str_view id,
                          const struct record *rec)
{
    struct who_text who;

    bool taken = publish_ghost(a->room, ITEM_QUIT, id, record_who(rec, &who));

    /* If not, the books name somebody who is not there, until this node ends. */
    (void)taken;
}

static struct member *add_own(const struct applied *a, struct member_id id,
                              struct hub_user *u)
{
    struct member *m = room_add_member(a->room, &u->person);

    PARLEY_ASSERT(m != NULL);
    m->generation = (uint16_t)hub_node_generation(a->hub, id.node);
    return m;
}

/* Flags belong to one stay. */
static void set_stay(const struct applied *a, struct member *m, uint32_t stay)
{
    if (m->stay != stay) {
        m->stay = stay;
        modes_apply_restored(a, m, SV(""));
    }
}

/* Is this the join of somebody who comes into an empty room? */
static bool is_founding(const struct applied *a, const struct hub_user *u)
{
    return a->it.type == ITEM_JOIN && a->is_own && a->room->member_count == 1 &&
           !u->is_closed;
}

static bool introduce_own(const struct applied *a, struct member_id id,
                          struct hub_user *u, const struct record *rec, uint32_t stay)
{
    struct member *m = room_find_member(a->room, &u->person);
    bool is_new = m == NULL;

    if (is_new) {
        m = add_own(a, id, u);
    }
    set_stay(a, m, stay);
    m->known = (uint16_t)hub_node_generation(a->hub, id.node);
    m->is_seen = true;
    if (u->is_closed) {
        repair_member(m);
    } else if (m->generation != (uint16_t)a->hub->generation) {
        member_set_dirty(m, true);
    }
    if (is_new && !u->person.is_gone) {
        tell_join(a, &u->person);
    }
    if (is_new && is_founding(a, u)) {
        modes_found(m); /* before the user is idle: what follows is an operator's doing */
    }
    if (is_new || request_of_room(u, REQUEST_JOIN, a->room) != NULL) {
        request_welcome(u, a->room);
    }
    if (u->request != NULL && rec->version >= u->request->version) {
        claims_change_came(m); /* unseen, if it was on its way here */
    }
    return true;
}

static bool introduce_other(const struct applied *a, struct str_view id,
                            const struct record *rec, uint32_t stay)
{
    struct person *p = map_find(&a->hub->persons, id);
    struct hub_event at = applied_event(a, EV_NICK, p);
    struct member *m = NULL;

    if (p == NULL) {
        p = person_new(a->hub, id, rec);
    } else {
        change_apply(a->hub, p, rec, &at);
        m = room_find_member(a->room, p);
    }
    if (m == NULL) {
        m = room_add_member(a->room, p);
        if (m == NULL) {
            person_release(a->hub, p);
            return false;
        }
        /* Of one who has quit already, this room gets neither join nor quit. */
        if (!p->is_gone) {
            tell_join(a, p);
        }
    }
    set_stay(a, m, stay);
    m->is_confirmed = true;
    m->is_seen = true;
    return true;
}

bool membership_introduce(const struct applied *a, struct str_view id,
                          const struct record *rec, uint32_t stay)
{
    struct member_id parsed;

    if (!member_id_parse(id, &parsed)) {
        return false;
    }
    if (!hub_owns_node(a->hub, parsed.node)) {
        return introduce_other(a, id, rec, stay);
    }
    struct hub_user *u = hub_user_find(a->hub, parsed.number);

    if (u == NULL) {
        /* Closed, and even buried, before its join came. */
        membership_send_away(a, id, rec);
        return true;
    }
    return introduce_own(a, parsed, u, rec, stay);
}

struct member *membership_find(const struct applied *a, struct str_view id)
{
    const struct person *p = person_find(a->hub, id);
    struct member *m = p != NULL ? room_find_member(a->room, p) : NULL;
    struct member_id parsed;

    if (m == NULL || p->user == NULL) {
        return m;
    }
    /* One of ours is known by one id at a time, here as on other nodes. */
    return member_id_parse(id, &parsed) &&
                   (uint16_t)hub_node_generation(a->hub, parsed.node) == m->known
               ? m
               : NULL;
}

/* id nick user host account realname away modes version stay */
bool membership_apply_join(const struct applied *a)
{
    struct record rec;

    return record_from_item(&a->it, 1, &rec) &&
           membership_introduce(a, item_field(&a->it, 0), &rec,
                                record_stay_of(item_field(&a->it, 1 + RECORD_FIELDS)));
}

/* The member with the old id is the one with the new id, in this room. In the person's other
 * rooms the same will be said by their own logs. */
static void rename_member(const struct applied *a, struct str_view id,
                          struct str_view old_id)
{
    struct person *old = map_find(&a->hub->persons, old_id);
    struct person *p = map_find(&a->hub->persons, id);
    struct member *m = old != NULL ? room_find_member(a->room, old) : NULL;

    if (m == NULL || old == p) {
        return;
    }
    if (p == NULL) {
        struct record rec = person_record(old);

        p = person_new(a->hub, id, &rec);
    }
    if (room_find_member(a->room, p) != NULL) {
        room_remove_member(m);
    } else {
        room_relink_member(m, p);
    }
}

/* ... as a join, but for the stay; then oldid stay flags */
bool membership_apply_restore(const struct applied *a)
{
    enum { OLD_ID = 1 + RECORD_FIELDS, STAY, FLAGS };
    struct str_view id = item_field(&a->it, 0);
    struct str_view old_id = item_field(&a->it, OLD_ID);
    struct member_id parsed;
    struct record rec;

    if (!member_id_parse(id, &parsed) || !record_from_item(&a->it, 1, &rec)) {
        return false;
    }
    if (!hub_owns_node(a->hub, parsed.node)) {
        rename_member(a, id, old_id);
    }
    if (!membership_introduce(a, id, &rec, record_stay_of(item_field(&a->it, STAY)))) {
        return false;
    }
    struct member *m = membership_find(a, id);

    if (m != NULL) {
        modes_apply_restored(a, m, item_field(&a->it, FLAGS));
    }
    return true;
}

/* ---- going ---- */

/* Tell the room, unless it knows that the person has quit, and take the member out. */
static void go(const struct applied *a, struct member *m, struct hub_event *ev)
{
    const struct person *p = m->person;
    struct hub_user *u = p->user;
    struct request *r = u != NULL ? request_of_room(u, REQUEST_LEAVE, a->room) : NULL;

    if (r != NULL) {
        request_end(r);
    }
    if (!p->is_gone) {
        fanout_to_room(a->room, ev);
    }
    room_remove_member(m);
    if (u != NULL) {
        user_check_idle(u);
    }
}

void membership_leave(const struct applied *a, struct member *m, struct str_view reason)
{
    struct hub_event ev = applied_event(a, EV_LEAVE, m->person);
    struct who_text who;

    ev.who = person_who(m->person, &who);
    ev.account = person_account(m->person);
    ev.text = reason;
    go(a, m, &ev);
}

void membership_take_back(const struct applied *a, const struct hub_user *u)
{
    const struct request *r = request_of_room(u, REQUEST_JOIN, a->room);
    struct who_text who;
    bool is_taken = false;

    /* A join on its way puts it into the books rightly. */
    if (r == NULL || r->state == REQUEST_WAITING) {
        is_taken = publish_ghost(a->room, ITEM_LEAVE, item_field(&a->it, 0),
                                 person_who(&u->person, &who));
    }
    /* If not, the books name somebody who is not there, until this node reads them again. */
    (void)is_taken;
}

static void quit(const struct applied *a, struct member *m, struct str_view reason)
{
    struct hub_event at = applied_event(a, EV_QUIT, m->person);

    change_quit(a->hub, m->person, reason, &at);
    room_remove_member(m);
}

static bool is_reason(struct str_view text)
{
    return text.len <= REASON_BYTES_MAX && names_allow_text(text);
}

static struct member *find_member(const struct applied *a, const struct person *p)
{
    return p != NULL ? room_find_member(a->room, p) : NULL;
}

/* id who reason */
bool membership_apply_leave(const struct applied *a)
{
    const struct person *p = person_find(a->hub, item_field(&a->it, 0));
    struct member *m = find_member(a, p);

    if (!is_reason(item_field(&a->it, 2))) {
        return false;
    }
    if (m != NULL) {
        membership_leave(a, m, item_field(&a->it, 2));
    } else if (p != NULL && p->user != NULL) {
        struct request *r = request_of_room(p->user, REQUEST_LEAVE, a->room);

        if (r != NULL) {
            request_end(r);
            user_check_idle(p->user);
        }
    }
    return true;
}

/* id who reason */
bool membership_apply_quit(const struct applied *a)
{
    const struct person *p = person_find(a->hub, item_field(&a->it, 0));
    struct member *m = find_member(a, p);

    if (!is_reason(item_field(&a->it, 2))) {
        return false;
    }
    if (m == NULL) {
        return true;
    }
    if (p->user != NULL && !p->user->is_closed) {
        /* Somebody else says so; at least it is not in this room any more. */
        membership_leave(a, m, item_field(&a->it, 2));
    } else {
        quit(a, m, item_field(&a->it, 2));
    }
    return true;
}

/* id byid who reason nick */
bool membership_apply_kick(const struct applied *a)
{
    const struct person *by = person_find(a->hub, item_field(&a->it, 1));
    struct member *m = membership_find(a, item_field(&a->it, 0));
    struct hub_event ev = applied_event(a, EV_KICK, by);
    struct request *r = NULL;

    ev.who = item_field(&a->it, 2);
    ev.text = item_field(&a->it, 3);
    if (ev.who.len > WHO_BYTES_MAX || !names_allow_text(ev.who) || !is_reason(ev.text)) {
        return false;
    }
    ev.origin = a->is_own ? ev.origin : NULL;
    if (ev.origin != NULL) {
        r = request_of_room(ev.origin, REQUEST_KICK, a->room);
    }
    if (r != NULL) {
        request_end(r);
    }
    if (m != NULL) {
        ev.other = m->person;
        ev.target = person_nick(m->person);
        go(a, m, &ev);
    }
    if (r != NULL) {
        user_check_idle(r->user);
    }
    return true;
}

/* node */
bool membership_apply_node_gone(const struct applied *a)
{
    struct str_view node = item_field(&a->it, 0);

    if (node.len == 0 || node.len > NODE_ID_MAX) {
        return false;
    }
    if (hub_owns_node(a->hub, node)) {
        /* We live: with our new id all of ours will be registered again. */
        return true;
    }
    for (uint32_t i = a->room->member_count; i > 0; i--) {
        struct member *m = a->room->members[i - 1];

        if (person_is_of_node(m->person, node)) {
            quit(a, m, SV("its node is gone"));
        }
    }
    return true;
}
