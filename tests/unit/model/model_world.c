/* SPDX-License-Identifier: MIT */
#include "model_world.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include <parley/util/alloc.h>

#include "backplane/follower.h"
#include "backplane/publisher.h"
#include "backplane/shard.h"
#include "backplane/topology.h"
#include "virtual_loop.h"

struct world world;

static struct arena arena;
static struct shard the_shard;
static struct shard other_shard; /* of partition 1 */

/* A command under way. */
struct request {
    struct list link;
    uint32_t partition;
    size_t argc;
    struct str_view *argv; /* owned, and the bytes */
    link_reply_fn fn;
    void *arg;
    uint64_t ctx;
    struct redisReply *answer; /* owned; NULL until it was carried out */
};

/* What is to arrive at a subscription link, in RESP; or a subscription to be made. */
struct push {
    struct list link;
    char *text;       /* owned; NULL: a subscription */
    size_t subscribe; /* to this log */
};

static struct redisReply *parse(const char *text, size_t len)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    ck_assert_int_eq(redisReaderFeed(reader, text, len), REDIS_OK);
    ck_assert_int_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    ck_assert_ptr_nonnull(reply);
    redisReaderFree(reader);
    return reply;
}

/* ---- the hub's side ---- */

/* An item is "M", the node's index and the number of the line; or it tells what is lost. */
static void on_entry(void *hub, void *log_owner, const struct entry *entry)
{
    struct world_log *log = log_owner;
    struct str_view rest = entry->items;
    struct item it;

    (void)hub;
    while (item_decode(&rest, &it) == ITEM_NEXT_OK) {
        uint64_t node = 0;
        uint64_t number = 0;

        if (it.type == ITEM_LOST) {
            ck_assert(sv_to_u64(item_field(&it, 0), UINT32_MAX, &number));
            log->losses++;
            log->lost = (unsigned)number;
            continue;
        }
        ck_assert(sv_to_u64(item_field(&it, 0), WORLD_NODES, &node));
        ck_assert(sv_to_u64(item_field(&it, 1), UINT32_MAX, &number));
        ck_assert_uint_lt(log->count, WORLD_HEARD_MAX);
        log->heard[log->count++] = (struct heard){(unsigned)node, (unsigned)number};
    }
}

/* What a first snapshot has counts as heard. */
static void on_snapshot(void *hub, void *log_owner, const struct snapshot *snap)
{
    struct world_log *log = log_owner;

    for (size_t i = 0; i < snap->entry_count && !log->is_open; i++) {
        on_entry(hub, log_owner, &snap->entries[i]);
    }
    log->is_open = true;
    log->snapshots++;
}

static void on_hole(void *hub, void *log_owner)
{
    struct world_log *log = log_owner;

    (void)hub;
    log->holes++;
    log->hole_at = log->count;
}

static void on_refused(void *hub, struct token token)
{
    (void)hub;
    (void)token;
    ck_abort_msg("a line was refused");
}

static void on_takeover(void *hub)
{
    (void)hub; /* nobody has a name here */
}

static const struct backplane_events events = {
    .on_snapshot = on_snapshot,
    .on_entry = on_entry,
    .on_hole = on_hole,
    .on_refused = on_refused,
    .on_takeover = on_takeover,
};

void world_say(struct world_node *n, size_t log)
{
    char number[16];
    char node[16];
    struct strbuf item;

    (void)snprintf(node, sizeof node, "%u", n->index);
    (void)snprintf(number, sizeof number, "%u", ++n->logs[log].said);
    const struct str_view fields[] = {sv_of(node), sv_of(number)};

    strbuf_init(&item, 256);
    item_encode(&item, ITEM_MESSAGE, fields, 2);
    const struct publication pub = {.item = strbuf_view(&item)};

    ck_assert(publisher_add(n->redis.publisher, 0, log == 0 ? SV("#a") : SV("#b"), &pub));
    strbuf_done(&item);
    virtual_loop_run_tasks();
}

void world_reopen(struct world_node *n, size_t log)
{
    struct world_log *l = &n->logs[log];

    if (world.server.books.logs[log].count < FOLLOWER_SNAPSHOT / 4) {
        follower_close(n->redis.follower, l->handle);
        l->count = 0;
        l->is_open = false;
        l->handle = follower_open(n->redis.follower, log == 0 ? SV("#a") : SV("#b"), l);
        virtual_loop_run_tasks();
    }
}

/* ---- instead of redis.c ---- */

/* The model's own logs are all of partition 0. */
uint32_t redis_partition(const struct redis *r, struct str_view name)
{
    (void)r;
    return sv_starts_with(name, SV("#other")) ? 1 : 0;
}

void redis_take_new_node_id(struct redis *r)
{
    (void)r;
    ck_abort_msg("nobody is declared dead here");
}

/* ---- instead of topology.c and link.c ---- */

static struct world_node *node_of_topology(const struct topology *t)
{
    return (struct world_node *)(uintptr_t)t;
}

struct shard *topology_shard(const struct topology *t, uint32_t partition)
{
    (void)t;
    return partition == 0 ? &the_shard : &other_shard;
}

struct server_life link_life(const struct link *link)
{
    (void)link;
    return (struct server_life){world.life, world.life - 1};
}

bool topology_can_send(const struct topology *t, uint32_t partition)
{
    (void)partition;
    return node_of_topology(t)->commands_up;
}

bool topology_send(struct topology *t, uint32_t partition, const struct command *cmd,
                   link_reply_fn fn, void *arg, uint64_t ctx)
{
    struct world_node *n = node_of_topology(t);
    struct request *q = xcalloc(1, sizeof *q);

    if (!n->commands_up) {
        free(q);
        return false;
    }
    *q = (struct request){
        .partition = partition, .argc = cmd->argc, .fn = fn, .arg = arg, .ctx = ctx};
    q->argv = xcalloc(cmd->argc, sizeof *q->argv);
    for (size_t i = 0; i < cmd->argc; i++) {
        q->argv[i] = sv(xstrndup(cmd->argv[i], cmd->argvlen[i]), cmd->argvlen[i]);
    }
    list_init(&q->link);
    list_append(&n->requests, &q->link);
    return true;
}

bool topology_can_subscribe(const struct topology *t, uint32_t partition)
{
    (void)partition;
    return node_of_topology(t)->subscriptions_up;
}

static struct push *push_add(struct world_node *n)
{
    struct push *p = xcalloc(1, sizeof *p);

    list_init(&p->link);
    list_append(&n->pushes, &p->link);
    return p;
}

bool topology_subscribe(struct topology *t, uint32_t partition, const struct command *cmd)
{
    struct world_node *n = node_of_topology(t);

    for (size_t i = 1; partition == 0 && n->subscriptions_up && i < cmd->argc; i++) {
        push_add(n)->subscribe = model_log_of_key(sv(cmd->argv[i], cmd->argvlen[i]));
    }
    return n->subscriptions_up;
}

/* ---- what travels ---- */

static void publish(void *arg, size_t log, const char *frame)
{
    (void)arg;
    for (size_t i = 0; i < WORLD_NODES; i++) {
        struct world_node *n = &world.nodes[i];
        struct strbuf text;

        if (!n->is_subscribed[log]) {
            continue;
        }
        strbuf_init(&text, 1 << 20);
        strbuf_add_fmt(&text, "*3\r\n$8\r\nsmessage\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n",
                       strlen(model_log_key(log)), model_log_key(log), strlen(frame),
                       frame);
        push_add(n)->text = xstrndup(text.ptr, text.len);
        strbuf_done(&text);
    }
}

static void request_free(struct request *q)
{
    for (size_t i = 0; i < q->argc; i++) {
        free((char *)(uintptr_t)q->argv[i].ptr);
    }
    if (q->answer != NULL) {
        freeReplyObject(q->answer);
    }
    list_remove(&q->link);
    free(q->argv);
    free(q);
}

static void push_free(struct push *p)
{
    list_remove(&p->link);
    free(p->text);
    free(p);
}

bool world_run_request(struct world_node *n)
{
    LIST_FOR_EACH(&n->requests, it) {
        struct request *q = LIST_ENTRY(it, struct request, link);

        if (q->answer == NULL && q->partition == 0) {
            const struct model_request request = {q->argc, q->argv};
            struct strbuf out;

            strbuf_init(&out, 1 << 24);
            model_redis_run(&world.server, &request, &out);
            q->answer = parse(out.ptr, out.len);
            strbuf_done(&out);
            return true;
        }
    }
    return false;
}

/* The first one to the primary that answers. */
static struct request *first_request(struct world_node *n)
{
    LIST_FOR_EACH(&n->requests, it) {
        struct request *q = LIST_ENTRY(it, struct request, link);

        if (q->partition == 0) {
            return q;
        }
    }
    return NULL;
}

size_t world_requests_to(struct world_node *n, uint32_t partition)
{
    size_t count = 0;

    LIST_FOR_EACH(&n->requests, it) {
        count += LIST_ENTRY(it, struct request, link)->partition == partition;
    }
    return count;
}

bool world_take_answer(struct world_node *n)
{
    struct request *q = first_request(n);

    if (q == NULL || q->answer == NULL) {
        return false;
    }
    list_remove(&q->link);
    q->fn(q->arg, q->ctx, q->answer);
    request_free(q);
    virtual_loop_run_tasks();
    return true;
}

static void hear(struct world_node *n, const char *text)
{
    struct redisReply *reply = parse(text, strlen(text));

    ck_assert(follower_on_push(n->redis.follower, reply, &the_shard));
    freeReplyObject(reply);
}

void world_open_other(struct world_node *n, unsigned number)
{
    static struct world_log ignored;
    char name[32];
    char text[128];

    (void)snprintf(name, sizeof name, "#other%u", number);
    (void)follower_open(n->redis.follower, sv_of(name), &ignored);
    virtual_loop_run_tasks();
    (void)snprintf(text, sizeof text,
                   "*3\r\n$10\r\nssubscribe\r\n$%zu\r\np:{1}:l:%s\r\n:1\r\n",
                   strlen("p:{1}:l:") + strlen(name), name);
    struct redisReply *reply = parse(text, strlen(text));

    ck_assert(follower_on_push(n->redis.follower, reply, &other_shard));
    freeReplyObject(reply);
    virtual_loop_run_tasks();
}

static void subscribe(struct world_node *n, size_t log)
{
    char text[128];

    n->is_subscribed[log] = true;
    (void)snprintf(text, sizeof text, "*3\r\n$10\r\nssubscribe\r\n$%zu\r\n%s\r\n:1\r\n",
                   strlen(model_log_key(log)), model_log_key(log));
    push_add(n)->text = xstrndup(text, strlen(text));
}

bool world_take_push(struct world_node *n)
{
    struct push *p = LIST_ENTRY(n->pushes.next, struct push, link);

    if (list_is_empty(&n->pushes)) {
        return false;
    }
    list_remove(&p->link);
    if (p->text == NULL) {
        subscribe(n, p->subscribe);
    } else {
        hear(n, p->text);
    }
    push_free(p);
    virtual_loop_run_tasks();
    return true;
}

/* ---- links ---- */

bool world_connect(struct world_node *n)
{
    bool is_new = !n->commands_up || !n->subscriptions_up;

    if (!n->commands_up) {
        n->commands_up = true;
        publisher_on_ready(n->redis.publisher);
    } else if (!n->subscriptions_up) {
        n->subscriptions_up = true;
    }
    follower_on_ready(n->redis.follower);
    virtual_loop_run_tasks();
    return is_new;
}

void world_cut_commands(struct world_node *n)
{
    struct list lost;

    n->commands_up = false;
    list_init(&lost);
    list_splice(&lost, &n->requests);
    for (struct list *it; (it = list_take(&lost)) != NULL;) {
        struct request *q = LIST_ENTRY(it, struct request, link);

        q->fn(q->arg, q->ctx, NULL);
        request_free(q);
    }
    virtual_loop_run_tasks();
}

void world_cut_subscriptions(struct world_node *n)
{
    n->subscriptions_up = false;
    memset(n->is_subscribed, 0, sizeof n->is_subscribed);
    LIST_FOR_EACH(&n->pushes, it) {
        push_free(LIST_ENTRY(it, struct push, link));
    }
    follower_on_subscriptions_down(n->redis.follower, &the_shard);
    virtual_loop_run_tasks();
}

void world_checkpoint(void)
{
    world.replica = world.server.books;
}

static void cut_all(void)
{
    world.life++;
    for (size_t i = 0; i < WORLD_NODES; i++) {
        world_cut_commands(&world.nodes[i]);
        world_cut_subscriptions(&world.nodes[i]);
    }
}

void world_fail_over(void)
{
    cut_all();
    world.server.books = world.replica;
}

void world_lose_all(void)
{
    cut_all();
    memset(&world.server.books, 0, sizeof world.server.books);
    world_checkpoint();
}

/* ---- life ---- */

static void node_setup(struct world_node *n, unsigned index)
{
    struct redis *r = &n->redis;

    n->index = index;
    list_init(&n->requests);
    list_init(&n->pushes);
    (void)snprintf(r->node, sizeof r->node, "node%u", index);
    r->config = (struct redis_config){.history = 100000,
                                      .hold_bytes = 1 << 24,
                                      .hold_ms = UINT64_C(1) << 40,
                                      .history_ttl_s = 600};
    r->partitions.count = WORLD_PARTITIONS;
    r->registered = true;
    r->events = &events;
    r->hub = n;
    r->topology = (struct topology *)(void *)n;
    r->publisher = publisher_new(r);
    r->follower = follower_new(r);
    for (size_t i = 0; i < MODEL_LOGS; i++) {
        n->logs[i].handle = follower_open(r->follower, i == 0 ? SV("#a") : SV("#b"),
                                          &n->logs[i]);
    }
    while (world_connect(n)) {}
}

void world_setup(uint64_t seed)
{
    memset(&world, 0, sizeof world);
    arena_init(&arena);
    virtual_loop_reset();
    world.chance = seed;
    world.life = 1000;
    world.server.arena = &arena;
    world.server.clock_ms = 1000;
    world.server.publish = publish;
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        node_setup(&world.nodes[i], i);
    }
}

void world_teardown(void)
{
    for (size_t i = 0; i < WORLD_NODES; i++) {
        struct world_node *n = &world.nodes[i];

        LIST_FOR_EACH(&n->requests, it) {
            request_free(LIST_ENTRY(it, struct request, link));
        }
        LIST_FOR_EACH(&n->pushes, it) {
            push_free(LIST_ENTRY(it, struct push, link));
        }
        follower_free(n->redis.follower);
        publisher_free(n->redis.publisher);
    }
    arena_done(&arena);
}
