/* SPDX-License-Identifier: MIT */
#include <parley/util/str.h>

#include <stdint.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The view without its first `count` bytes; never does arithmetic on NULL. */
static struct str_view skip(struct str_view text, size_t count)
{
    return count == 0 ? text : sv(text.ptr + count, text.len - count);
}

static size_t count_blanks(struct str_view text)
{
    size_t n = 0;

    while (n < text.len && is_blank(text.ptr[n])) {
        n++;
    }
    return n;
}

struct str_view sv_of(const char *text)
{
    return sv(text, text == NULL ? 0 : strlen(text));
}

bool sv_equal(struct str_view a, struct str_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool sv_equal_nocase(struct str_view a, struct str_view b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i] && ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool sv_starts_with(struct str_view text, struct str_view prefix)
{
    return text.len >= prefix.len && sv_equal(sv(text.ptr, prefix.len), prefix);
}

struct str_view sv_trim(struct str_view text)
{
    text = skip(text, count_blanks(text));
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

struct str_view sv_next_word(struct str_view *rest)
{
    struct str_view text = skip(*rest, count_blanks(*rest));
    size_t n = 0;

    while (n < text.len && !is_blank(text.ptr[n])) {
        n++;
    }
    struct str_view word = sv(text.ptr, n);

    text = skip(text, n);
    *rest = skip(text, count_blanks(text));
    return word;
}

struct str_view sv_next_until(struct str_view *rest, char sep)
{
    size_t at = sv_find_char(*rest, sep);
    struct str_view head = sv(rest->ptr, at);

    *rest = skip(*rest, at < rest->len ? at + 1 : at);
    return head;
}

size_t sv_find_char(struct str_view text, char c)
{
    if (text.len == 0) {
        return 0;
    }
    const char *found = memchr(text.ptr, c, text.len);

    return found == NULL ? text.len : (size_t)(found - text.ptr);
}

bool sv_next_u64(struct str_view *rest, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t at = 0;

    while (at < rest->len && rest->ptr[at] >= '0' && rest->ptr[at] <= '9') {
        uint64_t digit = (uint64_t)(rest->ptr[at] - '0');

        /* The first 19 digits always fit. */
        if (at >= U64_DIGITS_MAX - 1 && value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
        at++;
    }
    if (at == 0 || value > max) {
        return false;
    }
    *rest = skip(*rest, at);
    *ret_value = value;
    return true;
}

bool sv_to_u64(struct str_view text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (!sv_next_u64(&text, max, &value) || text.len > 0) {
        return false;
    }
    *ret_value = value;
    return true;
}

char *u64_write(char *to, uint64_t value)
{
    char *end = to + u64_digit_count(value);

    for (char *at = end - 1; at > to; value /= 10) {
        *at-- = (char)('0' + value % 10);
    }
    *to = (char)('0' + value); /* most have one digit or two */
    return end;
}

struct str_view sv_from_u64(uint64_t value, char ret_digits[U64_DIGITS_MAX])
{
    return sv(ret_digits, (size_t)(u64_write(ret_digits, value) - ret_digits));
}
