/* SPDX-License-Identifier: MIT */
/*
 * pending.h - the requests of a link that wait for their answers: a FIFO with deadlines.
 *
 * Redis answers in order, so an answer belongs to the oldest request. One timer watches the
 * earliest deadline of all; an answer does not move it, it finds out by itself what is left.
 */
#ifndef PARLEY_BACKPLANE_PENDING_H
#define PARLEY_BACKPLANE_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/base.h>
#include <parley/util/list.h>

#include "backplane/link.h"

struct pending {
    struct loop *loop;    /* borrowed */
    struct list requests; /* owned, oldest first */
    struct list spare;    /* owned, answered: used again */
    struct timer timer;   /* runs not later than the earliest deadline */
    uint64_t due_ms;      /* when it runs; 0: it does not */
    loop_fn on_late;      /* a deadline passed */
    void *arg;            /* borrowed */
};

/* Where an answer goes. */
struct answer_to {
    link_reply_fn fn;
    void *arg; /* borrowed */
    uint64_t ctx;
};

void pending_init(struct pending *p, struct loop *loop, loop_fn on_late, void *arg);
/* Drop what is under way without a call. May be called inside pending_answer(). */
void pending_done(struct pending *p);
void pending_add(struct pending *p, uint64_t timeout_ms, struct answer_to to);
bool pending_is_empty(const struct pending *p);
/* Answer the oldest request; false when there is none. */
bool pending_answer(struct pending *p, const struct redisReply *reply) PARLEY_MUST_CHECK;
/* Answer all that were added before with NULL, oldest first. */
void pending_lose_all(struct pending *p);

#endif
