/* SPDX-License-Identifier: MIT */
#include "backplane/cluster.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/rng.h>

#include "backplane/backoff.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/shard.h"
#include "backplane/slot_map.h"
#include "backplane/topology_internal.h"

/* Invariant: once the server turned out to be a cluster `timer` runs. */
struct cluster {
    struct topology *topology; /* borrowed */
    struct timer timer;        /* when to ask */
    uint64_t due_ms;           /* when that is */
    uint64_t asked_ms;         /* when we did last */
    struct redis_endpoint at;  /* whom we ask, or asked last; owned */
    struct link *scout;        /* owned; there while no primary can be asked */
    size_t next;               /* which candidate the next scout goes to */
    struct timer next_scout;   /* when */
    struct backoff backoff;
    struct command command;
};

enum { SCOUT_MS = 4000 }; /* then the next candidate is tried */

static void on_timer(void *arg);
static void on_next_scout(void *arg);

struct cluster *cluster_new(struct topology *t)
{
    struct cluster *c = xcalloc(1, sizeof(*c));

    c->topology = t;
    timer_init(&c->timer, t->redis->loop, on_timer, c);
    timer_init(&c->next_scout, t->redis->loop, on_next_scout, c);
    backoff_init(&c->backoff, LINK_BACKOFF_MIN_MS, LINK_BACKOFF_MAX_MS);
    command_init(&c->command);
    return c;
}

static void end_scout(struct cluster *c)
{
    timer_stop(&c->next_scout);
    if (c->scout != NULL) {
        link_close(c->scout);
        c->scout = NULL;
    }
}

/* A scout's link may still hold the name of the one before. */
static void set_asked(struct cluster *c, const struct redis_endpoint *at)
{
    char *before = c->at.host;

    c->at = (struct redis_endpoint){.host = xstrdup(at->host), .port = at->port};
    if (before != NULL) {
        loop_bury(c->topology->redis->loop, before, free);
    }
}

void cluster_free(struct cluster *c)
{
    end_scout(c);
    if (c->at.host != NULL) {
        loop_bury(c->topology->redis->loop, c->at.host, free);
    }
    timer_done(&c->timer);
    timer_done(&c->next_scout);
    command_done(&c->command);
    free(c);
}

/* ---- the map ---- */

static bool all_is_well(const struct topology *t)
{
    for (uint32_t i = 0; i < t->partition_count; i++) {
        if (t->partitions[i].shard == NULL || !shard_is_ready(t->partitions[i].shard)) {
            return false;
        }
    }
    return true;
}

static void ask_within(struct cluster *c, uint64_t wait_ms)
{
    uint64_t due_ms = loop_now_ms(c->topology->redis->loop) + wait_ms;

    if (!timer_is_running(&c->timer) || due_ms < c->due_ms) {
        c->due_ms = due_ms;
        timer_start(&c->timer, wait_ms);
    }
}

static void ask_again_later(struct cluster *c)
{
    bool calm = all_is_well(c->topology);

    timer_stop(&c->timer);
    ask_within(c, calm ? CLUSTER_CALM_MS
                       : CLUSTER_TROUBLE_MS / 2 + rng_below(CLUSTER_TROUBLE_MS / 2));
}

static bool take_map(struct cluster *c, const struct redisReply *reply,
                     struct str_view asked)
{
    struct slot_map *map = slot_map_new(reply, asked);
    bool taken = topology_take_map(c->topology, map);

    metric_add(METRIC_MALFORMED, (int64_t)map->skipped);
    slot_map_free(map);
    return taken;
}

/* An answer that does not come keeps nobody from asking another one. */
static void ask(struct cluster *c, struct link *link, link_reply_fn fn)
{
    command_clear(&c->command);
    command_add(&c->command, SV("CLUSTER"));
    command_add(&c->command, SV("SLOTS"));
    c->asked_ms = loop_now_ms(c->topology->redis->loop);
    (void)link_send(link, &c->command, 0, fn, c, 0);
}

/* ---- the scout ---- */

static size_t candidate_count(const struct cluster *c)
{
    return c->topology->url.seed_count + c->topology->shard_count;
}

/* The seeds, and behind them the servers that we know. */
static const struct redis_endpoint *candidate(const struct cluster *c, size_t index)
{
    const struct topology *t = c->topology;
    size_t skip = index - t->url.seed_count;

    if (index < t->url.seed_count) {
        return &t->url.seeds[index];
    }
    LIST_FOR_EACH(&t->shards, it) {
        if (skip-- == 0) {
            return &LIST_ENTRY(it, struct shard, link)->endpoint;
        }
    }
    return &t->url.seeds[0];
}

/* Not this one: the next, after a pause that grows. */
static void pass_on(struct cluster *c)
{
    timer_start(&c->next_scout, backoff_next_ms(&c->backoff));
}

static void on_scout_map(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct cluster *c = arg;

    (void)ctx;
    if (reply_kind(reply) != REPLY_VALUE || !take_map(c, reply, sv_of(c->at.host))) {
        pass_on(c);
        return;
    }
    backoff_reset(&c->backoff);
    end_scout(c);
    ask_again_later(c);
}

static void on_scout_ready(void *arg)
{
    struct cluster *c = arg;

    if (link_is_cluster(c->scout)) {
        ask(c, c->scout, on_scout_map);
    } else if (c->topology->url.cluster || c->topology->is_cluster) {
        redis_refuse(c->topology->redis, "the server is not one of a cluster, but "
                                         "--redis-url says so (redis-cluster://)");
        pass_on(c);
    } else {
        topology_be_single(c->topology, &c->at);
        end_scout(c);
    }
}

/* Where there is only one candidate the link itself tries again. */
static void on_scout_down(void *arg, const char *why)
{
    struct cluster *c = arg;

    log_warn("redis_link_down", "link=scout why=\"%s\" server=%s:%u", why, c->at.host,
             c->at.port);
    if (candidate_count(c) > 1) {
        pass_on(c);
    }
}

static void on_scout_push(void *arg, const struct redisReply *push)
{
    (void)arg;
    (void)push;
}

static void on_scout_unusable(void *arg, const char *why)
{
    struct cluster *c = arg;

    redis_refuse(c->topology->redis, why);
}

static void on_scout_denied(void *arg)
{
    const struct cluster *c = arg;
    struct redis *r = c->topology->redis;

    r->callbacks->on_denied(r->app);
}

static const struct link_ops scout_ops = {
    .on_ready = on_scout_ready,
    .on_down = on_scout_down,
    .on_push = on_scout_push,
    .on_unusable = on_scout_unusable,
    .on_denied = on_scout_denied,
};

static void start_scout(struct cluster *c)
{
    const struct redis_endpoint *at = candidate(c, c->next++ % candidate_count(c));

    set_asked(c, at);
    c->scout = topology_make_link(c->topology, &c->at, LINK_SCOUT, &scout_ops, c);
    link_start(c->scout);
    if (candidate_count(c) > 1) {
        timer_start(&c->next_scout, SCOUT_MS);
    }
}

static void on_next_scout(void *arg)
{
    struct cluster *c = arg;

    end_scout(c);
    start_scout(c);
}

/* ---- asking the primaries ---- */

/* One that answers, another one each time. */
static struct shard *choose_shard(struct topology *t)
{
    struct shard *chosen = NULL;
    uint32_t found = 0;

    LIST_FOR_EACH(&t->shards, it) {
        struct shard *s = LIST_ENTRY(it, struct shard, link);

        if (link_state(s->commands) == LINK_READY && rng_below(++found) == 0) {
            chosen = s;
        }
    }
    return chosen;
}

static void on_map(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct cluster *c = arg;

    (void)ctx;
    if (reply_kind(reply) == REPLY_VALUE) {
        (void)take_map(c, reply, sv_of(c->at.host));
    }
    ask_again_later(c);
}

static void on_timer(void *arg)
{
    struct cluster *c = arg;
    struct topology *t = c->topology;

    topology_drop_shards(t);
    struct shard *s = choose_shard(t);

    if (s != NULL) {
        end_scout(c);
        set_asked(c, &s->endpoint);
        ask(c, s->commands, on_map);
    } else if (c->scout == NULL) {
        start_scout(c);
    }
    ask_again_later(c);
}

void cluster_refresh_soon(struct cluster *c)
{
    uint64_t since_ms = loop_now_ms(c->topology->redis->loop) - c->asked_ms;

    if (c->topology->is_cluster) {
        ask_within(c, since_ms >= CLUSTER_PAUSE_MS ? 0 : CLUSTER_PAUSE_MS - since_ms);
    }
}

void cluster_start(struct cluster *c)
{
    start_scout(c);
}
