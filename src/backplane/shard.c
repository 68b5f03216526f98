/* SPDX-License-Identifier: MIT */
#include "backplane/shard.h"

#include <stdio.h>
#include <stdlib.h>

#include <parley/core/log.h>
#include <parley/util/alloc.h>

#include "backplane/follower.h"
#include "backplane/link.h"
#include "backplane/probe.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/topology_internal.h"

/* ---- what the links tell ---- */

static void on_commands_ready(void *arg)
{
    struct shard *s = arg;

    probe_on_commands_ready(s->probe);
    redis_on_commands_ready(s->redis, s);
}

static void on_commands_down(void *arg, const char *why)
{
    struct shard *s = arg;

    log_warn("redis_link_down", "link=commands why=\"%s\" server=%s", why, s->label);
    s->loading_library = false;
    redis_on_commands_down(s->redis, s);
    topology_on_trouble(s->topology);
}

static void on_commands_push(void *arg, const struct redisReply *push)
{
    (void)arg;
    (void)push;
}

static void on_subscriptions_ready(void *arg)
{
    struct shard *s = arg;

    probe_on_subscriptions_ready(s->probe);
    redis_on_subscriptions_ready(s->redis, s);
}

static void on_subscriptions_down(void *arg, const char *why)
{
    struct shard *s = arg;

    log_warn("redis_link_down", "link=subscriptions why=\"%s\" server=%s", why, s->label);
    probe_on_subscriptions_down(s->probe);
    redis_on_subscriptions_down(s->redis, s);
    topology_on_trouble(s->topology);
}

static void on_subscriptions_push(void *arg, const struct redisReply *push)
{
    struct shard *s = arg;

    if (!follower_on_push(s->redis->follower, push, s)) {
        probe_on_push(s->probe, push);
    }
}

static void on_elsewhere(void *arg, const char *why)
{
    struct shard *s = arg;

    log_info("subscription_refused", "why=\"%s\" server=%s", why, s->label);
    follower_on_subscriptions_refused(s->redis->follower, s);
    topology_on_trouble(s->topology);
}

static void on_unusable(void *arg, const char *why)
{
    struct shard *s = arg;

    redis_refuse(s->redis, why);
}

static void on_denied(void *arg)
{
    struct shard *s = arg;

    s->redis->callbacks->on_denied(s->redis->app);
}

static const struct link_ops commands_ops = {
    .on_ready = on_commands_ready,
    .on_down = on_commands_down,
    .on_push = on_commands_push,
    .on_unusable = on_unusable,
    .on_denied = on_denied,
};

static const struct link_ops subscriptions_ops = {
    .on_ready = on_subscriptions_ready,
    .on_down = on_subscriptions_down,
    .on_push = on_subscriptions_push,
    .on_unusable = on_unusable,
    .on_denied = on_denied,
    .on_elsewhere = on_elsewhere,
};

/* ---- life ---- */

struct shard *shard_new(struct topology *t, struct str_view host, uint16_t port)
{
    struct shard *s = xcalloc(1, sizeof(*s));

    list_init(&s->link);
    s->topology = t;
    s->redis = t->redis;
    s->endpoint.host = xstrndup(host.ptr, host.len);
    s->endpoint.port = port;
    (void)snprintf(s->label, sizeof(s->label), "%.56s:%u", s->endpoint.host, port);
    s->commands = topology_make_link(t, &s->endpoint, LINK_COMMANDS, &commands_ops, s);
    s->subscriptions = topology_make_link(t, &s->endpoint, LINK_SUBSCRIPTIONS,
                                          &subscriptions_ops, s);
    s->probe = probe_new(s);
    return s;
}

void shard_free(struct shard *s)
{
    list_remove(&s->link);
    link_close(s->commands);
    link_close(s->subscriptions);
    probe_free(s->probe);
    loop_bury(s->redis->loop, s->endpoint.host, free);
    loop_bury(s->redis->loop, s, free);
}

void shard_start(struct shard *s)
{
    link_start(s->commands);
    link_start(s->subscriptions);
}

bool shard_is_ready(const struct shard *s)
{
    return link_state(s->commands) == LINK_READY &&
           link_state(s->subscriptions) == LINK_READY;
}

void shard_reset(struct shard *s, const char *why)
{
    link_reset(s->commands, why);
    link_reset(s->subscriptions, why);
}

static void on_library_loaded(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct shard *s = arg;

    (void)ctx;
    s->loading_library = false;
    if (reply_kind(reply) != REPLY_VALUE) {
        log_warn("library_not_loaded", "answer=\"%.*s\"", SV_ARG(reply_text(reply)));
    }
}

void shard_load_library(struct shard *s)
{
    if (!s->loading_library) {
        s->loading_library = link_load_library(s->commands, on_library_loaded, s, 0);
    }
}
