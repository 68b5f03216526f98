/* SPDX-License-Identifier: MIT */
/*
 * Requests of all partitions: sent to the primary, sent on where a slot is on its way, and
 * what their errors tell about the topology.
 *
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#ask-redirection
 */
#include <stdlib.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/redirect.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/shard.h"
#include "backplane/topology_internal.h"

struct routed {
    struct list link; /* in topology.requests */
    struct topology *topology;
    struct shard *shard; /* that has it now; lives as long as its link has requests */
    uint32_t partition;
    bool is_detour; /* it was sent on */
    char *text;     /* owned; of a cluster only: to be sent on */
    size_t text_len;
    link_reply_fn fn;
    void *arg;
    uint64_t ctx;
};

static void on_reply(void *arg, uint64_t ctx, const struct redisReply *reply);

static void routed_free(struct routed *q)
{
    list_remove(&q->link);
    free(q->text);
    free(q);
}

void topology_free_requests(struct topology *t)
{
    LIST_FOR_EACH(&t->requests, it) {
        routed_free(LIST_ENTRY(it, struct routed, link));
    }
}

bool topology_can_send(const struct topology *t, uint32_t partition)
{
    const struct shard *s = topology_shard(t, partition);

    return s != NULL && link_state(s->commands) == LINK_READY;
}

bool topology_send(struct topology *t, uint32_t partition, const struct command *cmd,
                   link_reply_fn fn, void *arg, uint64_t ctx)
{
    if (!topology_can_send(t, partition)) {
        return false;
    }
    struct routed *q = xcalloc(1, sizeof(*q));

    q->topology = t;
    q->shard = topology_shard(t, partition);
    q->partition = partition;
    q->fn = fn;
    q->arg = arg;
    q->ctx = ctx;
    list_append(&t->requests, &q->link);
    if (t->is_cluster) {
        q->text = xmalloc(command_wire_bytes_max(cmd));
        q->text_len = command_write(cmd, q->text);
        (void)link_send_text(q->shard->commands, sv(q->text, q->text_len), on_reply, q,
                             0);
    } else {
        (void)link_send(q->shard->commands, cmd, 0, on_reply, q, 0);
    }
    return true;
}

bool topology_is_detour(const struct topology *t)
{
    return t->is_detour;
}

/* ---- ASK: just this request goes to the server that the slot is on its way to ---- */

static void on_asking(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    (void)arg;
    (void)ctx;
    (void)reply; /* the answer to the request itself tells all */
}

/* False: it is no ASK, or cannot be followed now; the caller gets the error and asks again. */
static bool follow(struct routed *q, const struct redisReply *reply)
{
    struct topology *t = q->topology;
    struct redirect to;
    struct command asking;

    if (q->is_detour || q->text == NULL || !redirect_parse(reply_text(reply), &to) ||
        to.kind != REDIRECT_ASK) {
        return false;
    }
    struct str_view host = to.host.len > 0 ? to.host : sv_of(q->shard->endpoint.host);
    struct shard *s = topology_get_shard(t, host, to.port);

    if (s == NULL) {
        return false;
    }
    s->asked_ms = loop_now_ms(t->redis->loop);
    if (link_state(s->commands) != LINK_READY) {
        return false; /* it is being connected to */
    }
    metric_add(METRIC_REDIRECTS_ASK, 1);
    q->shard = s;
    q->is_detour = true;
    command_init(&asking);
    command_add(&asking, SV("ASKING"));
    (void)link_send(s->commands, &asking, 0, on_asking, NULL, 0);
    (void)link_send_text(s->commands, sv(q->text, q->text_len), on_reply, q, 0);
    command_done(&asking);
    return true;
}

/* ---- what an answer tells about the topology ---- */

/* The keys of a call are at two servers, or some at neither: it can be carried out when the
 * slot has arrived. */
static void note_stall(struct routed *q, bool stalls)
{
    struct topology *t = q->topology;
    struct owned *own = &t->partitions[q->partition];
    uint64_t now_ms = loop_now_ms(t->redis->loop);

    if (!stalls) {
        own->stalled_ms = 0;
        own->stall_told = false;
    } else if (own->stalled_ms == 0) {
        own->stalled_ms = now_ms;
    } else if (!own->stall_told && now_ms - own->stalled_ms >= TOPOLOGY_STALL_MS) {
        own->stall_told = true;
        log_warn("slot_between_servers", "partition=%u server=%s", q->partition,
                 q->shard->label);
    }
}

static void on_error(struct routed *q, enum reply_kind kind, struct str_view text)
{
    struct topology *t = q->topology;

    if (kind == REPLY_DEMOTED) {
        shard_reset(q->shard, "the server is not the primary any more");
        topology_on_trouble(t);
    } else if (kind == REPLY_NO_FUNCTION) {
        shard_load_library(q->shard);
    } else if (kind == REPLY_ELSEWHERE && sv_starts_with(text, SV("TRYAGAIN"))) {
        note_stall(q, true);
    } else if (kind == REPLY_ELSEWHERE) {
        metric_add(METRIC_REDIRECTS_MOVED, sv_starts_with(text, SV("MOVED")));
        topology_on_trouble(t);
    }
}

static void on_reply(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct routed *q = arg;
    struct topology *t = q->topology;
    enum reply_kind kind = reply_kind(reply);

    (void)ctx;
    if (kind == REPLY_ELSEWHERE && follow(q, reply)) {
        return;
    }
    if (kind == REPLY_VALUE) {
        note_stall(q, false);
    } else if (kind != REPLY_LOST) {
        on_error(q, kind, reply_text(reply));
    }
    link_reply_fn fn = q->fn;
    void *fn_arg = q->arg;
    uint64_t fn_ctx = q->ctx;
    bool was_detour = t->is_detour;

    t->is_detour = q->is_detour && kind == REPLY_VALUE;
    routed_free(q);
    fn(fn_arg, fn_ctx, reply);
    t->is_detour = was_detour;
}
