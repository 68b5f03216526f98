/* SPDX-License-Identifier: MIT */
/*
 * text.h - text from strangers, made fit for a terminal.
 *
 * Clean text is valid UTF-8 without control characters but the tab, so that showing it
 * moves nobody's cursor and ends no line.
 */
#ifndef PARLEY_PROTO_TEXT_H
#define PARLEY_PROTO_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum { TEXT_EXCERPT_BYTES = 40 };

bool text_is_clean(struct str_view text);
/* Append `text`: invalid UTF-8 becomes U+FFFD, U+0000..1F without the tab, U+007F and
 * U+0080..9F are left out. */
void text_add_clean(struct strbuf *out, struct str_view text);
/* The same for the first TEXT_EXCERPT_BYTES bytes; "..." stands for the rest. */
void text_add_excerpt(struct strbuf *out, struct str_view text);
/* "3 lines were lost in a failure of the backplane."; 0: some. */
void text_add_lost(struct strbuf *out, uint64_t lines);

#endif
