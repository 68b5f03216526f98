/* SPDX-License-Identifier: MIT */
/*
 * str.h - bounded views of text that somebody else owns.
 *
 * A peer's text travels as {pointer, length}, never as a bare char *: it may hold any byte
 * and has no terminator. A view owns nothing and lives as long as the bytes it shows.
 */
#ifndef PARLEY_UTIL_STR_H
#define PARLEY_UTIL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>

struct str_view {
    const char *ptr; /* borrowed; may be NULL when len is 0 */
    size_t len;      /* bytes */
};

/* A view of a string literal. */
#define SV(literal) ((struct str_view){(literal), sizeof(literal) - 1})
/* The same as an initializer, for static tables. */
#define SV_INIT(literal) {(literal), sizeof(literal) - 1}
/* The two arguments of printf's "%.*s". */
#define SV_ARG(view) (int)(view).len, (view).ptr

static inline struct str_view sv(const char *ptr, size_t len)
{
    return (struct str_view){ptr, len};
}

/* A view of a zero-terminated string; NULL gives the empty view. */
struct str_view sv_of(const char *text);

bool sv_equal(struct str_view a, struct str_view b);
/* Equal but for the case of ASCII letters. */
bool sv_equal_nocase(struct str_view a, struct str_view b);
bool sv_starts_with(struct str_view text, struct str_view prefix);
/* Without the spaces and tabs at both ends. */
struct str_view sv_trim(struct str_view text);
/* Cut the first word (up to a space or tab) off `rest` and skip the blanks behind it.
 * Empty when there is none. */
struct str_view sv_next_word(struct str_view *rest);
/* Cut the bytes before the first `sep` off `rest`, and `sep` too; all of it if there is no `sep`. */
struct str_view sv_next_until(struct str_view *rest, char sep);
/* Index of the first `c`, or text.len. */
size_t sv_find_char(struct str_view text, char c);
/* Cut the decimal digits that it begins with off `rest`, which is left alone on failure: there are
 * none, or they are more than `max`. */
bool sv_next_u64(struct str_view *rest, uint64_t max, uint64_t *ret_value)
    PARLEY_MUST_CHECK;
/* Decimal digits only, no sign, no blanks, not empty, at most `max`. */
bool sv_to_u64(struct str_view text, uint64_t max, uint64_t *ret_value) PARLEY_MUST_CHECK;
enum { U64_DIGITS_MAX = 20 };
/* Write the decimal digits at `to`; returns what comes behind them. */
char *u64_write(char *to, uint64_t value);
/* The decimal digits, in `ret_digits`. */
struct str_view sv_from_u64(uint64_t value, char ret_digits[U64_DIGITS_MAX]);

/* How many digits u64_write() writes. */
static inline size_t u64_digit_count(uint64_t value)
{
    size_t count = 1;

    for (uint64_t least = 10; value >= least && count < U64_DIGITS_MAX; least *= 10) {
        count++;
    }
    return count;
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
