/* SPDX-License-Identifier: MIT */
#include "proto/text.h"

#include <stddef.h>

#include <parley/util/utf8.h>

/*
 * Bytes of the control character at text[i], 0 if there is none. U+0080..9F are C2 80..9F;
 * C2 only ever begins a character, so the pair can be seen without decoding what is before.
 */
static size_t control_length(struct str_view text, size_t i)
{
    unsigned char c = (unsigned char)text.ptr[i];

    if ((c < 0x20 && c != '\t') || c == 0x7f) {
        return 1;
    }
    if (c == 0xc2 && i + 1 < text.len) {
        unsigned char next = (unsigned char)text.ptr[i + 1];
        return next >= 0x80 && next <= 0x9f ? 2 : 0;
    }
    return 0;
}

/* Index of the first control character at or behind `from`, or text.len. */
static size_t find_control(struct str_view text, size_t from)
{
    while (from < text.len && control_length(text, from) == 0) {
        from++;
    }
    return from;
}

bool text_is_clean(struct str_view text)
{
    size_t plain = utf8_plain_length(text);

    return plain == text.len || (find_control(text, plain) == text.len &&
                                 utf8_is_valid(sv(text.ptr + plain, text.len - plain)));
}

void text_add_clean(struct strbuf *out, struct str_view text)
{
    size_t at = utf8_plain_length(text);

    strbuf_add(out, sv(text.ptr, at));
    while (at < text.len) {
        size_t end = find_control(text, at);
        utf8_add_replaced(out, sv(text.ptr + at, end - at));
        at = end < text.len ? end + control_length(text, end) : end;
    }
}

void text_add_excerpt(struct strbuf *out, struct str_view text)
{
    struct str_view head = utf8_truncate(text, TEXT_EXCERPT_BYTES);

    text_add_clean(out, head);
    if (head.len < text.len) {
        strbuf_add(out, SV("..."));
    }
}

void text_add_lost(struct strbuf *out, uint64_t lines)
{
    if (lines == 0) {
        strbuf_add(out, SV("Some"));
    } else {
        strbuf_add_u64(out, lines);
    }
    strbuf_add(out, lines == 1 ? SV(" line was") : SV(" lines were"));
    strbuf_add(out, SV(" lost in a failure of the backplane."));
}
