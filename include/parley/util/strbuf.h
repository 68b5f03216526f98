/* SPDX-License-Identifier: MIT */
/*
 * strbuf.h - text that grows up to a maximum fixed when it is made.
 *
 * Failure sticks: once an append would pass the maximum nothing more is added and `failed`
 * stays true, so that many appends in a row need one check at the end.
 */
#ifndef PARLEY_UTIL_STRBUF_H
#define PARLEY_UTIL_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

/* Invariant: len <= cap <= max, ptr is NULL exactly when cap is 0. */
struct strbuf {
    char *ptr; /* owned; not terminated, see strbuf_cstr() */
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
};

void strbuf_init(struct strbuf *b, size_t max_bytes);
void strbuf_done(struct strbuf *b);
/* Empty it and forget a failure; keeps the memory for reuse. */
void strbuf_clear(struct strbuf *b);
/* Make room for exactly `count` more bytes. */
void strbuf_reserve(struct strbuf *b, size_t count);
/* `count` (> 0) more bytes, for the caller to fill in; NULL if it fails. */
char *strbuf_extend(struct strbuf *b, size_t count);
void strbuf_add(struct strbuf *b, struct str_view text);
void strbuf_add_char(struct strbuf *b, char c);
void strbuf_add_u64(struct strbuf *b, uint64_t value);
void strbuf_add_fmt(struct strbuf *b, const char *fmt, ...) PARLEY_PRINTF(2, 3);
/* Drop the first `count` bytes (at most len). */
void strbuf_drop(struct strbuf *b, size_t count);
struct str_view strbuf_view(const struct strbuf *b);
/* The text with a terminator behind it, valid until the next change. */
const char *strbuf_cstr(struct strbuf *b);

#endif
