/* SPDX-License-Identifier: MIT */
#include "backplane/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/rng.h>

#include "backplane/batch.h"
#include "backplane/follower.h"
#include "backplane/publisher_internal.h"
#include "backplane/reply.h"
#include "backplane/shard.h"
#include "backplane/topology.h"

enum {
    TICK_MS = 500,
    SETTLING_TICK_MS = 50,
    RETRY_MIN_MS = 10,
    RETRY_MAX_MS = 1000,
};

/* One FCALL under way. */
struct call {
    struct list link;
    struct publisher *publisher;
    size_t count;
    struct out_partition *partitions[]; /* borrowed; the batch is partition->flying */
};

static void on_tick(void *arg);
static void on_publish(void *arg);

struct publisher *publisher_new(struct redis *r)
{
    struct publisher *p = xcalloc(1, sizeof(*p));

    p->redis = r;
    p->partition_count = r->partitions.count;
    p->partitions = xcalloc(p->partition_count, sizeof(*p->partitions));
    outlogs_init(&p->outlogs);
    list_init(&p->ready);
    list_init(&p->calls);
    list_init(&p->settling);
    shelf_init(&p->batches);
    list_init(&p->ring_order);
    arena_init(&p->arena);
    command_init(&p->command);
    loop_task_init(&p->task, on_publish, p);
    timer_init(&p->tick, r->loop, on_tick, p);
    for (uint32_t i = 0; i < p->partition_count; i++) {
        struct out_partition *part = &p->partitions[i];

        part->index = i;
        list_init(&part->ready_link);
        list_init(&part->todo);
        list_init(&part->ring);
        list_init(&part->settlement.link);
        outbox_init(&part->outbox, &p->outlogs);
    }
    timer_start(&p->tick, TICK_MS);
    return p;
}

static void free_batches(struct list *batches)
{
    LIST_FOR_EACH(batches, it) {
        batch_free(LIST_ENTRY(it, struct batch, link));
    }
}

void publisher_free(struct publisher *p)
{
    for (uint32_t i = 0; i < p->partition_count; i++) {
        struct out_partition *part = &p->partitions[i];

        batch_free(part->flying);
        free_batches(&part->todo);
        free_batches(&part->ring);
        outbox_done(&part->outbox);
    }
    LIST_FOR_EACH(&p->calls, it) {
        free(LIST_ENTRY(it, struct call, link));
    }
    shelf_done(&p->batches);
    outlogs_done(&p->outlogs);
    arena_done(&p->arena);
    command_done(&p->command);
    loop_task_cancel(&p->task);
    timer_done(&p->tick);
    free(p->partitions);
    free(p);
}

/* ---- taking ---- */

static bool partition_has_work(const struct out_partition *part)
{
    return !list_is_empty(&part->todo) || !outbox_is_empty(&part->outbox) || part->check;
}

void partition_make_ready(struct publisher *p, struct out_partition *part)
{
    if (part->flying == NULL && partition_has_work(part) &&
        part->settlement.state == SETTLED && !list_is_linked(&part->ready_link)) {
        list_append(&p->ready, &part->ready_link);
    }
    loop_task_queue(p->redis->loop, LOOP_PUBLISH, &p->task);
}

static void count_held(struct publisher *p, size_t before, size_t after)
{
    p->held_bytes = p->held_bytes - before + after;
    metric_set(METRIC_HELD_BYTES, (int64_t)p->held_bytes);
}

static bool tells_an_end(const struct publication *pub)
{
    for (size_t i = 0; i < pub->update_count; i++) {
        if (pub->updates[i].op == BOOK_MEMBER_DEL) {
            return true;
        }
    }
    return false;
}

bool publisher_add(struct publisher *p, uint32_t partition, struct str_view log,
                   const struct publication *pub)
{
    struct out_partition *part = &p->partitions[partition];
    size_t before = part->outbox.bytes;

    if (pub->item.len > ITEM_BYTES_MAX) {
        return false;
    }
    if (p->held_bytes + pub->item.len > p->redis->config.hold_bytes &&
        !tells_an_end(pub)) {
        return false;
    }
    outbox_add(&part->outbox, log, pub, loop_now_ms(p->redis->loop));
    count_held(p, before, part->outbox.bytes);
    partition_make_ready(p, part);
    return true;
}

void publisher_drop_log(struct publisher *p, uint32_t partition, struct str_view log)
{
    struct out_partition *part = &p->partitions[partition];

    outbox_drop_log(&part->outbox, log);
    partition_make_ready(p, part);
}

void publisher_watch(struct publisher *p, uint32_t partition, int change)
{
    struct out_partition *part = &p->partitions[partition];

    PARLEY_ASSERT(change > 0 || part->watchers > 0);
    part->watchers += (uint32_t)change;
}

void publisher_watch_names(struct publisher *p, uint32_t partition)
{
    struct out_partition *part = &p->partitions[partition];

    if (!part->has_names) {
        part->has_names = true;
        part->check = true; /* learn the epoch, to know a loss when it comes */
        partition_make_ready(p, part);
    }
}

static bool partition_is_watched(const struct out_partition *part)
{
    return part->watchers > 0 || part->has_names;
}

/* ---- sending ---- */

/* The batch to send next: one that is to be sent again, or a new one. */
static struct batch *partition_next_batch(struct publisher *p, struct out_partition *part)
{
    struct list *again = list_take(&part->todo);
    size_t before = part->outbox.bytes;

    part->check = false;
    if (again != NULL) {
        return LIST_ENTRY(again, struct batch, link);
    }
    struct batch *b = batch_seal(&part->outbox, &p->batches, p->redis->node, ++part->seq);

    count_held(p, before, part->outbox.bytes);
    return b;
}

/* Whether `b` fits into the call that was begun with `first`. */
static bool fits(const struct batch *first, const struct batch *b, size_t logs,
                 size_t bytes)
{
    return strcmp(first->node, b->node) == 0 &&
           logs + b->chunk_count <= PUBLISHER_CALL_LOGS_MAX &&
           bytes + b->bytes <= PUBLISHER_CALL_BYTES_MAX;
}

/* Take batches of ready partitions until the call is full. */
static struct call *gather_call(struct publisher *p)
{
    const struct topology *t = p->redis->topology;
    size_t sections_max = topology_sections_max(t);
    struct call *call = xcalloc(1, sizeof(*call) +
                                       sections_max * sizeof(call->partitions[0]));
    uint64_t now_ms = loop_now_ms(p->redis->loop);
    size_t logs = 0;
    size_t bytes = 0;

    list_init(&call->link);
    call->publisher = p;
    LIST_FOR_EACH(&p->ready, it) {
        struct out_partition *part = LIST_ENTRY(it, struct out_partition, ready_link);

        if (call->count == sections_max) {
            break;
        }
        if (part->not_before_ms > now_ms || !topology_can_send(t, part->index)) {
            continue;
        }
        struct batch *b = partition_next_batch(p, part);

        if (call->count > 0 && !fits(call->partitions[0]->flying, b, logs, bytes)) {
            list_append(part->todo.next, &b->link);
            break;
        }
        list_remove(&part->ready_link);
        part->flying = b;
        call->partitions[call->count++] = part;
        logs += b->chunk_count;
        bytes += b->bytes;
    }
    return call;
}

struct str_view publisher_new_epoch(struct publisher *p)
{
    char digits[U64_DIGITS_MAX];
    const struct str_view parts[] = {
        sv_of(p->redis->node),
        SV("."),
        sv_from_u64(p->call_number++, digits),
    };

    return arena_join(&p->arena, parts, PARLEY_COUNT_OF(parts));
}

static void build_call(struct publisher *p, const struct call *call)
{
    struct redis *r = p->redis;
    struct command *cmd = &p->command;
    size_t keys = 0;

    arena_clear(&p->arena);
    command_clear(cmd);
    for (size_t i = 0; i < call->count; i++) {
        keys += batch_key_count(call->partitions[i]->flying);
    }
    redis_function(r, &p->arena, cmd, "apply", keys);
    for (size_t i = 0; i < call->count; i++) {
        struct out_partition *part = call->partitions[i];

        batch_add_keys(part->flying, r, part->index, &p->arena, cmd);
    }
    command_add(cmd, sv_of(call->partitions[0]->flying->node));
    command_add(cmd, publisher_new_epoch(p));
    command_add_u64(cmd, r->config.history);
    command_add_u64(cmd, r->config.history_ttl_s);
    command_add_u64(cmd, call->count);
    for (size_t i = 0; i < call->count; i++) {
        struct out_partition *part = call->partitions[i];

        batch_add_args(part->flying, sv_of(part->era), part->prev, &p->arena, cmd);
    }
}

static void on_call_reply(void *arg, uint64_t ctx, const struct redisReply *reply);

/* Send one call with what is ready; false when there was nothing to send. */
static bool send_call(struct publisher *p)
{
    struct call *call = gather_call(p);

    if (call->count == 0) {
        free(call);
        return false;
    }
    build_call(p, call);
    list_append(&p->calls, &call->link);
    p->calls_under_way++;
    if (!topology_send(p->redis->topology, call->partitions[0]->index, &p->command,
                       on_call_reply, call, 0)) {
        on_call_reply(call, 0, NULL);
        return false;
    }
    return true;
}

/* LOOP_PUBLISH: what gathered during the turn leaves together. */
static void on_publish(void *arg)
{
    struct publisher *p = arg;

    if (!p->redis->registered) {
        return;
    }
    settlement_pump(p);
    while (p->calls_under_way < topology_calls_max(p->redis->topology) &&
           !list_is_empty(&p->ready)) {
        if (!send_call(p)) {
            return;
        }
    }
}

/* ---- answers ---- */

static void on_call_reply(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct call *call = arg;
    struct publisher *p = call->publisher;
    enum reply_kind kind = reply_kind(reply);

    (void)ctx;
    if (kind == REPLY_VALUE && reply_count(reply) != call->count) {
        metric_add(METRIC_MALFORMED, 1);
        kind = REPLY_REFUSED;
    }
    p->calls_under_way--;
    list_remove(&call->link);
    for (size_t i = 0; i < call->count; i++) {
        struct out_partition *part = call->partitions[i];

        if (kind == REPLY_VALUE) {
            partition_on_answer(p, part, reply_at(reply, i));
        } else {
            partition_on_failure(p, part, kind);
        }
        partition_make_ready(p, part);
    }
    if (kind != REPLY_VALUE && kind != REPLY_LOST) {
        publisher_on_refusal(p, kind, reply_text(reply));
    }
    free(call);
}

void partition_wait(struct publisher *p, struct out_partition *part)
{
    uint64_t most = (uint64_t)RETRY_MIN_MS << (part->failures < 7 ? part->failures : 7);
    uint64_t wait_ms = most > RETRY_MAX_MS ? RETRY_MAX_MS : most;

    part->failures++;
    part->not_before_ms = loop_now_ms(p->redis->loop) + 1 + rng_below((uint32_t)wait_ms);
    timer_start(&p->tick, wait_ms < TICK_MS ? wait_ms : TICK_MS);
}

/* ---- time ---- */

static bool is_not_kept(const struct out_item *item, bool has_updates, void *ctx)
{
    (void)has_updates;
    (void)ctx;
    return !item->keep;
}

void publisher_take_back(struct publisher *p, struct out_partition *part,
                         uint64_t before_ms, out_item_test_fn test)
{
    size_t before = part->outbox.bytes;
    struct token *tokens;
    size_t count = outbox_take_back(&part->outbox, before_ms, test, NULL, &tokens);

    count_held(p, before, part->outbox.bytes);
    metric_add(METRIC_GIVEN_UP, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        p->redis->events->on_refused(p->redis->hub, tokens[i]);
    }
    free(tokens);
}

static void give_up_old(struct publisher *p, struct out_partition *part, uint64_t now_ms)
{
    if (part->outbox.bytes > 0 && now_ms > p->redis->config.hold_ms) {
        publisher_take_back(p, part, now_ms - p->redis->config.hold_ms, is_not_kept);
    }
}

static void on_tick(void *arg)
{
    struct publisher *p = arg;
    uint64_t now_ms = loop_now_ms(p->redis->loop);

    timer_start(&p->tick, list_is_empty(&p->settling) ? TICK_MS : SETTLING_TICK_MS);
    for (uint32_t i = 0; i < p->partition_count; i++) {
        struct out_partition *part = &p->partitions[i];

        ring_expire(p, part, now_ms);
        give_up_old(p, part, now_ms);
        if (partition_is_watched(part) &&
            now_ms - part->answered_ms >= PUBLISHER_CHECK_MS) {
            part->check = true;
        }
        if (partition_has_work(part)) {
            partition_make_ready(p, part);
        }
    }
    loop_task_queue(p->redis->loop, LOOP_PUBLISH, &p->task);
}

/* ---- the node ---- */

/* Whether the partition moved, with all it had, to a server that is no successor of the one that
 * we knew. What it lacks nevertheless (of two failures we may have noticed one), GAP tells. */
static bool has_moved(const struct publisher *p, const struct out_partition *part,
                      const struct shard *shard, struct server_life life)
{
    return !topology_is_single(p->redis->topology) && part->shard != shard &&
           part->life.replid != life.replid2;
}

/* Is it another server, or was it started anew? Batches of ours that it may lack are settled. */
static bool check_life(struct publisher *p, struct out_partition *part)
{
    const struct topology *t = p->redis->topology;

    if (!topology_can_send(t, part->index) || part->flying != NULL) {
        return false;
    }
    const struct shard *shard = topology_shard(t, part->index);
    struct server_life life = link_life(shard->commands);
    bool is_other = part->life.replid != 0 && part->life.replid != life.replid;
    bool lacks = is_other && !has_moved(p, part, shard, life);

    part->life = life;
    part->shard = shard;
    if (lacks) {
        follower_on_other_server(p->redis->follower, part->index);
    }
    if (lacks && part->seq > 0) {
        settlement_begin(p, part);
    }
    return is_other;
}

void publisher_on_ready(struct publisher *p)
{
    bool is_takeover = false;

    for (uint32_t i = 0; i < p->partition_count; i++) {
        struct out_partition *part = &p->partitions[i];

        is_takeover = check_life(p, part) || is_takeover;
        part->not_before_ms = 0;
        part->failures = 0;
        part->check = part->check || partition_is_watched(part);
        partition_make_ready(p, part);
    }
    if (is_takeover) {
        p->redis->events->on_takeover(p->redis->hub);
    }
}

static bool changes_books(const struct out_item *item, bool has_updates, void *ctx)
{
    (void)item;
    (void)ctx;
    return has_updates;
}

void publisher_on_new_node_id(struct publisher *p)
{
    for (uint32_t i = 0; i < p->partition_count; i++) {
        struct out_partition *part = &p->partitions[i];

        part->seq = 0;
        ring_clear(p, part);
        settlement_abort(p, part);
        part->prev = list_is_empty(&part->todo) && part->flying == NULL ? 0 : part->prev;
        publisher_take_back(p, part, UINT64_MAX, changes_books);
        strbuf_clear(&part->outbox.drops);
        part->check = partition_is_watched(part);
        partition_make_ready(p, part);
    }
}

bool publisher_is_refused(const struct publisher *p)
{
    return p->is_refused;
}

bool publisher_is_idle(const struct publisher *p)
{
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct out_partition *part = &p->partitions[i];

        if (part->flying != NULL || !list_is_empty(&part->todo) ||
            !outbox_is_empty(&part->outbox)) {
            return false;
        }
    }
    return true;
}
