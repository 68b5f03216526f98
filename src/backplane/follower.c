/* SPDX-License-Identifier: MIT */
#include "backplane/follower.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/follower_internal.h"
#include "backplane/publisher.h"
#include "backplane/reply.h"
#include "backplane/topology.h"

struct str_view log_key(const void *object)
{
    const struct log_handle *log = object;

    return sv(log->key, log->key_len);
}

static struct str_view writer_id(const void *object)
{
    const struct writer *w = object;

    return sv_of(w->id);
}

static void on_audit(void *arg);

struct follower *follower_new(struct redis *r)
{
    struct follower *f = xcalloc(1, sizeof(*f));

    f->redis = r;
    f->partitions = xcalloc(r->partitions.count, sizeof(*f->partitions));
    turns_init(&f->turns, r, FOLLOWER_READS_MAX);
    map_init(&f->by_channel, log_key);
    map_init(&f->writers, writer_id);
    for (uint32_t i = 0; i < r->partitions.count; i++) {
        list_init(&f->partitions[i].subscribe);
        list_init(&f->partitions[i].read);
        list_init(&f->partitions[i].check);
        list_init(&f->partitions[i].doubts);
    }
    list_init(&f->asked);
    list_init(&f->live);
    list_init(&f->closed);
    list_init(&f->checks);
    list_init(&f->polls);
    loop_task_init(&f->pump, follower_pump, f);
    timer_init(&f->audit, r->loop, on_audit, f);
    timer_init(&f->retry, r->loop, follower_pump, f);
    timer_init(&f->ask, r->loop, follower_ask_losses, f);
    command_init(&f->command);
    arena_init(&f->arena);
    timer_start(&f->audit, FOLLOWER_AUDIT_MS);
    return f;
}

static void log_free(struct log_handle *log)
{
    list_remove(&log->link);
    strbuf_done(&log->held);
    sightings_free(log->sightings, &log->follower->sightings);
    free(log->marks);
    free(log);
}

void follower_free(struct follower *f)
{
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        log_free(log);
    }
    LIST_FOR_EACH(&f->closed, it) {
        log_free(LIST_ENTRY(it, struct log_handle, link));
    }
    reading_free_checks(f);
    follower_free_losses(f);
    map_done(&f->by_channel);
    map_done_free(&f->writers);
    loop_task_cancel(&f->pump);
    timer_done(&f->audit);
    timer_done(&f->retry);
    timer_done(&f->ask);
    command_done(&f->command);
    arena_done(&f->arena);
    turns_done(&f->turns);
    free(f->partitions);
    free(f);
}

/* ---- states ---- */

struct list *follower_queue(struct follower *f, uint32_t partition, enum log_state state)
{
    switch (state) {
    case LOG_SUBSCRIBE:
        return &f->partitions[partition].subscribe;
    case LOG_CHECK:
        return &f->partitions[partition].check;
    case LOG_SNAPSHOT:
    case LOG_READ:
    case LOG_RESCAN:
        return &f->partitions[partition].read;
    case LOG_LIVE:
        break;
    }
    return &f->live;
}

void log_set_state(struct log_handle *log, enum log_state state)
{
    struct follower *f = log->follower;

    if (log->doubtful && (state == LOG_CHECK || state == LOG_READ)) {
        state = LOG_RESCAN;
    }
    log->state = state;
    log->turn++;
    log->scan = (struct entry_id){0};
    if (state == LOG_SUBSCRIBE) { /* frames of another life of the data, perhaps */
        strbuf_clear(&log->held);
    }
    list_remove(&log->link);
    list_append(follower_queue(f, log->partition, state), &log->link);
    if (state != LOG_LIVE) {
        follower_pump_soon(f);
    }
}

void log_hold(struct log_handle *log)
{
    log->requests++;
}

bool log_let_go(struct log_handle *log)
{
    bool closed = log->owner == NULL;

    log->requests--;
    if (closed && log->requests == 0) {
        log_free(log);
    }
    return closed;
}

/* ---- opening and closing ---- */

struct str_view follower_log_name(const struct log_handle *log)
{
    return sv(log->key + log->key_len - log->name_len, log->name_len);
}

uint32_t follower_log_partition(const struct log_handle *log)
{
    return log->partition;
}

struct log_handle *follower_open(struct follower *f, struct str_view name,
                                 void *log_owner)
{
    struct redis *r = f->redis;
    uint32_t partition = redis_partition(r, name);

    arena_clear(&f->arena);
    struct str_view key = redis_key(r, &f->arena, partition, "l:", name);
    struct log_handle *log = xcalloc(1, sizeof(*log) + key.len + 1);

    log->follower = f;
    log->owner = log_owner;
    log->partition = partition;
    log->key_len = key.len;
    log->name_len = name.len;
    memcpy(log->key, key.ptr, key.len);
    list_init(&log->link);
    strbuf_init(&log->held, FOLLOWER_HELD_BYTES);
    bool added = map_add(&f->by_channel, log);

    PARLEY_ASSERT(added);
    publisher_watch(r->publisher, partition, +1);
    log_set_state(log, LOG_SUBSCRIBE);
    return log;
}

void follower_close(struct follower *f, struct log_handle *log)
{
    struct redis *r = f->redis;

    log->owner = NULL;
    list_remove(&log->link);
    (void)map_remove(&f->by_channel, log_key(log));
    publisher_watch(r->publisher, log->partition, -1);
    publisher_drop_log(r->publisher, log->partition, follower_log_name(log));
    command_clear(&f->command);
    command_add(&f->command, SV("SUNSUBSCRIBE"));
    command_add(&f->command, log_key(log));
    (void)topology_subscribe(r->topology, log->partition, &f->command);
    list_append(&f->closed, &log->link);
    if (log->requests == 0) {
        log_free(log);
    }
}

/* ---- marks ---- */

static struct writer *writer_get(struct follower *f, struct str_view id)
{
    struct writer *w = map_find(&f->writers, id);

    if (w == NULL && id.len <= NODE_ID_MAX) {
        w = xcalloc(1, sizeof(*w));
        memcpy(w->id, id.ptr, id.len);
        bool added = map_add(&f->writers, w);

        PARLEY_ASSERT(added);
    }
    return w;
}

struct mark *mark_find(const struct log_handle *log, const struct writer *w)
{
    for (size_t i = 0; i < log->mark_count; i++) {
        if (log->marks[i].writer == w) {
            return &log->marks[i];
        }
    }
    return NULL;
}

static struct mark *mark_add(struct log_handle *log, struct writer *w)
{
    if (log->mark_count == FOLLOWER_MARKS_MAX) { /* forget the oldest half */
        log->mark_count /= 2;
        memmove(log->marks, log->marks + log->mark_count,
                log->mark_count * sizeof(*log->marks));
    }
    if (log->mark_count == log->mark_capacity) {
        log->mark_capacity = log->mark_capacity == 0 ? 2 : log->mark_capacity * 2;
        log->marks = xreallocarray(log->marks, log->mark_capacity, sizeof(*log->marks));
    }
    log->marks[log->mark_count] = (struct mark){.writer = w};
    return &log->marks[log->mark_count++];
}

/* What was in a snapshot was not seen line by line. */
static void note_lines(struct log_handle *log, const struct mark *m,
                       const struct entry *entry)
{
    struct follower *f = log->follower;
    const struct lines_seen seen = {
        .writer = m->writer,
        .unseen = m->seen_ms == 0 ? m->seq : 0,
        .seq = entry->seq,
        .count = items_count_lines(entry->items),
    };

    if (seen.count > 0) {
        sightings_note(&log->sightings, &f->sightings, &seen,
                       loop_now_ms(f->redis->loop));
    }
}

static void mark_set(struct mark *m, struct log_handle *log, const struct entry *entry,
                     bool is_new)
{
    uint64_t now_ms = loop_now_ms(log->follower->redis->loop);

    if (is_new) {
        note_lines(log, m, entry);
        m->writer->heard_ms = now_ms;
    }
    m->seq = entry->seq;
    m->id = entry->id;
    m->seen_ms = is_new ? now_ms : 0;
}

/*
 * In order (a frame or a hole's entry that continues the log) everything not marked is new.
 * Out of order (a rescan) an entry of a writer without a mark is new only when it came after
 * the snapshot: what is older was part of it. A reaper ("-") has no numbers; what it says
 * may be said twice.
 */
bool log_mark(struct log_handle *log, const struct entry *entry, bool in_order)
{
    bool recent = entry_id_compare(entry->id, log->base) > 0;

    if (sv_equal(entry->node, SV("-"))) {
        return in_order || recent;
    }
    struct writer *w = writer_get(log->follower, entry->node);
    struct mark *m = mark_find(log, w);

    if (m == NULL) {
        mark_set(mark_add(log, w), log, entry, in_order || recent);
        return in_order || recent;
    }
    if (entry->seq <= m->seq) {
        m->id = entry->seq == m->seq ? entry->id
                                     : m->id; /* it came back with another one */
        return false;
    }
    mark_set(m, log, entry, log->has_copy);
    return true;
}

size_t follower_add_seen(struct follower *f, uint32_t partition, size_t max,
                         struct arena *a, struct command *cmd)
{
    uint64_t now_ms = loop_now_ms(f->redis->loop);
    size_t count = 0;
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        for (size_t i = 0; log->partition == partition && i < log->mark_count; i++) {
            const struct mark *m = &log->marks[i];
            char place[ENTRY_PLACE_SIZE];

            if (!mark_is_recent(m, now_ms, FOLLOWER_SEEN_MS) || count == max) {
                continue;
            }
            command_add(cmd, follower_log_name(log));
            command_add(cmd, sv_of(m->writer->id));
            command_add_u64(cmd, m->seq);
            entry_id_place(m->id, place);
            command_add(cmd, arena_copy(a, sv_of(place)));
            count++;
        }
    }
    return count;
}

void follower_each_heard(struct follower *f, follower_heard_fn fn, void *arg)
{
    uint64_t now_ms = loop_now_ms(f->redis->loop);
    size_t cursor = 0;

    for (struct writer *w; (w = map_next(&f->writers, &cursor)) != NULL;) {
        if (now_ms - w->heard_ms <= FOLLOWER_SEEN_MS) {
            fn(arg, sv_of(w->id));
        }
    }
}

void log_apply(struct log_handle *log, const struct entry *entry, bool in_order)
{
    struct redis *r = log->follower->redis;

    if (!log_mark(log, entry, in_order)) {
        metric_add(METRIC_DUPLICATES, 1);
        return;
    }
    r->events->on_entry(r->hub, log->owner, entry);
}

/* ---- frames ---- */

static void note_dirty(struct log_handle *log, struct entry_id id)
{
    if (entry_id_compare(id, log->dirty) > 0) {
        log->dirty = id;
    }
}

bool log_knows(const struct log_handle *log, const struct entry *entry)
{
    const struct mark *m = mark_find(log, writer_get(log->follower, entry->node));

    return m != NULL && entry->seq <= m->seq;
}

/* An entry at or before what was applied: known, unless the log was rolled back. */
static void on_old_frame(struct log_handle *log, const struct entry *entry)
{
    metric_add(METRIC_DUPLICATES, 1);
    if (!log_knows(log, entry) && !sv_equal(entry->node, SV("-"))) {
        log_set_state(log, LOG_RESCAN);
    }
}

/* A frame of a LIVE log: the next entry, an old one, or the edge of a hole. */
static void on_live_frame(struct log_handle *log, struct entry_id prev,
                          const struct entry *entry)
{
    if (entry_id_compare(prev, log->last) == 0) {
        log->last = entry->id;
        log_apply(log, entry, true);
    } else if (entry_id_compare(entry->id, log->last) <= 0) {
        on_old_frame(log, entry);
    } else {
        metric_add(METRIC_GAPS, 1);
        note_dirty(log, entry->id);
        log_set_state(log, LOG_READ);
    }
}

/* Keep a frame until the log is read up to it; what does not fit is read, too. */
static void hold_frame(struct log_handle *log, struct str_view frame)
{
    uint32_t len = (uint32_t)frame.len;

    if (log->state == LOG_SUBSCRIBE ||
        log->held.len + sizeof(len) + len > log->held.max) {
        strbuf_clear(&log->held);
        return;
    }
    strbuf_add(&log->held, sv((const char *)&len, sizeof(len)));
    strbuf_add(&log->held, frame);
}

/* "prev id entry", or "id" alone: a poke, something newer is in the log. */
static bool on_frame(struct log_handle *log, struct str_view frame)
{
    struct str_view rest = frame;
    struct str_view first = sv_next_until(&rest, ' ');
    struct str_view second = sv_next_until(&rest, ' ');
    struct entry_id prev;
    struct entry entry;

    if (!entry_id_parse(first, &prev)) {
        return false;
    }
    if (second.len == 0) {
        note_dirty(log, prev);
        if (log->state == LOG_LIVE && entry_id_compare(prev, log->last) > 0) {
            log_set_state(log, LOG_READ);
        }
        return true;
    }
    if (!entry_id_parse(second, &entry.id) || !entry_decode(rest, &entry)) {
        return false;
    }
    if (log->state == LOG_LIVE) {
        on_live_frame(log, prev, &entry);
    } else {
        note_dirty(log, entry.id);
        hold_frame(log, frame);
    }
    return true;
}

void log_caught_up(struct log_handle *log)
{
    struct strbuf frames = log->held;

    strbuf_init(&log->held, FOLLOWER_HELD_BYTES);
    log_set_state(log, LOG_LIVE);
    for (struct str_view rest = strbuf_view(&frames); rest.len > 0;) {
        uint32_t len;

        memcpy(&len, rest.ptr, sizeof(len));
        if (log->owner == NULL || log->state != LOG_LIVE) {
            break;
        }
        (void)on_frame(log, sv(rest.ptr + sizeof(len), len));
        rest = sv(rest.ptr + sizeof(len) + len, rest.len - sizeof(len) - len);
    }
    strbuf_done(&frames);
    if (log->owner != NULL && log->state == LOG_LIVE &&
        entry_id_compare(log->dirty, log->last) > 0) {
        log_set_state(log, LOG_READ);
    }
}

static void on_subscribed(struct log_handle *log)
{
    if (log->state == LOG_SUBSCRIBE) {
        log_set_state(log, log->has_copy ? LOG_CHECK : LOG_SNAPSHOT);
    }
}

static void on_unsubscribed(struct log_handle *log)
{
    struct follower *f = log->follower;

    if (log->state != LOG_SUBSCRIBE) { /* unasked: its slot moved away */
        log_set_state(log, LOG_SUBSCRIBE);
        follower_rest(f, log->partition);
        topology_on_trouble(f->redis->topology);
    }
}

bool follower_on_push(struct follower *f, const struct redisReply *push,
                      const struct shard *from)
{
    struct str_view kind = reply_text(reply_at(push, 0));
    struct log_handle *log = map_find(&f->by_channel, reply_text(reply_at(push, 1)));

    if (log == NULL) { /* the probe's channel, or a log closed just now */
        return false;
    }
    if (sv_equal(kind, SV("smessage"))) {
        if (!on_frame(log, reply_text(reply_at(push, 2)))) {
            metric_add(METRIC_MALFORMED, 1);
        }
    } else if (topology_shard(f->redis->topology, log->partition) != from) {
        return true; /* of a primary that it had before */
    } else if (sv_equal(kind, SV("ssubscribe"))) {
        on_subscribed(log);
    } else if (sv_equal(kind, SV("sunsubscribe"))) {
        on_unsubscribed(log);
    }
    return true;
}

/* All is well as far as we know: compare the heads nevertheless. */
static void on_audit(void *arg)
{
    struct follower *f = arg;

    timer_start(&f->audit, FOLLOWER_AUDIT_MS);
    LIST_FOR_EACH(&f->live, it) {
        struct log_handle *log = LIST_ENTRY(it, struct log_handle, link);

        sightings_expire(&log->sightings, &f->sightings, loop_now_ms(f->redis->loop));
        log_set_state(log, LOG_CHECK);
    }
}

void follower_on_partition_lost(struct follower *f, uint32_t partition)
{
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        if (log->partition != partition || !log->has_copy) {
            continue;
        }
        log->reborn = true;
        if (log->state == LOG_LIVE) {
            log_set_state(log, LOG_CHECK);
        }
    }
}
