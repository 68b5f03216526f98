/* SPDX-License-Identifier: MIT */
/*
 * arena.h - many small texts that live until all of them are dropped at once.
 *
 * Made for building one Redis command out of dozens of keys, and for taking a reply apart: what
 * it gave stays where it is until arena_clear(). Keeps a block for reuse, if that is not a
 * large one.
 */
#ifndef PARLEY_UTIL_ARENA_H
#define PARLEY_UTIL_ARENA_H

#include <stddef.h>

#include <parley/util/str.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* owned; the newest first */
};

void arena_init(struct arena *a);
void arena_done(struct arena *a);
void arena_clear(struct arena *a);
/* `size` bytes, aligned for any type. */
void *arena_take(struct arena *a, size_t size);
/* The same for sizes that a peer has a say in; NULL when there is no memory. */
void *arena_try_take(struct arena *a, size_t size);
struct str_view arena_copy(struct arena *a, struct str_view text);
/* The texts, one behind the other. */
struct str_view arena_join(struct arena *a, const struct str_view *texts, size_t count);

#endif
