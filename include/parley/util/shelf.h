/* SPDX-License-Identifier: MIT */
/*
 * shelf.h - memory for what is kept about equally long, apart from the heap.
 *
 * Model: pieces are cut off the newest block, one behind the other. A block goes back to the
 * kernel when all of its pieces have been given back, so what was kept for a minute leaves no
 * holes among what lives for hours, as it would in the heap.
 */
#ifndef PARLEY_UTIL_SHELF_H
#define PARLEY_UTIL_SHELF_H

#include <stddef.h>

enum { SHELF_BLOCK_BYTES = 64 * 1024 }; /* a larger piece has a block of its own */

struct shelf_block;

/* All private. */
struct shelf {
    struct shelf_block *newest; /* owned; pieces are cut off it; NULL at first */
    struct shelf_block *spare;  /* owned; an empty one, for the next time; or NULL */
    size_t bytes;               /* of all blocks */
};

void shelf_init(struct shelf *s);
/* All pieces have been given back. */
void shelf_done(struct shelf *s);
/* `size` bytes, aligned for any type, not cleared. */
void *shelf_take(struct shelf *s, size_t size)
    __attribute__((returns_nonnull, warn_unused_result));
/* The piece, taken last of all, is to have only `size` bytes. */
void shelf_shrink(void *piece, size_t size);
void shelf_give_back(void *piece);

#endif
