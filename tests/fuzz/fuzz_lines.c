/* SPDX-License-Identifier: MIT */
/*
 * A stream of bytes, cut into lines, and each line read as one of the line protocol.
 *
 * The first byte of the input says in pieces of which length the rest comes. What comes out
 * must be the same as when all of it comes at once.
 */
#include <stdlib.h>
#include <string.h>

#include <parley/net/framer.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/strbuf.h>

#include "fuzz.h"
#include "proto/line/parse.h"

enum { MAX_LINE = 64, OUT_BYTES_MAX = 1 << 20 };

static void check_inside(struct str_view whole, struct str_view part)
{
    PARLEY_ASSERT(part.len == 0 || (part.ptr >= whole.ptr &&
                                    part.ptr + part.len <= whole.ptr + whole.len));
}

static void check_args(struct str_view text)
{
    static const struct args_shape shapes[] = {
        {0, 0, false}, {0, 1, false}, {1, 1, true}, {1, 2, true}, {2, 2, false}};
    struct args args;

    for (size_t i = 0; i < PARLEY_COUNT_OF(shapes); i++) {
        if (!parse_args(text, &shapes[i], &args)) {
            continue;
        }
        PARLEY_ASSERT(args.count >= shapes[i].min && args.count <= shapes[i].max);
        for (size_t j = 0; j < args.count; j++) {
            check_inside(text, args.at[j]);
            PARLEY_ASSERT(args.at[j].len > 0);
        }
    }
}

static void check_line(struct str_view line)
{
    struct input in = parse_line(line);

    check_inside(line, in.text);
    check_inside(line, in.command);
    PARLEY_ASSERT(in.kind == INPUT_COMMAND || in.command.len == 0);
    if (in.kind == INPUT_COMMAND) {
        PARLEY_ASSERT(sv_find_char(in.command, ' ') == in.command.len);
        check_args(in.text);
    }
}

static void take_lines(struct framer *f, struct str_view *fresh, struct strbuf *out)
{
    struct framed_line line;

    while (framer_peek(f, fresh, &line)) {
        PARLEY_ASSERT(line.text.len <= MAX_LINE);
        PARLEY_ASSERT(sv_find_char(line.text, '\n') == line.text.len);
        check_line(line.text);
        strbuf_add_char(out, line.flaw == LINE_FLAWLESS ? '.' : '!');
        strbuf_add(out, line.text);
        strbuf_add_char(out, '\n');
        framer_take(f, fresh, &line);
        framer_check(f);
    }
}

/* The lines of the bytes, when they come `step` at a time. */
static void frame(struct str_view bytes, size_t step, struct strbuf *out)
{
    struct framer f;

    framer_init(&f, MAX_LINE);
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t len = step < bytes.len - at ? step : bytes.len - at;
        char *copy = xmalloc(len); /* so that a byte read too far is noticed */
        struct str_view fresh = sv(copy, len);

        memcpy(copy, bytes.ptr + at, len);
        take_lines(&f, &fresh, out);
        framer_keep(&f, fresh);
        framer_check(&f);
        PARLEY_ASSERT(framer_held_bytes(&f) <= MAX_LINE);
        free(copy);
    }
    framer_done(&f);
    PARLEY_ASSERT(!out->failed);
}

int FUZZ_TARGET(const uint8_t *data, size_t size)
{
    struct str_view bytes = sv((const char *)data, size);
    struct strbuf whole;
    struct strbuf pieces;

    if (size < 2) {
        return 0;
    }
    bytes = sv(bytes.ptr + 1, bytes.len - 1);
    strbuf_init(&whole, OUT_BYTES_MAX);
    strbuf_init(&pieces, OUT_BYTES_MAX);
    frame(bytes, bytes.len, &whole);
    frame(bytes, 1 + (size_t)data[0] % 97, &pieces);
    PARLEY_ASSERT(sv_equal(strbuf_view(&whole), strbuf_view(&pieces)));
    strbuf_done(&whole);
    strbuf_done(&pieces);
    return 0;
}
