/* SPDX-License-Identifier: MIT */
#include <parley/util/strbuf.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/str.h>

enum { FIRST_CAP = 64 };

/*
 * A byte more than `cap` is allocated, for strbuf_cstr(). Sizes follow what peers send: out of
 * memory is a failure here, not an abort.
 */
static bool set_cap(struct strbuf *b, size_t cap)
{
    char *ptr = cap < SIZE_MAX ? realloc(b->ptr, cap + 1) : NULL;

    if (ptr == NULL) {
        b->failed = true;
        return false;
    }
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

static bool grow(struct strbuf *b, size_t count)
{
    if (b->failed || count > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t want = b->len + count;
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;

    while (cap < want && cap <= b->max / 2) {
        cap *= 2;
    }
    return set_cap(b, cap < want || cap > b->max ? b->max : cap);
}

/* Room for `count` more bytes. */
static inline bool reserve(struct strbuf *b, size_t count)
{
    return count <= b->cap - b->len && !b->failed ? true : grow(b, count);
}

void strbuf_init(struct strbuf *b, size_t max_bytes)
{
    *b = (struct strbuf){.max = max_bytes};
}

void strbuf_done(struct strbuf *b)
{
    free(b->ptr);
    strbuf_init(b, b->max);
}

void strbuf_clear(struct strbuf *b)
{
    b->len = 0;
    b->failed = false;
}

void strbuf_reserve(struct strbuf *b, size_t count)
{
    if (b->failed || count > b->max - b->len) {
        b->failed = true;
    } else if (b->len + count > b->cap) {
        (void)set_cap(b, b->len + count);
    }
}

char *strbuf_extend(struct strbuf *b, size_t count)
{
    if (count == 0 || !reserve(b, count)) {
        return NULL;
    }
    b->len += count;
    return b->ptr + b->len - count;
}

void strbuf_add(struct strbuf *b, struct str_view text)
{
    if (text.len > 0 && reserve(b, text.len)) {
        memcpy(b->ptr + b->len, text.ptr, text.len);
        b->len += text.len;
    }
}

void strbuf_add_char(struct strbuf *b, char c)
{
    if (reserve(b, 1)) {
        b->ptr[b->len++] = c;
    }
}

void strbuf_add_u64(struct strbuf *b, uint64_t value)
{
    char *to = strbuf_extend(b, u64_digit_count(value));

    if (to != NULL) {
        (void)u64_write(to, value);
    }
}

void strbuf_add_fmt(struct strbuf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int count = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    if (count < 0) {
        b->failed = true;
    }
    if (count <= 0 || !reserve(b, (size_t)count)) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(b->ptr + b->len, (size_t)count + 1, fmt, args);
    va_end(args);
    b->len += (size_t)count;
}

void strbuf_drop(struct strbuf *b, size_t count)
{
    if (count >= b->len) {
        b->len = 0;
        return;
    }
    if (count > 0) {
        memmove(b->ptr, b->ptr + count, b->len - count);
        b->len -= count;
    }
}

struct str_view strbuf_view(const struct strbuf *b)
{
    return sv(b->ptr, b->len);
}

const char *strbuf_cstr(struct strbuf *b)
{
    if (b->ptr == NULL) {
        return "";
    }
    b->ptr[b->len] = '\0';
    return b->ptr;
}
