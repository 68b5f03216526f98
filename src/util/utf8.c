/* SPDX-License-Identifier: MIT */
#include <parley/util/utf8.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

/*
 * Well-formed sequences by their first byte (Unicode, table 3-7): how many bytes, and what
 * the second may be; the others are 80..BF. This table rules out overlong forms (E0, F0),
 * surrogates (ED) and what lies past U+10FFFF (F4).
 */
static const struct lead {
    unsigned char first, last;
    unsigned char length;
    unsigned char second_min, second_max;
} leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

struct sequence {
    size_t length; /* bytes */
    bool valid; /* else the longest start of a valid one, or one byte that starts none */
};

static unsigned char byte_at(struct str_view text, size_t i)
{
    return (unsigned char)text.ptr[i];
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

static const struct lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(leads); i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

/* The sequence that starts at byte `at` (< text.len). */
static struct sequence sequence_at(struct str_view text, size_t at)
{
    const struct lead *lead = find_lead(byte_at(text, at));
    size_t n = 1;

    if (lead == NULL) {
        return (struct sequence){1, false};
    }
    while (n < lead->length && at + n < text.len) {
        unsigned char byte = byte_at(text, at + n);

        if (!is_continuation(byte) ||
            (n == 1 && (byte < lead->second_min || byte > lead->second_max))) {
            break;
        }
        n++;
    }
    return (struct sequence){n, n == lead->length};
}

/* Sixteen bytes at a time; compilers make vector instructions of it, or plain ones. */
typedef unsigned char block __attribute__((vector_size(16)));
typedef signed char signed_block __attribute__((vector_size(16)));

/* Are all bytes of the block in 20..7E? Seen from 20 on the others are the last ones of 256; the
 * comparison of signed bytes is the one that processors have. */
static bool is_plain_block(const char *bytes)
{
    block b;
    uint64_t bad[2];

    memcpy(&b, bytes, sizeof b);
    signed_block is_bad = (signed_block)(b - 0x20 - 0x80) > (0x7e - 0x20 - 0x80);
    memcpy(bad, &is_bad, sizeof bad);
    return (bad[0] | bad[1]) == 0;
}

size_t utf8_plain_length(struct str_view text)
{
    size_t i = 0;

    while (text.len - i >= sizeof(block) && is_plain_block(text.ptr + i)) {
        i += sizeof(block);
    }
    if (i > 0 && text.len - i < sizeof(block) &&
        is_plain_block(text.ptr + text.len - sizeof(block))) {
        return text.len; /* the rest, and once more some of what is before it */
    }
    while (i < text.len && byte_at(text, i) >= 0x20 && byte_at(text, i) < 0x7f) {
        i++;
    }
    return i;
}

/* Where the first invalid sequence starts, or text.len. */
static size_t valid_length(struct str_view text)
{
    size_t i = utf8_plain_length(text);

    while (i < text.len) {
        if (byte_at(text, i) < 0x80) {
            i++;
            continue;
        }
        struct sequence s = sequence_at(text, i);

        if (!s.valid) {
            break;
        }
        i += s.length;
    }
    return i;
}

bool utf8_is_valid(struct str_view text)
{
    return valid_length(text) == text.len;
}

void utf8_add_replaced(struct strbuf *out, struct str_view text)
{
    while (text.len > 0) {
        size_t good = valid_length(text);

        strbuf_add(out, sv(text.ptr, good));
        if (good < text.len) {
            strbuf_add(out, SV("\xef\xbf\xbd"));
            good += sequence_at(text, good).length;
        }
        text = sv(text.ptr + good, text.len - good);
    }
}

struct str_view utf8_truncate(struct str_view text, size_t max_bytes)
{
    if (text.len <= max_bytes) {
        return text;
    }
    size_t start = max_bytes;

    while (start > 0 && max_bytes - start < 3 && is_continuation(byte_at(text, start))) {
        start--;
    }
    /* Is the cut inside a character? (In text that is not UTF-8 it may be inside none.) */
    struct sequence s = sequence_at(text, start);
    bool inside = s.valid && start + s.length > max_bytes;

    return sv(text.ptr, inside ? start : max_bytes);
}
