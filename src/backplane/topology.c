/* SPDX-License-Identifier: MIT */
#include "backplane/topology.h"

#include <event2/dns.h>
#include <stdio.h>
#include <stdlib.h>

#include <parley/core/log.h>
#include <parley/util/alloc.h>

#include "backplane/follower.h"
#include "backplane/link.h"
#include "backplane/redis_internal.h"
#include "parley_lua.h"

enum { CLIENT_NAME_SIZE = 96 };

struct topology {
    struct redis *redis; /* borrowed */
    struct redis_url url;
    struct evdns_base *dns;
    struct strbuf library; /* text of the function library */
    char client_names[2][CLIENT_NAME_SIZE];
    struct link *commands;
    struct link *subscriptions;
};

static void on_commands_ready(void *arg)
{
    redis_on_commands_ready(arg);
}

static void on_commands_down(void *arg, const char *why)
{
    log_warn("redis_link_down", "link=commands why=\"%s\"", why);
    redis_on_commands_down(arg);
}

static void on_commands_push(void *arg, const struct redisReply *push)
{
    (void)arg;
    (void)push;
}

static void on_subscriptions_ready(void *arg)
{
    redis_on_subscriptions_ready(arg);
}

static void on_subscriptions_down(void *arg, const char *why)
{
    log_warn("redis_link_down", "link=subscriptions why=\"%s\"", why);
    redis_on_subscriptions_down(arg);
}

static void on_subscriptions_push(void *arg, const struct redisReply *push)
{
    struct redis *r = arg;

    follower_on_push(r->follower, push);
}

static void on_unusable(void *arg, const char *why)
{
    redis_refuse(arg, why);
}

static const struct link_ops commands_ops = {
    .on_ready = on_commands_ready,
    .on_down = on_commands_down,
    .on_push = on_commands_push,
    .on_unusable = on_unusable,
};

static const struct link_ops subscriptions_ops = {
    .on_ready = on_subscriptions_ready,
    .on_down = on_subscriptions_down,
    .on_push = on_subscriptions_push,
    .on_unusable = on_unusable,
};

/* The library's name depends on the prefix, so its first two lines are made here. */
static void write_library(struct topology *t)
{
    const char *name = t->redis->library;

    strbuf_init(&t->library, sizeof(parley_lua) + 256);
    strbuf_add_fmt(&t->library, "#!lua name=%s\nlocal lib = '%s'\n", name, name);
    strbuf_add(&t->library, sv(parley_lua, sizeof(parley_lua) - 1));
    PARLEY_ASSERT(!t->library.failed);
}

static struct link *make_link(struct topology *t, enum link_role role, const char *name,
                              const struct link_ops *ops)
{
    struct link_config config = {
        .url = &t->url,
        .role = role,
        .client_name = name,
        .library_name = t->redis->library,
        .library_text = strbuf_view(&t->library),
    };

    return link_new(t->redis->loop, t->dns, &config, ops, t->redis);
}

static void name_client(const struct topology *t, const char *role,
                        char ret_name[CLIENT_NAME_SIZE])
{
    (void)snprintf(ret_name, CLIENT_NAME_SIZE, "%s-%s-%s", t->redis->partitions.prefix,
                   t->redis->node, role);
}

struct topology *topology_new(struct redis *r, const char *url, const char **ret_error)
{
    struct topology *t = xcalloc(1, sizeof(*t));

    t->redis = r;
    if (!redis_url_parse(sv_of(url), &t->url, ret_error)) {
        free(t);
        return NULL;
    }
    write_library(t);
    t->dns = evdns_base_new(loop_base(r->loop), EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                    EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (t->dns == NULL) { /* no resolv.conf: addresses and /etc/hosts still work */
        t->dns = evdns_base_new(loop_base(r->loop), 0);
    }
    name_client(t, "commands", t->client_names[0]);
    name_client(t, "subscriptions", t->client_names[1]);
    t->commands = make_link(t, LINK_COMMANDS, t->client_names[0], &commands_ops);
    t->subscriptions = make_link(t, LINK_SUBSCRIPTIONS, t->client_names[1],
                                 &subscriptions_ops);
    return t;
}

void topology_start(struct topology *t)
{
    link_start(t->commands);
    link_start(t->subscriptions);
}

static void swap(char **a, char **b)
{
    char *kept = *a;

    *a = *b;
    *b = kept;
}

const char *topology_set_url(struct topology *t, const char *url)
{
    const char *error = NULL;
    struct redis_url fresh;

    if (!redis_url_parse(sv_of(url), &fresh, &error)) {
        return error;
    }
    if (fresh.port != t->url.port || fresh.tls != t->url.tls ||
        !sv_equal(sv_of(fresh.host), sv_of(t->url.host))) {
        error = "it is of another server: that takes a restart";
    } else {
        swap(&fresh.user, &t->url.user);
        swap(&fresh.password, &t->url.password);
    }
    redis_url_done(&fresh);
    return error;
}

void topology_free(struct topology *t)
{
    link_close(t->commands);
    link_close(t->subscriptions);
    if (t->dns != NULL) {
        evdns_base_free(t->dns, 0);
    }
    strbuf_done(&t->library);
    redis_url_done(&t->url);
    free(t);
}

struct link *topology_commands(const struct topology *t, uint32_t partition)
{
    (void)partition;
    return t->commands;
}

struct link *topology_subscriptions(const struct topology *t, uint32_t partition)
{
    (void)partition;
    return t->subscriptions;
}

bool topology_is_ready(const struct topology *t)
{
    return link_state(t->commands) == LINK_READY;
}
