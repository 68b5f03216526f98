/* SPDX-License-Identifier: MIT */
#include "backplane/presence.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/rng.h>

#include "backplane/janitor.h"
#include "backplane/queries.h"
#include "backplane/reaper.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/topology.h"

/* A node whose lease was missing when we looked. */
struct suspect {
    struct list link;
    char node[NODE_ID_MAX + 1];
    bool seen; /* in the scan under way */
};

struct presence {
    struct redis *redis;     /* borrowed */
    struct reaper *reaper;   /* owned */
    struct janitor *janitor; /* owned */
    struct timer beat;
    struct timer scan;
    bool must_register;          /* with the next beat */
    bool known;                  /* the deployment's constants were compared */
    char epoch[NODE_ID_MAX + 1]; /* of the control keys */
    uint64_t connected_ms;       /* since when, without a break; 0: not */
    struct list suspects;
    char (*scanned)[NODE_ID_MAX + 1]; /* owned; nodes asked for in the scan under way */
    size_t scanned_count;
    struct command command;
    struct arena arena;
};

static void on_beat_timer(void *arg);
static void on_scan_timer(void *arg);

struct presence *presence_new(struct redis *r)
{
    struct presence *p = xcalloc(1, sizeof(*p));

    p->redis = r;
    p->reaper = reaper_new(r);
    p->janitor = janitor_new(r, p->reaper);
    p->must_register = true;
    timer_init(&p->beat, r->loop, on_beat_timer, p);
    timer_init(&p->scan, r->loop, on_scan_timer, p);
    list_init(&p->suspects);
    command_init(&p->command);
    arena_init(&p->arena);
    return p;
}

static void drop_suspects(struct presence *p)
{
    for (struct list *it; (it = list_take(&p->suspects)) != NULL;) {
        free(LIST_ENTRY(it, struct suspect, link));
    }
}

void presence_free(struct presence *p)
{
    drop_suspects(p);
    janitor_free(p->janitor);
    reaper_free(p->reaper);
    timer_done(&p->beat);
    timer_done(&p->scan);
    command_done(&p->command);
    arena_done(&p->arena);
    free(p->scanned);
    free(p);
}

static struct str_view control_key(struct presence *p, const char *kind, const char *name)
{
    return redis_key(p->redis, &p->arena, 0, kind, sv_of(name));
}

static bool send(struct presence *p, link_reply_fn fn)
{
    return topology_send(p->redis->topology, 0, &p->command, fn, p, 0);
}

static void begin(struct presence *p)
{
    arena_clear(&p->arena);
    command_clear(&p->command);
}

/* ---- the deployment's constants ---- */

static void on_config(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct presence *p = arg;
    struct redis *r = p->redis;
    uint64_t partitions = reply_u64(reply_at(reply, 0));
    struct strbuf why;

    (void)ctx;
    if (reply_kind(reply) != REPLY_VALUE) {
        return; /* asked again with the next beat */
    }
    if (partitions == r->partitions.count &&
        reply_u64(reply_at(reply, 1)) == PRESENCE_SCHEMA) {
        p->known = true;
        on_beat_timer(p);
        return;
    }
    strbuf_init(&why, 256);
    strbuf_add_fmt(
        &why,
        "this deployment was made with --partitions %llu and schema %llu; this "
        "node has --partitions %u and schema %d",
        (unsigned long long)partitions, (unsigned long long)reply_u64(reply_at(reply, 1)),
        r->partitions.count, PRESENCE_SCHEMA);
    redis_refuse(r, strbuf_cstr(&why));
    strbuf_done(&why);
}

static void ask_config(struct presence *p)
{
    char epoch[NODE_ID_MAX + 1];

    begin(p);
    redis_function(p->redis, &p->arena, &p->command, "config", 1);
    command_add(&p->command, control_key(p, "cfg", ""));
    command_add_u64(&p->command, p->redis->partitions.count);
    command_add_u64(&p->command, PRESENCE_SCHEMA);
    rng_token(epoch,
              sizeof(epoch) - 1); /* names this incarnation of the data, if it is new */
    command_add(&p->command, sv_of(epoch));
    (void)send(p, on_config);
}

/* ---- our lease ---- */

static void remember_epoch(struct presence *p, struct str_view epoch)
{
    if (epoch.len <= NODE_ID_MAX) {
        memcpy(p->epoch, epoch.ptr == NULL ? "" : epoch.ptr, epoch.len);
        p->epoch[epoch.len] = '\0';
    }
}

/* The registry does not know us: was everything lost, or were we declared dead? */
static void on_gone(struct presence *p, struct str_view epoch)
{
    bool same_data = epoch.len > 0 && sv_equal(epoch, sv_of(p->epoch));

    p->must_register = true;
    if (same_data) {
        redis_take_new_node_id(p->redis);
    } else {
        queries_on_data_lost(p->redis->queries);
        janitor_hurry(p->janitor);
        p->known = false;
        on_beat_timer(p);
    }
}

static void on_beat(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct presence *p = arg;
    struct str_view status = reply_text(reply_at(reply, 0));
    struct str_view epoch = reply_text(reply_at(reply, 1));

    (void)ctx;
    if (reply_kind(reply) != REPLY_VALUE) {
        return;
    }
    if (sv_equal(status, SV("GONE"))) {
        on_gone(p, epoch);
        return;
    }
    p->must_register = false;
    remember_epoch(p, epoch);
    redis_on_registered(p->redis);
}

static void on_beat_timer(void *arg)
{
    struct presence *p = arg;
    char since[CLOCK_ISO_SIZE];

    timer_start(&p->beat, PRESENCE_BEAT_MS);
    if (!p->known) {
        ask_config(p);
        return;
    }
    begin(p);
    redis_function(p->redis, &p->arena, &p->command, "beat", 3);
    command_add(&p->command, control_key(p, "lease:", p->redis->node));
    command_add(&p->command, control_key(p, "nodes", ""));
    command_add(&p->command, control_key(p, "cfg", ""));
    command_add(&p->command, sv_of(p->redis->node));
    command_add_u64(&p->command, PRESENCE_LEASE_MS);
    clock_format_iso(clock_wall_ms(), since);
    command_add(&p->command, sv_of(since));
    command_add_u64(&p->command, p->must_register ? 1 : 0);
    (void)send(p, on_beat);
}

/* ---- everybody else's ---- */

static struct suspect *find_suspect(struct presence *p, const char *node)
{
    LIST_FOR_EACH(&p->suspects, it) {
        struct suspect *s = LIST_ENTRY(it, struct suspect, link);

        if (strcmp(s->node, node) == 0) {
            return s;
        }
    }
    return NULL;
}

/* Missing once: suspected. Missing again in the next scan: dead. */
static void on_missing(struct presence *p, const char *node)
{
    struct suspect *s = find_suspect(p, node);

    if (s != NULL) {
        reaper_reap(p->reaper, node);
        s->seen = true;
        return;
    }
    s = xcalloc(1, sizeof(*s));
    memcpy(s->node, node, strlen(node) + 1);
    s->seen = true;
    list_append(&p->suspects, &s->link);
}

static void on_leases(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct presence *p = arg;

    (void)ctx;
    if (reply_count(reply) != p->scanned_count) {
        return;
    }
    for (size_t i = 0; i < p->scanned_count; i++) {
        if (reply_text(reply_at(reply, i)).len == 0) {
            on_missing(p, p->scanned[i]);
        }
    }
    LIST_FOR_EACH(&p->suspects, it) {
        struct suspect *s = LIST_ENTRY(it, struct suspect, link);

        if (!s->seen) {
            list_remove(&s->link);
            free(s);
        } else {
            s->seen = false;
        }
    }
}

static void on_nodes(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct presence *p = arg;
    size_t count = reply_count(reply);

    (void)ctx;
    if (count == 0) {
        return;
    }
    p->scanned = xreallocarray(p->scanned, count, sizeof(*p->scanned));
    p->scanned_count = 0;
    begin(p);
    command_add(&p->command, SV("MGET"));
    for (size_t i = 0; i < count; i++) {
        struct str_view node = reply_text(reply_at(reply, i));

        if (node.len == 0 || node.len > NODE_ID_MAX ||
            sv_equal(node, sv_of(p->redis->node))) {
            continue;
        }
        char *copy = p->scanned[p->scanned_count++];

        memcpy(copy, node.ptr, node.len);
        copy[node.len] = '\0';
        command_add(&p->command, control_key(p, "lease:", copy));
    }
    if (p->scanned_count > 0) {
        (void)send(p, on_leases);
    }
}

/* The scan key held us or nobody: we scan. */
static void on_scanner(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct presence *p = arg;
    struct str_view holder = reply_text(reply);

    (void)ctx;
    if (reply_kind(reply) != REPLY_VALUE ||
        (holder.len > 0 && !sv_equal(holder, sv_of(p->redis->node)))) {
        drop_suspects(p);
        janitor_set_active(p->janitor, false);
        return;
    }
    janitor_set_active(p->janitor, true);
    if (holder.len > 0) {
        begin(p);
        command_add(&p->command, SV("PEXPIRE"));
        command_add(&p->command, control_key(p, "scan", ""));
        command_add_u64(&p->command, PRESENCE_SCANNER_MS);
        (void)topology_send(p->redis->topology, 0, &p->command, reaper_ignore_reply, NULL,
                            0);
    }
    begin(p);
    command_add(&p->command, SV("HKEYS"));
    command_add(&p->command, control_key(p, "nodes", ""));
    (void)send(p, on_nodes);
}

static void on_scan_timer(void *arg)
{
    struct presence *p = arg;
    uint64_t now_ms = loop_now_ms(p->redis->loop);

    timer_start(&p->scan, PRESENCE_SCAN_MS);
    if (p->connected_ms == 0 || now_ms - p->connected_ms < PRESENCE_LEASE_MS ||
        !p->redis->registered) {
        return;
    }
    begin(p);
    command_add(&p->command, SV("SET"));
    command_add(&p->command, control_key(p, "scan", ""));
    command_add(&p->command, sv_of(p->redis->node));
    command_add(&p->command, SV("NX"));
    command_add(&p->command, SV("GET"));
    command_add(&p->command, SV("PX"));
    command_add_u64(&p->command, PRESENCE_SCANNER_MS);
    (void)send(p, on_scanner);
}

/* ---- links and ids ---- */

void presence_on_commands_ready(struct presence *p)
{
    p->connected_ms = loop_now_ms(p->redis->loop);
    on_beat_timer(p);
    timer_start(&p->scan, PRESENCE_SCAN_MS);
}

void presence_on_commands_down(struct presence *p)
{
    p->connected_ms = 0;
    timer_stop(&p->beat);
    timer_stop(&p->scan);
    drop_suspects(p);
    janitor_set_active(p->janitor, false);
    reaper_abort(p->reaper);
}

void presence_check(struct presence *p)
{
    on_beat_timer(p);
}

void presence_on_new_node_id(struct presence *p)
{
    p->must_register = true;
    on_beat_timer(p);
}

static void on_left(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct presence *p = arg;

    (void)ctx;
    (void)reply;
    p->redis->callbacks->on_retired(p->redis->app);
}

void presence_retire(struct presence *p)
{
    struct redis *r = p->redis;

    timer_stop(&p->beat);
    timer_stop(&p->scan);
    janitor_set_active(p->janitor, false);
    reaper_forget_inbox(p->reaper, r->node);
    begin(p);
    command_add(&p->command, SV("DEL"));
    command_add(&p->command, control_key(p, "lease:", r->node));
    (void)topology_send(r->topology, 0, &p->command, reaper_ignore_reply, NULL, 0);
    begin(p);
    command_add(&p->command, SV("HDEL"));
    command_add(&p->command, control_key(p, "nodes", ""));
    command_add(&p->command, sv_of(r->node));
    if (!send(p, on_left)) {
        r->callbacks->on_retired(r->app);
    }
}
