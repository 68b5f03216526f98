/* SPDX-License-Identifier: MIT */
/*
 * mask.h - does a text match a pattern with '*' and '?'.
 *
 * Model: the pattern is an automaton whose states are bits; each byte of the text moves all
 * of them at once. So the time is linear in the text, whatever the pattern (RFC 2812,
 * section 2.5; without its escapes). ASCII letters match in either case (CASEMAPPING=ascii),
 * '?' matches one character, not one byte.
 */
#ifndef PARLEY_UTIL_MASK_H
#define PARLEY_UTIL_MASK_H

#include <stdbool.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

enum { MASK_BYTES_MAX = 191 }; /* without its stars; a longer one matches nothing */

bool mask_matches(struct str_view mask, struct str_view text) PARLEY_MUST_CHECK;
/* Is there a '*' or '?' in it? */
bool mask_is_wild(struct str_view mask);

#endif
