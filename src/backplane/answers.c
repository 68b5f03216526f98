/* SPDX-License-Identifier: MIT */
/* What Redis's answer to a batch means for its partition. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>

#include "backplane/publisher_internal.h"
#include "backplane/topology.h"

bool batch_is_ours(const struct publisher *p, const struct batch *b)
{
    return strcmp(b->node, p->redis->node) == 0;
}

/* ---- accepted ---- */

static void tell_stored(struct publisher *p, struct batch *b, struct str_view ids)
{
    struct redis *r = p->redis;

    for (size_t i = 0; i < b->chunk_count; i++) {
        struct entry_id id = {0};
        struct sealed_chunk *c = &b->chunks[i];

        if (!entry_id_parse(sv_next_until(&ids, ' '), &id)) {
            id = c->id; /* of a replay: the old one, by which settlements order it */
        }
        c->id = id;
        for (size_t k = 0; c->meta != NULL && k < c->count; k++) {
            if (c->meta[k].want_stored) {
                r->events->on_stored(r->hub, c->meta[k].token, id, k);
            }
        }
    }
}

/* From now on the batch is kept only for the case that Redis forgets it. */
static void keep_in_ring(struct publisher *p, struct out_partition *part, struct batch *b)
{
    if (b->chunk_count == 0 || !batch_is_ours(p, b)) {
        batch_free(b);
        return;
    }
    batch_forget_items(b);
    b->maybe_applied = false;
    b->is_replay = true;
    ring_keep(p, part, b);
}

static void set_refused(struct publisher *p, bool is_refused)
{
    if (p->is_refused != is_refused) {
        p->is_refused = is_refused;
        redis_update_available(p->redis);
    }
}

static void on_poked(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    (void)arg;
    (void)ctx;
    (void)reply; /* one that gets lost is made up for by the next look at the heads */
}

/* Nobody heard what a call published at the server that a slot is on its way to: tell those who
 * listen at the one that it comes from that there is something to read. */
static void poke(struct publisher *p, const struct out_partition *part,
                 const struct batch *b, struct str_view ids)
{
    struct redis *r = p->redis;

    for (size_t i = 0; i < b->chunk_count; i++) {
        arena_clear(&p->arena);
        command_clear(&p->command);
        command_add(&p->command, SV("SPUBLISH"));
        command_add(&p->command,
                    redis_key(r, &p->arena, part->index, "l:", b->chunks[i].log));
        command_add(&p->command, sv_next_until(&ids, ' '));
        (void)topology_send(r->topology, part->index, &p->command, on_poked, NULL, 0);
    }
}

void partition_on_stored(struct publisher *p, struct out_partition *part, struct batch *b,
                         struct str_view ids)
{
    metric_add(METRIC_BATCHES, 1);
    metric_add(METRIC_BATCH_ITEMS, (int64_t)batch_item_count(b));
    part->failures = 0;
    part->not_before_ms = 0;
    set_refused(p, false);
    part->prev = batch_is_ours(p, b) ? b->seq : 0;
    tell_stored(p, b, ids);
    if (topology_is_detour(p->redis->topology)) {
        poke(p, part, b, ids);
    }
    keep_in_ring(p, part, b);
}

/* ---- Redis knows another number ---- */

static void send_again(struct out_partition *part, struct batch *b)
{
    list_append(part->todo.next, &b->link);
}

static void on_gap(struct publisher *p, struct out_partition *part, struct batch *b,
                   uint64_t last)
{
    log_warn("batches_missing", "partition=%" PRIu32 " sent=%" PRIu64 " stored=%" PRIu64,
             part->index, b->seq, last);
    send_again(part, b);
    settlement_begin(p, part);
}

/* The partition is being settled, or was: `b` was not taken. */
static void on_era(struct publisher *p, struct out_partition *part, struct batch *b)
{
    send_again(part, b);
    settlement_begin(p, part);
}

static bool changes_books(const struct out_item *item, bool has_updates, void *ctx)
{
    (void)item;
    (void)ctx;
    return has_updates;
}

/* The batch was not stored under its number and never will be: its items wait again. */
static void take_apart(struct publisher *p, struct out_partition *part, struct batch *b)
{
    size_t before = part->outbox.bytes;

    if (b->is_replay) {
        metric_add(METRIC_HISTORY_GAPS, 1);
        batch_free(b);
        return;
    }
    batch_unseal(b, &part->outbox);
    p->held_bytes += part->outbox.bytes - before;
}

/* We were declared dead. `text` is "X" and, behind it, the last number that was applied. */
static void on_fenced(struct publisher *p, struct out_partition *part, struct batch *b,
                      struct str_view text)
{
    uint64_t last = 0;
    bool ours = batch_is_ours(p, b);

    if (ours) {
        redis_take_new_node_id(p->redis);
    }
    if (text.len > 1 && sv_to_u64(sv(text.ptr + 1, text.len - 1), UINT64_MAX, &last) &&
        last >= b->seq) {
        partition_on_stored(p, part, b, sv(NULL, 0));
    } else {
        take_apart(p, part, b);
        publisher_take_back(p, part, UINT64_MAX, changes_books);
    }
    if (list_is_empty(&part->todo)) {
        part->prev = 0;
    }
}

/* ---- the answer ---- */

/* The epoch names this incarnation of the partition's data ("": nobody wrote it yet). */
void publisher_note_epoch(struct publisher *p, uint32_t partition, struct str_view epoch)
{
    struct out_partition *part = &p->partitions[partition];
    bool known = part->epoch[0] != '\0';

    if (epoch.len == 0 || epoch.len > NODE_ID_MAX ||
        sv_equal(epoch, sv_of(part->epoch))) {
        return;
    }
    memcpy(part->epoch, epoch.ptr, epoch.len);
    part->epoch[epoch.len] = '\0';
    if (known) {
        redis_on_partition_lost(p->redis, partition);
    }
}

bool publisher_has_lost_epoch(const struct publisher *p, uint32_t partition,
                              struct str_view epoch)
{
    return epoch.len == 0 && p->partitions[partition].epoch[0] != '\0';
}

static void remember_era(struct out_partition *part, struct str_view era)
{
    if (part->era[0] == '\0' && era.len < sizeof(part->era) && era.len > 0 &&
        era.ptr[0] != '-') {
        memcpy(part->era, era.ptr, era.len);
        part->era[era.len] = '\0';
    }
}

void partition_on_answer(struct publisher *p, struct out_partition *part,
                         const struct redisReply *section)
{
    struct str_view status = reply_text(reply_at(section, 0));
    struct str_view text = reply_text(reply_at(section, 1));
    struct str_view epoch = reply_text(reply_at(section, 2));
    struct str_view era = reply_text(reply_at(section, 3));
    struct batch *b = part->flying;
    uint64_t last = 0;

    part->flying = NULL;
    part->answered_ms = loop_now_ms(p->redis->loop);
    if (sv_equal(status, SV("OK")) || sv_equal(status, SV("DUP"))) {
        remember_era(part, era);
        partition_on_stored(p, part, b, text);
    } else if (sv_equal(status, SV("FENCED"))) {
        on_fenced(p, part, b, text);
    } else if (sv_equal(status, SV("ERA"))) {
        on_era(p, part, b);
    } else if (sv_equal(status, SV("GAP")) && sv_to_u64(text, UINT64_MAX, &last) &&
               last < b->seq) {
        on_gap(p, part, b, last);
    } else if (sv_equal(status, SV("GAP"))) {
        log_error("node_id_clash", "partition=%" PRIu32, part->index);
        redis_take_new_node_id(p->redis);
        take_apart(p, part, b);
        part->prev = 0;
    } else {
        metric_add(METRIC_MALFORMED, 1);
        b->maybe_applied = true;
        send_again(part, b);
        partition_wait(p, part);
    }
    publisher_note_epoch(p, part->index, epoch);
}

void partition_on_failure(struct publisher *p, struct out_partition *part,
                          enum reply_kind kind)
{
    struct batch *b = part->flying;

    part->flying = NULL;
    metric_add(METRIC_BATCH_RETRIES, 1);
    if (kind == REPLY_LOST) {
        b->maybe_applied = true;
        send_again(part, b);
        return;
    }
    partition_wait(p, part);
    if (b->maybe_applied || b->is_replay || !batch_is_ours(p, b) ||
        !list_is_empty(&part->todo) || b->seq != part->seq) {
        send_again(part, b);
        return;
    }
    part->seq--;
    part->check = part->check || b->chunk_count == 0;
    take_apart(p, part, b);
}

void publisher_on_refusal(struct publisher *p, enum reply_kind kind, struct str_view text)
{
    if (kind == REPLY_ELSEWHERE) { /* of no meaning to other partitions */
        log_debug("batch_elsewhere", "answer=\"%.*s\"", SV_ARG(text));
        return;
    }
    set_refused(p, true);
    log_warn("batch_refused", "answer=\"%.*s\"", SV_ARG(text));
}
