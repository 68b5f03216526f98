/* SPDX-License-Identifier: MIT */
/*
 * shard.h - one primary as this node uses it: a link for commands, one for subscriptions, and
 * the probe that tells whether the second hears what goes out over the first.
 *
 * A single server is one shard with all partitions. Of a cluster those primaries are shards
 * that own slots of ours, or that slots of ours are on their way to.
 */
#ifndef PARLEY_BACKPLANE_SHARD_H
#define PARLEY_BACKPLANE_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/list.h>
#include <parley/util/str.h>

#include "backplane/url.h"

struct link;
struct probe;
struct redis;
struct topology;

struct shard {
    struct list link;          /* in the topology's shards */
    struct redis *redis;       /* borrowed */
    struct topology *topology; /* borrowed */
    struct redis_endpoint endpoint;
    char label[64];             /* "host:port" for the log */
    struct link *commands;      /* owned */
    struct link *subscriptions; /* owned */
    struct probe *probe;        /* owned */
    uint32_t partitions;        /* how many it owns */
    uint64_t asked_ms;          /* when it was last sent to by ASK; 0: never */
    bool loading_library;
};

struct shard *shard_new(struct topology *t, struct str_view host, uint16_t port);
/* Requests under way are dropped without a call: see link_close(). */
void shard_free(struct shard *s);
void shard_start(struct shard *s);
/* Both links are up. */
bool shard_is_ready(const struct shard *s);
/* The server is not what we took it for: connect anew, and resolve its name again. */
void shard_reset(struct shard *s, const char *why);
/* Its function library is gone: load it, once however often this is called meanwhile. */
void shard_load_library(struct shard *s);

#endif
