/* SPDX-License-Identifier: MIT */
#include <parley/util/shelf.h>

#include <stdalign.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>

/* Invariant: used <= size; `pieces` of the bytes below `used` are not given back. */
struct shelf_block {
    struct shelf *shelf;
    size_t size; /* with this header */
    size_t used; /* the same */
    size_t pieces;
};

/* In front of each piece. */
struct piece {
    struct shelf_block *block;
    alignas(max_align_t) char bytes[];
};

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static size_t block_used_when_empty(void)
{
    return round_up(sizeof(struct shelf_block), alignof(struct piece));
}

static size_t piece_bytes(size_t size)
{
    return round_up(sizeof(struct piece) + size, alignof(struct piece));
}

static struct piece *piece_of(void *bytes)
{
    return PARLEY_CONTAINER_OF(bytes, struct piece, bytes);
}

static struct shelf_block *block_new(struct shelf *s, size_t needed)
{
    size_t size = block_used_when_empty() + needed;
    struct shelf_block *block;

    if (size <= SHELF_BLOCK_BYTES && s->spare != NULL) {
        block = s->spare;
        s->spare = NULL;
        return block;
    }
    size = size < SHELF_BLOCK_BYTES ? SHELF_BLOCK_BYTES : size;
    block = xmap(size);
    *block = (struct shelf_block){
        .shelf = s,
        .size = size,
        .used = block_used_when_empty(),
    };
    s->bytes += size;
    return block;
}

static void block_free(struct shelf_block *block)
{
    if (block != NULL) {
        block->shelf->bytes -= block->size;
        xunmap(block, block->size);
    }
}

/* Nothing is on it any more. */
static void block_empty(struct shelf_block *block)
{
    struct shelf *s = block->shelf;

    block->used = block_used_when_empty();
    if (block == s->newest) {
        return;
    }
    if (s->spare == NULL && block->size == SHELF_BLOCK_BYTES) {
        s->spare = block;
    } else {
        block_free(block);
    }
}

void shelf_init(struct shelf *s)
{
    *s = (struct shelf){0};
}

void shelf_done(struct shelf *s)
{
    block_free(s->newest);
    block_free(s->spare);
    PARLEY_ASSERT(s->bytes == 0);
}

void *shelf_take(struct shelf *s, size_t size)
{
    size_t needed = piece_bytes(size);
    struct shelf_block *block = s->newest;

    if (block == NULL || block->size - block->used < needed) {
        s->newest = block_new(s, needed);
        if (block != NULL && block->pieces == 0) {
            block_empty(block);
        }
        block = s->newest;
    }
    struct piece *piece = (struct piece *)(void *)((char *)block + block->used);

    block->used += needed;
    block->pieces++;
    piece->block = block;
    return piece->bytes;
}

void shelf_shrink(void *piece, size_t size)
{
    struct piece *p = piece_of(piece);
    size_t end = (size_t)((char *)p - (char *)p->block) + piece_bytes(size);

    PARLEY_ASSERT(p->block == p->block->shelf->newest && end <= p->block->used);
    p->block->used = end;
}

void shelf_give_back(void *piece)
{
    struct shelf_block *block = piece_of(piece)->block;

    PARLEY_ASSERT(block->pieces > 0);
    if (--block->pieces == 0) {
        block_empty(block);
    }
}
