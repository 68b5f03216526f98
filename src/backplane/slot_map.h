/* SPDX-License-Identifier: MIT */
/*
 * slot_map.h - who owns which slot, as CLUSTER SLOTS tells it.
 *
 * https://redis.io/docs/latest/commands/cluster-slots/: an array of [first, last, primary,
 * replica...], a node being [host, port, id, ...]. The host may be nil or empty: that of the
 * server that was asked. "?", or no port: nobody knows where the node is. Whatever makes no
 * sense is left out; of two owners of a slot the first one counts.
 */
#ifndef PARLEY_BACKPLANE_SLOT_MAP_H
#define PARLEY_BACKPLANE_SLOT_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <parley/util/str.h>

#include "backplane/partition.h"

struct redisReply;

struct slot_owner {
    struct str_view host; /* borrowed of the reply, or `asked` */
    uint16_t port;
};

struct slot_map {
    struct slot_owner *owners;     /* owned; one for each line that made sense */
    size_t owner_count;            /* at most REDIS_SLOTS */
    uint16_t of_slot[REDIS_SLOTS]; /* index of the owner + 1; 0: nobody */
    size_t work;                   /* slots named so far, repetitions included; bounded */
    size_t skipped;                /* lines that made no sense */
};

/* `asked` is the host that answered. The map borrows from both. */
struct slot_map *slot_map_new(const struct redisReply *reply, struct str_view asked);
void slot_map_free(struct slot_map *map);
/* NULL: nobody's, as far as the map tells. */
const struct slot_owner *slot_map_owner(const struct slot_map *map, uint16_t slot);

#endif
