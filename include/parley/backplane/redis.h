/* SPDX-License-Identifier: MIT */
/*
 * redis.h - the backplane on Redis or Valkey; implements core/backplane.h.
 *
 * Model (docs/REDIS.md has keys, functions and failures):
 *   topology   the links: commands out, subscriptions in
 *   publisher  what is to be stored: batches, numbered per partition, exactly once
 *   follower   what was stored: every open log in order, holes filled
 *   presence   this node's lease, and the removal of nodes whose lease is gone
 *   queries    names, records, history, the room index
 *   probe      is what we publish what we hear?
 * Owns all of them. Borrows the loop and the strings of the config.
 */
#ifndef PARLEY_BACKPLANE_REDIS_H
#define PARLEY_BACKPLANE_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/core/loop.h>

struct redis_config {
    const char *url;    /* secret */
    const char *prefix; /* [A-Za-z0-9_]{1,32} */
    uint32_t partitions;
    uint64_t history;       /* entries kept per log */
    uint64_t history_ttl_s; /* after the last member left */
    uint64_t hold_bytes;
    uint64_t hold_ms;
};

struct redis_callbacks {
    /* The node is registered and may serve. Once. */
    void (*on_start)(void *app);
    /* This Redis cannot serve this node (too old, other partition count, wrong password):
     * `why` in one line. Before on_start() the process is to end with it. */
    void (*on_unusable)(void *app, const char *why);
    /* Redis did not accept user and password: if there are others by now, they are to be given
     * to redis_backplane_set_url(). on_unusable() follows if there are not. */
    void (*on_denied)(void *app);
    /* The answer to redis_backplane_retire(). */
    void (*on_retired)(void *app);
};

/* NULL with a literal in *ret_error when the URL is not one. */
struct backplane *redis_backplane_new(struct loop *loop,
                                      const struct redis_config *config,
                                      const struct redis_callbacks *callbacks, void *app,
                                      const char **ret_error);
/* Connect, after the hub has attached itself. */
void redis_backplane_start(struct backplane *bp);
/* Give up the lease once everything handed over is stored (or Redis is away): no other node
 * needs to reap this one. on_retired() follows. */
void redis_backplane_retire(struct backplane *bp);
/* Use the user and password of this URL for connections from now on; NULL, or a literal that
 * says why not: it is no URL, or one of another place. */
const char *redis_backplane_set_url(struct backplane *bp, const char *url);
void redis_backplane_free(struct backplane *bp);

#endif
