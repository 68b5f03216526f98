/* SPDX-License-Identifier: MIT */
#include "backplane/probe.h"

#include <stdlib.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/rng.h>

#include "backplane/link.h"
#include "backplane/redis_internal.h"
#include "backplane/topology.h"

struct probe {
    struct redis *redis; /* borrowed */
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

struct probe *probe_new(struct redis *r)
{
    struct probe *p = xcalloc(1, sizeof(*p));

    p->redis = r;
    timer_init(&p->timer, r->loop, on_timer, p);
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

void probe_on_subscriptions_ready(struct probe *p)
{
    struct redis *r = p->redis;

    rng_token(p->prefix, sizeof(p->prefix) - 1);
    strbuf_clear(&p->channel);
    partition_add_key(&r->partitions, 0, &p->channel, "pr:", sv_of(r->node));
    command_clear(&p->command);
    command_add(&p->command, SV("SSUBSCRIBE"));
    command_add(&p->command, strbuf_view(&p->channel));
    (void)link_send_subscription(topology_subscriptions(r->topology, 0), &p->command);
    p->subscribed = false;
    p->heard = false;
    p->heard_ms = loop_now_ms(r->loop);
    timer_start(&p->timer, PROBE_MS);
}

void probe_on_subscriptions_down(struct probe *p)
{
    p->subscribed = false;
    p->heard = false;
    timer_stop(&p->timer);
}

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
    if (!link_send(topology_commands(p->redis->topology, 0), &p->command, 0, on_sent, p,
                   0)) {
        return false;
    }
    p->number++;
    p->sent_us = clock_monotonic_us();
    return true;
}

/* Deaf is who published and did not hear; who cannot publish cannot tell. */
static void on_timer(void *arg)
{
    struct probe *p = arg;
    uint64_t now_ms = loop_now_ms(p->redis->loop);

    timer_start(&p->timer, PROBE_MS);
    if (!p->subscribed) {
        return;
    }
    if (!send_token(p)) {
        p->heard_ms = now_ms;
        return;
    }
    if (now_ms - p->heard_ms >= PROBE_DEAF_MS) {
        metric_add(METRIC_PROBES_MISSED, 1);
        link_reset(topology_subscriptions(p->redis->topology, 0),
                   "what this node publishes does not come back");
    }
}

void probe_on_subscribed(struct probe *p, struct str_view channel)
{
    if (sv_equal(channel, strbuf_view(&p->channel))) {
        p->subscribed = true;
        p->heard_ms = loop_now_ms(p->redis->loop);
        (void)send_token(p);
    }
}

void probe_on_message(struct probe *p, struct str_view channel, struct str_view payload)
{
    struct str_view token = payload;

    if (!sv_equal(channel, strbuf_view(&p->channel)) || token.len < 2 ||
        !sv_equal(sv_next_until(&(struct str_view){token.ptr + 1, token.len - 1}, '.'),
                  sv_of(p->prefix))) {
        return;
    }
    metric_set(METRIC_PROBE_RTT, (int64_t)(clock_monotonic_us() - p->sent_us));
    metric_touch(METRIC_PROBE_AGE);
    p->heard_ms = loop_now_ms(p->redis->loop);
    if (!p->heard) {
        p->heard = true;
        redis_update_available(p->redis);
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
