/* SPDX-License-Identifier: MIT */
#include "backplane/reaper.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/topology.h"

/* One dead node. Dies with the last of its requests. */
struct reaping {
    struct list link; /* unlinked once aborted */
    struct reaper *reaper;
    unsigned requests; /* under way */
    bool failed;       /* an answer was missing: do not strike the node off */
    bool has_left;     /* all rooms: its names may be released */
    bool is_former;    /* it was not registered any more */
    char node[NODE_ID_MAX + 1];
};

/* One room of a dead node. */
struct room_reaping {
    struct list link;        /* in reaper.rooms */
    struct reaping *reaping; /* borrowed; lives as long as its request */
    uint32_t partition;
    size_t log_len;
    char log[];
};

struct reaper {
    struct redis *redis; /* borrowed */
    struct list reapings;
    struct list aborted; /* waiting for their last requests */
    struct list rooms;   /* under way */
    size_t told_count;
    char told[REAPER_TOLD][NODE_ID_MAX + 1]; /* a ring */
    struct command command;
    struct arena arena;
};

struct reaper *reaper_new(struct redis *r)
{
    struct reaper *reaper = xcalloc(1, sizeof(*reaper));

    reaper->redis = r;
    list_init(&reaper->reapings);
    list_init(&reaper->aborted);
    list_init(&reaper->rooms);
    command_init(&reaper->command);
    arena_init(&reaper->arena);
    return reaper;
}

static void free_reapings(struct list *reapings)
{
    for (struct list *it; (it = list_take(reapings)) != NULL;) {
        free(LIST_ENTRY(it, struct reaping, link));
    }
}

static void room_free(struct room_reaping *room)
{
    list_remove(&room->link);
    free(room);
}

void reaper_free(struct reaper *reaper)
{
    LIST_FOR_EACH(&reaper->rooms, it) {
        room_free(LIST_ENTRY(it, struct room_reaping, link));
    }
    free_reapings(&reaper->reapings);
    free_reapings(&reaper->aborted);
    command_done(&reaper->command);
    arena_done(&reaper->arena);
    free(reaper);
}

void reaper_ignore_reply(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    (void)arg;
    (void)ctx;
    (void)reply;
}

/* ---- requests of one reaping ---- */

static struct command *begin(struct reaper *reaper)
{
    arena_clear(&reaper->arena);
    command_clear(&reaper->command);
    return &reaper->command;
}

static struct str_view key(struct reaper *reaper, uint32_t partition, const char *kind,
                           struct str_view name)
{
    return redis_key(reaper->redis, &reaper->arena, partition, kind, name);
}

/* Send what was built. False: the link is down, `fn` will not be called, and this reaping
 * comes to nothing. */
static bool send(struct reaping *reaping, link_reply_fn fn, void *arg, uint64_t partition)
{
    struct reaper *reaper = reaping->reaper;

    if (!topology_send(reaper->redis->topology, (uint32_t)partition, &reaper->command, fn,
                       arg, partition)) {
        reaping->failed = true;
        return false;
    }
    reaping->requests++;
    return true;
}

static void strike_off(struct reaping *reaping)
{
    struct reaper *reaper = reaping->reaper;
    struct command *cmd;

    reaper_forget_inbox(reaper, reaping->node);
    cmd = begin(reaper);
    command_add(cmd, SV("HDEL"));
    command_add(cmd, key(reaper, 0, "nodes", sv(NULL, 0)));
    command_add(cmd, sv_of(reaping->node));
    (void)topology_send(reaper->redis->topology, 0, cmd, reaper_ignore_reply, NULL, 0);
    if (reaping->is_former) {
        log_info("node_cleared", "former=%s", reaping->node);
    } else {
        metric_add(METRIC_NODES_REAPED, 1);
        log_info("node_reaped", "dead=%s", reaping->node);
    }
}

static void release_names(struct reaping *reaping);

/* An answer came (NULL: none). Frees the reaping with its last one. */
static void answered(struct reaping *reaping, const struct redisReply *reply)
{
    if (reply_kind(reply) != REPLY_VALUE) {
        reaping->failed = true;
    }
    reaping->requests--;
    if (reaping->requests == 0 && !reaping->failed && !reaping->has_left) {
        reaping->has_left = true;
        release_names(reaping);
    }
    if (reaping->requests > 0) {
        return;
    }
    if (!reaping->failed) {
        strike_off(reaping);
    }
    list_remove(&reaping->link);
    free(reaping);
}

static void on_answer(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    (void)ctx;
    answered(arg, reply);
}

/* ---- rooms ---- */

static bool reap_step(struct room_reaping *room, struct str_view cursor,
                      uint64_t removed);

static void on_room_step(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct room_reaping *room = arg;
    struct reaping *reaping = room->reaping;
    struct str_view cursor = reply_text(reply_at(reply, 0));

    bool goes_on = reply_kind(reply) == REPLY_VALUE && cursor.len > 0 &&
                   !sv_equal(cursor, SV("0"));

    (void)ctx;
    if (!goes_on || !reap_step(room, cursor, reply_u64(reply_at(reply, 1)))) {
        room_free(room);
    }
    answered(reaping, reply);
}

/* False: the link is down. */
static bool reap_step(struct room_reaping *room, struct str_view cursor, uint64_t removed)
{
    static const char *const kinds[] = {"l:", "m:", "s:"};
    struct reaper *reaper = room->reaping->reaper;
    struct redis *r = reaper->redis;
    struct str_view dead = sv_of(room->reaping->node);
    struct command *cmd = begin(reaper);
    struct strbuf entry;

    redis_function(r, &reaper->arena, cmd, "reap", 6);
    command_add(cmd, key(reaper, room->partition, "w", sv(NULL, 0)));
    command_add(cmd, key(reaper, room->partition, "rooms", sv(NULL, 0)));
    for (size_t i = 0; i < PARLEY_COUNT_OF(kinds); i++) {
        command_add(cmd,
                    key(reaper, room->partition, kinds[i], sv(room->log, room->log_len)));
    }
    command_add(cmd, key(reaper, room->partition, "in:", dead));
    command_add(cmd, dead);
    strbuf_init(&entry, 256);
    entry_encode_header(&entry, SV("-"), 0, 1);
    item_encode(&entry, ITEM_NODE_GONE, &dead, 1);
    command_add(cmd, arena_copy(&reaper->arena, strbuf_view(&entry)));
    strbuf_done(&entry);
    command_add_u64(cmd, r->config.history);
    command_add_u64(cmd, r->config.history_ttl_s);
    command_add(cmd, arena_copy(&reaper->arena, cursor));
    command_add_u64(cmd, REAPER_STEP);
    command_add_u64(cmd, removed);
    command_add_u64(cmd, room->reaping->is_former ? 1 : 0);
    return send(room->reaping, on_room_step, room, room->partition);
}

static void on_rooms(void *arg, uint64_t partition, const struct redisReply *reply)
{
    struct reaping *reaping = arg;

    for (size_t i = 0; i < reply_count(reply); i++) {
        struct str_view log = reply_text(reply_at(reply, i));
        struct room_reaping *room = xcalloc(1, sizeof(*room) + log.len + 1);

        list_append(&reaping->reaper->rooms, &room->link);
        room->reaping = reaping;
        room->partition = (uint32_t)partition;
        room->log_len = log.len;
        memcpy(room->log, log.ptr == NULL ? "" : log.ptr, log.len);
        if (!reap_step(room, SV("0"), 0)) {
            room_free(room);
        }
    }
    answered(reaping, reply);
}

/* ---- names ---- */

static void on_names(void *arg, uint64_t partition, const struct redisReply *reply)
{
    struct reaping *reaping = arg;
    struct reaper *reaper = reaping->reaper;

    for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
        struct str_view name = reply_text(reply_at(reply, i));
        struct command *cmd = begin(reaper);

        redis_function(reaper->redis, &reaper->arena, cmd, "release", 2);
        command_add(cmd, key(reaper, (uint32_t)partition, "n:", name));
        command_add(cmd, key(reaper, (uint32_t)partition, "nk:", sv_of(reaping->node)));
        command_add(cmd, name);
        command_add(cmd, reply_text(reply_at(reply, i + 1)));
        (void)send(reaping, on_answer, reaping, partition);
    }
    answered(reaping, reply);
}

/* Not before its people have left: who takes a name may go to a room where its owner was. */
static void release_names(struct reaping *reaping)
{
    struct reaper *reaper = reaping->reaper;

    for (uint32_t i = 0; i < reaper->redis->partitions.count; i++) {
        struct command *cmd = begin(reaper);

        command_add(cmd, SV("HGETALL"));
        command_add(cmd, key(reaper, i, "nk:", sv_of(reaping->node)));
        (void)send(reaping, on_names, reaping, i);
    }
}

/* ---- partitions ---- */

/* The fence stands: what the books say of the node now is all that there will be. (Not all sent
 * at once: of a slot between two servers one request may overtake another.) */
static void on_fenced(void *arg, uint64_t partition, const struct redisReply *reply)
{
    struct reaping *reaping = arg;
    struct reaper *reaper = reaping->reaper;
    struct str_view dead = sv_of(reaping->node);
    struct command *cmd;

    if (reply_kind(reply) == REPLY_VALUE) {
        cmd = begin(reaper);
        command_add(cmd, SV("HKEYS"));
        command_add(cmd, key(reaper, (uint32_t)partition, "in:", dead));
        (void)send(reaping, on_rooms, reaping, partition);
    }
    answered(reaping, reply);
}

static void reap_partition(struct reaping *reaping, uint32_t partition)
{
    struct reaper *reaper = reaping->reaper;
    struct command *cmd = begin(reaper);

    redis_function(reaper->redis, &reaper->arena, cmd, "fence", 1);
    command_add(cmd, key(reaper, partition, "w", sv(NULL, 0)));
    command_add(cmd, sv_of(reaping->node));
    (void)send(reaping, on_fenced, reaping, partition);
}

/* Once for each node, however often it takes to reap it. */
static void tell_dead(struct reaper *reaper, const char *node)
{
    for (size_t i = 0; i < REAPER_TOLD; i++) {
        if (strcmp(reaper->told[i], node) == 0) {
            return;
        }
    }
    memcpy(reaper->told[reaper->told_count++ % REAPER_TOLD], node, strlen(node) + 1);
    log_warn("node_dead", "dead=%s", node);
}

/* The dead node was nobody's work, or is ours since an attempt that came to nothing: some primary
 * could not be asked. */
static void on_claimed(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct reaping *reaping = arg;
    struct str_view holder = reply_text(reply);
    bool was_ours = sv_equal(holder, sv_of(reaping->reaper->redis->node));
    bool free_before = reply_kind(reply) == REPLY_VALUE && holder.len == 0;

    (void)ctx;
    if (free_before || was_ours) {
        if (!reaping->is_former) {
            tell_dead(reaping->reaper, reaping->node);
        }
        for (uint32_t i = 0; i < reaping->reaper->redis->partitions.count; i++) {
            reap_partition(reaping, i);
        }
    } else {
        reaping->failed = true; /* another node's work */
    }
    answered(reaping, reply);
}

static bool is_under_way(const struct reaper *reaper, const char *node)
{
    LIST_FOR_EACH(&reaper->reapings, it) {
        if (strcmp(LIST_ENTRY(it, struct reaping, link)->node, node) == 0) {
            return true;
        }
    }
    return false;
}

static void start(struct reaper *reaper, const char *node, bool is_former)
{
    struct reaping *reaping;
    struct command *cmd;

    if (is_under_way(reaper, node)) {
        return;
    }
    reaping = xcalloc(1, sizeof(*reaping));
    reaping->reaper = reaper;
    reaping->is_former = is_former;
    memcpy(reaping->node, node, strlen(node) + 1);
    list_append(&reaper->reapings, &reaping->link);
    cmd = begin(reaper);
    command_add(cmd, SV("SET"));
    command_add(cmd, key(reaper, 0, "reap:", sv_of(node)));
    command_add(cmd, sv_of(reaper->redis->node));
    command_add(cmd, SV("NX"));
    command_add(cmd, SV("GET"));
    command_add(cmd, SV("PX"));
    command_add_u64(cmd, REAPER_CLAIM_MS);
    if (!send(reaping, on_claimed, reaping, 0)) {
        list_remove(&reaping->link);
        free(reaping);
    }
}

void reaper_reap(struct reaper *reaper, const char *node)
{
    start(reaper, node, false);
}

void reaper_clear(struct reaper *reaper, const char *node)
{
    start(reaper, node, true);
}

void reaper_abort(struct reaper *reaper)
{
    LIST_FOR_EACH(&reaper->reapings, it) {
        LIST_ENTRY(it, struct reaping, link)->failed = true;
    }
    list_splice(&reaper->aborted, &reaper->reapings);
}

void reaper_forget_inbox(struct reaper *reaper, const char *node)
{
    struct redis *r = reaper->redis;
    struct command *cmd = begin(reaper);
    struct strbuf inbox;

    strbuf_init(&inbox, NODE_ID_MAX + 8);
    backplane_ops((struct backplane *)(void *)r)
        ->inbox_name((struct backplane *)(void *)r, sv_of(node), &inbox);
    uint32_t partition = redis_partition(r, strbuf_view(&inbox));

    command_add(cmd, SV("EXPIRE"));
    command_add(cmd, key(reaper, partition, "l:", strbuf_view(&inbox)));
    command_add_u64(cmd, REAPER_INBOX_S);
    (void)topology_send(r->topology, partition, cmd, reaper_ignore_reply, NULL, 0);
    strbuf_done(&inbox);
}
