/* SPDX-License-Identifier: MIT */
/*
 * topology.h - which primary serves a partition.
 *
 * Everybody asks here, so that one server, one name that leads to the primary, and a cluster
 * look alike: every request goes to the primary of its partition, and nobody else knows how
 * many there are. What is a cluster's own (the slot map and its refreshing) is in cluster.c.
 *
 *   partition --owner--> shard (commands, subscriptions, probe)
 *
 * Redirections are dealt with here: ASK is followed (the caller sees the answer of the other
 * server); after MOVED, CLUSTERDOWN and READONLY the map is read again, and the caller, who
 * gets the error, asks again. A library that is missing is loaded.
 * Owns the shards and the resolver.
 */
#ifndef PARLEY_BACKPLANE_TOPOLOGY_H
#define PARLEY_BACKPLANE_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/base.h>

#include "backplane/command.h"
#include "backplane/link.h"

struct redis;
struct shard;
struct topology;

/* NULL with a literal in *ret_error when the URL is not one. */
struct topology *topology_new(struct redis *r, const char *url, const char **ret_error);
/* See redis_backplane_set_url(). */
const char *topology_set_url(struct topology *t, const char *url);
void topology_free(struct topology *t);
void topology_start(struct topology *t);

/* The primary of a partition; NULL while none is known. */
struct shard *topology_shard(const struct topology *t, uint32_t partition);
/* All that there are, so that what concerns one of them concerns the node. */
bool topology_is_single(const struct topology *t);
/* A request can be sent now. */
bool topology_can_send(const struct topology *t, uint32_t partition);
/* Send a request to the partition's primary; `fn` is called exactly once (unless the
 * topology is freed first), never from inside. False: nothing was sent, `fn` is not called. */
bool topology_send(struct topology *t, uint32_t partition, const struct command *cmd,
                   link_reply_fn fn, void *arg, uint64_t ctx);
/* While `fn` runs: the answer came from the server that the slot moves to. What the call
 * published there was heard by nobody, as all subscriptions are still at the source. */
bool topology_is_detour(const struct topology *t);
/* SSUBSCRIBE or SUNSUBSCRIBE of channels of the partition; false: not now. */
bool topology_can_subscribe(const struct topology *t, uint32_t partition);
bool topology_subscribe(struct topology *t, uint32_t partition,
                        const struct command *cmd);

/* What may travel together: partitions in one call, and calls under way at once. */
size_t topology_sections_max(const struct topology *t);
size_t topology_calls_max(const struct topology *t);

/* Every partition has a primary that takes requests, and what is published there is heard. */
bool topology_is_whole(const struct topology *t);
/* The node has a new id. */
void topology_on_new_node_id(struct topology *t);
/* Something is not as it should be (a link is lost, a server sent us elsewhere): in a cluster
 * the map is read again soon. */
void topology_on_trouble(struct topology *t);

#endif
