/* SPDX-License-Identifier: MIT */
/* A batch as Redis's functions want it. */
#include <string.h>

#include "backplane/batch.h"

/* Cut one update off `rest`. */
static struct update_header next_update(struct str_view *rest, struct str_view *ret_field,
                                        struct str_view *ret_value)
{
    struct update_header h;

    PARLEY_ASSERT(rest->len >= sizeof(h));
    memcpy(&h, rest->ptr, sizeof(h));
    *ret_field = sv(rest->ptr + sizeof(h), h.field_len);
    *ret_value = sv(rest->ptr + sizeof(h) + h.field_len, h.value_len);
    size_t taken = sizeof(h) + h.field_len + h.value_len;

    *rest = sv(rest->ptr + taken, rest->len - taken);
    return h;
}

static size_t count_touched(const struct batch *b)
{
    size_t count = 0;

    for (size_t i = 0; i < b->chunk_count; i++) {
        count += b->chunks[i].update_count > 0;
    }
    return count;
}

size_t batch_key_count(const struct batch *b)
{
    return 3 + b->chunk_count + 2 * count_touched(b);
}

void batch_add_keys(const struct batch *b, const struct redis *r, uint32_t partition,
                    struct arena *a, struct command *cmd)
{
    command_add(cmd, redis_key(r, a, partition, "w", sv(NULL, 0)));
    command_add(cmd, redis_key(r, a, partition, "rooms", sv(NULL, 0)));
    command_add(cmd, redis_key(r, a, partition, "in:", sv_of(b->node)));
    for (size_t i = 0; i < b->chunk_count; i++) {
        command_add(cmd, redis_key(r, a, partition, "l:", b->chunks[i].log));
    }
    for (size_t i = 0; i < b->chunk_count; i++) {
        if (b->chunks[i].update_count > 0) {
            command_add(cmd, redis_key(r, a, partition, "m:", b->chunks[i].log));
            command_add(cmd, redis_key(r, a, partition, "s:", b->chunks[i].log));
        }
    }
}

static void add_updates(const struct sealed_chunk *c, struct arena *a,
                        struct command *cmd)
{
    struct str_view rest = c->updates;

    command_add_u64(cmd, c->update_count);
    while (rest.len > 0) {
        struct str_view field;
        struct str_view value;
        struct update_header h = next_update(&rest, &field, &value);

        command_add(cmd, arena_copy(a, sv(&h.op, 1)));
        command_add(cmd, field);
        command_add(cmd, value);
    }
}

void batch_add_args(const struct batch *b, struct str_view era, uint64_t prevseq,
                    struct arena *a, struct command *cmd)
{
    size_t drop_count_at;
    uint64_t drops = 0;

    command_add(cmd, era);
    command_add_u64(cmd, prevseq);
    command_add_u64(cmd, b->seq);
    command_add_u64(cmd, b->chunk_count);
    command_add_u64(cmd, count_touched(b));
    drop_count_at = cmd->argc;
    command_add_u64(cmd, 0);
    for (size_t i = 0; i < b->chunk_count; i++) {
        command_add(cmd, b->chunks[i].entry);
    }
    for (size_t i = 0; i < b->chunk_count; i++) {
        if (b->chunks[i].update_count > 0) {
            command_add_u64(cmd, i + 1);
            command_add(cmd, b->chunks[i].log);
            add_updates(&b->chunks[i], a, cmd);
        }
    }
    for (struct str_view rest = b->drops; rest.len > 0; drops++) {
        command_add(cmd, sv_next_until(&rest, ' '));
    }
    command_set_u64(cmd, drop_count_at, drops);
}

/* The id in a form that sorts as text; x: behind all others (settle.lua). */
static struct str_view chunk_place(const struct sealed_chunk *c, struct arena *a)
{
    char place[ENTRY_PLACE_SIZE];

    if (c->id.ms == 0) {
        return SV("x");
    }
    entry_id_place(c->id, place);
    return arena_copy(a, sv_of(place));
}

size_t batch_add_offers(const struct batch *b, struct arena *a, struct command *cmd)
{
    for (size_t i = 0; i < b->chunk_count; i++) {
        const struct sealed_chunk *c = &b->chunks[i];

        command_add(cmd, chunk_place(c, a));
        command_add(cmd, c->log);
        command_add_u64(cmd, b->seq);
        command_add(cmd, c->entry);
        add_updates(c, a, cmd);
    }
    return b->chunk_count;
}
