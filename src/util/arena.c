/* SPDX-License-Identifier: MIT */
#include <parley/util/arena.h>

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

enum { ARENA_BLOCK_BYTES = 16 * 1024 };

/* Invariant: used <= size. */
struct arena_block {
    struct arena_block *next; /* owned */
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a)
{
    a->blocks = NULL;
}

static void free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
}

void arena_done(struct arena *a)
{
    free_blocks(a->blocks);
    a->blocks = NULL;
}

void arena_clear(struct arena *a)
{
    struct arena_block *kept = a->blocks;

    if (kept == NULL) {
        return;
    }
    if (kept->size > ARENA_BLOCK_BYTES) {
        arena_done(a);
        return;
    }
    free_blocks(kept->next);
    kept->next = NULL;
    kept->used = 0;
}

static void *take(struct arena *a, size_t size, void *(*allocate)(size_t size))
{
    const size_t align = alignof(max_align_t);
    size_t needed = (size + align - 1) / align * align;
    struct arena_block *block = a->blocks;

    if (block == NULL || block->size - block->used < needed) {
        size_t room = needed > ARENA_BLOCK_BYTES ? needed : ARENA_BLOCK_BYTES;

        block = allocate(sizeof(*block) + room);
        if (block == NULL) {
            return NULL;
        }
        block->next = a->blocks;
        block->size = room;
        block->used = 0;
        a->blocks = block;
    }
    void *taken = block->bytes + block->used;

    block->used += needed;
    return taken;
}

void *arena_take(struct arena *a, size_t size)
{
    return take(a, size, xmalloc);
}

void *arena_try_take(struct arena *a, size_t size)
{
    return take(a, size, try_malloc);
}

struct str_view arena_copy(struct arena *a, struct str_view text)
{
    return arena_join(a, &text, 1);
}

struct str_view arena_join(struct arena *a, const struct str_view *texts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        len += texts[i].len;
    }
    char *joined = arena_take(a, len + 1);
    char *to = joined;

    for (size_t i = 0; i < count; i++) {
        if (texts[i].len > 0) {
            memcpy(to, texts[i].ptr, texts[i].len);
            to += texts[i].len;
        }
    }
    *to = '\0';
    return sv(joined, len);
}
