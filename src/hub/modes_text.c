/* SPDX-License-Identifier: MIT */
/* Changes of modes as text: in items, in the books. */
#include "hub/modes.h"

#include <parley/util/utf8.h>

#include "hub/names.h"

/* ---- texts ---- */

/* Can stand in the middle of a line of either protocol and of an item. */
static bool is_word(struct str_view text, size_t max_bytes)
{
    if (text.len == 0 || text.len > max_bytes || text.ptr[0] == ':') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= ' ' || c == 0x7f) {
            return false;
        }
    }
    return utf8_is_valid(text);
}

bool mode_text_is_valid(const struct room_mode_row *row, struct str_view text)
{
    uint64_t number = 0;

    switch (row->kind) {
    case ROOM_MODE_MEMBER:
        return hub_nick_is_valid(text);
    case ROOM_MODE_LIST:
        return is_word(text, ROOM_MASK_BYTES_MAX);
    case ROOM_MODE_KEY:
        return is_word(text, ROOM_KEY_BYTES_MAX) && sv_find_char(text, ',') == text.len;
    case ROOM_MODE_LIMIT:
        return sv_to_u64(text, UINT32_MAX, &number) && text.ptr[0] != '0';
    case ROOM_MODE_FLAG:
        return text.len == 0;
    }
    return false;
}

static struct str_view or_star(struct str_view text)
{
    return text.len > 0 ? text : SV("*");
}

struct str_view mode_mask_complete(struct arena *a, struct str_view mask)
{
    size_t mark = sv_find_char(mask, '!');
    size_t at = sv_find_char(mask, '@');
    struct str_view nick = SV("");
    struct str_view user = SV("");
    struct str_view host = SV("");

    if (mark < at) {
        nick = sv(mask.ptr, mark);
        user = sv(mask.ptr + mark + 1, (at < mask.len ? at : mask.len) - mark - 1);
    } else if (at < mask.len) {
        user = sv(mask.ptr, at);
    } else {
        nick = mask;
    }
    if (at < mask.len) {
        host = sv(mask.ptr + at + 1, mask.len - at - 1);
    }
    struct strbuf out;

    strbuf_init(&out, ITEM_BYTES_MAX);
    strbuf_add(&out, or_star(nick));
    strbuf_add_char(&out, '!');
    strbuf_add(&out, or_star(user));
    strbuf_add_char(&out, '@');
    strbuf_add(&out, or_star(host));
    struct str_view whole = arena_copy(a, strbuf_view(&out));
    strbuf_done(&out);
    return whole;
}

/* ---- changes as text ---- */

/* "<member id> <stay> <nick>" */
static bool parse_member(struct str_view rest, struct mode_op *op)
{
    struct member_id id;
    uint64_t stay = 0;

    op->id = sv_next_until(&rest, ' ');
    struct str_view number = sv_next_until(&rest, ' ');
    if (!member_id_parse(op->id, &id) || !sv_to_u64(number, UINT32_MAX, &stay)) {
        return false;
    }
    op->stay = (uint32_t)stay;
    op->text = rest;
    return true;
}

/* "+m" or "-m", a blank before anything else. */
static bool is_change(struct str_view line)
{
    return (sv_starts_with(line, SV("+")) || sv_starts_with(line, SV("-"))) &&
           (line.len == 2 || (line.len > 2 && line.ptr[2] == ' '));
}

bool mode_op_parse(struct str_view line, struct mode_op *ret)
{
    struct mode_op op = {.row = NULL};

    if (!is_change(line)) {
        return false;
    }
    op.is_added = line.ptr[0] == '+';
    op.row = room_mode_find(line.ptr[1]);
    op.text = line.len > 3 ? sv(line.ptr + 3, line.len - 3) : SV("");
    if (op.row == NULL ||
        (op.row->kind == ROOM_MODE_MEMBER && !parse_member(op.text, &op))) {
        return false;
    }
    if (op.row->kind == ROOM_MODE_LIMIT && !op.is_added) {
        op.text = SV("");
    } else if (!mode_text_is_valid(op.row, op.text)) {
        return false;
    }
    *ret = op;
    return true;
}

void mode_op_add(struct strbuf *out, const struct mode_op *op)
{
    strbuf_add_char(out, op->is_added ? '+' : '-');
    strbuf_add_char(out, op->row->letter);
    if (op->row->kind == ROOM_MODE_MEMBER) {
        strbuf_add_char(out, ' ');
        strbuf_add(out, op->id);
        strbuf_add_char(out, ' ');
        strbuf_add_u64(out, op->stay);
    }
    if (op->text.len > 0) {
        strbuf_add_char(out, ' ');
        strbuf_add(out, op->text);
    }
    strbuf_add_char(out, '\n');
}

static void add_lower(struct strbuf *out, struct str_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        strbuf_add_char(out, ascii_lower(text.ptr[i]));
    }
}

static struct str_view book_field(struct arena *a, const struct mode_op *op)
{
    struct strbuf out;

    strbuf_init(&out, ITEM_BYTES_MAX);
    strbuf_add_char(&out, '+');
    strbuf_add_char(&out, op->row->letter);
    if (op->row->kind == ROOM_MODE_LIST) {
        strbuf_add_char(&out, ' ');
        add_lower(&out, op->text);
    } else if (op->row->kind == ROOM_MODE_MEMBER) {
        strbuf_add_char(&out, ' ');
        strbuf_add(&out, op->id);
        strbuf_add_char(&out, ' ');
        strbuf_add_u64(&out, op->stay);
    }
    struct str_view field = arena_copy(a, strbuf_view(&out));
    strbuf_done(&out);
    return field;
}

static struct str_view book_value(struct arena *a, const struct mode_op *op,
                                  struct str_view by, uint64_t ms)
{
    if (op->row->kind == ROOM_MODE_MEMBER || op->row->kind == ROOM_MODE_FLAG) {
        return SV("1");
    }
    if (op->row->kind != ROOM_MODE_LIST) {
        return arena_copy(a, op->text);
    }
    struct strbuf out;

    strbuf_init(&out, ITEM_BYTES_MAX);
    strbuf_add_u64(&out, ms);
    strbuf_add_char(&out, ' ');
    strbuf_add(&out, op->text);
    strbuf_add_char(&out, ' ');
    strbuf_add(&out, by);
    struct str_view value = arena_copy(a, strbuf_view(&out));
    strbuf_done(&out);
    return value;
}

struct book_update mode_op_book(struct arena *a, const struct mode_op *op,
                                struct str_view by, uint64_t ms)
{
    struct book_update update = {BOOK_STATE_DEL, book_field(a, op), SV("")};

    if (op->is_added) {
        update.op = BOOK_STATE_SET;
        update.value = book_value(a, op, by, ms);
    }
    return update;
}
