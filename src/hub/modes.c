/* SPDX-License-Identifier: MIT */
#include "hub/modes.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

/* ---- the table ---- */

static const struct room_mode_row rows[] = {
    {ROOM_MODE_MEMBER, 'o', MEMBER_OPERATOR},
    {ROOM_MODE_MEMBER, 'v', MEMBER_VOICE},
    {ROOM_MODE_LIST, 'b', ROOM_BANS},
    {ROOM_MODE_LIST, 'e', ROOM_EXCEPTIONS},
    {ROOM_MODE_LIST, 'I', ROOM_INVITED},
    {ROOM_MODE_KEY, 'k', 0},
    {ROOM_MODE_LIMIT, 'l', 0},
    {ROOM_MODE_FLAG, 'i', ROOM_INVITE_ONLY},
    {ROOM_MODE_FLAG, 'm', ROOM_MODERATED},
    {ROOM_MODE_FLAG, 'n', ROOM_NO_OUTSIDE},
    {ROOM_MODE_FLAG, 's', ROOM_SECRET},
    {ROOM_MODE_FLAG, 't', ROOM_TOPIC_LOCKED},
    {ROOM_MODE_FLAG, 'C', ROOM_NO_CTCP},
};

const struct room_mode_row *room_mode_at(size_t index)
{
    return index < PARLEY_COUNT_OF(rows) ? &rows[index] : NULL;
}

const struct room_mode_row *room_mode_find(char letter)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(rows); i++) {
        if (rows[i].letter == letter) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- what is kept ---- */

struct kept_mask {
    char *text; /* owned: the mask, then who set it */
    uint64_t ms;
    uint16_t mask_len;
    uint16_t by_len;
};

struct room_modes {
    struct kept_mask *lists[ROOM_LIST_COUNT]; /* owned; the oldest first */
    uint32_t counts[ROOM_LIST_COUNT];
    uint32_t limit; /* 0: none */
    uint8_t key_len;
    char key[ROOM_KEY_BYTES_MAX];
};

static struct str_view mask_text(const struct kept_mask *mask)
{
    return sv(mask->text, mask->mask_len);
}

void modes_free(struct room_modes *modes)
{
    if (modes == NULL) {
        return;
    }
    for (size_t list = 0; list < ROOM_LIST_COUNT; list++) {
        for (uint32_t i = 0; i < modes->counts[list]; i++) {
            free(modes->lists[list][i].text);
        }
        free(modes->lists[list]);
    }
    free(modes);
}

/* Index of the mask, or their count. */
static uint32_t find_mask(const struct room_modes *modes, size_t list,
                          struct str_view mask)
{
    uint32_t i = 0;

    while (i < modes->counts[list] &&
           !sv_equal_nocase(mask_text(&modes->lists[list][i]), mask)) {
        i++;
    }
    return i;
}

static bool add_mask(struct room_modes *modes, size_t list, struct str_view mask,
                     struct str_view by, uint64_t ms)
{
    uint32_t count = modes->counts[list];
    struct kept_mask kept = {.ms = ms};

    if (count >= ROOM_MASKS_BELIEVED || find_mask(modes, list, mask) < count) {
        return false;
    }
    kept.mask_len = (uint16_t)mask.len;
    kept.by_len = (uint16_t)by.len;
    kept.text = xmalloc(mask.len + by.len + 1);
    memcpy(kept.text, mask.ptr, mask.len);
    if (by.len > 0) {
        memcpy(kept.text + mask.len, by.ptr, by.len);
    }
    modes->lists[list] = xreallocarray(modes->lists[list], count + 1, sizeof kept);
    modes->lists[list][count] = kept;
    modes->counts[list]++;
    return true;
}

static bool remove_mask(struct room_modes *modes, size_t list, struct str_view mask)
{
    uint32_t i = find_mask(modes, list, mask);
    uint32_t count = modes->counts[list];

    if (i == count) {
        return false;
    }
    free(modes->lists[list][i].text);
    memmove(&modes->lists[list][i], &modes->lists[list][i + 1],
            (count - i - 1) * sizeof(struct kept_mask));
    modes->counts[list]--;
    return true;
}

/* ---- changes ---- */

static bool change_flag(struct room *r, const struct mode_op *op)
{
    unsigned before = r->mode_flags;
    unsigned bit = op->row->value;

    r->mode_flags = (uint16_t)(op->is_added ? before | bit : before & ~bit);
    return r->mode_flags != before;
}

static bool change_key(struct room_modes *modes, const struct mode_op *op)
{
    struct str_view before = sv(modes->key, modes->key_len);

    if (!op->is_added) {
        modes->key_len = 0;
        return before.len > 0;
    }
    if (sv_equal(before, op->text)) {
        return false;
    }
    modes->key_len = (uint8_t)op->text.len;
    memcpy(modes->key, op->text.ptr, op->text.len);
    return true;
}

static bool change_limit(struct room_modes *modes, const struct mode_op *op)
{
    uint64_t limit = 0;
    uint32_t before = modes->limit;

    if (op->is_added && !sv_to_u64(op->text, UINT32_MAX, &limit)) {
        return false;
    }
    modes->limit = (uint32_t)limit;
    return modes->limit != before;
}

static bool change_list(struct room *r, const struct mode_op *op, struct str_view by,
                        uint64_t ms)
{
    bool is_new = op->is_added ? add_mask(r->modes, op->row->value, op->text, by, ms)
                               : remove_mask(r->modes, op->row->value, op->text);

    r->ban_stamp += is_new ? 1 : 0;
    return is_new;
}

bool modes_change(struct room *r, const struct mode_op *op, struct str_view by,
                  uint64_t ms)
{
    if (op->row->kind == ROOM_MODE_FLAG) {
        return change_flag(r, op);
    }
    if (r->modes == NULL && !op->is_added) {
        return false;
    }
    if (r->modes == NULL) {
        r->modes = xcalloc(1, sizeof *r->modes);
    }
    if (op->row->kind == ROOM_MODE_KEY) {
        return change_key(r->modes, op);
    }
    return op->row->kind == ROOM_MODE_LIMIT ? change_limit(r->modes, op)
                                            : change_list(r, op, by, ms);
}

bool modes_change_member(struct member *m, const struct mode_op *op)
{
    unsigned before = m->flags;
    unsigned bit = op->row->value;

    m->flags = (uint8_t)(op->is_added ? before | bit : before & ~bit);
    room_renew_names(m->room);
    return m->flags != before;
}

/* ---- looking ---- */

bool modes_have_mask(const struct room *r, enum room_list list, struct str_view mask)
{
    return r->modes != NULL && find_mask(r->modes, list, mask) < r->modes->counts[list];
}

size_t modes_count_masks(const struct room *r, enum room_list list)
{
    return r->modes != NULL ? r->modes->counts[list] : 0;
}

/* What is set of one row, the at-th thing. */
static bool get_nth(const struct room *r, const struct room_mode_row *row, uint32_t at,
                    struct number_text *number, struct str_view *ret)
{
    const struct room_modes *modes = r->modes;
    size_t list = row->value;

    if (row->kind == ROOM_MODE_FLAG) {
        *ret = SV("");
        return at == 0 && (r->mode_flags & row->value) != 0;
    }
    if (row->kind == ROOM_MODE_MEMBER || modes == NULL) {
        return false;
    }
    if (row->kind == ROOM_MODE_KEY) {
        *ret = sv(modes->key, modes->key_len);
        return at == 0 && modes->key_len > 0;
    }
    if (row->kind == ROOM_MODE_LIMIT) {
        *ret = number_format(modes->limit, number);
        return at == 0 && modes->limit > 0;
    }
    if (at >= modes->counts[list]) {
        return false;
    }
    *ret = mask_text(&modes->lists[list][at]);
    return true;
}

enum { CURSOR_ROW = 1 << 16 }; /* in front of it the row, behind it the place */

bool modes_next(const struct room *r, size_t *cursor, struct number_text *number,
                struct mode_op *ret)
{
    const struct room_mode_row *row = NULL;

    while ((row = room_mode_at(*cursor / CURSOR_ROW)) != NULL) {
        struct mode_op op = {.row = row, .is_added = true};

        if (get_nth(r, row, (uint32_t)(*cursor % CURSOR_ROW), number, &op.text)) {
            (*cursor)++;
            *ret = op;
            return true;
        }
        *cursor = (*cursor / CURSOR_ROW + 1) * CURSOR_ROW;
    }
    return false;
}

static struct room_mask shown(const struct kept_mask *kept)
{
    return (struct room_mask){
        .mask = mask_text(kept),
        .by = sv(kept->text + kept->mask_len, kept->by_len),
        .ms = kept->ms,
    };
}

struct room_mask modes_mask_of(const struct room *r, const struct mode_op *op)
{
    if (op->row->kind == ROOM_MODE_LIST && r->modes != NULL) {
        uint32_t i = find_mask(r->modes, op->row->value, op->text);

        if (i < r->modes->counts[op->row->value]) {
            return shown(&r->modes->lists[op->row->value][i]);
        }
    }
    return (struct room_mask){.mask = op->text};
}

unsigned room_mode_flags(const struct room *room)
{
    return room->mode_flags;
}

struct str_view room_mode_key(const struct room *room)
{
    return room->modes != NULL ? sv(room->modes->key, room->modes->key_len) : SV("");
}

uint32_t room_mode_limit(const struct room *room)
{
    return room->modes != NULL ? room->modes->limit : 0;
}

bool room_next_mask(const struct room *room, enum room_list list, size_t *cursor,
                    struct room_mask *ret)
{
    if (*cursor >= modes_count_masks(room, list)) {
        return false;
    }
    *ret = shown(&room->modes->lists[list][(*cursor)++]);
    return true;
}

unsigned room_member_flags(const struct room *room, const struct person *person)
{
    const struct member *m = room_find_member(room, person);

    return m != NULL ? m->flags : 0;
}
