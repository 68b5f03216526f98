/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - is it UTF-8, make it UTF-8, cut it on a character.
 *
 * Accepts what RFC 3629 accepts: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
#ifndef PARLEY_UTIL_UTF8_H
#define PARLEY_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

/* How many bytes the text begins with that are printable ASCII (20..7E): no control character,
 * no part of a longer sequence. Looks at eight at a time; most text is nothing else. */
size_t utf8_plain_length(struct str_view text);
bool utf8_is_valid(struct str_view text);
/* Append `text` with each maximal invalid sequence replaced by U+FFFD. */
void utf8_add_replaced(struct strbuf *out, struct str_view text);
/* The longest prefix of at most `max_bytes` that does not cut a character in two. */
struct str_view utf8_truncate(struct str_view text, size_t max_bytes);

#endif
