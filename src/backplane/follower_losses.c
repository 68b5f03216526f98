/* SPDX-License-Identifier: MIT */
/*
 * What a failover took and nobody brings back.
 *
 * When a partition was settled, whatever this node saw of a writer and the books do not know is
 * in doubt: the writer may come late. It is asked for once a second, until the books know it or
 * the writer is fenced. Then it is lost for good: lost.lua has the room told, once, by what those
 * who saw most of it can tell.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/follower_internal.h"
#include "backplane/reply.h"
#include "backplane/topology.h"

enum {
    LOSSES_DOUBTS_MAX = 1000, /* in a partition */
    LOSS_DOUBT_MS = 1800000,  /* whoever is gone is fenced by then */
    LOSS_ASK_MS = 1000,
    LOSS_TELL_MS = 2500,   /* in which all who saw something lost have told of it */
    LOSSES_ASKED_MAX = 64, /* losses asked about at once */
};

/* Entries of one writer in one log that may be lost. */
struct doubt {
    struct list link; /* in followed.doubts of its partition */
    const struct writer *writer;
    uint32_t number;   /* by which an answer finds it */
    bool is_asked;     /* the room is being told */
    bool is_reread;    /* the log's books are */
    uint64_t upto;     /* the last one that we saw */
    uint64_t until_ms; /* it is given up */
    uint64_t from;     /* behind this one it has ... */
    uint64_t lines;    /* ... so many lines; */
    bool is_counted;   /* false: more than is remembered */
    size_t key_len;
    char key[]; /* the log's */
};

/* A question what the books know of some writers. */
struct poll {
    struct list link; /* in follower.polls */
    struct follower *follower;
    size_t count;
    const struct writer *writers[];
};

/* ---- doubts ---- */

static void doubt_drop(struct follower *f, struct doubt *d)
{
    list_remove(&d->link);
    f->doubt_count--;
    free(d);
}

static struct doubt *doubt_find(struct follower *f, uint32_t partition, uint32_t number)
{
    LIST_FOR_EACH(&f->partitions[partition].doubts, it) {
        struct doubt *d = LIST_ENTRY(it, struct doubt, link);

        if (d->number == number) {
            return d;
        }
    }
    return NULL;
}

/* Of an earlier settlement. */
static struct doubt *doubt_of_mark(struct follower *f, const struct log_handle *log,
                                   const struct mark *m, size_t *ret_count)
{
    size_t count = 0;

    LIST_FOR_EACH(&f->partitions[log->partition].doubts, it) {
        struct doubt *d = LIST_ENTRY(it, struct doubt, link);

        count++;
        if (d->writer == m->writer && sv_equal(sv(d->key, d->key_len), log_key(log))) {
            return d;
        }
    }
    *ret_count = count;
    return NULL;
}

static void doubt_add(struct follower *f, const struct log_handle *log,
                      const struct mark *m)
{
    size_t count = 0;
    struct doubt *d = doubt_of_mark(f, log, m, &count);

    if (d == NULL && count == LOSSES_DOUBTS_MAX) {
        return;
    }
    if (d == NULL) {
        d = xcalloc(1, sizeof(*d) + log->key_len);
        list_init(&d->link);
        d->writer = m->writer;
        d->number = f->doubt_number++;
        d->key_len = log->key_len;
        memcpy(d->key, log->key, log->key_len);
        list_append(&f->partitions[log->partition].doubts, &d->link);
        f->doubt_count++;
    }
    d->upto = m->seq;
    d->from = UINT64_MAX;
    d->until_ms = loop_now_ms(f->redis->loop) + LOSS_DOUBT_MS;
}

void follower_on_settled(struct follower *f, uint32_t partition)
{
    uint64_t now_ms = loop_now_ms(f->redis->loop);
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        for (size_t i = 0; log->partition == partition && i < log->mark_count; i++) {
            if (mark_is_recent(&log->marks[i], now_ms, SIGHTINGS_MS)) {
                doubt_add(f, log, &log->marks[i]);
            }
        }
    }
    if (f->doubt_count > 0) {
        timer_start(&f->ask, 0);
    }
}

/* ---- telling ---- */

static void count_loss(const char *node, uint32_t partition, uint64_t lines)
{
    metric_add(METRIC_LOST_LINES, lines == 0 ? 1 : (int64_t)lines);
    log_error("lines_lost", "writer=%s partition=%" PRIu32 " lines=%" PRIu64, node,
              partition, lines);
}

static void on_told(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct follower *f = arg;
    uint32_t partition = (uint32_t)(ctx >> 32);
    struct doubt *d = doubt_find(f, partition, (uint32_t)ctx);
    struct str_view status = reply_text(reply_at(reply, 0));

    f->asked_losses--;
    if (d == NULL) {
        return;
    }
    d->is_asked = false;
    if (sv_equal(status, SV("TOLD"))) {
        count_loss(d->writer->id, partition, reply_u64(reply_at(reply, 1)));
        doubt_drop(f, d);
    } else if (sv_equal(status, SV("NONE"))) {
        doubt_drop(f, d);
    }
}

static bool send_loss(struct follower *f, uint32_t partition, const struct doubt *d)
{
    struct redis *r = f->redis;
    struct command *cmd = &f->command;

    arena_clear(&f->arena);
    command_clear(cmd);
    redis_function(r, &f->arena, cmd, "lost", 3);
    command_add(cmd, redis_key(r, &f->arena, partition, "w", sv(NULL, 0)));
    command_add(cmd, sv(d->key, d->key_len));
    command_add(cmd, redis_key(r, &f->arena, partition, "lost", sv(NULL, 0)));
    command_add(cmd, sv_of(d->writer->id));
    command_add_u64(cmd, d->upto);
    command_add_u64(cmd, d->is_counted ? d->lines : 0);
    command_add_u64(cmd, r->config.history);
    command_add_u64(cmd, LOSS_TELL_MS);
    return topology_send(r->topology, partition, cmd, on_told, f,
                         (uint64_t)partition << 32 | d->number);
}

/* What the lost entries did to the room is undone, too: the books do not know of it. */
static bool reread_books(struct doubt *d, struct log_handle *log)
{
    if (!d->is_reread && log->state == LOG_LIVE) {
        d->is_reread = true;
        log_set_state(log, LOG_SNAPSHOT);
    }
    return d->is_reread;
}

/* While it is remembered: it may take long until the writer is fenced. */
static void count_lines(struct doubt *d, const struct log_handle *log, uint64_t stored)
{
    if (d->from != stored) {
        d->from = stored;
        d->lines = 0;
        d->is_counted = sightings_count(log->sightings, d->writer, stored, d->upto,
                                        &d->lines);
    }
}

/* The writer is dead: what is in doubt is gone. */
static void on_loss(struct follower *f, uint32_t partition, struct doubt *d,
                    struct log_handle *log)
{
    if (!reread_books(d, log)) {
        return;
    }
    if (d->is_counted && d->lines == 0) {
        doubt_drop(f, d); /* nobody said anything */
    } else if (f->asked_losses < LOSSES_ASKED_MAX && send_loss(f, partition, d)) {
        d->is_asked = true;
        f->asked_losses++;
    }
}

/* ---- asking ---- */

/* `known`: what the books say of the writer: the number of its last batch, fenced or not. */
static void judge(struct follower *f, uint32_t partition, struct doubt *d,
                  struct str_view known)
{
    struct log_handle *log = map_find(&f->by_channel, sv(d->key, d->key_len));
    bool is_fenced = known.len > 0 && known.ptr[0] == 'X';
    uint64_t stored = 0;

    if (is_fenced) {
        known = sv(known.ptr + 1, known.len - 1);
    }
    /* Nothing is known of the writer when all data were lost: that is not told line by line. */
    if (log == NULL || !sv_to_u64(known, UINT64_MAX, &stored) || stored >= d->upto ||
        loop_now_ms(f->redis->loop) > d->until_ms) {
        doubt_drop(f, d);
        return;
    }
    count_lines(d, log, stored);
    if (is_fenced) {
        on_loss(f, partition, d, log);
    }
}

/* Its place among those that are asked for; their number if it is none of them. */
static size_t find_writer(const struct poll *poll, const struct writer *w)
{
    size_t i = 0;

    while (i < poll->count && poll->writers[i] != w) {
        i++;
    }
    return i;
}

static void on_known(void *arg, uint64_t partition, const struct redisReply *reply)
{
    struct poll *poll = arg;
    struct follower *f = poll->follower;
    bool usable = reply_count(reply) == poll->count;

    LIST_FOR_EACH(&f->partitions[partition].doubts, it) {
        struct doubt *d = LIST_ENTRY(it, struct doubt, link);
        size_t i = find_writer(poll, d->writer);

        if (usable && i < poll->count && !d->is_asked) {
            judge(f, (uint32_t)partition, d, reply_text(reply_at(reply, i)));
        }
    }
    list_remove(&poll->link);
    free(poll);
}

/* HMGET w writer... */
static void ask_partition(struct follower *f, uint32_t partition)
{
    struct poll *poll = xcalloc(1, sizeof(*poll) +
                                       LOSSES_DOUBTS_MAX * sizeof(poll->writers[0]));
    struct command *cmd = &f->command;

    list_init(&poll->link);
    poll->follower = f;
    arena_clear(&f->arena);
    command_clear(cmd);
    command_add(cmd, SV("HMGET"));
    command_add(cmd, redis_key(f->redis, &f->arena, partition, "w", sv(NULL, 0)));
    LIST_FOR_EACH(&f->partitions[partition].doubts, it) {
        const struct writer *w = LIST_ENTRY(it, struct doubt, link)->writer;

        if (find_writer(poll, w) == poll->count) {
            command_add(cmd, sv_of(w->id));
            poll->writers[poll->count++] = w;
        }
    }
    if (topology_send(f->redis->topology, partition, cmd, on_known, poll, partition)) {
        list_append(&f->polls, &poll->link);
    } else {
        free(poll);
    }
}

void follower_ask_losses(void *arg)
{
    struct follower *f = arg;

    for (uint32_t i = 0; i < f->redis->partitions.count; i++) {
        if (!list_is_empty(&f->partitions[i].doubts) &&
            topology_can_send(f->redis->topology, i)) {
            ask_partition(f, i);
        }
    }
    if (f->doubt_count > 0) {
        timer_start(&f->ask, LOSS_ASK_MS);
    }
}

/* ---- what the ring of this node does not hold any more ---- */

void follower_find_lost(struct follower *f, uint32_t partition, uint64_t from,
                        uint64_t upto, follower_lost_fn fn, void *arg)
{
    const struct writer *self = map_find(&f->writers, sv_of(f->redis->node));
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        const struct mark *m = log->partition == partition ? mark_find(log, self) : NULL;
        uint64_t lines = 0;

        if (m != NULL && m->seq > from &&
            (!sightings_count(log->sightings, self, from, upto, &lines) || lines > 0)) {
            count_loss(self->id, partition, lines);
            fn(arg, follower_log_name(log), lines);
        }
    }
}

/* ---- the end ---- */

void follower_free_losses(struct follower *f)
{
    for (uint32_t i = 0; i < f->redis->partitions.count; i++) {
        LIST_FOR_EACH(&f->partitions[i].doubts, it) {
            free(LIST_ENTRY(it, struct doubt, link));
        }
    }
    LIST_FOR_EACH(&f->polls, it) {
        free(LIST_ENTRY(it, struct poll, link));
    }
}
