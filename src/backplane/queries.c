/* SPDX-License-Identifier: MIT */
#include "backplane/queries.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/publisher.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/topology.h"
#include "backplane/turns.h"

enum { TICK_MS = 1000, TEXTS_MAX = 4 };

enum query_kind {
    QUERY_CLAIM,
    QUERY_RELEASE,
    QUERY_LOOKUP,
    QUERY_HISTORY,
    QUERY_ROOMS,
    QUERY_KIND_COUNT,
};

struct query {
    struct list
        link; /* in waiting of its partition, or in newcomers, parked or under_way */
    struct queries *queries;
    enum query_kind kind;
    struct token token;
    uint64_t since_ms;
    /* claim: name owner record expected; release: name owner; lookup: name; history: log;
     * rooms: cursor */
    struct str_view texts[TEXTS_MAX];
    struct entry_id before; /* history */
    size_t count;           /* history */
    uint32_t partition;
    char cursor[24]; /* rooms */
    char bytes[];    /* of the texts */
};

struct queries {
    struct redis *redis;  /* borrowed */
    struct list *waiting; /* owned; of each partition, in the order of asking */
    struct turns turns;
    struct list newcomers; /* claims that wait until others have claimed theirs again */
    struct timer grace;    /* runs meanwhile */
    struct list
        parked; /* came to nothing: asked again with a tick, or a primary that is back */
    struct list under_way;
    size_t waiting_count; /* that are not under way */
    struct loop_task pump;
    struct timer tick;
    struct command command;
    struct arena arena;
};

/* What a kind of query asks, and what becomes of its answer. */
struct query_row {
    void (*build)(struct queries *q, const struct query *query);
    /* True when the query has ended, false when it goes on (another page). */
    bool (*on_value)(struct queries *q, struct query *query,
                     const struct redisReply *reply);
    void (*fail)(struct queries *q, const struct query *query);
};

static const struct query_row rows[QUERY_KIND_COUNT];
static void on_pump(void *arg);
static void on_tick(void *arg);
static void on_grace_over(void *arg);

struct queries *queries_new(struct redis *r)
{
    struct queries *q = xcalloc(1, sizeof(*q));

    q->redis = r;
    q->waiting = xcalloc(r->partitions.count, sizeof(*q->waiting));
    turns_init(&q->turns, r, QUERIES_UNDER_WAY_MAX);
    for (uint32_t i = 0; i < r->partitions.count; i++) {
        list_init(&q->waiting[i]);
    }
    list_init(&q->newcomers);
    timer_init(&q->grace, r->loop, on_grace_over, q);
    list_init(&q->parked);
    list_init(&q->under_way);
    loop_task_init(&q->pump, on_pump, q);
    timer_init(&q->tick, r->loop, on_tick, q);
    command_init(&q->command);
    arena_init(&q->arena);
    timer_start(&q->tick, TICK_MS);
    return q;
}

static void free_queries(struct list *list)
{
    for (struct list *it; (it = list_take(list)) != NULL;) {
        free(LIST_ENTRY(it, struct query, link));
    }
}

void queries_free(struct queries *q)
{
    for (uint32_t i = 0; i < q->redis->partitions.count; i++) {
        free_queries(&q->waiting[i]);
    }
    free(q->waiting);
    turns_done(&q->turns);
    free_queries(&q->newcomers);
    timer_done(&q->grace);
    free_queries(&q->parked);
    free_queries(&q->under_way);
    loop_task_cancel(&q->pump);
    timer_done(&q->tick);
    command_done(&q->command);
    arena_done(&q->arena);
    free(q);
}

bool queries_is_idle(const struct queries *q)
{
    return q->waiting_count == 0 && list_is_empty(&q->under_way);
}

/* ---- asking ---- */

static void pump_soon(struct queries *q)
{
    loop_task_queue(q->redis->loop, LOOP_PUBLISH, &q->pump);
}

static struct list *waiting_with(struct queries *q, const struct query *query)
{
    return &q->waiting[query->partition];
}

static struct query *query_new(struct queries *q, enum query_kind kind,
                               struct token token, const struct str_view *texts,
                               size_t text_count)
{
    size_t size = 0;

    for (size_t i = 0; i < text_count; i++) {
        size += texts[i].len;
    }
    struct query *query = xcalloc(1, sizeof(*query) + size);
    char *at = query->bytes;

    for (size_t i = 0; i < text_count; i++) {
        if (texts[i].len > 0) {
            memcpy(at, texts[i].ptr, texts[i].len);
        }
        query->texts[i] = sv(at, texts[i].len);
        at += texts[i].len;
    }
    query->queries = q;
    query->kind = kind;
    query->token = token;
    query->since_ms = loop_now_ms(q->redis->loop);
    query->partition = text_count > 0 ? redis_partition(q->redis, texts[0]) : 0;
    list_init(&query->link);
    list_append(waiting_with(q, query), &query->link);
    q->waiting_count++;
    pump_soon(q);
    return query;
}

/* A claim by somebody who held the name before expects that; a newcomer expects nobody. */
static bool is_newcomer(const struct query *query)
{
    return query->kind == QUERY_CLAIM && query->texts[3].len == 0;
}

static void move_newcomers(struct queries *q, struct list *from)
{
    LIST_FOR_EACH(from, it) {
        if (is_newcomer(LIST_ENTRY(it, struct query, link))) {
            list_remove(it);
            list_append(&q->newcomers, it);
        }
    }
}

void queries_on_data_lost(struct queries *q)
{
    timer_start(&q->grace, QUERIES_GRACE_MS);
    for (uint32_t i = 0; i < q->redis->partitions.count; i++) {
        move_newcomers(q, &q->waiting[i]);
    }
}

static void on_grace_over(void *arg)
{
    struct queries *q = arg;

    for (struct list *it; (it = list_take(&q->newcomers)) != NULL;) {
        list_append(waiting_with(q, LIST_ENTRY(it, struct query, link)), it);
    }
    pump_soon(q);
}

void queries_claim(struct queries *q, struct str_view name, struct str_view owner,
                   struct str_view record, struct str_view expected, struct token token)
{
    const struct str_view texts[] = {name, owner, record, expected};
    struct query *query = query_new(q, QUERY_CLAIM, token, texts, PARLEY_COUNT_OF(texts));

    if (is_newcomer(query) && timer_is_running(&q->grace)) {
        list_remove(&query->link);
        list_append(&q->newcomers, &query->link);
    }
}

void queries_release(struct queries *q, struct str_view name, struct str_view owner)
{
    const struct str_view texts[] = {name, owner};

    (void)query_new(q, QUERY_RELEASE, (struct token){0}, texts, PARLEY_COUNT_OF(texts));
}

void queries_lookup(struct queries *q, struct str_view name, struct token token)
{
    (void)query_new(q, QUERY_LOOKUP, token, &name, 1);
}

void queries_history(struct queries *q, struct str_view log, struct entry_id before,
                     size_t count, struct token token)
{
    struct query *query = query_new(q, QUERY_HISTORY, token, &log, 1);

    query->before = before;
    query->count = count > QUERIES_HISTORY_MAX ? QUERIES_HISTORY_MAX : count;
}

void queries_rooms(struct queries *q, struct token token)
{
    struct query *query = query_new(q, QUERY_ROOMS, token, NULL, 0);

    query->cursor[0] = '0';
}

/* ---- sending ---- */

static void on_reply(void *arg, uint64_t ctx, const struct redisReply *reply);

static bool query_send(struct queries *q, struct query *query)
{
    arena_clear(&q->arena);
    command_clear(&q->command);
    rows[query->kind].build(q, query);
    return topology_send(q->redis->topology, query->partition, &q->command, on_reply,
                         query, 0);
}

/* Ask the first one that waits in the partition; false: there is none, or not now. */
static bool pump_partition(void *arg, uint32_t partition)
{
    struct queries *q = arg;
    struct list *waiting = &q->waiting[partition];

    if (list_is_empty(waiting) || !topology_can_send(q->redis->topology, partition) ||
        !turns_has_room(&q->turns, partition)) {
        return false;
    }
    struct query *query = LIST_ENTRY(waiting->next, struct query, link);

    if (!query_send(q, query)) {
        return false;
    }
    list_remove(&query->link);
    list_append(&q->under_way, &query->link);
    turns_begin(&q->turns, partition);
    q->waiting_count--;
    return true;
}

static void on_pump(void *arg)
{
    struct queries *q = arg;

    if (q->redis->registered) {
        turns_go_round(&q->turns, pump_partition, q);
    }
}

/* Appending to the first link puts it before all that wait. */
static void query_wait(struct queries *q, struct query *query, struct list *where)
{
    list_append(where, &query->link);
    q->waiting_count++;
}

static void query_fail(struct queries *q, struct query *query)
{
    rows[query->kind].fail(q, query);
    free(query);
}

static void on_reply(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct query *query = arg;
    struct queries *q = query->queries;
    enum reply_kind kind = reply_kind(reply);

    (void)ctx;
    list_remove(&query->link);
    turns_end(&q->turns, query->partition);
    if (kind == REPLY_VALUE) {
        if (rows[query->kind].on_value(q, query, reply)) {
            free(query);
        } else {
            query_wait(q, query, waiting_with(q, query)->next);
        }
        pump_soon(q);
    } else if (kind == REPLY_REFUSED) {
        query_fail(q, query);
        pump_soon(q);
    } else {
        query_wait(q, query, &q->parked);
    }
}

/* In front of those that came later. */
static void unpark(struct queries *q)
{
    while (!list_is_empty(&q->parked)) {
        struct list *last = q->parked.prev;

        list_remove(last);
        list_append(waiting_with(q, LIST_ENTRY(last, struct query, link))->next, last);
    }
    pump_soon(q);
}

void queries_on_ready(struct queries *q)
{
    unpark(q);
}

static void fail_old(struct queries *q, struct list *list, uint64_t now_ms)
{
    LIST_FOR_EACH(list, it) {
        struct query *query = LIST_ENTRY(it, struct query, link);
        bool old = now_ms - query->since_ms > q->redis->config.hold_ms;

        if (!old && q->waiting_count <= QUERIES_WAITING_MAX) {
            return;
        }
        if (query->kind != QUERY_RELEASE) {
            list_remove(&query->link);
            q->waiting_count--;
            query_fail(q, query);
        }
    }
}

static void on_tick(void *arg)
{
    struct queries *q = arg;
    uint64_t now_ms = loop_now_ms(q->redis->loop);

    timer_start(&q->tick, TICK_MS);
    fail_old(q, &q->parked, now_ms);
    for (uint32_t i = 0; i < q->redis->partitions.count; i++) {
        fail_old(q, &q->waiting[i], now_ms);
    }
    fail_old(q, &q->newcomers, now_ms);
    unpark(q);
}

/* ---- names ---- */

static struct str_view key(struct queries *q, const struct query *query, const char *kind,
                           struct str_view name)
{
    return redis_key(q->redis, &q->arena, query->partition, kind, name);
}

static void build_claim(struct queries *q, const struct query *query)
{
    struct redis *r = q->redis;

    redis_function(r, &q->arena, &q->command, "claim", 2);
    command_add(&q->command, key(q, query, "n:", query->texts[0]));
    command_add(&q->command, key(q, query, "nk:", sv_of(r->node)));
    command_add(&q->command, query->texts[0]);
    command_add(&q->command, query->texts[1]);
    command_add(&q->command, query->texts[2]);
    command_add_u64(&q->command, 0); /* no expiry: a dead node's names are released */
    command_add(&q->command, query->texts[3]);
}

static bool on_claim(struct queries *q, struct query *query,
                     const struct redisReply *reply)
{
    bool granted = reply_u64(reply_at(reply, 0)) == 1;
    struct redis *r = q->redis;

    if (granted) {
        publisher_watch_names(r->publisher, query->partition);
    }
    r->events->on_claim(r->hub, query->token, granted ? CLAIM_GRANTED : CLAIM_TAKEN);
    return true;
}

static void fail_claim(struct queries *q, const struct query *query)
{
    q->redis->events->on_claim(q->redis->hub, query->token, CLAIM_FAILED);
}

/* The name's note is in the books of the node that the owner's id begins with. */
static void build_release(struct queries *q, const struct query *query)
{
    struct str_view owner = query->texts[1];

    redis_function(q->redis, &q->arena, &q->command, "release", 2);
    command_add(&q->command, key(q, query, "n:", query->texts[0]));
    command_add(&q->command, key(q, query, "nk:", sv_next_until(&owner, '/')));
    command_add(&q->command, query->texts[0]);
    command_add(&q->command, query->texts[1]);
}

static bool on_release(struct queries *q, struct query *query,
                       const struct redisReply *reply)
{
    (void)q;
    (void)query;
    (void)reply;
    return true;
}

static void fail_release(struct queries *q, const struct query *query)
{
    (void)q;
    (void)query;
}

static void build_lookup(struct queries *q, const struct query *query)
{
    command_add(&q->command, SV("HMGET"));
    command_add(&q->command, key(q, query, "n:", query->texts[0]));
    command_add(&q->command, SV("o"));
    command_add(&q->command, SV("d"));
}

static bool on_lookup(struct queries *q, struct query *query,
                      const struct redisReply *reply)
{
    struct redis *r = q->redis;

    r->events->on_lookup(r->hub, query->token, true, reply_text(reply_at(reply, 0)),
                         reply_text(reply_at(reply, 1)));
    return true;
}

static void fail_lookup(struct queries *q, const struct query *query)
{
    q->redis->events->on_lookup(q->redis->hub, query->token, false, sv(NULL, 0),
                                sv(NULL, 0));
}

/* ---- history ---- */

static void build_history(struct queries *q, const struct query *query)
{
    struct strbuf from;

    strbuf_init(&from, 64);
    if (query->before.ms == 0 && query->before.seq == 0) {
        strbuf_add_char(&from, '+');
    } else {
        strbuf_add_char(&from, '(');
        entry_id_add(&from, query->before);
    }
    command_add(&q->command, SV("XREVRANGE"));
    command_add(&q->command, key(q, query, "l:", query->texts[0]));
    command_add(&q->command, arena_copy(&q->arena, strbuf_view(&from)));
    command_add(&q->command, SV("-"));
    command_add(&q->command, SV("COUNT"));
    command_add_u64(&q->command, query->count);
    strbuf_done(&from);
}

static bool on_history(struct queries *q, struct query *query,
                       const struct redisReply *reply)
{
    struct redis *r = q->redis;
    size_t listed = reply_count(reply);
    struct entry *entries = xcalloc(listed + 1, sizeof(*entries));
    size_t count = 0;

    for (size_t i = listed; i > 0; i--) {
        if (reply_entry(reply_at(reply, i - 1), &entries[count])) {
            count++;
        } else {
            metric_add(METRIC_MALFORMED, 1);
        }
    }
    r->events->on_history(r->hub, query->token, true, entries, count);
    free(entries);
    return true;
}

static void fail_history(struct queries *q, const struct query *query)
{
    q->redis->events->on_history(q->redis->hub, query->token, false, NULL, 0);
}

/* ---- the index of rooms, partition by partition ---- */

static void build_rooms(struct queries *q, const struct query *query)
{
    command_add(&q->command, SV("HSCAN"));
    command_add(&q->command, key(q, query, "rooms", sv(NULL, 0)));
    command_add(&q->command, sv_of(query->cursor));
    command_add(&q->command, SV("COUNT"));
    command_add_u64(&q->command, QUERIES_ROOMS_PAGE);
}

/* "<members> <name>\n<topic>" */
static bool read_listing(struct str_view text, struct listing *ret)
{
    if (!sv_to_u64(sv_next_until(&text, ' '), UINT32_MAX, &ret->members)) {
        return false;
    }
    ret->room = sv_next_until(&text, '\n');
    ret->topic = text;
    return true;
}

/* The next page or partition; false at the end. */
static bool advance_rooms(struct queries *q, struct query *query, struct str_view cursor)
{
    if (cursor.len == 0 || cursor.len >= sizeof(query->cursor) ||
        sv_equal(cursor, SV("0"))) {
        query->partition++;
        cursor = SV("0");
    }
    memcpy(query->cursor, cursor.ptr, cursor.len);
    query->cursor[cursor.len] = '\0';
    return query->partition < q->redis->partitions.count;
}

static bool on_rooms(struct queries *q, struct query *query,
                     const struct redisReply *reply)
{
    struct redis *r = q->redis;
    const struct redisReply *list = reply_at(reply, 1);
    struct listing *rooms = xcalloc(reply_count(list) / 2 + 1, sizeof(*rooms));
    size_t count = 0;

    for (size_t i = 1; i < reply_count(list); i += 2) {
        if (read_listing(reply_text(reply_at(list, i)), &rooms[count])) {
            count++;
        } else {
            metric_add(METRIC_MALFORMED, 1);
        }
    }
    bool last = !advance_rooms(q, query, reply_text(reply_at(reply, 0)));

    r->events->on_rooms(r->hub, query->token, true, rooms, count, last);
    free(rooms);
    return last;
}

static void fail_rooms(struct queries *q, const struct query *query)
{
    q->redis->events->on_rooms(q->redis->hub, query->token, false, NULL, 0, true);
}

static const struct query_row rows[QUERY_KIND_COUNT] = {
    [QUERY_CLAIM] = {build_claim, on_claim, fail_claim},
    [QUERY_RELEASE] = {build_release, on_release, fail_release},
    [QUERY_LOOKUP] = {build_lookup, on_lookup, fail_lookup},
    [QUERY_HISTORY] = {build_history, on_history, fail_history},
    [QUERY_ROOMS] = {build_rooms, on_rooms, fail_rooms},
};
