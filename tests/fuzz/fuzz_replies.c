/* SPDX-License-Identifier: MIT */
/* Bytes from Redis: cut into replies, and each read in all the ways in which one is. */
#include <stdlib.h>

#include <event2/buffer.h>

#include <parley/util/base.h>

#include "backplane/push.h"
#include "backplane/replies.h"
#include "backplane/reply.h"
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

int FUZZ_TARGET(const uint8_t *data, size_t size)
{
    struct evbuffer *in = evbuffer_new();
    struct replies replies;
    redisReply *reply = NULL;
    enum replies_next next = REPLIES_NONE;

    PARLEY_ASSERT(in != NULL);
    replies_init(&replies, BYTES_MAX);
    (void)evbuffer_add(in, data, size);
    replies_feed(&replies, in);
    while ((next = replies_next(&replies, &reply)) == REPLIES_OK) {
        look_at(reply);
        freeReplyObject(reply);
    }
    PARLEY_ASSERT(next != REPLIES_BAD || replies_error(&replies) != NULL);
    replies_done(&replies);
    evbuffer_free(in);
    return 0;
}
