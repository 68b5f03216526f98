/* SPDX-License-Identifier: MIT */
#include <parley/backplane/redis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/rng.h>

#include "backplane/follower.h"
#include "backplane/presence.h"
#include "backplane/publisher.h"
#include "backplane/queries.h"
#include "backplane/redis_internal.h"
#include "backplane/shard.h"
#include "backplane/topology.h"

enum { NODE_ID_LENGTH = 12, LIBRARY_VERSION = 1 };
_Static_assert(NODE_ID_LENGTH + 1 + 10 <= NODE_ID_MAX, "an epoch is an id and a number");

static const struct backplane_ops redis_ops;

static struct redis *redis_of(struct backplane *bp)
{
    return (struct redis *)(void *)bp;
}

struct backplane *redis_backplane_new(struct loop *loop,
                                      const struct redis_config *config,
                                      const struct redis_callbacks *callbacks, void *app,
                                      const char **ret_error)
{
    struct redis *r = xcalloc(1, sizeof(*r));

    r->base.ops = &redis_ops;
    r->loop = loop;
    r->config = *config;
    r->callbacks = callbacks;
    r->app = app;
    rng_token(r->node, NODE_ID_LENGTH);
    (void)snprintf(r->library, sizeof(r->library), "%s%d", config->prefix,
                   LIBRARY_VERSION);
    partitions_init(&r->partitions, sv_of(config->prefix), config->partitions);
    r->topology = topology_new(r, config->url, ret_error);
    if (r->topology == NULL) {
        partitions_done(&r->partitions);
        free(r);
        return NULL;
    }
    r->publisher = publisher_new(r);
    r->follower = follower_new(r);
    r->presence = presence_new(r);
    r->queries = queries_new(r);
    return (struct backplane *)(void *)r;
}

void redis_backplane_start(struct backplane *bp)
{
    topology_start(redis_of(bp)->topology);
}

void redis_backplane_retire(struct backplane *bp)
{
    presence_retire(redis_of(bp)->presence);
}

const char *redis_backplane_set_url(struct backplane *bp, const char *url)
{
    return topology_set_url(redis_of(bp)->topology, url);
}

void redis_backplane_free(struct backplane *bp)
{
    struct redis *r = redis_of(bp);

    topology_free(r->topology); /* first: no answer comes afterwards */
    queries_free(r->queries);
    presence_free(r->presence);
    follower_free(r->follower);
    publisher_free(r->publisher);
    partitions_done(&r->partitions);
    free(r);
}

/* ---- keys and functions ---- */

uint32_t redis_partition(const struct redis *r, struct str_view name)
{
    return partition_of(&r->partitions, name);
}

struct str_view redis_key(const struct redis *r, struct arena *a, uint32_t partition,
                          const char *kind, struct str_view name)
{
    const struct str_view parts[] = {
        sv_of(r->partitions.heads[partition]),
        sv_of(kind),
        name,
    };

    return arena_join(a, parts, PARLEY_COUNT_OF(parts));
}

void redis_function(const struct redis *r, struct arena *a, struct command *cmd,
                    const char *function, size_t key_count)
{
    const struct str_view parts[] = {sv_of(r->library), SV("_"), sv_of(function)};

    command_add(cmd, SV("FCALL"));
    command_add(cmd, arena_join(a, parts, PARLEY_COUNT_OF(parts)));
    command_add_u64(cmd, key_count);
}

/* ---- what happens to the whole node ---- */

void redis_update_available(struct redis *r)
{
    bool available = r->registered && topology_is_whole(r->topology) &&
                     !publisher_is_refused(r->publisher);

    if (available == r->available) {
        return;
    }
    r->available = available;
    metric_set(METRIC_AVAILABLE, available ? 1 : 0);
    log_info(available ? "backplane_available" : "backplane_away", "id=%s", r->node);
    r->events->on_available(r->hub, available);
    if (available && !r->started) {
        r->started = true;
        r->callbacks->on_start(r->app);
    }
}

/* Whatever waited for a primary may go on. */
static void resume(struct redis *r)
{
    publisher_on_ready(r->publisher);
    follower_on_ready(r->follower);
    queries_on_ready(r->queries);
}

/* The keys of all nodes (leases, registry) are in partition 0. */
static bool has_leases(const struct redis *r, const struct shard *s)
{
    return topology_shard(r->topology, 0) == s;
}

void redis_on_commands_ready(struct redis *r, const struct shard *s)
{
    if (has_leases(r, s)) {
        presence_on_commands_ready(r->presence);
    }
    if (r->registered) {
        resume(r);
        redis_update_available(r);
    }
}

/* With one server nothing is published before the lease is known to be ours again. In a cluster
 * the other primaries do not wait for the one with the leases. */
void redis_on_commands_down(struct redis *r, const struct shard *s)
{
    if (topology_is_single(r->topology)) {
        r->registered = false;
    }
    if (has_leases(r, s)) {
        presence_on_commands_down(r->presence);
    }
    redis_update_available(r);
}

void redis_on_subscriptions_ready(struct redis *r, const struct shard *s)
{
    (void)s;
    follower_on_ready(r->follower);
}

void redis_on_subscriptions_down(struct redis *r, const struct shard *s)
{
    follower_on_subscriptions_down(r->follower, s);
    redis_update_available(r);
}

void redis_on_partition_moved(struct redis *r, uint32_t partition, struct shard *before)
{
    follower_on_partition_moved(r->follower, partition, before);
    if (partition != 0) {
        return;
    }
    if (before != NULL) { /* whoever has the leases now is new to us */
        presence_on_commands_down(r->presence);
    }
    if (topology_can_send(r->topology, 0)) {
        presence_on_commands_ready(r->presence);
    }
}

void redis_on_map(struct redis *r)
{
    follower_on_map(r->follower);
    if (r->registered) {
        resume(r);
    }
    redis_update_available(r);
}

void redis_on_registered(struct redis *r)
{
    if (r->registered) {
        return;
    }
    r->registered = true;
    resume(r);
    redis_update_available(r);
}

void redis_take_new_node_id(struct redis *r)
{
    char old[NODE_ID_MAX + 1];

    memcpy(old, r->node, sizeof(old));
    rng_token(r->node, NODE_ID_LENGTH);
    metric_add(METRIC_FENCED, 1);
    log_warn("declared_dead", "old_id=%s new_id=%s", old, r->node);
    r->registered = false;
    publisher_on_new_node_id(r->publisher);
    presence_on_new_node_id(r->presence);
    topology_on_new_node_id(r->topology);
    r->events->on_new_node_id(r->hub, sv_of(old), sv_of(r->node));
}

struct lost_partition {
    const struct redis *redis;
    uint32_t partition;
};

static bool is_in_lost_partition(void *ctx, struct str_view name)
{
    const struct lost_partition *lost = ctx;

    return redis_partition(lost->redis, name) == lost->partition;
}

void redis_on_partition_lost(struct redis *r, uint32_t partition)
{
    struct lost_partition lost = {.redis = r, .partition = partition};

    metric_add(METRIC_PARTITIONS_LOST, 1);
    log_warn("partition_lost", "partition=%u", partition);
    if (r->registered) {
        /* Nothing of ours is registered again before the node itself is: should it die right
         * then, nobody would know that there is something to remove. */
        r->registered = false;
        presence_check(r->presence);
    }
    follower_on_partition_lost(r->follower, partition);
    r->events->on_lost(r->hub, is_in_lost_partition, &lost);
}

void redis_refuse(struct redis *r, const char *why)
{
    log_error("redis_unusable", "why=\"%s\"", why);
    r->callbacks->on_unusable(r->app, why);
}

/* ---- core/backplane.h ---- */

static void op_attach(struct backplane *bp, const struct backplane_events *events,
                      void *hub)
{
    redis_of(bp)->events = events;
    redis_of(bp)->hub = hub;
}

static struct str_view op_node_id(struct backplane *bp)
{
    return sv_of(redis_of(bp)->node);
}

static void op_inbox_name(struct backplane *bp, struct str_view node,
                          struct strbuf *ret_name)
{
    (void)bp;
    strbuf_add_char(ret_name, '@');
    strbuf_add(ret_name, node);
}

static bool op_is_available(struct backplane *bp)
{
    return redis_of(bp)->available;
}

static struct log_handle *op_open(struct backplane *bp, struct str_view name,
                                  void *log_owner)
{
    return follower_open(redis_of(bp)->follower, name, log_owner);
}

static void op_close(struct backplane *bp, struct log_handle *log)
{
    follower_close(redis_of(bp)->follower, log);
}

static bool op_publish(struct backplane *bp, struct log_handle *log,
                       const struct publication *pub)
{
    return publisher_add(redis_of(bp)->publisher, follower_log_partition(log),
                         follower_log_name(log), pub);
}

static bool op_publish_to(struct backplane *bp, struct str_view log_name,
                          const struct publication *pub)
{
    struct redis *r = redis_of(bp);

    return publisher_add(r->publisher, redis_partition(r, log_name), log_name, pub);
}

static void op_claim(struct backplane *bp, struct str_view name, struct str_view owner,
                     struct str_view expected, struct str_view record, struct token token)
{
    queries_claim(redis_of(bp)->queries, name, owner, record, expected, token);
}

static void op_release(struct backplane *bp, struct str_view name, struct str_view owner)
{
    queries_release(redis_of(bp)->queries, name, owner);
}

static void op_lookup(struct backplane *bp, struct str_view name, struct token token)
{
    queries_lookup(redis_of(bp)->queries, name, token);
}

static void op_read_history(struct backplane *bp, struct str_view log_name,
                            struct entry_id before, size_t count, struct token token)
{
    queries_history(redis_of(bp)->queries, log_name, before, count, token);
}

static void op_list_rooms(struct backplane *bp, struct token token)
{
    queries_rooms(redis_of(bp)->queries, token);
}

static bool op_is_idle(struct backplane *bp)
{
    struct redis *r = redis_of(bp);

    return publisher_is_idle(r->publisher) && queries_is_idle(r->queries);
}

static const struct backplane_ops redis_ops = {
    .attach = op_attach,
    .node_id = op_node_id,
    .inbox_name = op_inbox_name,
    .is_available = op_is_available,
    .open = op_open,
    .close = op_close,
    .publish = op_publish,
    .publish_to = op_publish_to,
    .claim = op_claim,
    .release = op_release,
    .lookup = op_lookup,
    .read_history = op_read_history,
    .list_rooms = op_list_rooms,
    .is_idle = op_is_idle,
};
