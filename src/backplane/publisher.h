/* SPDX-License-Identifier: MIT */
/*
 * publisher.h - everything that is to be stored, stored exactly once and in order.
 *
 * Model: each partition has an outbox (what waits), at most one batch under way, and a ring
 * of batches that Redis acknowledged lately. Batches of a partition are numbered; Redis
 * accepts only the number after the last one it knows. So a batch whose answer was lost is
 * simply sent again (DUP: it had arrived), and when Redis has forgotten batches in a failover
 * (GAP) the ring holds what it forgot. A few calls are under way; each carries the batches of
 * all partitions that are ready (in a cluster of one partition: one call, one slot), so that
 * batching paces itself by the round trip.
 *
 *   outbox --seal--> batch --call--> Redis --OK/DUP--> ring (kept for a while)
 *      ^                |                 --GAP, ERA-> a settlement first (settlement.c)
 *      '----unseal------'  (certainly not applied)
 *
 * Owns what waits, what is under way and the ring.
 */
#ifndef PARLEY_BACKPLANE_PUBLISHER_H
#define PARLEY_BACKPLANE_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/backplane.h>

struct publisher;
struct redis;

enum {
    PUBLISHER_CALL_LOGS_MAX = 512, /* in one call */
    PUBLISHER_CALL_BYTES_MAX = 256 << 10,
    PUBLISHER_RING_MS = 60000,           /* longer than a failover and its lag */
    PUBLISHER_RING_BYTES_MAX = 64 << 20, /* of memory; of all partitions */
    PUBLISHER_CHECK_MS = 5000,           /* a quiet partition is asked that often */
    PUBLISHER_SETTLE_MS =
        3000, /* how long a settlement waits for nodes that do not come */
    PUBLISHER_SETTLE_LEAST_MS = 400, /* ... and for nodes that nobody knows of */
};

struct publisher *publisher_new(struct redis *r);
void publisher_free(struct publisher *p);
/* Take one publication for `log` of that partition; false when the bounds on held items are
 * reached. */
bool publisher_add(struct publisher *p, uint32_t partition, struct str_view log,
                   const struct publication *pub);
/* This node follows `log` no more: its books are to forget that. */
void publisher_drop_log(struct publisher *p, uint32_t partition, struct str_view log);
/* A log of ours came to the partition (+1) or went (-1): a partition that is watched is asked
 * now and then whether it still knows us. */
void publisher_watch(struct publisher *p, uint32_t partition, int change);
/* People of ours hold names in the partition (kept until the node ends): watch it too. */
void publisher_watch_names(struct publisher *p, uint32_t partition);
/* A snapshot told the epoch of a partition's data. */
void publisher_note_epoch(struct publisher *p, uint32_t partition, struct str_view epoch);
/* There was an epoch and is none now: the data are gone, and not settled yet. */
bool publisher_has_lost_epoch(const struct publisher *p, uint32_t partition,
                              struct str_view epoch);
/* The link is up and the lease is ours. Asks all watched partitions. */
void publisher_on_ready(struct publisher *p);
/* The node has a new id: numbering starts anew; waiting items that change books are refused
 * (the hub registers everything again), messages are published under the new id. */
void publisher_on_new_node_id(struct publisher *p);
/* Redis answers but takes nothing (out of memory, no replicas ...). */
bool publisher_is_refused(const struct publisher *p);
/* Everything that was taken is stored or refused. */
bool publisher_is_idle(const struct publisher *p);

#endif
