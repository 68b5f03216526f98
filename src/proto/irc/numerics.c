/* SPDX-License-Identifier: MIT */
#include "proto/irc/numerics.h"

#include <stdbool.h>

#include <parley/util/utf8.h>

#include "proto/irc/limits.h"

const struct irc_numeric_row irc_numeric_rows[IRC_NUMERIC_COUNT] = {
#define X(name, number, format) [name] = {number, SV_INIT(format)},
    IRC_NUMERICS(X)
#undef X
};

static bool is_argument(char c)
{
    return c == '%' || c == '$';
}

size_t irc_numeric_arg_count(enum irc_numeric numeric)
{
    struct str_view format = irc_numeric_rows[numeric].format;
    size_t count = 0;

    for (size_t i = 0; i < format.len; i++) {
        count += is_argument(format.ptr[i]) ? 1 : 0;
    }
    return count;
}

static bool is_word_char(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f;
}

static bool is_text_char(char c)
{
    return c != '\r' && c != '\n' && c != '\0';
}

/* Append `text` with `other` in the place of what `is_fit` refuses. */
static void add_fit(struct strbuf *out, struct str_view text, bool (*is_fit)(char c),
                    char other)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (!is_fit(text.ptr[i])) {
            strbuf_add(out, sv(text.ptr + from, i - from));
            strbuf_add_char(out, other);
            from = i + 1;
        }
    }
    if (from < text.len) {
        strbuf_add(out, sv(text.ptr + from, text.len - from));
    }
}

void irc_numeric_add_word(struct strbuf *out, struct str_view text)
{
    if (text.len == 0) {
        strbuf_add_char(out, '*');
        return;
    }
    if (text.ptr[0] == ':') {
        strbuf_add_char(out, '0');
    }
    if (utf8_plain_length(text) == text.len && sv_find_char(text, ' ') == text.len) {
        strbuf_add(out, text); /* nearly always */
    } else {
        add_fit(out, text, is_word_char, '_');
    }
}

void irc_numeric_add_text(struct strbuf *out, struct str_view text)
{
    size_t plain = utf8_plain_length(text);

    strbuf_add(out, sv(text.ptr, plain));
    add_fit(out, sv(text.ptr + plain, text.len - plain), is_text_char, ' ');
}

void irc_numeric_cut(struct strbuf *out, size_t start)
{
    struct str_view line = sv(out->ptr + start, out->len - start);

    if (!out->failed) {
        out->len = start + utf8_truncate(line, IRC_LINE_BYTES_MAX - 2).len;
    }
}

/* ":server 001 " */
static void add_source(struct strbuf *out, unsigned number)
{
    const char digits[] = {(char)('0' + number / 100), (char)('0' + number / 10 % 10),
                           (char)('0' + number % 10), ' '};

    strbuf_add(out, SV(":" IRC_SERVER_NAME " "));
    strbuf_add(out, sv(digits, sizeof digits));
}

void irc_numeric_add(struct strbuf *out, enum irc_numeric numeric, struct str_view nick,
                     const struct str_view *args, size_t count)
{
    const struct irc_numeric_row *row = &irc_numeric_rows[numeric];
    size_t start = out->len;
    bool is_text = false;

    PARLEY_ASSERT(count == irc_numeric_arg_count(numeric));
    add_source(out, row->number);
    irc_numeric_add_word(out, nick);
    strbuf_add_char(out, ' ');
    for (size_t i = 0; i < row->format.len; i++) {
        char c = row->format.ptr[i];
        is_text = is_text || c == ':';
        if (!is_argument(c)) {
            strbuf_add_char(out, c);
        } else if (is_text || c == '$') {
            irc_numeric_add_text(out, *args++);
        } else {
            irc_numeric_add_word(out, *args++);
        }
    }
    irc_numeric_cut(out, start);
}
