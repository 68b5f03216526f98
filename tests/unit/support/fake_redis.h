/* SPDX-License-Identifier: MIT */
/*
 * fake_redis.h - a Redis that answers as a test wants, in the test's own loop.
 *
 * It listens on a port of 127.0.0.1 and answers the handshake of a link as its fields say.
 * What a test sends itself: RAW bytes (answered with just these bytes), MUTE (never answered),
 * CUT (the connection is closed), PING, SSUBSCRIBE channel... (confirmed); CLUSTER, ASKING and
 * FCALL as the fields say; anything else is an error.
 */
#ifndef PARLEY_TESTS_FAKE_REDIS_H
#define PARLEY_TESTS_FAKE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/list.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

struct evconnlistener;
struct event_base;
struct ssl_ctx_st;

struct fake_redis {
    struct event_base *base;         /* borrowed */
    struct evconnlistener *listener; /* owned */
    struct ssl_ctx_st *tls;          /* borrowed; NULL: plain */
    struct list clients;             /* owned */
    uint16_t port;
    unsigned connections; /* accepted so far */
    struct strbuf
        heard; /* commands of the handshake and of a cluster: "|" and the words */

    /* Whole answers, in RESP; NULL: the usual one. */
    const char *auth;
    const char *info;
    const char *role;
    const char *library; /* to FUNCTION LIST */
    const char *load;    /* to FUNCTION LOAD */
    const char *slots;   /* to CLUSTER SLOTS; NULL: an error */
    const char *fcall;   /* NULL: never any */
    bool silent;         /* answers nothing at all */
    bool byte_by_byte;   /* every byte of an answer alone */
};

/* `port` 0: any. */
void fake_redis_start(struct fake_redis *f, struct event_base *base, uint16_t port);
/* Stop listening; connections stay. */
void fake_redis_stop_listening(struct fake_redis *f);
void fake_redis_stop(struct fake_redis *f);
/* Say something to every client unasked. */
void fake_redis_say(struct fake_redis *f, const char *bytes, size_t len);
/* Close every connection. */
void fake_redis_cut(struct fake_redis *f);

#endif
