/* SPDX-License-Identifier: MIT */
/*
 * After a failover: what Redis has forgotten comes back in the order that it had.
 *
 * A partition is settled before anything new is stored in it (settle.lua): the nodes that wrote
 * to it offer what it lacks, and one of them, whoever asks first when all have done so, has it
 * appended. A settlement begins when a node finds another server, or one that was started anew
 * (link_life()), or when its batch does not follow on the last one that Redis knows (GAP). The
 * others hear of it when they do, or by the answer to their next batch (ERA).
 *
 *   SETTLED -> JOIN -> OFFER, a page at a time -> WAIT, asking -> IDS -> SETTLED
 *
 * Who comes when it is over sends what Redis lacks again by itself: then that comes behind what
 * others said meanwhile.
 */
#include <inttypes.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/rng.h>

#include "backplane/follower.h"
#include "backplane/publisher_internal.h"
#include "backplane/topology.h"

enum {
    UNDER_WAY_MAX = 8, /* requests */
    PAGE_BYTES = 256 << 10,
    SEEN_MAX = 1000, /* entries told of in a request */
    ASK_MIN_MS = 50,
    ASK_MAX_MS = 400,
    STEP_MAX = 64,  /* entries appended by one call */
    IDS_MAX = 1000, /* asked for at once, and one batch more */
};

/* ---- begin and end ---- */

static void set_state(struct publisher *p, struct out_partition *part,
                      enum settlement_state state)
{
    struct settlement *s = &part->settlement;

    s->state = state;
    s->next_ms = 0;
    list_remove(&s->link);
    if (state != SETTLED) {
        list_append(&p->settling, &s->link);
        list_remove(&part->ready_link);
    }
    loop_task_queue(p->redis->loop, LOOP_PUBLISH, &p->task);
}

void settlement_abort(struct publisher *p, struct out_partition *part)
{
    struct settlement *s = &part->settlement;

    if (s->under_way) {
        s->under_way = false;
        p->settling_under_way--;
    }
    s->turn++;
    set_state(p, part, SETTLED);
}

void settlement_begin(struct publisher *p, struct out_partition *part)
{
    struct settlement *s = &part->settlement;

    settlement_abort(p, part);
    s->offered = 0;
    s->wait_ms = ASK_MIN_MS;
    set_state(p, part, SETTLE_JOIN);
    timer_start(&p->tick, 0);
}

/* Batches that were to be sent again, but are stored up to number `last`. */
static void take_as_stored(struct publisher *p, struct out_partition *part, uint64_t last)
{
    struct list stored;

    list_init(&stored);
    LIST_FOR_EACH(&part->todo, it) {
        const struct batch *b = LIST_ENTRY(it, struct batch, link);

        if (b->seq <= last && batch_is_ours(p, b)) {
            list_remove(it);
            list_append(&stored, it);
        }
    }
    for (struct list *it; (it = list_take(&stored)) != NULL;) {
        partition_on_stored(p, part, LIST_ENTRY(it, struct batch, link), sv(NULL, 0));
    }
}

/* Batches that were stored, but not any more: they are sent again, before anything newer. */
static void take_as_lost(struct publisher *p, struct out_partition *part, uint64_t last)
{
    struct list lost;

    list_init(&lost);
    ring_tell_lost(p, part, last);
    LIST_FOR_EACH(&part->ring, it) {
        struct batch *b = LIST_ENTRY(it, struct batch, link);

        if (b->seq > last) {
            ring_take(p, b);
            list_append(&lost, it);
            metric_add(METRIC_REPLAYS, 1);
        }
    }
    list_splice(&lost, &part->todo);
    list_splice(&part->todo, &lost);
}

static void end(struct publisher *p, struct out_partition *part)
{
    uint64_t last = part->settlement.last;

    memcpy(part->era, part->settlement.era, sizeof(part->era));
    settlement_abort(p, part);
    ring_renew(p, part, part->settlement.stored);
    take_as_lost(p, part, last);
    take_as_stored(p, part, last);
    part->prev = last;
    part->check = true;
    partition_make_ready(p, part);
    follower_on_settled(p->redis->follower, part->index);
}

static bool send_ids(struct publisher *p, struct out_partition *part);

/* `last` is the number of our last batch that is stored now. */
static void on_settled(struct publisher *p, struct out_partition *part,
                       struct str_view era, uint64_t last)
{
    struct settlement *s = &part->settlement;
    size_t len = era.len < sizeof(s->era) ? era.len : 0;

    memcpy(s->era, len == 0 ? "" : era.ptr, len);
    s->era[len] = '\0';
    s->last = last;
    s->state = SETTLE_IDS;
    s->offered = 0;
    (void)send_ids(p, part);
}

/* ---- requests ---- */

static void on_answer(void *arg, uint64_t ctx, const struct redisReply *reply);

static struct command *begin_request(struct publisher *p,
                                     const struct out_partition *part,
                                     const char *function, size_t keys)
{
    struct redis *r = p->redis;
    struct command *cmd = &p->command;
    static const char *const kinds[] = {"w", "settle", "offers"};

    arena_clear(&p->arena);
    command_clear(cmd);
    redis_function(r, &p->arena, cmd, function, PARLEY_COUNT_OF(kinds) + keys);
    for (size_t i = 0; i < PARLEY_COUNT_OF(kinds); i++) {
        command_add(cmd, redis_key(r, &p->arena, part->index, kinds[i], sv(NULL, 0)));
    }
    return cmd;
}

/* The turn and the partition, so that an answer finds its way. */
static uint64_t context(const struct out_partition *part)
{
    return ((uint64_t)part->settlement.turn << 32) | part->index;
}

static bool send_request(struct publisher *p, struct out_partition *part)
{
    if (!topology_send(p->redis->topology, part->index, &p->command, on_answer, p,
                       context(part))) {
        return false;
    }
    part->settlement.under_way = true;
    p->settling_under_way++;
    return true;
}

/* Add the batches behind `offered` of a list; false when the page is full. */
static bool add_offers(struct publisher *p, struct out_partition *part,
                       const struct list *batches, size_t *count)
{
    for (struct list *it = batches->next; it != batches; it = it->next) {
        const struct batch *b = LIST_ENTRY(it, struct batch, link);

        if (b->seq <= part->settlement.offered || !batch_is_ours(p, b)) {
            continue;
        }
        if (*count > 0 && command_bytes(&p->command) + b->bytes > PAGE_BYTES) {
            return false;
        }
        *count += batch_add_offers(b, &p->arena, &p->command);
        part->settlement.offered = b->seq;
        metric_add(METRIC_REPLAYS, 1);
    }
    return true;
}

/* Tell what was seen, or offer a page, or only ask. */
static bool send_offer(struct publisher *p, struct out_partition *part)
{
    struct settlement *s = &part->settlement;

    if (!topology_can_send(p->redis->topology, part->index)) {
        return false;
    }
    struct command *cmd = begin_request(p, part, "offer", 0);
    bool joins = s->state == SETTLE_JOIN;
    size_t counts_at = cmd->argc + 7;
    size_t seen = 0;
    size_t offers = 0;
    bool is_all = !joins;

    command_add(cmd, sv_of(p->redis->node));
    command_add(cmd, part->era[0] == '\0' ? SV("0") : sv_of(part->era));
    if (joins) {
        command_add(cmd, SV(""));
    } else {
        command_add_u64(cmd, s->offered);
    }
    command_add_u64(cmd, PUBLISHER_SETTLE_MS);
    command_add_u64(cmd, PUBLISHER_SETTLE_LEAST_MS);
    for (size_t i = cmd->argc; i <= counts_at + 1; i++) {
        command_add_u64(cmd, 0);
    }
    if (joins) {
        seen = follower_add_seen(p->redis->follower, part->index, SEEN_MAX, &p->arena,
                                 cmd);
    } else if (s->state == SETTLE_OFFER) {
        is_all = add_offers(p, part, &part->ring, &offers) &&
                 add_offers(p, part, &part->todo, &offers);
    }
    s->state = is_all ? SETTLE_WAIT : s->state;
    command_set_u64(cmd, counts_at - 2, s->offered);
    command_set_u64(cmd, counts_at - 1, is_all ? 0 : 1);
    command_set_u64(cmd, counts_at, seen);
    command_set_u64(cmd, counts_at + 1, offers);
    return send_request(p, part);
}

/* ---- ids ---- */

/* The next batch of ours behind number `seq`, of the ring or of what is to be sent again. */
static struct batch *batch_behind(const struct publisher *p,
                                  const struct out_partition *part, uint64_t seq)
{
    const struct list *lists[] = {&part->ring, &part->todo};

    for (size_t i = 0; i < PARLEY_COUNT_OF(lists); i++) {
        for (struct list *it = lists[i]->next; it != lists[i]; it = it->next) {
            struct batch *b = LIST_ENTRY(it, struct batch, link);

            if (b->seq > seq && batch_is_ours(p, b)) {
                return b;
            }
        }
    }
    return NULL;
}

static bool has_unknown_id(const struct batch *b)
{
    for (size_t i = 0; i < b->chunk_count; i++) {
        if (b->chunks[i].id.ms == 0) {
            return true;
        }
    }
    return false;
}

/* The next one that does not stand where we thought, or anywhere that we know. */
static struct batch *moved_behind(const struct publisher *p,
                                  const struct out_partition *part, uint64_t seq)
{
    const struct settlement *s = &part->settlement;
    struct batch *b = batch_behind(p, part, seq);

    while (b != NULL && b->seq <= s->stored && !has_unknown_id(b)) {
        b = batch_behind(p, part, b->seq);
    }
    return b != NULL && b->seq <= s->last ? b : NULL;
}

static void add_id_fields(struct publisher *p, const struct batch *b)
{
    for (size_t i = 0; i < b->chunk_count; i++) {
        const struct sealed_chunk *c = &b->chunks[i];
        struct strbuf field;

        strbuf_init(&field, c->log.len + NODE_ID_MAX + 32);
        strbuf_add_fmt(&field, "=%s %" PRIu64 " ", b->node, b->seq);
        strbuf_add(&field, c->log);
        command_add(&p->command, arena_copy(&p->arena, strbuf_view(&field)));
        strbuf_done(&field);
    }
}

/* Ask for the ids of the next batches; all known: that was it. */
static bool send_ids(struct publisher *p, struct out_partition *part)
{
    uint64_t seq = part->settlement.offered;
    struct command *cmd = &p->command;

    arena_clear(&p->arena);
    command_clear(cmd);
    command_add(cmd, SV("HMGET"));
    command_add(cmd, redis_key(p->redis, &p->arena, part->index, "settle", sv(NULL, 0)));
    for (const struct batch *b; (b = moved_behind(p, part, seq)) != NULL;) {
        if (cmd->argc > IDS_MAX) {
            break;
        }
        add_id_fields(p, b);
        seq = b->seq;
    }
    if (cmd->argc == 2) {
        end(p, part);
        return true;
    }
    return send_request(p, part);
}

static void on_ids(struct publisher *p, struct out_partition *part,
                   const struct redisReply *reply)
{
    struct settlement *s = &part->settlement;
    size_t at = 0;

    for (struct batch *b; (b = moved_behind(p, part, s->offered)) != NULL;) {
        if (at >= reply_count(reply)) {
            break;
        }
        for (size_t i = 0; i < b->chunk_count; i++, at++) {
            struct str_view text = reply_text(reply_at(reply, at));
            struct entry_id id;

            if (entry_id_parse(text, &id)) {
                b->chunks[i].id = id;
            }
        }
        s->offered = b->seq;
    }
    if (at == 0) {
        metric_add(METRIC_MALFORMED, 1);
        end(p, part);
    } else {
        (void)send_ids(p, part);
    }
}

/* Redis told which entries come next: have them appended. */
static bool send_settle(struct publisher *p, struct out_partition *part,
                        const struct redisReply *next)
{
    struct redis *r = p->redis;
    struct arena *a = &p->arena;
    size_t count = (reply_count(next) - 3) / 2;

    count = count > STEP_MAX ? STEP_MAX : count;
    struct command *cmd = begin_request(p, part, "settle", 1 + 4 * count);

    command_add(cmd, redis_key(r, a, part->index, "rooms", sv(NULL, 0)));
    for (size_t i = 0; i < count; i++) {
        struct str_view log = reply_text(reply_at(next, 3 + 2 * i));
        struct str_view writer = reply_text(reply_at(next, 4 + 2 * i));

        command_add(cmd, redis_key(r, a, part->index, "l:", log));
        command_add(cmd, redis_key(r, a, part->index, "m:", log));
        command_add(cmd, redis_key(r, a, part->index, "s:", log));
        command_add(cmd, redis_key(r, a, part->index, "in:", writer));
    }
    command_add(cmd, sv_of(r->node));
    command_add(cmd, reply_text(reply_at(next, 1)));
    command_add_u64(cmd, r->config.history);
    command_add_u64(cmd, r->config.history_ttl_s);
    command_add(cmd, publisher_new_epoch(p));
    return send_request(p, part);
}

/* ---- answers ---- */

static void ask_later(struct publisher *p, struct out_partition *part)
{
    struct settlement *s = &part->settlement;

    s->next_ms = loop_now_ms(p->redis->loop) + s->wait_ms +
                 rng_below((uint32_t)s->wait_ms);
    s->wait_ms = s->wait_ms * 2 > ASK_MAX_MS ? ASK_MAX_MS : s->wait_ms * 2;
}

/* In a while, which grows. */
static void begin_again(struct publisher *p, struct out_partition *part)
{
    struct settlement *s = &part->settlement;
    uint64_t wait_ms = s->wait_ms;

    settlement_begin(p, part);
    s->wait_ms = wait_ms;
    ask_later(p, part);
}

static void on_wait(struct publisher *p, struct out_partition *part,
                    const struct redisReply *reply)
{
    struct settlement *s = &part->settlement;

    if (s->state == SETTLE_WAIT) {
        ask_later(p, part);
        return;
    }
    if (s->state == SETTLE_JOIN) {
        s->stored = reply_u64(reply_at(reply, 2));
        s->offered = reply_u64(reply_at(reply, 3));
        ring_tell_lost(p, part, s->offered);
        s->state = SETTLE_OFFER;
    }
    (void)send_offer(p, part);
}

static void on_status(struct publisher *p, struct out_partition *part,
                      const struct redisReply *reply)
{
    struct str_view status = reply_text(reply_at(reply, 0));

    if (sv_equal(status, SV("DONE"))) {
        on_settled(p, part, reply_text(reply_at(reply, 1)),
                   reply_u64(reply_at(reply, 2)));
    } else if (sv_equal(status, SV("FENCED"))) { /* the next batch will hear it, too */
        settlement_abort(p, part);
        part->check = true;
        partition_make_ready(p, part);
    } else if (sv_equal(status, SV("ANEW"))) {
        begin_again(p, part);
    } else if (sv_equal(status, SV("WAIT"))) {
        on_wait(p, part, reply);
    } else if (sv_equal(status, SV("READY")) && reply_count(reply) >= 3) {
        (void)send_settle(p, part, reply);
    } else {
        metric_add(METRIC_MALFORMED, 1);
        ask_later(p, part);
    }
}

static void on_answer(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct publisher *p = arg;
    struct out_partition *part = &p->partitions[(uint32_t)ctx];
    enum reply_kind kind = reply_kind(reply);

    if (context(part) != ctx || !part->settlement.under_way) {
        return;
    }
    part->settlement.under_way = false;
    p->settling_under_way--;
    loop_task_queue(p->redis->loop, LOOP_PUBLISH, &p->task);
    if (kind == REPLY_VALUE && part->settlement.state == SETTLE_IDS) {
        on_ids(p, part, reply);
        return;
    }
    if (kind == REPLY_VALUE) {
        on_status(p, part, reply);
        return;
    }
    if (kind == REPLY_LOST) { /* done or not, and who knows by what server */
        settlement_begin(p, part);
    } else { /* not done: what it offered was not taken */
        begin_again(p, part);
        publisher_on_refusal(p, kind, reply_text(reply));
    }
}

/* ---- the pump ---- */

static bool next_request(struct publisher *p, struct out_partition *part)
{
    return part->settlement.state == SETTLE_IDS ? send_ids(p, part) : send_offer(p, part);
}

void settlement_pump(struct publisher *p)
{
    uint64_t now_ms = loop_now_ms(p->redis->loop);

    LIST_FOR_EACH(&p->settling, it) {
        struct out_partition *part = LIST_ENTRY(it, struct out_partition,
                                                settlement.link);

        if (p->settling_under_way >= UNDER_WAY_MAX) {
            return;
        }
        if (part->flying == NULL && part->settlement.next_ms <= now_ms &&
            !part->settlement.under_way) {
            (void)next_request(p, part);
        }
    }
}
