/* SPDX-License-Identifier: MIT */
#include "hub/names.h"

#include <string.h>

#include <parley/util/utf8.h>

_Static_assert((int)ROOM_BYTES_MAX >= (int)NICK_BYTES_MAX, "a folded name is either");

struct str_view hub_nick_of(struct str_view who)
{
    return sv(who.ptr, sv_find_char(who, '!'));
}

static bool is_nick_char(char c, bool is_first)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return true;
    }
    if ((c >= '0' && c <= '9') || c == '-') {
        return !is_first;
    }
    return c != '\0' && strchr("[]\\`_^{|}", c) != NULL;
}

bool hub_nick_is_valid(struct str_view nick)
{
    if (nick.len == 0 || nick.len > NICK_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < nick.len; i++) {
        if (!is_nick_char(nick.ptr[i], i == 0)) {
            return false;
        }
    }
    return true;
}

bool hub_room_name_is_valid(struct str_view name)
{
    if (name.len < 2 || name.len > ROOM_BYTES_MAX || name.ptr[0] != '#') {
        return false;
    }
    for (size_t i = 1; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool is_last = i + 1 == name.len;

        if (c <= ' ' || c == 0x7f || c == ',') {
            return false;
        }
        /* U+0080..U+00A0: more controls, and the no-break space. */
        if (c == 0xc2 && !is_last && (unsigned char)name.ptr[i + 1] <= 0xa0) {
            return false;
        }
    }
    return utf8_is_valid(name);
}

bool member_id_parse(struct str_view text, struct member_id *ret)
{
    size_t slash = sv_find_char(text, '/');
    uint64_t number = 0;

    if (slash == 0 || slash > NODE_ID_MAX || slash == text.len) {
        return false;
    }
    if (!sv_to_u64(sv(text.ptr + slash + 1, text.len - slash - 1), UINT64_MAX, &number)) {
        return false;
    }
    *ret = (struct member_id){sv(text.ptr, slash), number};
    return true;
}

struct str_view number_format(uint64_t number, struct number_text *ret)
{
    ret->len = (size_t)(u64_write(ret->bytes, number) - ret->bytes);
    return sv(ret->bytes, ret->len);
}

struct str_view member_id_format(struct member_id id, struct member_id_text *ret)
{
    PARLEY_ASSERT(id.node.len <= NODE_ID_MAX);
    memcpy(ret->bytes, id.node.ptr, id.node.len);
    ret->bytes[id.node.len] = '/';
    char *end = u64_write(ret->bytes + id.node.len + 1, id.number);

    ret->len = (size_t)(end - ret->bytes);
    return sv(ret->bytes, ret->len);
}

struct str_view name_fold(struct str_view name, struct folded_name *ret)
{
    ret->len = name.len < sizeof ret->bytes ? name.len : sizeof ret->bytes;
    for (size_t i = 0; i < ret->len; i++) {
        ret->bytes[i] = ascii_lower(name.ptr[i]);
    }
    return sv(ret->bytes, ret->len);
}

static bool is_line_char(char c)
{
    return c != '\r' && c != '\n' && c != '\0';
}

bool names_allow_text(struct str_view text)
{
    /* Every text of every item comes by here: what is not plain gets three fast searches. */
    size_t plain = utf8_plain_length(text);
    struct str_view rest = sv(text.ptr, text.len - plain);

    if (rest.len == 0) {
        return true;
    }
    rest.ptr += plain;
    return memchr(rest.ptr, '\n', rest.len) == NULL &&
           memchr(rest.ptr, '\r', rest.len) == NULL &&
           memchr(rest.ptr, '\0', rest.len) == NULL;
}

struct str_view names_clean_text(struct str_view text, size_t max_bytes,
                                 struct strbuf *scratch)
{
    text = utf8_truncate(text, max_bytes);
    if (names_allow_text(text)) {
        return text;
    }
    strbuf_clear(scratch);
    for (size_t i = 0; i < text.len; i++) {
        strbuf_add_char(scratch, is_line_char(text.ptr[i]) ? text.ptr[i] : ' ');
    }
    return strbuf_view(scratch);
}
