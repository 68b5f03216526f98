/* SPDX-License-Identifier: MIT */
#include "hub/apply.h"

#include <parley/core/metrics.h>

#include "hub/claims.h"
#include "hub/fanout.h"
#include "hub/change.h"
#include "hub/membership.h"
#include "hub/modes_apply.h"
#include "hub/recent.h"
#include "hub/request.h"
#include "hub/run.h"

/* ---- items, whatever they are ---- */

static const struct apply_row *find_row(const struct apply_row *rows, size_t count,
                                        char type)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type == type) {
            return &rows[i];
        }
    }
    return NULL;
}

/* By run_add(), with its neighbours. */
static bool is_told_in_run(char type)
{
    return item_is_line(type) || type == ITEM_TAGMSG || type == ITEM_JOIN;
}

void apply_items(struct hub *hub, struct room *r, const struct entry *entry,
                 const struct apply_row *rows, size_t row_count)
{
    struct sender sender = {0};
    struct applied a = {
        .hub = hub, .sender = &sender, .room = r, .place = {.id = entry->id}};
    struct str_view rest = entry->items;
    enum item_next next = ITEM_NEXT_OK;

    a.is_own = hub_owns_node(hub, entry->node);
    metric_add(METRIC_ENTRIES, 1);
    for (;; a.place.index++) {
        const char *begin = rest.ptr;

        next = item_decode(&rest, &a.it);
        if (next != ITEM_NEXT_OK) {
            break;
        }
        const struct apply_row *row = find_row(rows, row_count, a.it.type);

        if (row == NULL) {
            continue;
        }
        if (!is_told_in_run(a.it.type)) {
            run_end(hub);
        }
        a.raw = sv(begin, (size_t)(rest.ptr - begin));
        if (a.it.field_count < row->fields_min || !row->fn(&a)) {
            metric_add(METRIC_MALFORMED, 1);
        }
        if (!item_is_line(a.it.type)) {
            sender = (struct sender){0}; /* may be gone */
        }
    }
    if (next == ITEM_NEXT_BAD) {
        metric_add(METRIC_MALFORMED, 1);
    }
    run_end(hub);
}

struct hub_event applied_event(const struct applied *a, enum hub_event_type type,
                               const struct person *p)
{
    return (struct hub_event){
        .type = type,
        .room = a->room,
        .person = p,
        .id = a->raw.len > 0 ? a->place.id : (struct entry_id){0},
        .index = a->place.index,
        .time_ms = a->place.id.ms,
        .origin = p != NULL ? p->user : NULL,
    };
}

/* ---- the types of a room's log ---- */

static struct person *find_sender(const struct applied *a)
{
    struct str_view id = item_field(&a->it, 0);

    if (a->sender->id.len == 0 || !sv_equal(id, a->sender->id)) {
        *a->sender = (struct sender){id, person_find(a->hub, id)};
    }
    return a->sender->person;
}

static bool apply_message(const struct applied *a)
{
    struct hub_event ev;
    struct person *p = NULL;

    if (!message_to_event(&a->it, a->place, &ev)) {
        return false;
    }
    if (message_is_kept(&a->it)) {
        recent_add(a->room, a->raw, a->place);
    }
    p = find_sender(a);
    ev.room = a->room;
    ev.person = p;
    ev.origin = a->is_own && p != NULL ? p->user : NULL;
    if (ev.status != '\0') {
        fanout_to_flagged(a->room, message_readers(ev.status), &ev);
        if (ev.origin != NULL) {
            user_line_came_back(ev.origin, a->room);
        }
    } else {
        run_add(a->room, &ev);
    }
    if (a->room->local_count > 0) {
        metric_note_delivery(a->place.id.ms);
    }
    return true;
}

/* lines */
static bool apply_lost(const struct applied *a)
{
    struct hub_event ev;

    if (!message_to_loss(&a->it, a->place, &ev)) {
        return false;
    }
    recent_add(a->room, a->raw, a->place);
    ev.room = a->room;
    fanout_to_room(a->room, &ev);
    return true;
}

/* id who topic */
static bool apply_topic(const struct applied *a)
{
    const struct person *p = person_find(a->hub, item_field(&a->it, 0));
    struct hub_event ev = applied_event(a, EV_TOPIC, p);
    struct request *r = NULL;

    ev.who = item_field(&a->it, 1);
    ev.text = item_field(&a->it, 2);
    if (ev.who.len > WHO_BYTES_MAX || ev.text.len > TOPIC_BYTES_MAX ||
        !names_allow_text(ev.who) || !names_allow_text(ev.text)) {
        return false;
    }
    room_set_topic(a->room, ev.text, ev.who, a->place.id.ms);
    if (a->is_own && ev.origin != NULL) {
        r = request_of_room(ev.origin, REQUEST_TOPIC, a->room);
    }
    if (r != NULL) {
        request_end(r);
    }
    fanout_to_room(a->room, &ev);
    if (r != NULL) {
        user_check_idle(r->user);
    }
    return true;
}

/* A person is now as `rec` says, but for the version, which is the item's second field. */
static bool change(const struct applied *a, struct person *p, struct record *rec)
{
    struct hub_event at = applied_event(a, EV_NICK, p);
    uint64_t version = 0;

    if (!sv_to_u64(item_field(&a->it, 1), UINT32_MAX, &version)) {
        return false;
    }
    rec->version = version;
    change_apply(a->hub, p, rec, &at);
    if (a->is_own && p->user != NULL) {
        struct member *m = room_find_member(a->room, p);

        if (m != NULL) {
            claims_change_came(m);
        } else {
            membership_take_back(a, p->user);
        }
    }
    return true;
}

/* id version who newnick */
static bool apply_nick(const struct applied *a)
{
    struct person *p = person_find(a->hub, item_field(&a->it, 0));
    struct record rec;

    if (!hub_nick_is_valid(item_field(&a->it, 3))) {
        return false;
    }
    if (p == NULL) {
        return true;
    }
    rec = person_record(p);
    rec.texts[PERSON_NICK] = item_field(&a->it, 3);
    return change(a, p, &rec);
}

/* id version nick user host account realname away */
static bool apply_person(const struct applied *a)
{
    struct person *p = person_find(a->hub, item_field(&a->it, 0));
    struct record rec;

    if (!record_from_item(&a->it, 2, &rec)) {
        return false;
    }
    return p == NULL || change(a, p, &rec);
}

/* id who account toid room tonick */
bool applied_invitation(const struct applied *a, struct hub_event *ret)
{
    const struct person *by = person_find(a->hub, item_field(&a->it, 0));
    struct hub_event ev = applied_event(a, EV_INVITE, by);

    ev.who = item_field(&a->it, 1);
    ev.account = item_field(&a->it, 2);
    ev.room_name = item_field(&a->it, 4);
    ev.target = item_field(&a->it, 5);
    if (ev.who.len > WHO_BYTES_MAX || ev.account.len > ACCOUNT_BYTES_MAX ||
        !names_allow_text(ev.who) || !names_allow_text(ev.account)) {
        return false;
    }
    *ret = ev;
    return hub_room_name_is_valid(ev.room_name) && hub_nick_is_valid(ev.target);
}

/* For operators: of the room, and of this node. */
static bool apply_invite(const struct applied *a)
{
    struct hub_event ev;

    if (!applied_invitation(a, &ev)) {
        return false;
    }
    ev.type = EV_INVITE_SEEN;
    ev.origin = NULL; /* who knows already */
    ev.room_name = room_name(a->room);
    fanout_to_flagged(a->room, MEMBER_OPERATOR, &ev);
    return true;
}

static const struct apply_row rows[] = {
    {ITEM_MESSAGE, 4, apply_message},
    {ITEM_ACTION, 4, apply_message},
    {ITEM_NOTICE, 4, apply_message},
    {ITEM_LOST, 1, apply_lost},
    {ITEM_TAGMSG, 4, apply_message},
    {ITEM_JOIN, 2, membership_apply_join},
    {ITEM_LEAVE, 1, membership_apply_leave},
    {ITEM_QUIT, 1, membership_apply_quit},
    {ITEM_NODE_GONE, 1, membership_apply_node_gone},
    {ITEM_KICK, 4, membership_apply_kick},
    {ITEM_RESTORE, 2, membership_apply_restore},
    {ITEM_NICK, 4, apply_nick},
    {ITEM_PERSON, 3, apply_person},
    {ITEM_TOPIC, 3, apply_topic},
    {ITEM_MODE, 3, modes_apply},
    {ITEM_INVITE, 6, apply_invite},
    {ITEM_STATE, 0, modes_apply_state},
};

enum { MESSAGE_ROWS = 4 }; /* the first ones */

void apply_to_room(struct room *r, const struct entry *entry)
{
    r->last = entry->id;
    apply_items(r->owner.hub, r, entry, rows, PARLEY_COUNT_OF(rows));
}

void apply_messages(struct room *r, const struct entry *entry)
{
    apply_items(r->owner.hub, r, entry, rows, MESSAGE_ROWS);
}
