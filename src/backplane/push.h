/* SPDX-License-Identifier: MIT */
/*
 * push.h - which replies of a subscription link are pushes.
 *
 * RESP2 has no pushes: on a subscription link an array that begins with one of the pub/sub
 * words is one. https://redis.io/docs/latest/develop/pubsub/#format-of-pushed-messages
 */
#ifndef PARLEY_BACKPLANE_PUSH_H
#define PARLEY_BACKPLANE_PUSH_H

struct redisReply;

enum push_kind {
    PUSH_NONE,      /* the answer to a request; the array that answers PING is one too */
    PUSH_SOUND,     /* kind, channel, and payload or number of channels */
    PUSH_MALFORMED, /* a pub/sub word, but not the elements that go with it */
};

enum push_kind push_kind_of(const struct redisReply *reply);

#endif
