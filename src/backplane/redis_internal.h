/* SPDX-License-Identifier: MIT */
/*
 * redis_internal.h - what the parts of the Redis backplane share.
 *
 * Each part owns its own state behind its own header; this struct ties them together and
 * holds what all of them need: who we are, where things are, whom to tell.
 */
#ifndef PARLEY_BACKPLANE_REDIS_INTERNAL_H
#define PARLEY_BACKPLANE_REDIS_INTERNAL_H

#include <parley/backplane/redis.h>
#include <parley/util/arena.h>

#include "backplane/command.h"
#include "backplane/partition.h"

struct follower;
struct presence;
struct publisher;
struct queries;
struct shard;
struct topology;

struct redis {
    struct backplane_base base; /* first: see backplane_ops() */
    struct loop *loop;          /* borrowed */
    struct redis_config config; /* its strings are borrowed */
    const struct redis_callbacks *callbacks;
    void *app;
    const struct backplane_events *events;
    void *hub;

    struct partitions partitions;
    char node[NODE_ID_MAX + 1]; /* this node's id now */
    char library[48];           /* name of the function library: prefix and version */

    struct topology *topology; /* owned, as all that follow */
    struct publisher *publisher;
    struct follower *follower;
    struct presence *presence;
    struct queries *queries;

    bool registered; /* the lease is ours: publishing may begin */
    bool started;    /* on_start() was called */
    bool available;  /* as the hub was told */
};

/* Partition that a log or a name belongs to. */
uint32_t redis_partition(const struct redis *r, struct str_view name);
/* The key "<prefix>:{tag}:<kind><name>", in the arena. */
struct str_view redis_key(const struct redis *r, struct arena *a, uint32_t partition,
                          const char *kind, struct str_view name);
/* Begin "FCALL <library>_<function> <numkeys>" in `cmd`. */
void redis_function(const struct redis *r, struct arena *a, struct command *cmd,
                    const char *function, size_t key_count);

/* ---- what happens to the whole node; called by the parts ---- */
/* A primary's link for commands can take requests, or cannot any more; one for subscriptions. */
void redis_on_commands_ready(struct redis *r, const struct shard *s);
void redis_on_commands_down(struct redis *r, const struct shard *s);
void redis_on_subscriptions_ready(struct redis *r, const struct shard *s);
void redis_on_subscriptions_down(struct redis *r, const struct shard *s);
/* The partition has another primary now; `before` had it (NULL: nobody). */
void redis_on_partition_moved(struct redis *r, uint32_t partition, struct shard *before);
/* All that moved have been told of. */
void redis_on_map(struct redis *r);
/* The lease is ours (first time, or again after a failure). */
void redis_on_registered(struct redis *r);
/* We were declared dead: take a new id and register everything again. */
void redis_take_new_node_id(struct redis *r);
/* The books of a partition turned out to be gone. */
void redis_on_partition_lost(struct redis *r, uint32_t partition);
/* Links, lease or probe changed: tell the hub if availability did. */
void redis_update_available(struct redis *r);
void redis_refuse(struct redis *r, const char *why);

#endif
