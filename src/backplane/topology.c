/* SPDX-License-Identifier: MIT */
#include "backplane/topology.h"

#include <event2/dns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/cluster.h"
#include "backplane/probe.h"
#include "backplane/redis_internal.h"
#include "backplane/shard.h"
#include "backplane/slot_map.h"
#include "backplane/topology_internal.h"
#include "lost_lua.h"
#include "parley_lua.h"
#include "settle_lua.h"

enum { KEEP_ASKED_MS = 60000 };

/* ---- life ---- */

/* The library's name depends on the prefix, so its first two lines are made here. */
static void write_library(struct topology *t)
{
    const char *name = t->redis->library;

    strbuf_init(&t->library,
                sizeof(parley_lua) + sizeof(settle_lua) + sizeof(lost_lua) + 256);
    strbuf_add_fmt(&t->library, "#!lua name=%s\nlocal lib = '%s'\n", name, name);
    strbuf_add(&t->library, sv(parley_lua, sizeof(parley_lua) - 1));
    strbuf_add(&t->library, sv(settle_lua, sizeof(settle_lua) - 1));
    strbuf_add(&t->library, sv(lost_lua, sizeof(lost_lua) - 1));
    PARLEY_ASSERT(!t->library.failed);
}

static void name_clients(struct topology *t)
{
    static const char *const roles[TOPOLOGY_ROLES] = {"commands", "subscriptions",
                                                      "scout"};

    for (size_t i = 0; i < TOPOLOGY_ROLES; i++) {
        (void)snprintf(t->client_names[i], sizeof(t->client_names[i]), "%s-%s-%s",
                       t->redis->partitions.prefix, t->redis->node, roles[i]);
    }
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
    name_clients(t);
    t->dns = evdns_base_new(loop_base(r->loop), EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                    EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (t->dns == NULL) { /* no resolv.conf: addresses and /etc/hosts still work */
        t->dns = evdns_base_new(loop_base(r->loop), 0);
    }
    t->partition_count = r->partitions.count;
    t->partitions = xcalloc(t->partition_count, sizeof(*t->partitions));
    list_init(&t->shards);
    list_init(&t->requests);
    t->cluster = cluster_new(t);
    return t;
}

void topology_start(struct topology *t)
{
    cluster_start(t->cluster);
}

void topology_free(struct topology *t)
{
    cluster_free(t->cluster);
    LIST_FOR_EACH(&t->shards, it) {
        shard_free(LIST_ENTRY(it, struct shard, link));
    }
    topology_free_requests(t);
    if (t->dns != NULL) {
        evdns_base_free(t->dns, 0);
    }
    strbuf_done(&t->library);
    redis_url_done(&t->url);
    free(t->partitions);
    free(t);
}

static void swap(char **a, char **b)
{
    char *kept = *a;

    *a = *b;
    *b = kept;
}

static bool is_same(const char *a, const char *b)
{
    return sv_equal(sv_of(a), sv_of(b)) && (a == NULL) == (b == NULL);
}

const char *topology_set_url(struct topology *t, const char *url)
{
    const char *error = NULL;
    struct redis_url fresh;

    if (!redis_url_parse(sv_of(url), &fresh, &error)) {
        return error;
    }
    if (redis_url_same_place(&fresh, &t->url)) {
        t->url.version += !is_same(fresh.user, t->url.user) ||
                          !is_same(fresh.password, t->url.password);
        swap(&fresh.user, &t->url.user);
        swap(&fresh.password, &t->url.password);
    } else {
        error = "it is of another server: that takes a restart";
    }
    redis_url_done(&fresh);
    return error;
}

struct link *topology_make_link(struct topology *t, const struct redis_endpoint *endpoint,
                                enum link_role role, const struct link_ops *ops,
                                void *arg)
{
    struct link_config config = {
        .url = &t->url,
        .host = endpoint->host,
        .port = endpoint->port,
        .role = role,
        .client_name = t->client_names[role],
        .library_name = t->redis->library,
        .library_text = strbuf_view(&t->library),
    };

    return link_new(t->redis->loop, t->dns, &config, ops, arg);
}

/* ---- asking ---- */

struct shard *topology_shard(const struct topology *t, uint32_t partition)
{
    PARLEY_ASSERT(partition < t->partition_count);
    return t->partitions[partition].shard;
}

bool topology_is_single(const struct topology *t)
{
    return !t->is_cluster;
}

bool topology_can_subscribe(const struct topology *t, uint32_t partition)
{
    const struct shard *s = topology_shard(t, partition);

    return s != NULL && link_state(s->subscriptions) == LINK_READY;
}

bool topology_subscribe(struct topology *t, uint32_t partition, const struct command *cmd)
{
    return topology_can_subscribe(t, partition) &&
           link_send_subscription(topology_shard(t, partition)->subscriptions, cmd);
}

size_t topology_sections_max(const struct topology *t)
{
    return t->is_cluster ? 1 : TOPOLOGY_SECTIONS_MAX;
}

size_t topology_calls_max(const struct topology *t)
{
    return t->is_cluster ? t->partition_count : TOPOLOGY_CALLS_MAX;
}

bool topology_is_whole(const struct topology *t)
{
    for (uint32_t i = 0; i < t->partition_count; i++) {
        const struct shard *s = t->partitions[i].shard;

        if (s == NULL || link_state(s->commands) != LINK_READY ||
            !probe_is_heard(s->probe)) {
            return false;
        }
    }
    return true;
}

void topology_on_new_node_id(struct topology *t)
{
    LIST_FOR_EACH(&t->shards, it) {
        probe_on_new_node_id(LIST_ENTRY(it, struct shard, link)->probe);
    }
}

void topology_on_trouble(struct topology *t)
{
    cluster_refresh_soon(t->cluster);
}

/* ---- owners ---- */

static struct shard *find_shard(struct topology *t, struct str_view host, uint16_t port)
{
    LIST_FOR_EACH(&t->shards, it) {
        struct shard *s = LIST_ENTRY(it, struct shard, link);

        if (s->endpoint.port == port && sv_equal(sv_of(s->endpoint.host), host)) {
            return s;
        }
    }
    return NULL;
}

struct shard *topology_get_shard(struct topology *t, struct str_view host, uint16_t port)
{
    struct shard *s = find_shard(t, host, port);

    if (s == NULL && t->shard_count < TOPOLOGY_SHARDS_MAX) {
        s = shard_new(t, host, port);
        list_append(&t->shards, &s->link);
        t->shard_count++;
        shard_start(s);
    }
    return s;
}

/* True: it is another one than before, and everybody was told. */
static bool set_owner(struct topology *t, uint32_t partition, struct shard *s)
{
    struct owned *own = &t->partitions[partition];
    struct shard *before = own->shard;

    if (before == s) {
        return false;
    }
    own->shard = s;
    own->stalled_ms = 0;
    own->stall_told = false;
    if (s != NULL) {
        s->partitions++;
    }
    if (before != NULL) {
        before->partitions--;
    }
    redis_on_partition_moved(t->redis, partition, before);
    return true;
}

void topology_be_single(struct topology *t, const struct redis_endpoint *endpoint)
{
    struct shard *s = topology_get_shard(t, sv_of(endpoint->host), endpoint->port);

    for (uint32_t i = 0; i < t->partition_count; i++) {
        (void)set_owner(t, i, s);
    }
    redis_on_map(t->redis);
}

static uint16_t slot_of_partition(const struct topology *t, uint32_t partition)
{
    return redis_slot_of(sv_of(t->redis->partitions.heads[partition]));
}

static bool covers_any(const struct topology *t, const struct slot_map *map)
{
    for (uint32_t i = 0; i < t->partition_count; i++) {
        if (slot_map_owner(map, slot_of_partition(t, i)) != NULL) {
            return true;
        }
    }
    return false;
}

bool topology_take_map(struct topology *t, const struct slot_map *map)
{
    if (!covers_any(t, map)) {
        return false; /* of a server that was taken out of the cluster, or is not in it yet */
    }
    uint32_t moved = 0;

    t->is_cluster = true;
    for (uint32_t i = 0; i < t->partition_count; i++) {
        const struct slot_owner *owner = slot_map_owner(map, slot_of_partition(t, i));

        moved += set_owner(
            t, i, owner == NULL ? NULL : topology_get_shard(t, owner->host, owner->port));
    }
    if (moved > 0) {
        metric_add(METRIC_PARTITIONS_MOVED, moved);
        log_info("partitions_moved", "count=%u servers=%zu", moved, t->shard_count);
        LIST_FOR_EACH(&t->shards, it) {
            probe_on_map(LIST_ENTRY(it, struct shard, link)->probe);
        }
        redis_on_map(t->redis);
    }
    topology_drop_shards(t);
    return true;
}

static bool is_of_use(const struct topology *t, const struct shard *s)
{
    bool asked = s->asked_ms != 0 &&
                 loop_now_ms(t->redis->loop) - s->asked_ms < KEEP_ASKED_MS;

    return s->partitions > 0 || asked || link_is_busy(s->commands);
}

void topology_drop_shards(struct topology *t)
{
    LIST_FOR_EACH(&t->shards, it) {
        struct shard *s = LIST_ENTRY(it, struct shard, link);

        if (!is_of_use(t, s)) {
            log_info("redis_shard_gone", "server=%s", s->label);
            t->shard_count--;
            shard_free(s);
        }
    }
}
