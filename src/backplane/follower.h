/* SPDX-License-Identifier: MIT */
/*
 * follower.h - every open log, entry by entry, exactly once and in order.
 *
 * Pub/sub only wakes: a frame carries its entry, its id and the id before. A log whose frame
 * does not continue what was applied reads the hole from the stream; after every reconnect
 * the heads of all logs are compared, a partition at a time, and only those that moved are
 * read. States of a log:
 *
 *   SUBSCRIBE --confirmed--> SNAPSHOT --read--> LIVE --hole--> READ --> LIVE
 *       ^         '--(has a copy)--> CHECK --head moved--> READ --'
 *       '------ link lost, sunsubscribe ------ from any
 *   READ --the log does not hold what we applied last--> RESCAN --> LIVE or SNAPSHOT
 *
 * A server that takes over from another may lack what that one stored last, and gives the same
 * ids to other entries. So after a failover logs that moved lately are read from their beginning
 * (RESCAN), whatever their heads say.
 *
 * Each log keeps, for each writer, the highest batch number that it applied (its marks); so an
 * entry that is stored twice (published again after a failover) is applied once.
 * Owns the logs. Work is limited: FOLLOWER_READS_MAX requests under way to each primary.
 */
#ifndef PARLEY_BACKPLANE_FOLLOWER_H
#define PARLEY_BACKPLANE_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/str.h>

struct arena;
struct command;
struct follower;
struct log_handle;
struct redis;
struct redisReply;
struct shard;

enum {
    FOLLOWER_READS_MAX = 64,   /* requests under way to a primary */
    FOLLOWER_PAGE = 512,       /* entries read at once */
    FOLLOWER_GROUP = 256,      /* logs in one SSUBSCRIBE or one comparison of heads */
    FOLLOWER_SNAPSHOT = 64,    /* entries that come with a snapshot */
    FOLLOWER_MARKS_MAX = 4096, /* writers remembered per log */
    FOLLOWER_HELD_BYTES =
        256 << 10,             /* frames kept while a log is read; more are read again */
    FOLLOWER_REST_MS = 200,    /* a partition, after its primary refused a request */
    FOLLOWER_SEEN_MS = 60000,  /* how long it is "lately" */
    FOLLOWER_AUDIT_MS = 60000, /* heads are compared that often in any case */
};

struct follower *follower_new(struct redis *r);
void follower_free(struct follower *f);
struct log_handle *follower_open(struct follower *f, struct str_view name,
                                 void *log_owner);
void follower_close(struct follower *f, struct log_handle *log);
struct str_view follower_log_name(const struct log_handle *log);
uint32_t follower_log_partition(const struct log_handle *log);

/*
 * Add (log, writer, seq, place)* to `cmd`, as settle.lua wants them: the newest entry of each
 * writer that the logs of the partition got lately, at most `max`. Returns their number.
 */
size_t follower_add_seen(struct follower *f, uint32_t partition, size_t max,
                         struct arena *a, struct command *cmd);
/* Tell of each node, this one too, of which something new came lately in any log. */
typedef void (*follower_heard_fn)(void *arg, struct str_view node);
void follower_each_heard(struct follower *f, follower_heard_fn fn, void *arg);
/* The partition was settled: what we saw and it lacks now is lost, unless its writer comes late.
 * When it is certain the rooms are told. */
void follower_on_settled(struct follower *f, uint32_t partition);
/* `lines` (0: not known) of this node's own in `log` are gone for good. */
typedef void (*follower_lost_fn)(void *arg, struct str_view log, uint64_t lines);
/* Batches from + 1 to `upto` of this node are not stored, and it cannot bring them back. */
void follower_find_lost(struct follower *f, uint32_t partition, uint64_t from,
                        uint64_t upto, follower_lost_fn fn, void *arg);
/* What came in from a primary; false: it is of none of the logs. */
bool follower_on_push(struct follower *f, const struct redisReply *push,
                      const struct shard *from);
/* Behind the partition's link is a server that may lack what was stored last; to be told before
 * follower_on_ready(). */
void follower_on_other_server(struct follower *f, uint32_t partition);
/* A link is up, or the node is registered: what waited may go on. */
void follower_on_ready(struct follower *f);
void follower_on_subscriptions_down(struct follower *f, const struct shard *s);
/* Some subscription that is not confirmed was refused, as its slot is elsewhere. */
void follower_on_subscriptions_refused(struct follower *f, const struct shard *s);
/* The partition has another primary (`before`: or NULL); when all have been told of, their logs
 * are subscribed to anew. */
void follower_on_partition_moved(struct follower *f, uint32_t partition,
                                 struct shard *before);
void follower_on_map(struct follower *f);
/* The partition's data was lost: copies of its logs are not to be trusted to snapshots. */
void follower_on_partition_lost(struct follower *f, uint32_t partition);

#endif
