/* SPDX-License-Identifier: MIT */
#include "backplane/scan.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/map.h>

#include "backplane/follower.h"
#include "backplane/janitor.h"
#include "backplane/presence.h"
#include "backplane/reaper.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/topology.h"

/* A registered node that is not this one. */
struct other {
    bool is_listed; /* in the registry, as it is being read */
    bool is_missed; /* its lease was not there in the scan before */
    char node[NODE_ID_MAX + 1];
};

struct scan {
    struct redis *redis;     /* borrowed */
    struct reaper *reaper;   /* borrowed */
    struct janitor *janitor; /* owned */
    struct timer timer;
    bool is_scanner;
    uint64_t started_ms; /* the link is up since then */
    uint64_t look_ms;    /* when who does not scan reads the registry */
    uint64_t lost_ms;    /* when the registry was lost; 0: nobody is missing in it */
    /* The registry as last read, and who was in it when it was lost. Owned, as all in it. */
    struct map others;
    uint64_t reads;     /* how often it was read */
    size_t asked_count; /* others whose leases were asked for, since then */
    struct command command;
    struct arena arena;
};

static void on_timer(void *arg);

static struct str_view name_of_other(const void *object)
{
    const struct other *o = object;

    return sv_of(o->node);
}

struct scan *scan_new(struct redis *r, struct reaper *reaper)
{
    struct scan *s = xcalloc(1, sizeof(*s));

    s->redis = r;
    s->reaper = reaper;
    s->janitor = janitor_new(r, reaper);
    timer_init(&s->timer, r->loop, on_timer, s);
    map_init(&s->others, name_of_other);
    command_init(&s->command);
    arena_init(&s->arena);
    return s;
}

void scan_free(struct scan *s)
{
    map_done_free(&s->others);
    janitor_free(s->janitor);
    timer_done(&s->timer);
    command_done(&s->command);
    arena_done(&s->arena);
    free(s);
}

/* The next one of those that are listed, or that are not. */
static struct other *next_other(const struct scan *s, size_t *cursor, bool is_listed)
{
    struct other *o = NULL;

    while ((o = map_next(&s->others, cursor)) != NULL && o->is_listed != is_listed) {}
    return o;
}

/* ---- requests ---- */

static struct command *begin(struct scan *s, struct str_view name)
{
    arena_clear(&s->arena);
    command_clear(&s->command);
    command_add(&s->command, name);
    return &s->command;
}

static struct str_view key(struct scan *s, const char *kind, const char *name)
{
    return redis_key(s->redis, &s->arena, 0, kind, sv_of(name));
}

/* Send what was built; without a link a later scan does. */
static void send(struct scan *s, link_reply_fn fn, uint64_t ctx)
{
    (void)topology_send(s->redis->topology, 0, &s->command, fn, s, ctx);
}

/* ---- who is dead ---- */

static void forget_missed(struct scan *s)
{
    struct other *o = NULL;
    size_t cursor = 0;

    while ((o = map_next(&s->others, &cursor)) != NULL) {
        o->is_missed = false;
    }
}

/* Missed once: suspected. Again in the next scan: dead. */
static void on_leases(void *arg, uint64_t reads, const struct redisReply *reply)
{
    struct scan *s = arg;
    struct other *o = NULL;
    size_t cursor = 0;

    if (reads != s->reads || reply_count(reply) != s->asked_count) {
        return;
    }
    for (size_t i = 0; (o = next_other(s, &cursor, true)) != NULL; i++) {
        bool has_lease = reply_text(reply_at(reply, i)).len > 0;

        if (!has_lease && o->is_missed) {
            reaper_reap(s->reaper, o->node);
        }
        o->is_missed = !has_lease;
    }
}

/* Of those that are listed, in the order of a walk. */
static void ask_leases(struct scan *s)
{
    struct command *cmd = begin(s, SV("MGET"));
    const struct other *o = NULL;
    size_t cursor = 0;

    s->asked_count = 0;
    while ((o = next_other(s, &cursor, true)) != NULL) {
        command_add(cmd, key(s, "lease:", o->node));
        s->asked_count++;
    }
    if (s->asked_count > 0) {
        send(s, on_leases, s->reads);
    }
}

/* ---- who is registered ---- */

/* NULL for ourselves, and for what is no node. */
static struct other *get_other(struct scan *s, struct str_view node)
{
    struct other *o = map_find(&s->others, node);

    if (o == NULL && node.len > 0 && node.len <= NODE_ID_MAX &&
        !sv_equal(node, sv_of(s->redis->node))) {
        o = xcalloc(1, sizeof(*o));
        memcpy(o->node, node.ptr, node.len);
        bool added = map_add(&s->others, o);

        PARLEY_ASSERT(added);
    }
    return o;
}

/* Whoever left the registry retired, or was reaped. */
static void drop_unlisted(struct scan *s)
{
    struct other *o = NULL;
    size_t cursor = 0;

    while ((o = next_other(s, &cursor, false)) != NULL) {
        free(map_remove(&s->others, sv_of(o->node)));
    }
}

static void on_restored(void *arg, uint64_t lost_ms, const struct redisReply *reply)
{
    struct scan *s = arg;

    if (reply_kind(reply) == REPLY_VALUE && lost_ms == s->lost_ms) {
        s->lost_ms = 0;
    }
}

/* Register those who were lost with the registry and did not come back by themselves. */
static void restore_unlisted(struct scan *s)
{
    struct command *cmd = begin(s, SV("HSET"));
    const struct other *o = NULL;
    size_t cursor = 0;
    size_t count = 0;
    char now[CLOCK_ISO_SIZE];

    clock_format_iso(clock_wall_ms(), now);
    command_add(cmd, key(s, "nodes", ""));
    for (; (o = next_other(s, &cursor, false)) != NULL; count++) {
        command_add(cmd, sv_of(o->node));
        command_add(cmd, sv_of(now));
    }
    if (count > 0) {
        log_warn("nodes_restored", "count=%zu", count);
        send(s, on_restored, s->lost_ms);
    } else {
        s->lost_ms = 0;
    }
}

static void on_registry(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct scan *s = arg;
    uint64_t now_ms = loop_now_ms(s->redis->loop);
    struct other *o = NULL;
    size_t cursor = 0;
    bool lists_us = false;

    (void)ctx;
    for (size_t i = 0; i < reply_count(reply) && !lists_us; i++) {
        lists_us = sv_equal(reply_text(reply_at(reply, i)), sv_of(s->redis->node));
    }
    if (!lists_us) {
        return; /* it was lost, or we were declared dead: the next beat will tell */
    }
    s->reads++;
    while ((o = map_next(&s->others, &cursor)) != NULL) {
        o->is_listed = false;
    }
    for (size_t i = 0; i < reply_count(reply); i++) {
        o = get_other(s, reply_text(reply_at(reply, i)));
        if (o != NULL) {
            o->is_listed = true;
        }
    }
    if (s->lost_ms == 0) {
        drop_unlisted(s);
    } else if (now_ms >= s->lost_ms + PRESENCE_LEASE_MS) {
        restore_unlisted(s);
    }
    if (s->is_scanner) {
        ask_leases(s);
    }
}

static void read_registry(struct scan *s)
{
    s->look_ms = loop_now_ms(s->redis->loop) + SCAN_LOOK_MS;
    command_add(begin(s, SV("HKEYS")), key(s, "nodes", ""));
    send(s, on_registry, 0);
}

static void on_heard(void *arg, struct str_view node)
{
    (void)get_other(arg, node);
}

void scan_on_registry_lost(struct scan *s)
{
    s->lost_ms = loop_now_ms(s->redis->loop);
    s->look_ms = s->lost_ms + PRESENCE_LEASE_MS;
    follower_each_heard(s->redis->follower, on_heard, s);
    janitor_hurry(s->janitor);
}

/* ---- turns ---- */

static void set_scanner(struct scan *s, bool is_scanner)
{
    s->is_scanner = is_scanner;
    janitor_set_active(s->janitor, is_scanner);
    if (!is_scanner) {
        forget_missed(s);
    }
}

/* The scan key held us or nobody: we scan. */
static void on_holder(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct scan *s = arg;
    struct str_view holder = reply_text(reply);
    bool is_ours = sv_equal(holder, sv_of(s->redis->node));

    (void)ctx;
    set_scanner(s, reply_kind(reply) == REPLY_VALUE && (holder.len == 0 || is_ours));
    if (s->is_scanner && is_ours) {
        struct command *cmd = begin(s, SV("PEXPIRE"));

        command_add(cmd, key(s, "scan", ""));
        command_add_u64(cmd, SCAN_HOLDER_MS);
        send(s, reaper_ignore_reply, 0);
    }
    if (s->is_scanner) {
        read_registry(s);
    }
}

static void ask_holder(struct scan *s)
{
    struct command *cmd = begin(s, SV("SET"));

    command_add(cmd, key(s, "scan", ""));
    command_add(cmd, sv_of(s->redis->node));
    command_add(cmd, SV("NX"));
    command_add(cmd, SV("GET"));
    command_add(cmd, SV("PX"));
    command_add_u64(cmd, SCAN_HOLDER_MS);
    send(s, on_holder, 0);
}

static void on_timer(void *arg)
{
    struct scan *s = arg;
    uint64_t now_ms = loop_now_ms(s->redis->loop);

    timer_start(&s->timer, SCAN_MS);
    if (s->redis->registered && now_ms >= s->look_ms) {
        read_registry(s);
    }
    if (s->redis->registered && now_ms - s->started_ms >= PRESENCE_LEASE_MS) {
        ask_holder(s);
    }
}

void scan_start(struct scan *s)
{
    s->started_ms = loop_now_ms(s->redis->loop);
    timer_start(&s->timer, SCAN_MS);
}

void scan_stop(struct scan *s)
{
    timer_stop(&s->timer);
    set_scanner(s, false);
}
