/* SPDX-License-Identifier: MIT */
#include <parley/net/framer.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

enum { HELD_MIN_BYTES = 64 };

void framer_init(struct framer *f, uint32_t max_line)
{
    PARLEY_ASSERT(max_line >= 2);
    *f = (struct framer){.max_line = max_line};
}

void framer_done(struct framer *f)
{
    free(f->held);
    framer_init(f, f->max_line);
}

void framer_check(const struct framer *f)
{
    PARLEY_ASSERT(f->start <= f->cap && f->len <= f->cap - f->start);
    PARLEY_ASSERT((f->held == NULL) == (f->cap == 0));
    PARLEY_ASSERT((f->held == NULL) == (f->len == 0));
    PARLEY_ASSERT(f->filtered <= f->len);
    PARLEY_ASSERT(f->filtered == 0 || f->held[f->start + f->filtered - 1] == '\n');
}

size_t framer_held_bytes(const struct framer *f)
{
    return f->len;
}

/* ---- held ---- */

static struct str_view held_view(const struct framer *f)
{
    return f->len == 0 ? sv(NULL, 0) : sv(f->held + f->start, f->len);
}

static void held_append(struct framer *f, struct str_view bytes)
{
    if (bytes.len == 0) {
        return;
    }
    size_t need = f->len + bytes.len;
    PARLEY_ASSERT(need <= UINT32_MAX / 2);
    if (f->start > 0 && f->start + need > f->cap) {
        memmove(f->held, f->held + f->start, f->len);
        f->start = 0;
    }
    if (need > f->cap) {
        size_t cap = f->cap == 0 ? HELD_MIN_BYTES : f->cap;
        while (cap < need) {
            cap *= 2;
        }
        f->held = xreallocarray(f->held, cap, 1);
        f->cap = (uint32_t)cap;
    }
    memcpy(f->held + f->start + f->len, bytes.ptr, bytes.len);
    f->len = (uint32_t)need;
}

static void held_drop(struct framer *f, size_t count)
{
    f->start += (uint32_t)count;
    f->len -= (uint32_t)count;
    f->filtered -= f->filtered < count ? f->filtered : (uint32_t)count;
    if (f->len == 0) {
        free(f->held);
        f->held = NULL;
        f->start = 0;
        f->cap = 0;
    }
}

/* ---- lines ---- */

static void view_drop(struct str_view *view, size_t count)
{
    if (count > 0) {
        *view = sv(view->ptr + count, view->len - count);
    }
}

/* Bytes up to the first LF, that included; 0 when there is none among the first `limit`. */
static size_t line_bytes(struct str_view bytes, size_t limit)
{
    size_t len = bytes.len < limit ? bytes.len : limit;
    const char *lf = len == 0 ? NULL : memchr(bytes.ptr, '\n', len);

    return lf == NULL ? 0 : (size_t)(lf - bytes.ptr) + 1;
}

/* Without LF or CR LF. */
static struct str_view without_end(const char *ptr, size_t raw)
{
    size_t len = raw - 1;

    return sv(ptr, len > 0 && ptr[len - 1] == '\r' ? len - 1 : len);
}

static bool cut(struct str_view bytes, uint32_t max_line, struct framed_line *ret_line)
{
    size_t raw = line_bytes(bytes, max_line);

    if (raw > 0) {
        ret_line->text = without_end(bytes.ptr, raw);
        ret_line->flaw = LINE_FLAWLESS;
        ret_line->raw_bytes = (uint32_t)raw;
        return true;
    }
    if (bytes.len >= max_line) {
        ret_line->text = sv(bytes.ptr, max_line);
        ret_line->flaw = LINE_TOO_LONG;
        ret_line->raw_bytes = max_line;
        return true;
    }
    return false;
}

/* Drop the rest of a line that was too long. False when its end has not come. */
static bool skip(struct framer *f, struct str_view *fresh)
{
    if (f->len > 0) {
        size_t end = line_bytes(held_view(f), f->len);
        held_drop(f, end > 0 ? end : f->len);
        f->is_skipping = end == 0;
    }
    if (f->is_skipping) {
        size_t end = line_bytes(*fresh, fresh->len);
        view_drop(fresh, end > 0 ? end : fresh->len);
        f->is_skipping = end == 0;
    }
    return !f->is_skipping;
}

/* Held ends in the beginning of a line: move what belongs to it from `fresh`. */
static void complete(struct framer *f, struct str_view *fresh)
{
    size_t room = f->max_line - f->len;
    size_t count = line_bytes(*fresh, room);

    if (count == 0) {
        count = fresh->len < room ? fresh->len : room;
    }
    held_append(f, sv(fresh->ptr, count));
    view_drop(fresh, count);
}

bool framer_peek(struct framer *f, struct str_view *fresh, struct framed_line *ret_line)
{
    if (f->is_skipping && !skip(f, fresh)) {
        return false;
    }
    if (f->len == 0) {
        return cut(*fresh, f->max_line, ret_line);
    }
    if (cut(held_view(f), f->max_line, ret_line)) {
        return true;
    }
    complete(f, fresh);
    return cut(held_view(f), f->max_line, ret_line);
}

void framer_take(struct framer *f, struct str_view *fresh, const struct framed_line *line)
{
    if (f->len > 0) {
        held_drop(f, line->raw_bytes);
    } else {
        view_drop(fresh, line->raw_bytes);
    }
    f->is_skipping = line->flaw == LINE_TOO_LONG;
}

void framer_keep(struct framer *f, struct str_view fresh)
{
    if (f->is_skipping && !skip(f, &fresh)) {
        return;
    }
    held_append(f, fresh);
}

void framer_filter(struct framer *f, framer_filter_fn is_answered, void *arg)
{
    struct str_view rest = held_view(f);
    size_t kept = f->filtered > 0 ? f->filtered : line_bytes(rest, rest.len);
    size_t raw;

    if (rest.ptr == NULL || kept == 0) {
        return;
    }
    char *to = f->held + f->start + kept;
    view_drop(&rest, kept);
    while ((raw = line_bytes(rest, rest.len)) > 0) {
        if (raw > f->max_line || !is_answered(arg, without_end(rest.ptr, raw))) {
            memmove(to, rest.ptr, raw);
            to += raw;
        }
        view_drop(&rest, raw);
    }
    f->filtered = (uint32_t)(to - f->held) - f->start;
    if (rest.len > 0) {
        memmove(to, rest.ptr, rest.len);
    }
    f->len = f->filtered + (uint32_t)rest.len;
}

void framer_refilter(struct framer *f)
{
    f->filtered = 0;
}
