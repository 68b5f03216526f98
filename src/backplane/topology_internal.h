/* SPDX-License-Identifier: MIT */
/*
 * topology_internal.h - shared by topology.c (who owns a partition), route.c (requests and
 * where they are sent on to), shard.c (one primary) and cluster.c (how owners become known).
 */
#ifndef PARLEY_BACKPLANE_TOPOLOGY_INTERNAL_H
#define PARLEY_BACKPLANE_TOPOLOGY_INTERNAL_H

#include <parley/core/loop.h>
#include <parley/util/list.h>
#include <parley/util/strbuf.h>

#include "backplane/link.h"
#include "backplane/topology.h"
#include "backplane/url.h"

struct cluster;
struct evdns_base;
struct redis;
struct shard;
struct slot_map;

enum {
    TOPOLOGY_SECTIONS_MAX = 64, /* partitions in one call to a single server */
    TOPOLOGY_CALLS_MAX = 4,     /* under way to a single server */
    TOPOLOGY_SHARDS_MAX = 1024,
    TOPOLOGY_STALL_MS =
        5000, /* a partition so long between two servers is worth a warning */
    TOPOLOGY_CLIENT_NAME_SIZE = 96,
    TOPOLOGY_ROLES = LINK_SCOUT + 1,
};

struct owned {
    struct shard *shard; /* borrowed; NULL: unknown */
    uint64_t stalled_ms; /* since when it answers TRYAGAIN; 0: it does not */
    bool stall_told;
};

/* Invariant: shard->partitions is the number of partitions[] that point at it. */
struct topology {
    struct redis *redis; /* borrowed */
    struct redis_url url;
    struct evdns_base *dns;
    struct strbuf library; /* text of the function library */
    char client_names[TOPOLOGY_ROLES][TOPOLOGY_CLIENT_NAME_SIZE];
    struct owned *partitions; /* owned */
    uint32_t partition_count;
    struct list shards; /* owned */
    size_t shard_count;
    struct list requests; /* under way; owned */
    struct cluster *cluster;
    bool is_cluster; /* known once a server was reached */
    bool is_detour;
};

struct link *topology_make_link(struct topology *t, const struct redis_endpoint *endpoint,
                                enum link_role role, const struct link_ops *ops,
                                void *arg);
/* The shard at this address, made and started if there is none; NULL: too many. */
struct shard *topology_get_shard(struct topology *t, struct str_view host, uint16_t port);
/* It is one server, and this is it. */
void topology_be_single(struct topology *t, const struct redis_endpoint *endpoint);
/* It is a cluster, and this is its map. False: the map is of no use. */
bool topology_take_map(struct topology *t, const struct slot_map *map);
/* Let go of shards that are of no use to anybody any more. */
void topology_drop_shards(struct topology *t);

/* route.c */
void topology_free_requests(struct topology *t);

#endif
