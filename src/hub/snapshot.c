/* SPDX-License-Identifier: MIT */
#include "hub/snapshot.h"

#include <parley/core/metrics.h>

#include "hub/apply.h"
#include "hub/fanout.h"
#include "hub/membership.h"
#include "hub/modes_apply.h"
#include "hub/modes_publish.h"
#include "hub/recent.h"
#include "hub/repair.h"
#include "hub/request.h"
#include "hub/run.h"

/* What a snapshot does happens at its last entry. */
static struct applied applied_at(struct room *r, const struct snapshot *snap)
{
    return (struct applied){
        .hub = r->owner.hub,
        .room = r,
        .place = {.id = snap->last},
    };
}

/* ---- members ---- */

static bool load_member(const struct applied *a, const struct pair *pair, bool is_first)
{
    struct record rec;
    uint32_t stay = 0;

    if (!record_decode_member(pair->value, &rec, &stay)) {
        return false;
    }
    if (is_first && membership_is_own(a->hub, pair->field)) {
        /* Nobody of ours has come in yet: a trace of a former visit. A join that waits for
         * this snapshot is handed over behind. */
        membership_send_away(a, pair->field, &rec);
        return true;
    }
    return membership_introduce(a, pair->field, &rec, stay);
}

/* Was the user's leave stored before the snapshot was taken? */
static bool has_left(const struct applied *a, const struct hub_user *u)
{
    const struct request *r = request_of_room(u, REQUEST_LEAVE, a->room);

    return r != NULL && r->state == REQUEST_STORED &&
           entry_id_compare(r->stored, a->place.id) <= 0;
}

/* A local user whom the books do not name. */
static void miss_own(const struct applied *a, struct member *m, bool is_reborn)
{
    const struct hub_user *u = m->person->user;

    if (has_left(a, u)) {
        membership_leave(a, m, SV(""));
    } else if (u->is_closed && !is_reborn) {
        room_remove_member(m);
    } else {
        m->is_leaving = m->is_leaving && !u->is_closed;
        member_set_dirty(m, true);
    }
}

static void compare_members(const struct applied *a, bool is_reborn)
{
    for (uint32_t i = a->room->member_count; i > 0; i--) {
        struct member *m = a->room->members[i - 1];

        if (m->is_seen) {
            continue;
        }
        if (m->person->user != NULL) {
            miss_own(a, m, is_reborn);
        } else if (is_reborn) {
            m->is_confirmed = false;
        } else {
            membership_leave(a, m, SV(""));
        }
    }
    if (is_reborn) {
        repair_expect_confirmation(a->room);
    }
}

static void load_members(const struct applied *a, const struct snapshot *snap,
                         bool is_first)
{
    for (uint32_t i = 0; i < a->room->member_count; i++) {
        a->room->members[i]->is_seen = false;
    }
    for (size_t i = 0; i < snap->member_count; i++) {
        if (!load_member(a, &snap->members[i], is_first)) {
            metric_add(METRIC_MALFORMED, 1);
        }
    }
    run_end(a->hub);
    if (!is_first) {
        compare_members(a, snap->reborn);
    }
}

/* ---- state ---- */

static struct str_view find_state(const struct snapshot *snap, struct str_view field)
{
    for (size_t i = 0; i < snap->state_count; i++) {
        if (sv_equal(snap->state[i].field, field)) {
            return snap->state[i].value;
        }
    }
    return SV("");
}

static bool is_fit(struct str_view text, size_t max_bytes)
{
    return text.len <= max_bytes && names_allow_text(text);
}

/* "who ms" */
static void parse_topic_by(struct str_view text, struct str_view *ret_who,
                           uint64_t *ret_ms)
{
    size_t blank = text.len;

    while (blank > 0 && text.ptr[blank - 1] != ' ') {
        blank--;
    }
    if (blank > 0 && blank - 1 <= WHO_BYTES_MAX &&
        sv_to_u64(sv(text.ptr + blank, text.len - blank), UINT64_MAX, ret_ms)) {
        *ret_who = sv(text.ptr, blank - 1);
    }
}

static void load_topic(const struct applied *a, const struct snapshot *snap,
                       bool is_first)
{
    struct room *r = a->room;
    struct hub_event ev = applied_event(a, EV_TOPIC, NULL);
    struct str_view by = find_state(snap, SV("topic_by"));
    uint64_t ms = 0;

    ev.text = find_state(snap, SV("topic"));
    if (!is_fit(ev.text, TOPIC_BYTES_MAX) || !names_allow_text(by)) {
        metric_add(METRIC_MALFORMED, 1);
        return;
    }
    if (sv_equal(ev.text, room_topic(r)) || (snap->reborn && ev.text.len == 0)) {
        return;
    }
    parse_topic_by(by, &ev.who, &ms);
    room_set_topic(r, ev.text, ev.who, ms);
    if (!is_first) {
        fanout_to_room(r, &ev);
    }
}

/* What is malformed is not known. */
static void load_since(struct room *r, const struct snapshot *snap)
{
    if (!sv_to_u64(find_state(snap, SV("since")), UINT64_MAX, &r->since_ms) &&
        !snap->reborn) {
        r->since_ms = 0;
    }
}

static void load_state(const struct applied *a, const struct snapshot *snap,
                       bool is_first)
{
    bool is_secret = false; /* the modes tell it too */
    struct str_view name = modes_name_of(find_state(snap, SV("name")), &is_secret);

    if (hub_room_name_is_valid(name)) {
        room_set_name(a->room, name);
    }
    load_since(a->room, snap);
    load_topic(a, snap, is_first);
}

/* ---- what was said ---- */

static void keep_messages(struct room *r, const struct entry *entry)
{
    struct item_place place = {.id = entry->id};
    struct str_view rest = entry->items;
    struct item it;

    for (;; place.index++) {
        const char *begin = rest.ptr;

        if (item_decode(&rest, &it) != ITEM_NEXT_OK) {
            return;
        }
        if (message_is_kept(&it)) {
            recent_add(r, sv(begin, (size_t)(rest.ptr - begin)), place);
        }
    }
}

static void load_entries(struct room *r, const struct snapshot *snap, bool is_first)
{
    for (size_t i = 0; i < snap->entry_count; i++) {
        const struct entry *entry = &snap->entries[i];

        if (is_first) {
            keep_messages(r, entry);
        } else if (entry_id_compare(entry->id, r->last) > 0) {
            apply_messages(r, entry);
        }
    }
}

/* A join into an empty room may have gone by unseen. Whoever is alone would become the operator
 * by coming again, so that nothing is given away here. */
static void found_if_alone(struct room *r)
{
    struct member *m = r->member_count == 1 ? r->members[0] : NULL;

    if (m != NULL && m->person->user != NULL && !m->person->user->is_closed &&
        m->flags == 0) {
        modes_found(m);
    }
}

void snapshot_apply(struct room *r, const struct snapshot *snap)
{
    bool is_first = r->state == ROOM_OPENING;
    struct applied a = applied_at(r, snap);

    r->state = ROOM_LIVE;
    load_state(&a, snap, is_first);
    load_members(&a, snap, is_first);
    modes_load(&a, snap, is_first);
    load_entries(r, snap, is_first);
    r->last = snap->last;
    if (!is_first) {
        repair_drop_pending(r);
        found_if_alone(r);
    }
    request_settle_room(r);
    request_room_is_live(r);
}
