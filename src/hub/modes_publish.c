/* SPDX-License-Identifier: MIT */
#include "hub/modes_publish.h"

#include <parley/util/clock.h>

#define SECRET_MARK '-'

/* ---- of members ---- */

struct str_view modes_member_letters(unsigned flags)
{
    static const struct str_view letters[] = {
        [0] = SV_INIT(""),
        [MEMBER_VOICE] = SV_INIT("v"),
        [MEMBER_OPERATOR] = SV_INIT("o"),
        [MEMBER_OPERATOR | MEMBER_VOICE] = SV_INIT("ov"),
    };

    return letters[flags & (MEMBER_OPERATOR | MEMBER_VOICE)];
}

unsigned modes_member_flags(struct str_view letters)
{
    unsigned flags = 0;

    for (size_t i = 0; i < letters.len; i++) {
        const struct room_mode_row *row = room_mode_find(letters.ptr[i]);

        if (row != NULL && row->kind == ROOM_MODE_MEMBER) {
            flags |= row->value;
        }
    }
    return flags;
}

void modes_add_member_books(struct draft *d, struct arena *a, const struct member *m,
                            struct str_view id, unsigned flags)
{
    const struct room_mode_row *row = NULL;

    for (size_t i = 0; (row = room_mode_at(i)) != NULL; i++) {
        struct mode_op op = {.row = row, .id = id, .stay = m->stay};

        if (row->kind == ROOM_MODE_MEMBER) {
            op.is_added = (flags & row->value) != 0;
            struct book_update u = mode_op_book(a, &op, SV(""), 0);
            draft_add_update(d, u.op, u.field, u.value);
        }
    }
}

/* ---- the name in the index ---- */

struct str_view modes_index_name(struct arena *a, const struct room *r, bool is_secret)
{
    struct str_view name = room_name(r);
    char *marked = arena_take(a, name.len + 1);

    marked[0] = SECRET_MARK;
    for (size_t i = 0; i < name.len; i++) {
        marked[i + 1] = name.ptr[i];
    }
    return is_secret ? sv(marked, name.len + 1) : name;
}

struct str_view modes_name_of(struct str_view index_name, bool *ret_is_secret)
{
    *ret_is_secret = index_name.len > 0 && index_name.ptr[0] == SECRET_MARK;
    return *ret_is_secret ? sv(index_name.ptr + 1, index_name.len - 1) : index_name;
}

/* ---- changes ---- */

bool publish_modes(struct room *r, const struct hub_user *by, const struct mode_op *ops,
                   size_t count, struct token token)
{
    struct hub *hub = r->owner.hub;
    struct draft d = draft_new(hub, ITEM_MODE, token);
    const struct mode_op *secret = NULL;
    struct member_id_text id;
    struct number_text since;
    struct who_text who;
    struct arena texts;

    arena_init(&texts);
    draft_add_field(&d, by != NULL ? draft_own_id(by, &id) : SV(""));
    draft_add_field(&d, by != NULL ? person_who(&by->person, &who) : SV(""));
    strbuf_clear(&hub->text);
    for (size_t i = 0; i < count; i++) {
        struct book_update u = mode_op_book(&texts, &ops[i], d.fields[1],
                                            clock_wall_ms());

        draft_add_update(&d, u.op, u.field, u.value);
        mode_op_add(&hub->text, &ops[i]);
        if (ops[i].row->kind == ROOM_MODE_FLAG && ops[i].row->value == ROOM_SECRET) {
            secret = &ops[i];
        }
    }
    if (secret != NULL) {
        draft_add_update(&d, BOOK_STATE_SET, SV("name"),
                         modes_index_name(&texts, r, secret->is_added));
    }
    draft_add_field(&d, strbuf_view(&hub->text));
    if (by == NULL) {
        draft_add_field(&d, number_format(clock_wall_ms(), &since));
        draft_add_update(&d, BOOK_STATE_SET, SV("since"), d.fields[3]);
    }
    d.want_stored = token.kind == TOKEN_REQUEST;
    bool is_taken = draft_publish(&d, r);
    arena_done(&texts);
    return is_taken;
}

/* ---- the beginning of a room ---- */

struct ops {
    struct mode_op at[HUB_MODE_CHANGES_MAX];
    size_t count;
};

static bool publish_full(struct room *r, struct ops *ops, struct token token,
                         bool is_last)
{
    bool is_taken = true;

    if (ops->count == HUB_MODE_CHANGES_MAX || (is_last && ops->count > 0)) {
        is_taken = publish_modes(r, NULL, ops->at, ops->count, token);
        ops->count = 0;
    }
    return is_taken;
}

void modes_found(struct member *m)
{
    struct room *r = m->room;
    struct token token = {m->person->user->number, TOKEN_FOUND, r->number};
    struct ops ops = {.count = 2};
    struct member_id_text id;
    struct number_text number;
    struct mode_op old;
    size_t cursor = 0;
    bool is_taken = true;

    ops.at[0] = (struct mode_op){room_mode_find('o'), true, person_nick(m->person),
                                 member_id_of(m, &id), m->stay};
    ops.at[1] = (struct mode_op){.row = room_mode_find('n'), .is_added = true};
    while (is_taken && modes_next(r, &cursor, &number, &old)) {
        if (old.row->letter == 'n') {
            continue;
        }
        old.is_added = false;
        old.text = old.row->kind == ROOM_MODE_LIMIT ? SV("") : old.text;
        ops.at[ops.count++] = old;
        is_taken = publish_full(r, &ops, token, false);
    }
    is_taken = is_taken && publish_full(r, &ops, token, true);
    m->is_founder = !is_taken;
    if (is_taken) {
        user_await_line(m);
    } else {
        member_set_dirty(m, true);
    }
}

/* ---- after a loss ---- */

bool modes_restore(const struct member *m)
{
    struct hub *hub = m->room->owner.hub;
    struct token token = {m->person->user->number, TOKEN_STATE, m->room->number};
    struct number_text number;
    struct mode_op op;
    struct arena texts;
    size_t cursor = 0;
    bool is_taken = true;
    bool is_more = true;

    bool is_secret = (m->room->mode_flags & ROOM_SECRET) != 0;

    arena_init(&texts);
    while (is_taken && is_more) {
        struct draft d = draft_new(hub, ITEM_STATE, token);

        is_more = false;
        if (is_secret) {
            draft_add_update(&d, BOOK_STATE_SET, SV("name"),
                             modes_index_name(&texts, m->room, true));
        }
        while (d.update_count < HUB_MODE_CHANGES_MAX &&
               (is_more = modes_next(m->room, &cursor, &number, &op))) {
            struct room_mask mask = modes_mask_of(m->room, &op);
            struct book_update u = mode_op_book(&texts, &op, mask.by, mask.ms);

            draft_add_update(&d, BOOK_STATE_INIT, u.field, u.value);
        }
        is_taken = d.update_count == 0 || draft_publish(&d, m->room);
    }
    arena_done(&texts);
    return is_taken;
}
