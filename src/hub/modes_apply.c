/* SPDX-License-Identifier: MIT */
#include "hub/modes_apply.h"

#include <parley/core/metrics.h>
#include <parley/util/arena.h>

#include "hub/fanout.h"
#include "hub/membership.h"
#include "hub/modes.h"
#include "hub/modes_publish.h"
#include "hub/request.h"

/* ---- news: what took effect ---- */

/* Gathers changes for one event; the texts are copied, for what is taken away is gone. */
struct news {
    struct hub_event ev;
    struct arena texts;
    bool is_silent;
    struct hub_mode_change changes[HUB_MODE_CHANGES_MAX];
};

static void news_init(struct news *n, const struct applied *a, const struct person *by)
{
    n->ev = applied_event(a, EV_MODE, by);
    n->ev.origin = a->is_own ? n->ev.origin : NULL;
    n->ev.changes = n->changes;
    n->is_silent = false;
    arena_init(&n->texts);
}

static void news_tell(struct news *n)
{
    if (n->ev.change_count > 0 && !n->is_silent) {
        fanout_to_room(n->ev.room, &n->ev);
    }
    n->ev.change_count = 0;
    arena_clear(&n->texts);
}

static void news_done(struct news *n)
{
    news_tell(n);
    arena_done(&n->texts);
}

static struct hub_mode_change as_change(struct news *n, const struct mode_op *op,
                                        const struct person *p)
{
    struct str_view text = p != NULL ? person_nick(p) : op->text;

    return (struct hub_mode_change){
        .is_added = op->is_added,
        .letter = op->row->letter,
        .parameter = arena_copy(&n->texts, text),
        .person = p,
    };
}

/* Change the copy; `m` is the member of a change of members, by nobody when unknown. */
static void change(struct news *n, struct room *r, const struct mode_op *op,
                   struct member *m)
{
    if (n->ev.change_count == HUB_MODE_CHANGES_MAX) {
        news_tell(n);
    }
    struct hub_mode_change *c = &n->changes[n->ev.change_count];
    bool is_of_member = op->row->kind == ROOM_MODE_MEMBER;

    *c = as_change(n, op, m != NULL ? m->person : NULL);
    if (is_of_member ? m != NULL && modes_change_member(m, op)
                     : modes_change(r, op, n->ev.who, n->ev.time_ms)) {
        n->ev.change_count++;
    }
}

/* ---- items ---- */

static struct member *member_meant(const struct applied *a, const struct mode_op *op)
{
    struct member *m = NULL;

    if (op->row->kind == ROOM_MODE_MEMBER) {
        m = membership_find(a, op->id);
    }
    return m != NULL && m->stay == op->stay ? m : NULL;
}

/* The founder whose first modes this node has told: those are here now. */
static struct member *founder_of(const struct applied *a)
{
    struct str_view lines = item_field(&a->it, 2);
    struct mode_op op;

    if (!a->is_own || item_field(&a->it, 1).len > 0 ||
        !mode_op_parse(sv_next_until(&lines, '\n'), &op)) {
        return NULL;
    }
    return member_meant(a, &op);
}

/* False: some lines are malformed, or too many; the others count. */
static bool change_all(const struct applied *a, struct news *n, struct str_view lines)
{
    bool is_sound = true;

    for (size_t count = 0; lines.len > 0; count++) {
        struct str_view line = sv_next_until(&lines, '\n');
        struct mode_op op;

        if (count >= HUB_MODE_CHANGES_MAX) {
            return false;
        }
        if (!mode_op_parse(line, &op)) {
            is_sound = false;
            continue;
        }
        change(n, a->room, &op, member_meant(a, &op));
    }
    return is_sound;
}

/* If the room begins: since when? False: malformed. */
static bool take_since(const struct applied *a)
{
    struct str_view since = item_field(&a->it, 3);

    return since.len == 0 || item_field(&a->it, 1).len > 0 ||
           sv_to_u64(since, UINT64_MAX, &a->room->since_ms);
}

/* id who changes since */
bool modes_apply(const struct applied *a)
{
    const struct person *by = person_find(a->hub, item_field(&a->it, 0));
    struct str_view who = item_field(&a->it, 1);
    struct member *founder = founder_of(a);
    struct request *r = NULL;
    struct news news;

    if (who.len > WHO_BYTES_MAX || !names_allow_text(who) || !take_since(a)) {
        return false;
    }
    news_init(&news, a, by);
    news.ev.who = who;
    bool is_sound = change_all(a, &news, item_field(&a->it, 2));

    if (news.ev.origin != NULL) {
        r = request_of_room(news.ev.origin, REQUEST_MODE, a->room);
    }
    if (r != NULL) {
        request_end(r);
    }
    if (founder != NULL) {
        news.ev.origin = founder->person->user;
    }
    news_done(&news);
    if (r != NULL) {
        user_check_idle(r->user);
    }
    if (founder != NULL && founder->person->user != NULL) {
        user_line_done(founder);
    }
    return is_sound;
}

bool modes_apply_state(const struct applied *a)
{
    (void)a;
    return true;
}

/* ---- flags that are told as a whole ---- */

static void set_flags(struct news *n, struct member *m, unsigned flags)
{
    const struct room_mode_row *row = NULL;

    for (size_t i = 0; (row = room_mode_at(i)) != NULL; i++) {
        struct mode_op op = {.row = row, .is_added = (flags & row->value) != 0};

        if (row->kind == ROOM_MODE_MEMBER && ((m->flags ^ flags) & row->value) != 0) {
            change(n, m->room, &op, m);
        }
    }
}

void modes_apply_restored(const struct applied *a, struct member *m,
                          struct str_view letters)
{
    unsigned flags = modes_member_flags(letters);
    struct news news;

    if (m->flags != flags) {
        news_init(&news, a, NULL);
        set_flags(&news, m, flags);
        news_done(&news);
    }
}

/* ---- snapshots ---- */

/* "+b mask" ... as a change that sets it; of a mask, when and by whom. */
static bool parse_book(const struct pair *pair, struct mode_op *ret,
                       struct str_view *ret_by, uint64_t *ret_ms)
{
    struct str_view field = pair->field;
    struct mode_op op = {.is_added = true};
    struct member_id id;

    op.row = field.len >= 2 ? room_mode_find(field.ptr[1]) : NULL;
    if (op.row == NULL || (field.len > 2 && field.ptr[2] != ' ')) {
        return false;
    }
    op.text = pair->value;
    *ret_by = SV("");
    if (op.row->kind == ROOM_MODE_MEMBER) {
        struct str_view rest = sv(field.ptr + 2, field.len - 2);

        (void)sv_next_until(&rest, ' ');
        op.id = sv_next_until(&rest, ' ');
        op.stay = record_stay_of(rest);
        *ret = op;
        return member_id_parse(op.id, &id);
    }
    if (op.row->kind == ROOM_MODE_FLAG) {
        op.text = SV("");
    } else if (op.row->kind == ROOM_MODE_LIST) {
        struct str_view rest = op.text;
        struct str_view ms = sv_next_until(&rest, ' ');

        op.text = sv_next_until(&rest, ' ');
        *ret_by = rest;
        if (!sv_to_u64(ms, UINT64_MAX, ret_ms) || ret_by->len > WHO_BYTES_MAX ||
            !names_allow_text(*ret_by)) {
            return false;
        }
    }
    *ret = op;
    return mode_text_is_valid(op.row, op.text);
}

/* Take away from the copy what the snapshot does not have: of modes that are not of members. */
static void drop_missing(struct news *n, struct room *r, const struct snapshot *snap)
{
    struct number_text number;
    struct mode_op op;
    struct arena a;
    size_t cursor = 0;

    arena_init(&a);
    while (modes_next(r, &cursor, &number, &op)) {
        struct str_view field = mode_op_book(&a, &op, SV(""), 0).field;
        size_t i = 0;

        while (i < snap->state_count && !sv_equal(snap->state[i].field, field)) {
            i++;
        }
        if (i == snap->state_count) {
            op.is_added = false;
            change(n, r, &op, NULL);
            cursor--; /* what stood behind it has moved up */
        }
    }
    arena_done(&a);
}

static void load_one(const struct applied *a, struct news *n, const struct pair *pair)
{
    struct mode_op op;
    struct str_view by = {0};
    uint64_t ms = 0;

    if (!parse_book(pair, &op, &by, &ms)) {
        metric_add(METRIC_MALFORMED, 1);
        return;
    }
    struct member *m = member_meant(a, &op);

    if (op.row->kind == ROOM_MODE_MEMBER) {
        if (m != NULL) {
            m->seen_flags |= op.row->value;
        }
        return;
    }
    struct hub_event at = n->ev;

    n->ev.who = by;
    n->ev.time_ms = ms;
    change(n, a->room, &op, NULL);
    n->ev.who = at.who;
    n->ev.time_ms = at.time_ms;
}

static void load_flags(const struct applied *a, struct news *n, bool is_reborn)
{
    for (uint32_t i = 0; i < a->room->member_count; i++) {
        struct member *m = a->room->members[i];
        unsigned flags = m->seen_flags | (is_reborn ? m->flags : 0U);

        if (m->flags != flags) {
            set_flags(n, m, flags);
        }
        m->seen_flags = 0;
    }
}

void modes_load(const struct applied *a, const struct snapshot *snap, bool is_first)
{
    struct news news;

    news_init(&news, a, NULL);
    news.is_silent = is_first;
    if (!snap->reborn) {
        drop_missing(&news, a->room, snap);
    }
    for (size_t i = 0; i < snap->state_count; i++) {
        if (sv_starts_with(snap->state[i].field, SV("+"))) {
            load_one(a, &news, &snap->state[i]);
        }
    }
    load_flags(a, &news, snap->reborn);
    news_done(&news);
}
