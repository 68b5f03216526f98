/* SPDX-License-Identifier: MIT */
#include "backplane/pending.h"

#include <stdlib.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>

struct request {
    struct list link;
    uint64_t due_ms;
    uint64_t sent_us;
    struct answer_to to;
};

static void watch(struct pending *p, uint64_t due_ms)
{
    uint64_t now_ms = loop_now_ms(p->loop);

    if (p->due_ms == 0 || due_ms < p->due_ms) {
        p->due_ms = due_ms;
        timer_start(&p->timer, due_ms > now_ms ? due_ms - now_ms : 0);
    }
}

/* Is something late, or when will it be? */
static void on_timer(void *arg)
{
    struct pending *p = arg;
    uint64_t earliest_ms = UINT64_MAX;

    p->due_ms = 0;
    LIST_FOR_EACH(&p->requests, it) {
        uint64_t due_ms = LIST_ENTRY(it, struct request, link)->due_ms;

        earliest_ms = due_ms < earliest_ms ? due_ms : earliest_ms;
    }
    if (earliest_ms <= loop_now_ms(p->loop)) {
        p->on_late(p->arg);
    } else if (earliest_ms != UINT64_MAX) {
        watch(p, earliest_ms);
    }
}

void pending_init(struct pending *p, struct loop *loop, loop_fn on_late, void *arg)
{
    *p = (struct pending){.loop = loop, .on_late = on_late, .arg = arg};
    list_init(&p->requests);
    list_init(&p->spare);
    timer_init(&p->timer, loop, on_timer, p);
}

void pending_done(struct pending *p)
{
    list_splice(&p->spare, &p->requests);
    LIST_FOR_EACH(&p->spare, it) {
        list_remove(it);
        free(LIST_ENTRY(it, struct request, link));
    }
    timer_done(&p->timer);
}

void pending_add(struct pending *p, uint64_t timeout_ms, struct answer_to to)
{
    struct list *spare = list_take(&p->spare);
    struct request *request = spare != NULL ? LIST_ENTRY(spare, struct request, link)
                                            : xcalloc(1, sizeof *request);

    request->due_ms = loop_now_ms(p->loop) + timeout_ms;
    request->sent_us = clock_monotonic_us();
    request->to = to;
    list_append(&p->requests, &request->link);
    watch(p, request->due_ms);
}

bool pending_is_empty(const struct pending *p)
{
    return list_is_empty(&p->requests);
}

bool pending_answer(struct pending *p, const struct redisReply *reply)
{
    struct list *oldest = list_take(&p->requests);

    if (oldest == NULL) {
        return false;
    }
    const struct request *request = LIST_ENTRY(oldest, struct request, link);
    struct answer_to to = request->to;

    if (reply != NULL) {
        metric_observe(METRIC_REDIS_CALL, clock_monotonic_us() - request->sent_us);
    }
    list_append(&p->spare, oldest);
    to.fn(to.arg, to.ctx, reply);
    return true;
}

void pending_lose_all(struct pending *p)
{
    /* pending_done() may come in between; nothing can be added while the link is down. */
    while (pending_answer(p, NULL)) {
        continue;
    }
}
