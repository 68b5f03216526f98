/* SPDX-License-Identifier: MIT */
/* Bytes from Redis: cut into replies, and each read in all the ways in which one is. */
#include <stdlib.h>

#include <event2/buffer.h>

#include <parley/util/base.h>

#include "backplane/push.h"
#include "backplane/redirect.h"
#include "backplane/replies.h"
#include "backplane/reply.h"
#include "backplane/slot_map.h"
#include "fuzz.h"

enum { BYTES_MAX = 1 << 20, LOOKED_AT = 64 };

static void look_at(const struct redisReply *reply)
{
    struct entry entry;

    (void)reply_kind(reply);
    (void)push_kind_of(reply);
    (void)reply_u64(reply);
    PARLEY_ASSERT(reply_text(reply).len <= BYTES_MAX);
    if (reply_entry(reply, &entry)) {
        PARLEY_ASSERT(entry.count <= ENTRY_ITEMS_MAX);
    }
    for (size_t i = 0; i < reply_count(reply) && i < LOOKED_AT; i++) {
        look_at(reply_at(reply, i));
    }
    PARLEY_ASSERT(reply_at(reply, reply_count(reply)) == NULL);
}

/* As the answer to CLUSTER SLOTS, and as an error of a cluster's server. */
static void look_at_topology(const struct redisReply *reply)
{
    struct slot_map *map = slot_map_new(reply, SV("asked"));
    struct redirect to;

    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        const struct slot_owner *owner = slot_map_owner(map, (uint16_t)slot);

        PARLEY_ASSERT(owner == NULL || (owner->port > 0 && owner->host.len > 0 &&
                                        owner->host.len <= REDIRECT_HOST_MAX));
    }
    slot_map_free(map);
    PARLEY_ASSERT(!redirect_parse(reply_text(reply), &to) ||
                  (to.slot < REDIS_SLOTS && to.port > 0));
}

static enum replies_next take_all(struct replies *replies, const uint8_t *data,
                                  size_t size)
{
    struct evbuffer *in = evbuffer_new();
    const redisReply *reply = NULL;
    enum replies_next next = REPLIES_NONE;

    PARLEY_ASSERT(in != NULL);
    (void)evbuffer_add(in, data, size);
    replies_feed(replies, in);
    while ((next = replies_next(replies, &reply)) == REPLIES_OK) {
        look_at(reply);
        look_at_topology(reply);
    }
    PARLEY_ASSERT(next != REPLIES_BAD || replies_error(replies) != NULL);
    evbuffer_free(in);
    return next;
}

/* The bytes come in two reads, then once more by another connection. */
int FUZZ_TARGET(const uint8_t *data, size_t size)
{
    struct replies replies;
    size_t half = size / 2;

    replies_init(&replies, BYTES_MAX);
    replies_begin(&replies);
    if (take_all(&replies, data, half) == REPLIES_NONE) {
        (void)take_all(&replies, data + half, size - half);
    }
    replies_begin(&replies);
    (void)take_all(&replies, data, size);
    replies_end(&replies);
    replies_done(&replies);
    return 0;
}
