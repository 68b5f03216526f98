/* SPDX-License-Identifier: MIT */
/*
 * framer.h - cuts a stream of bytes into lines, where they lie.
 *
 * Model: what came is, in order, `held` (memory of the framer) and then `fresh` (a view of
 * the buffer that all sessions share, which the caller passes along). A line that lies whole
 * in either is not copied; one that begins in held and ends in fresh is completed in held.
 *
 *     held:  [ peeked line | more ... ]   fresh:  [ more ... ]
 *
 * framer_peek() shows the first line, framer_take() removes it, and framer_keep() copies what
 * is left of fresh behind held before the shared buffer is used for somebody else. Held
 * memory exists only while there are bytes in it.
 *
 * A line ends in LF or CR LF. Any other CR, and NUL, is data. A line of more than `max_line`
 * bytes (its end counts) is shown once, as LINE_TOO_LONG with its first `max_line` bytes;
 * the rest is skipped without being kept. How the bytes were split changes nothing.
 */
#ifndef PARLEY_NET_FRAMER_H
#define PARLEY_NET_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

/* What is wrong with a line. */
enum line_flaw {
    LINE_FLAWLESS,
    LINE_TOO_LONG, /* only its beginning is shown; the rest is skipped */
};

/* The first line; valid until framer_take(), framer_keep() or the end of the bytes it shows. */
struct framed_line {
    struct str_view text; /* without its end */
    enum line_flaw flaw;
    uint32_t raw_bytes; /* private: what framer_take() removes */
};

/*
 * All private. Invariant (framer_check()): start + len <= cap; held is NULL exactly when cap
 * is 0 and when len is 0; filtered <= len, and lies at the beginning of a line.
 */
struct framer {
    char *held; /* owned */
    uint32_t start;
    uint32_t len;      /* bytes from start on */
    uint32_t cap;      /* bytes */
    uint32_t filtered; /* bytes from start on that framer_filter() is done with */
    uint32_t max_line; /* bytes */
    bool is_skipping;  /* the rest of a line that was too long */
};

/* True: the line was answered and goes. */
typedef bool (*framer_filter_fn)(void *arg, struct str_view line);

/* `max_line` is at least 2. */
void framer_init(struct framer *f, uint32_t max_line);
/* Forget what is held, free its memory. Lines shown before are no longer valid. */
void framer_done(struct framer *f);
/* Show the first line of held and `fresh`; false when there is none yet. Takes from `fresh`
 * what it needs to complete a line. */
bool framer_peek(struct framer *f, struct str_view *fresh, struct framed_line *ret_line)
    PARLEY_MUST_CHECK;
/* Remove the line that framer_peek() has just shown. */
void framer_take(struct framer *f, struct str_view *fresh,
                 const struct framed_line *line);
/* Copy `fresh` behind what is held. The caller bounds how much that can become. */
void framer_keep(struct framer *f, struct str_view fresh);
/*
 * While the first held line has to wait: offer each complete line behind it that was not
 * offered yet, and drop those that `is_answered` takes. The others stay in their order.
 * Lines that are too long are not offered. `is_answered` must not touch the framer.
 */
void framer_filter(struct framer *f, framer_filter_fn is_answered, void *arg);
/* Let the next framer_filter() ask about all lines again. */
void framer_refilter(struct framer *f);
size_t framer_held_bytes(const struct framer *f);
void framer_check(const struct framer *f);

#endif
