/* SPDX-License-Identifier: MIT */
/*
 * A node's whole conversation with Redis: what comes, in whatever order, goes through the real
 * follower, publisher and queries; there is no connection below them and only a listener above.
 *
 * The input is RESP, read leniently (a length that is too long ends with the input), so that a
 * mutation rarely makes the rest unreadable. A push goes to the follower, anything else answers the
 * oldest request. Letters between them are other things that happen:
 *
 *   c lose the oldest answer    d, u subscriptions down, up    t time passes
 *   o close a log and open it   l the partition is lost        s say something    h cut commands
 *   q ask something else: a name, a history, the rooms
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <parley/core/log.h>
#include <parley/util/alloc.h>
#include <parley/util/arena.h>

#include "backplane/follower.h"
#include "backplane/follower_internal.h"
#include "backplane/publisher_internal.h"
#include "backplane/push.h"
#include "backplane/queries.h"
#include "backplane/shard.h"
#include "backplane/topology.h"
#include "fuzz.h"
#include "model/virtual_loop.h"

enum { LOGS = 2, ELEMENTS_MAX = 1024, DEPTH_MAX = 6, MESSAGES_MAX = 2000 };

struct request {
    struct list link;
    link_reply_fn fn;
    void *arg;
    uint64_t ctx;
};

struct listener {
    struct log_handle *log;
    struct entry_id last; /* of the entries that came one after the other */
    unsigned entries;
};

static struct rig {
    struct redis redis;
    struct shard shard;
    struct listener listeners[LOGS];
    struct list requests;
    bool subscriptions_up;
    unsigned asked;
    struct arena arena; /* of the message */
} rig;

/* ---- instead of redis.c ---- */

uint32_t redis_partition(const struct redis *r, struct str_view name)
{
    (void)r;
    (void)name;
    return 0;
}

void redis_take_new_node_id(struct redis *r)
{
    r->node[0] = r->node[0] == 'z' ? 'a' : (char)(r->node[0] + 1);
    publisher_on_new_node_id(r->publisher);
}

/* ---- instead of topology.c and link.c ---- */

struct shard *topology_shard(const struct topology *t, uint32_t partition)
{
    (void)t;
    PARLEY_ASSERT(partition == 0);
    return &rig.shard;
}

struct server_life link_life(const struct link *link)
{
    (void)link;
    return (struct server_life){virtual_loop_now_ms() / 4096, 1};
}

bool topology_can_send(const struct topology *t, uint32_t partition)
{
    (void)t;
    (void)partition;
    return true;
}

bool topology_send(struct topology *t, uint32_t partition, const struct command *cmd,
                   link_reply_fn fn, void *arg, uint64_t ctx)
{
    struct request *q = xcalloc(1, sizeof *q);

    (void)t;
    PARLEY_ASSERT(partition == 0 && cmd->argc > 0);
    *q = (struct request){.fn = fn, .arg = arg, .ctx = ctx};
    list_init(&q->link);
    list_append(&rig.requests, &q->link);
    return true;
}

bool topology_can_subscribe(const struct topology *t, uint32_t partition)
{
    (void)t;
    (void)partition;
    return rig.subscriptions_up;
}

bool topology_subscribe(struct topology *t, uint32_t partition, const struct command *cmd)
{
    (void)cmd;
    return topology_can_subscribe(t, partition);
}

/* ---- the hub's side ---- */

static void look_at_items(const struct entry *entry)
{
    struct str_view rest = entry->items;
    struct item it;
    size_t count = 0;

    while (item_decode(&rest, &it) == ITEM_NEXT_OK) {
        PARLEY_ASSERT(it.field_count <= ITEM_FIELDS_MAX);
        PARLEY_ASSERT(it.field_count == 0 || it.fields[0].len <= ITEM_BYTES_MAX);
        count++;
    }
    PARLEY_ASSERT(count <= ENTRY_BYTES_MAX);
}

static void open_log(size_t index)
{
    struct listener *l = &rig.listeners[index];

    *l = (struct listener){0};
    l->log = follower_open(rig.redis.follower, index == 0 ? SV("#a") : SV("#b"), l);
}

static void reopen_log(size_t index)
{
    follower_close(rig.redis.follower, rig.listeners[index].log);
    open_log(index);
}

static void on_snapshot(void *hub, void *log_owner, const struct snapshot *snap)
{
    (void)hub;
    PARLEY_ASSERT(log_owner != NULL && snap->entry_count <= FOLLOWER_SNAPSHOT);
    for (size_t i = 0; i < snap->entry_count; i++) {
        look_at_items(&snap->entries[i]);
    }
    PARLEY_ASSERT(snap->member_count <= ELEMENTS_MAX &&
                  snap->state_count <= ELEMENTS_MAX);
}

/* Now and then a hub leaves a room over what it hears. */
static void on_entry(void *hub, void *log_owner, const struct entry *entry)
{
    struct listener *l = log_owner;

    (void)hub;
    PARLEY_ASSERT(l != NULL && entry->count <= ENTRY_ITEMS_MAX);
    look_at_items(entry);
    if (++l->entries % 7 == 0) {
        reopen_log((size_t)(l - rig.listeners));
    }
}

static void on_hole(void *hub, void *log_owner)
{
    (void)hub;
    PARLEY_ASSERT(log_owner != NULL);
}

static void on_stored(void *hub, struct token token, struct entry_id id, uint64_t index)
{
    (void)hub;
    (void)id;
    PARLEY_ASSERT(token.kind == 1 && index < ENTRY_ITEMS_MAX);
}

static void on_refused(void *hub, struct token token)
{
    (void)hub;
    PARLEY_ASSERT(token.kind == 1);
}

static void on_claim(void *hub, struct token token, enum claim_result result)
{
    (void)hub;
    PARLEY_ASSERT(token.kind == 1 && result <= CLAIM_FAILED);
}

static void on_lookup(void *hub, struct token token, bool answered, struct str_view owner,
                      struct str_view record)
{
    (void)hub;
    PARLEY_ASSERT(token.kind == 1 && (answered || owner.len + record.len == 0));
}

static void on_history(void *hub, struct token token, bool answered,
                       const struct entry *entries, size_t count)
{
    (void)hub;
    PARLEY_ASSERT(token.kind == 1 && (answered || count == 0));
    for (size_t i = 0; i < count; i++) {
        look_at_items(&entries[i]);
    }
}

static void on_rooms(void *hub, struct token token, bool answered,
                     const struct listing *rooms, size_t count, bool last)
{
    (void)hub;
    PARLEY_ASSERT(token.kind == 1 && (answered || last));
    for (size_t i = 0; i < count; i++) {
        PARLEY_ASSERT(rooms[i].members <= UINT32_MAX);
    }
}

static void on_takeover(void *hub)
{
    (void)hub; /* names are the hub's */
}

static const struct backplane_events events = {
    .on_claim = on_claim,
    .on_lookup = on_lookup,
    .on_history = on_history,
    .on_rooms = on_rooms,
    .on_snapshot = on_snapshot,
    .on_entry = on_entry,
    .on_hole = on_hole,
    .on_stored = on_stored,
    .on_refused = on_refused,
    .on_takeover = on_takeover,
};

/* ---- the input ---- */

static struct redisReply *new_reply(int type, struct str_view text)
{
    struct redisReply *reply = arena_take(&rig.arena, sizeof *reply);

    *reply = (struct redisReply){.type = type};
    reply->str = (char *)(uintptr_t)arena_copy(&rig.arena, text).ptr;
    reply->len = text.len;
    return reply;
}

static struct str_view take_line(struct str_view *rest)
{
    struct str_view line = sv_next_until(rest, '\n');

    return line.len > 0 && line.ptr[line.len - 1] == '\r' ? sv(line.ptr, line.len - 1)
                                                          : line;
}

static struct redisReply *take_reply(struct str_view *rest, unsigned depth);

static struct redisReply *take_array(struct str_view *rest, struct str_view length,
                                     unsigned depth)
{
    struct redisReply *reply = new_reply(REDIS_REPLY_ARRAY, SV(""));
    struct redisReply *elements[ELEMENTS_MAX];
    uint64_t wanted = 0;
    size_t count = 0;

    if (!sv_to_u64(length, ELEMENTS_MAX, &wanted)) {
        wanted = ELEMENTS_MAX; /* as many as there are */
    }
    while (count < wanted && depth < DEPTH_MAX &&
           (elements[count] = take_reply(rest, depth + 1)) != NULL) {
        count++;
    }
    reply->element = arena_take(&rig.arena, (count + 1) * sizeof *reply->element);
    memcpy(reply->element, elements, count * sizeof *elements);
    reply->elements = count;
    return reply;
}

static struct redisReply *take_bulk(struct str_view *rest, struct str_view length)
{
    uint64_t wanted = 0;

    if (!sv_to_u64(length, UINT32_MAX, &wanted)) {
        return new_reply(REDIS_REPLY_NIL, SV(""));
    }
    struct str_view text = sv(rest->ptr, wanted < rest->len ? wanted : rest->len);

    *rest = sv(rest->ptr + text.len, rest->len - text.len);
    (void)take_line(rest);
    return new_reply(REDIS_REPLY_STRING, text);
}

static long long take_integer(struct str_view line)
{
    bool negative = sv_starts_with(line, SV("-"));
    uint64_t value = 0;

    line = negative ? sv(line.ptr + 1, line.len - 1) : line;
    if (!sv_to_u64(line, INT64_MAX, &value)) {
        return 0;
    }
    return negative ? -(long long)value : (long long)value;
}

/* NULL: there is none, or something else than a reply comes first. */
static struct redisReply *take_reply(struct str_view *rest, unsigned depth)
{
    if (rest->len == 0 || strchr("*$+-:", rest->ptr[0]) == NULL || rest->ptr[0] == '\0') {
        return NULL;
    }
    char kind = rest->ptr[0];
    struct str_view line = take_line(rest);
    struct redisReply *reply;

    line = sv(line.ptr + 1, line.len > 0 ? line.len - 1 : 0);
    switch (kind) {
    case '*':
        return take_array(rest, line, depth);
    case '$':
        return take_bulk(rest, line);
    case ':':
        reply = new_reply(REDIS_REPLY_INTEGER, SV(""));
        reply->integer = take_integer(line);
        return reply;
    default:
        return new_reply(kind == '-' ? REDIS_REPLY_ERROR : REDIS_REPLY_STATUS, line);
    }
}

/* ---- what happens ---- */

static void answer(const struct redisReply *reply)
{
    struct list *it = list_take(&rig.requests);

    if (it != NULL) {
        struct request *q = LIST_ENTRY(it, struct request, link);
        struct request copy = *q;

        free(q);
        copy.fn(copy.arg, copy.ctx, reply);
    }
}

static void say_something(void)
{
    static const struct book_update update = {BOOK_MEMBER_SET, {"n/1", 3}, {"ann", 3}};
    const struct publication pub = {
        .item = SV("8 M1:a1:b0:"),
        .updates = &update,
        .update_count = rig.listeners[0].entries % 2,
        .token = {.kind = 1},
        .want_stored = true,
    };

    (void)publisher_add(rig.redis.publisher, 0, SV("#a"), &pub);
}

static void ask_something(void)
{
    struct queries *q = rig.redis.queries;
    struct token token = {.kind = 1};

    switch (rig.asked++ % 5) {
    case 0:
        queries_lookup(q, SV("ann"), token);
        break;
    case 1:
        queries_history(q, SV("#a"), (struct entry_id){0}, 100, token);
        break;
    case 2:
        queries_rooms(q, token);
        break;
    case 3:
        queries_claim(q, SV("ann"), SV("a/1"), SV("record"), SV(""), token);
        break;
    default:
        queries_release(q, SV("ann"), SV("a/1"));
        break;
    }
}

static void happen(char what)
{
    struct follower *f = rig.redis.follower;

    switch (what) {
    case 'c':
        answer(NULL);
        break;
    case 'h':
        for (size_t i = 0; i < MESSAGES_MAX && !list_is_empty(&rig.requests); i++) {
            answer(NULL);
        }
        publisher_on_ready(rig.redis.publisher);
        follower_on_ready(f);
        queries_on_ready(rig.redis.queries);
        break;
    case 'd':
        rig.subscriptions_up = false;
        follower_on_subscriptions_down(f, &rig.shard);
        break;
    case 'u':
        rig.subscriptions_up = true;
        follower_on_ready(f);
        break;
    case 't':
        virtual_loop_advance(1000);
        break;
    case 'o':
        reopen_log(1);
        break;
    case 'l':
        follower_on_partition_lost(f, 0);
        break;
    case 's':
        say_something();
        break;
    case 'q':
        ask_something();
        break;
    default:
        break;
    }
}

static void take_message(struct str_view *rest)
{
    const struct redisReply *reply = take_reply(rest, 0);

    if (reply == NULL) {
        happen(rest->ptr[0]);
        *rest = sv(rest->ptr + 1, rest->len - 1);
    } else if (push_kind_of(reply) == PUSH_SOUND) {
        (void)follower_on_push(rig.redis.follower, reply, &rig.shard);
    } else {
        answer(reply);
    }
    virtual_loop_run_tasks();
}

static void check_bounds(void)
{
    PARLEY_ASSERT(rig.redis.follower->turns.under_way[0] <= FOLLOWER_READS_MAX);
    for (size_t i = 0; i < LOGS; i++) {
        const struct log_handle *log = rig.listeners[i].log;

        PARLEY_ASSERT(log->held.len <= FOLLOWER_HELD_BYTES);
        PARLEY_ASSERT(log->mark_count <= FOLLOWER_MARKS_MAX);
    }
}

/* ---- life ---- */

/* What is logged is of no use here, and would be all that is seen. */
static void be_quiet(void)
{
    static int nowhere = -1;

    if (nowhere < 0) {
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        PARLEY_ASSERT(nowhere >= 0);
        log_setup(LOG_ERROR, LOG_TEXT, nowhere);
    }
}

static void setup(void)
{
    struct redis *r = &rig.redis;

    be_quiet();
    memset(&rig, 0, sizeof rig);
    virtual_loop_reset();
    list_init(&rig.requests);
    arena_init(&rig.arena);
    rig.subscriptions_up = true;
    (void)snprintf(r->node, sizeof r->node, "a");
    r->config = (struct redis_config){
        .history = 1000, .hold_bytes = 1 << 20, .hold_ms = 60000, .history_ttl_s = 600};
    r->partitions.count = 1;
    r->registered = true;
    r->events = &events;
    r->publisher = publisher_new(r);
    r->follower = follower_new(r);
    r->queries = queries_new(r);
    for (size_t i = 0; i < LOGS; i++) {
        open_log(i);
    }
    virtual_loop_run_tasks();
}

static void teardown(void)
{
    for (struct list *it; (it = list_take(&rig.requests)) != NULL;) {
        free(LIST_ENTRY(it, struct request, link));
    }
    follower_free(rig.redis.follower);
    publisher_free(rig.redis.publisher);
    queries_free(rig.redis.queries);
    arena_done(&rig.arena);
}

int FUZZ_TARGET(const uint8_t *data, size_t size)
{
    struct str_view rest = sv((const char *)data, size);

    setup();
    for (size_t i = 0; i < MESSAGES_MAX && rest.len > 0; i++) {
        arena_clear(&rig.arena);
        take_message(&rest);
        check_bounds();
    }
    teardown();
    return 0;
}
