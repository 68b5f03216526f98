/* SPDX-License-Identifier: MIT */
#include <parley/core/item.h>

#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

/* The writers' sequence numbers pass through Lua, whose numbers are exact up to 2^53. */
#define SEQ_MAX (UINT64_C(1) << 53)

/* Cut a number and the `sep` behind it off `rest`, which is left alone on failure. */
static bool cut_number(struct str_view *rest, char sep, uint64_t max, uint64_t *ret_value)
{
    struct str_view after = *rest;

    if (!sv_next_u64(&after, max, ret_value) || after.len == 0 || after.ptr[0] != sep) {
        return false;
    }
    *rest = sv(after.ptr + 1, after.len - 1);
    return true;
}

/* Cut a length, the `sep` behind it and as many bytes off `rest`. */
static bool cut_counted(struct str_view *rest, char sep, struct str_view *ret_bytes)
{
    size_t len = 0;
    size_t at = 0;

    while (at < rest->len && rest->ptr[at] >= '0' && rest->ptr[at] <= '9') {
        len = len * 10 + (size_t)(rest->ptr[at] - '0');
        if (len > ITEM_BYTES_MAX) {
            return false;
        }
        at++;
    }
    if (at == 0 || at == rest->len || rest->ptr[at] != sep || len > rest->len - at - 1) {
        return false;
    }
    *ret_bytes = sv(rest->ptr + at + 1, len);
    *rest = sv(rest->ptr + at + 1 + len, rest->len - at - 1 - len);
    return true;
}

/* Write a number and the `sep` behind it; returns what comes next. */
static char *put_number(char *to, uint64_t value, char sep)
{
    to = u64_write(to, value);
    *to = sep;
    return to + 1;
}

struct str_view item_field(const struct item *it, size_t index)
{
    return index < it->field_count ? it->fields[index] : sv("", 0);
}

void item_encode(struct strbuf *out, char type, const struct str_view *fields,
                 size_t count)
{
    size_t length = 1;

    PARLEY_ASSERT(count <= ITEM_FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].len > ITEM_BYTES_MAX) {
            out->failed = true;
            return;
        }
        length += u64_digit_count(fields[i].len) + 1 + fields[i].len;
    }
    if (length > ITEM_BYTES_MAX) {
        out->failed = true;
        return;
    }
    char *to = strbuf_extend(out, u64_digit_count(length) + 1 + length);

    if (to == NULL) {
        return;
    }
    to = put_number(to, length, ' ');
    *to++ = type;
    for (size_t i = 0; i < count; i++) {
        to = put_number(to, fields[i].len, ':');
        if (fields[i].len > 0) {
            memcpy(to, fields[i].ptr, fields[i].len);
            to += fields[i].len;
        }
    }
}

enum item_next item_decode(struct str_view *rest, struct item *ret_item)
{
    struct str_view after = *rest;
    struct str_view body;
    struct str_view fields[ITEM_FIELDS_MAX];
    size_t count = 0;

    if (rest->len == 0) {
        return ITEM_NEXT_END;
    }
    if (!cut_counted(&after, ' ', &body) || body.len == 0) {
        return ITEM_NEXT_BAD;
    }
    char type = body.ptr[0];

    if (ascii_lower(type) < 'a' || ascii_lower(type) > 'z') {
        return ITEM_NEXT_BAD;
    }
    body = sv(body.ptr + 1, body.len - 1);
    while (body.len > 0 && count < ITEM_FIELDS_MAX) {
        if (!cut_counted(&body, ':', &fields[count])) {
            return ITEM_NEXT_BAD;
        }
        count++;
    }
    ret_item->type = type;
    ret_item->field_count = count;
    memcpy(ret_item->fields, fields, count * sizeof fields[0]); /* most are unused */
    *rest = after;
    return ITEM_NEXT_OK;
}

bool item_is_line(char type)
{
    return type == ITEM_MESSAGE || type == ITEM_ACTION || type == ITEM_NOTICE;
}

size_t items_count_lines(struct str_view items)
{
    struct str_view body;
    size_t lines = 0;

    while (cut_counted(&items, ' ', &body) && body.len > 0) {
        lines += item_is_line(body.ptr[0]);
    }
    return lines;
}

int entry_id_compare(struct entry_id a, struct entry_id b)
{
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

bool entry_id_parse(struct str_view text, struct entry_id *ret_id)
{
    struct entry_id id = {0};

    if (!cut_number(&text, '-', UINT64_MAX, &id.ms) ||
        !sv_to_u64(text, UINT64_MAX, &id.seq)) {
        return false;
    }
    *ret_id = id;
    return true;
}

void entry_id_add(struct strbuf *out, struct entry_id id)
{
    strbuf_add_u64(out, id.ms);
    strbuf_add_char(out, '-');
    strbuf_add_u64(out, id.seq);
}

void entry_id_place(struct entry_id id, char ret_place[ENTRY_PLACE_SIZE])
{
    (void)snprintf(ret_place, ENTRY_PLACE_SIZE, "%016" PRIx64 "%016" PRIx64, id.ms,
                   id.seq);
}

static bool is_node(struct str_view text)
{
    if (sv_equal(text, SV("-"))) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            return false;
        }
    }
    return text.len > 0 && text.len <= NODE_ID_MAX;
}

bool entry_decode(struct str_view text, struct entry *ret)
{
    uint64_t seq = 0;
    uint64_t count = 0;

    if (!sv_starts_with(text, SV("1 "))) {
        return false;
    }
    text = sv(text.ptr + 2, text.len - 2);
    struct str_view node = sv_next_until(&text, ' ');

    if (!is_node(node) || !cut_number(&text, ' ', SEQ_MAX, &seq) ||
        !cut_number(&text, ' ', ENTRY_ITEMS_MAX, &count) || text.len > ENTRY_BYTES_MAX) {
        return false;
    }
    ret->node = node;
    ret->seq = seq;
    ret->count = count;
    ret->items = text;
    return true;
}

size_t entry_write_header(char *to, struct str_view node, uint64_t seq, uint64_t count)
{
    char *at = to;

    PARLEY_ASSERT(node.len <= NODE_ID_MAX);
    *at++ = '1';
    *at++ = ' ';
    memcpy(at, node.ptr, node.len);
    at += node.len;
    *at++ = ' ';
    at = put_number(at, seq, ' ');
    at = put_number(at, count, ' ');
    return (size_t)(at - to);
}

void entry_encode_header(struct strbuf *out, struct str_view node, uint64_t seq,
                         uint64_t count)
{
    char header[ENTRY_HEADER_MAX];

    strbuf_add(out, sv(header, entry_write_header(header, node, seq, count)));
}
