/* SPDX-License-Identifier: MIT */
#include "backplane/probe.h"

#include <stdlib.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/rng.h>

#include "backplane/link.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/shard.h"
#include "backplane/topology.h"

struct probe {
    struct shard *shard; /* borrowed */
    struct redis *redis; /* borrowed */
    uint32_t partition;  /* of the channel */
    struct timer timer;
    struct strbuf channel;
    char prefix[9];    /* in front of our tokens, random for each connection */
    uint64_t number;   /* of the token sent last */
    uint64_t sent_us;  /* when */
    uint64_t heard_ms; /* when one came back; when we subscribed, at first */
    bool subscribed;
    bool heard;
    struct command command;
    struct arena arena;
};

static void on_timer(void *arg);

struct probe *probe_new(struct shard *s)
{
    struct probe *p = xcalloc(1, sizeof(*p));

    p->shard = s;
    p->redis = s->redis;
    timer_init(&p->timer, s->redis->loop, on_timer, p);
    strbuf_init(&p->channel, 256);
    command_init(&p->command);
    arena_init(&p->arena);
    return p;
}

void probe_free(struct probe *p)
{
    timer_done(&p->timer);
    strbuf_done(&p->channel);
    command_done(&p->command);
    arena_done(&p->arena);
    free(p);
}

/* ---- the channel: of the first partition that the primary owns ---- */

/* False: it owns none, there is nothing to be heard. */
static bool choose_partition(struct probe *p)
{
    const struct topology *t = p->redis->topology;

    for (uint32_t i = 0; i < p->redis->partitions.count; i++) {
        if (topology_shard(t, i) == p->shard) {
            p->partition = i;
            return true;
        }
    }
    return false;
}

static void stop(struct probe *p)
{
    p->subscribed = false;
    p->heard = false;
    strbuf_clear(&p->channel);
    timer_stop(&p->timer);
}

static void send_subscription(struct probe *p, struct str_view word)
{
    command_clear(&p->command);
    command_add(&p->command, word);
    command_add(&p->command, strbuf_view(&p->channel));
    (void)link_send_subscription(p->shard->subscriptions, &p->command);
}

void probe_on_subscriptions_ready(struct probe *p)
{
    struct redis *r = p->redis;

    stop(p);
    if (!choose_partition(p)) {
        return;
    }
    rng_token(p->prefix, sizeof(p->prefix) - 1);
    partition_add_key(&r->partitions, p->partition, &p->channel, "pr:", sv_of(r->node));
    send_subscription(p, SV("SSUBSCRIBE"));
    p->heard_ms = loop_now_ms(r->loop);
    timer_start(&p->timer, PROBE_MS);
}

static void choose_again(struct probe *p)
{
    if (p->channel.len > 0) {
        send_subscription(p, SV("SUNSUBSCRIBE"));
    }
    probe_on_subscriptions_ready(p);
}

void probe_on_map(struct probe *p)
{
    bool fits = p->channel.len > 0 &&
                topology_shard(p->redis->topology, p->partition) == p->shard;

    if (!fits && link_state(p->shard->subscriptions) == LINK_READY) {
        choose_again(p);
    }
}

void probe_on_new_node_id(struct probe *p)
{
    if (link_state(p->shard->subscriptions) == LINK_READY) {
        choose_again(p);
    }
}

void probe_on_subscriptions_down(struct probe *p)
{
    stop(p);
}

/* ---- tokens ---- */

static void on_sent(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    (void)arg;
    (void)ctx;
    (void)reply; /* what counts is whether the token is heard */
}

static bool send_token(struct probe *p)
{
    struct strbuf token;

    arena_clear(&p->arena);
    strbuf_init(&token, 64);
    strbuf_add_fmt(&token, "p%s.%llu", p->prefix, (unsigned long long)p->number + 1);
    command_clear(&p->command);
    command_add(&p->command, SV("SPUBLISH"));
    command_add(&p->command, strbuf_view(&p->channel));
    command_add(&p->command, arena_copy(&p->arena, strbuf_view(&token)));
    strbuf_done(&token);
    if (!topology_send(p->redis->topology, p->partition, &p->command, on_sent, NULL, 0)) {
        return false;
    }
    p->number++;
    p->sent_us = clock_monotonic_us();
    return true;
}

/* Deaf is who published and did not hear, or whose subscription is not confirmed; who cannot
 * publish cannot tell. */
static void on_timer(void *arg)
{
    struct probe *p = arg;
    uint64_t now_ms = loop_now_ms(p->redis->loop);

    timer_start(&p->timer, PROBE_MS);
    if (p->subscribed && !send_token(p)) {
        p->heard_ms = now_ms;
        return;
    }
    if (now_ms - p->heard_ms >= PROBE_DEAF_MS) {
        metric_add(METRIC_PROBES_MISSED, 1);
        link_reset(p->shard->subscriptions,
                   "what this node publishes does not come back");
    }
}

static void on_subscribed(struct probe *p)
{
    p->subscribed = true;
    p->heard_ms = loop_now_ms(p->redis->loop);
    (void)send_token(p);
}

static void on_token(struct probe *p, struct str_view payload)
{
    struct str_view token = payload;

    if (token.len < 2 ||
        !sv_equal(sv_next_until(&(struct str_view){token.ptr + 1, token.len - 1}, '.'),
                  sv_of(p->prefix))) {
        return;
    }
    metric_set(METRIC_PROBE_RTT, (int64_t)(clock_monotonic_us() - p->sent_us));
    p->heard_ms = loop_now_ms(p->redis->loop);
    if (!p->heard) {
        p->heard = true;
        redis_update_available(p->redis);
    }
    if (topology_is_whole(p->redis->topology)) {
        metric_touch(METRIC_PROBE_AGE);
    }
}

void probe_on_push(struct probe *p, const struct redisReply *push)
{
    struct str_view kind = reply_text(reply_at(push, 0));

    if (p->channel.len == 0 ||
        !sv_equal(reply_text(reply_at(push, 1)), strbuf_view(&p->channel))) {
        return;
    }
    if (sv_equal(kind, SV("smessage"))) {
        on_token(p, reply_text(reply_at(push, 2)));
    } else if (sv_equal(kind, SV("ssubscribe"))) {
        on_subscribed(p);
    } else if (sv_equal(kind, SV("sunsubscribe"))) { /* the slot moved away */
        p->subscribed = false;
        topology_on_trouble(p->redis->topology);
    }
}

void probe_on_commands_ready(struct probe *p)
{
    if (p->subscribed) {
        (void)send_token(p);
    }
}

bool probe_is_heard(const struct probe *p)
{
    return p->heard;
}
