/* SPDX-License-Identifier: MIT */
#include "backplane/presence.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/rng.h>

#include "backplane/queries.h"
#include "backplane/reaper.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/scan.h"
#include "backplane/topology.h"

struct presence {
    struct redis *redis;   /* borrowed */
    struct reaper *reaper; /* owned */
    struct scan *scan;     /* owned */
    struct timer beat;
    bool must_register;          /* with the next beat */
    bool known;                  /* the deployment's constants were compared */
    char epoch[NODE_ID_MAX + 1]; /* of the control keys */
    struct command command;
    struct arena arena;
};

static void on_beat_due(void *arg);
static void send_beat(struct presence *p);

struct presence *presence_new(struct redis *r)
{
    struct presence *p = xcalloc(1, sizeof(*p));

    p->redis = r;
    p->reaper = reaper_new(r);
    p->scan = scan_new(r, p->reaper);
    p->must_register = true;
    timer_init(&p->beat, r->loop, on_beat_due, p);
    command_init(&p->command);
    arena_init(&p->arena);
    return p;
}

void presence_free(struct presence *p)
{
    scan_free(p->scan);
    reaper_free(p->reaper);
    timer_done(&p->beat);
    command_done(&p->command);
    arena_done(&p->arena);
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
        send_beat(p);
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
    memcpy(p->epoch, epoch.ptr == NULL ? "" : epoch.ptr, epoch.len);
    p->epoch[epoch.len] = '\0';
}

static void on_registry_lost(struct presence *p)
{
    queries_on_data_lost(p->redis->queries);
    scan_on_registry_lost(p->scan);
    p->must_register = true;
    p->known = false;
    send_beat(p);
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
    epoch.len = epoch.len > NODE_ID_MAX ? NODE_ID_MAX : epoch.len;
    bool is_gone = sv_equal(status, SV("GONE"));
    bool is_same = sv_equal(epoch, sv_of(p->epoch));

    if (is_gone && is_same && epoch.len > 0) { /* we were declared dead */
        redis_take_new_node_id(p->redis);
    } else if (is_gone || (!p->must_register && !is_same)) {
        on_registry_lost(p);
    } else {
        p->must_register = false;
        remember_epoch(p, epoch);
        redis_on_registered(p->redis);
    }
}

static void send_beat(struct presence *p)
{
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

/* A node that is not registered for a moment is not away; one that is not for so long is. */
static void on_beat_due(void *arg)
{
    struct presence *p = arg;

    redis_update_available(p->redis);
    send_beat(p);
}

/* ---- links and ids ---- */

void presence_on_commands_ready(struct presence *p)
{
    send_beat(p);
    scan_start(p->scan);
}

void presence_on_commands_down(struct presence *p)
{
    timer_stop(&p->beat);
    scan_stop(p->scan);
    reaper_abort(p->reaper);
}

void presence_check(struct presence *p)
{
    send_beat(p);
}

void presence_on_new_node_id(struct presence *p)
{
    p->must_register = true;
    send_beat(p);
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
    scan_stop(p->scan);
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
