/* SPDX-License-Identifier: MIT */
/*
 * What Redis acknowledged lately, for the case that it forgets it.
 *
 * Batches are kept for a while (PUBLISHER_RING_MS), which does not pass while Redis is away. When
 * they take too much memory the oldest of all partitions go: what a replica may lack is what is
 * young. (So nothing would be gained by dropping early what all replicas have: those are the
 * oldest ones, too.)
 */
#include <inttypes.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>

#include "backplane/follower.h"
#include "backplane/publisher_internal.h"
#include "backplane/topology.h"

enum { TELL_OVERFLOW_MS = 60000 };

void ring_take(struct publisher *p, struct batch *b)
{
    list_remove(&b->link);
    list_remove(&b->age);
    p->ring_bytes -= b->memory;
}

static void drop(struct publisher *p, struct batch *b)
{
    p->partitions[b->partition].dropped = b->seq;
    ring_take(p, b);
    batch_free(b);
}

/* The ring is full. */
static void drop_young(struct publisher *p, struct batch *b, uint64_t now_ms)
{
    metric_add(METRIC_RING_OVERFLOWS, 1);
    if (p->overflow_ms == 0 || now_ms - p->overflow_ms >= TELL_OVERFLOW_MS) {
        p->overflow_ms = now_ms;
        log_warn("ring_overflow", "kept_ms=%" PRIu64 " wanted_ms=%d",
                 now_ms - b->acked_ms, PUBLISHER_RING_MS);
    }
    drop(p, b);
}

void ring_keep(struct publisher *p, struct out_partition *part, struct batch *b)
{
    uint64_t now_ms = loop_now_ms(p->redis->loop);

    b->acked_ms = now_ms;
    b->partition = part->index;
    list_append(&part->ring, &b->link);
    list_append(&p->ring_order, &b->age);
    p->ring_bytes += b->memory;
    while (p->ring_bytes > PUBLISHER_RING_BYTES_MAX && !list_is_empty(&p->ring_order)) {
        drop_young(p, LIST_ENTRY(p->ring_order.next, struct batch, age), now_ms);
    }
}

void ring_renew(struct publisher *p, struct out_partition *part, uint64_t stored)
{
    LIST_FOR_EACH(&part->ring, it) {
        struct batch *b = LIST_ENTRY(it, struct batch, link);

        if (b->seq > stored) {
            b->acked_ms = loop_now_ms(p->redis->loop);
            list_remove(&b->age);
            list_append(&p->ring_order, &b->age);
        }
    }
}

void ring_expire(struct publisher *p, struct out_partition *part, uint64_t now_ms)
{
    /* Whether Redis still has what it had before it went away shows when it is back. */
    if (part->settlement.state != SETTLED ||
        !topology_can_send(p->redis->topology, part->index)) {
        return;
    }
    while (!list_is_empty(&part->ring)) {
        struct batch *b = LIST_ENTRY(part->ring.next, struct batch, link);

        if (now_ms - b->acked_ms < PUBLISHER_RING_MS) {
            return;
        }
        drop(p, b);
    }
}

void ring_clear(struct publisher *p, struct out_partition *part)
{
    while (!list_is_empty(&part->ring)) {
        drop(p, LIST_ENTRY(part->ring.next, struct batch, link));
    }
    part->dropped = 0;
}

/* ---- what it does not hold ---- */

static void tell_room(void *arg, struct str_view log, uint64_t lines)
{
    struct publisher *p = arg;
    char digits[U64_DIGITS_MAX];
    struct str_view count = sv_from_u64(lines, digits);
    struct strbuf item;

    strbuf_init(&item, 64);
    item_encode(&item, ITEM_LOST, &count, 1);
    (void)publisher_add(p, redis_partition(p->redis, log), log,
                        &(struct publication){.item = strbuf_view(&item)});
    strbuf_done(&item);
}

void ring_tell_lost(struct publisher *p, struct out_partition *part, uint64_t stored)
{
    uint64_t upto = part->dropped;

    (void)p;
    if (upto <= stored) {
        return;
    }
    part->dropped = stored; /* told once */
    log_error("batches_gone", "partition=%" PRIu32 " stored=%" PRIu64 " kept=%" PRIu64,
              part->index, stored, upto + 1);
    metric_add(METRIC_HISTORY_GAPS, 1);
    /* A partition that lost all its data knows no number of ours: rooms are not told of that. */
    if (stored > 0) {
        follower_find_lost(p->redis->follower, part->index, stored, upto, tell_room, p);
    }
}
