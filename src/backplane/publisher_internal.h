/* SPDX-License-Identifier: MIT */
/*
 * publisher_internal.h - shared by publisher.c (what is sent when), answers.c (what an answer
 * means for a partition), ring.c (what is kept) and settlement.c.
 */
#ifndef PARLEY_BACKPLANE_PUBLISHER_INTERNAL_H
#define PARLEY_BACKPLANE_PUBLISHER_INTERNAL_H

#include <parley/core/loop.h>

#include "backplane/batch.h"
#include "backplane/link.h"
#include "backplane/publisher.h"
#include "backplane/reply.h"

enum settlement_state {
    SETTLED,
    SETTLE_JOIN,  /* tell what was seen, learn what is stored */
    SETTLE_OFFER, /* offer what is not */
    SETTLE_WAIT,  /* for the others */
    SETTLE_IDS,   /* it is over: learn which ids our entries have now */
};

/* A partition that takes part in a settlement sends no batches; see settlement.c. */
struct settlement {
    enum settlement_state state;
    bool under_way;  /* a request is */
    uint32_t turn;   /* counts the settlements: answers to older requests are void */
    uint64_t stored; /* number of our last batch that was stored when we joined */
    uint64_t last;   /* IDS: that is stored now */
    uint64_t
        offered;  /* batches up to this number are stored or offered; IDS: asked for */
    char era[24]; /* IDS: what it led to */
    uint64_t wait_ms; /* before it asks again */
    uint64_t next_ms; /* when */
    struct list link; /* in publisher.settling unless SETTLED */
};

/*
 * Invariant: at most one batch is under way (flying) and it is in no list; batches in `todo`
 * and `flying` have numbers in growing order, above those in `ring`; `seq` is the highest
 * number given under the present node id.
 */
struct out_partition {
    uint32_t index;
    uint32_t watchers;      /* logs of ours here */
    bool has_names;         /* names of ours are, or were, here */
    struct list ready_link; /* in publisher.ready while it has work and nothing flies */
    uint64_t seq;           /* of the newest batch */
    uint64_t prev;          /* of the newest batch that Redis has, as far as we know */
    struct outbox outbox;   /* what waits */
    struct list todo;       /* batches to send again, in order, before anything new */
    struct batch *flying;   /* owned; in a call now */
    struct list ring;       /* acknowledged batches, oldest first */
    uint64_t dropped;       /* number of the newest that is not kept any more */
    char epoch[NODE_ID_MAX + 1]; /* of the partition's data; "" until known */
    char era[24];                /* settlements that it went through; "" until known */
    struct server_life life;     /* of the server that has it; {0,0} until known */
    const struct shard *shard;   /* that was; only to be compared */
    struct settlement settlement;
    bool check;        /* send a batch even if it is empty */
    unsigned failures; /* in a row */
    uint64_t not_before_ms;
    uint64_t answered_ms;
};

struct publisher {
    struct redis *redis;              /* borrowed */
    struct out_partition *partitions; /* owned */
    uint32_t partition_count;
    struct outlogs outlogs;
    struct list ready;         /* partitions */
    struct list calls;         /* under way; owned */
    struct list settling;      /* partitions */
    size_t settling_under_way; /* requests */
    size_t calls_under_way;
    unsigned call_number;   /* makes a new epoch's name unique */
    size_t held_bytes;      /* that wait in the outboxes */
    struct list ring_order; /* the batches of all rings, oldest first */
    size_t ring_bytes;
    uint64_t overflow_ms; /* when it was last told that the ring is too small */
    struct shelf batches; /* all, from sealing on */
    bool is_refused;      /* the last call was, and none was accepted since */
    struct loop_task task;
    struct timer tick;
    struct arena arena; /* of the call being built */
    struct command command;
};

/* The answer to a partition's flying batch: [status, text, epoch]. */
void partition_on_answer(struct publisher *p, struct out_partition *part,
                         const struct redisReply *section);
/* No answer, or an error for the whole call. */
void partition_on_failure(struct publisher *p, struct out_partition *part,
                          enum reply_kind kind);
/* What an error asks of the node. */
void publisher_on_refusal(struct publisher *p, enum reply_kind kind,
                          struct str_view text);

/* A name for a partition's data, should it have none; in the publisher's arena. */
struct str_view publisher_new_epoch(struct publisher *p);
/* A batch was stored (or is known to be): tell, and keep it for the case that it is lost. */
void partition_on_stored(struct publisher *p, struct out_partition *part, struct batch *b,
                         struct str_view ids);
bool batch_is_ours(const struct publisher *p, const struct batch *b);

/* settlement.c: take part in the settlement of the partition before anything more is sent. */
void settlement_begin(struct publisher *p, struct out_partition *part);
void settlement_abort(struct publisher *p, struct out_partition *part);
/* Send the requests that are due. */
void settlement_pump(struct publisher *p);

/* Let the partition rest for a growing, jittered while. */
void partition_wait(struct publisher *p, struct out_partition *part);
void partition_make_ready(struct publisher *p, struct out_partition *part);

/* ring.c: a batch that Redis acknowledged is kept while it may forget it. */
void ring_keep(struct publisher *p, struct out_partition *part, struct batch *b);
/* Take one out, to publish it again. */
void ring_take(struct publisher *p, struct batch *b);
/* What is behind `stored` was stored again, just now. */
void ring_renew(struct publisher *p, struct out_partition *part, uint64_t stored);
/* Drop what is old enough. */
void ring_expire(struct publisher *p, struct out_partition *part, uint64_t now_ms);
void ring_clear(struct publisher *p, struct out_partition *part);
/* Redis's last batch of ours is `stored`, and the ring is all that can come back: have the rooms
 * told of what is lost between them. */
void ring_tell_lost(struct publisher *p, struct out_partition *part, uint64_t stored);

/* Refuse what `test` picks among the items that wait since before_ms or longer. */
void publisher_take_back(struct publisher *p, struct out_partition *part,
                         uint64_t before_ms, out_item_test_fn test);

#endif
