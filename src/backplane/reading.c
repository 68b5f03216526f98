/* SPDX-License-Identifier: MIT */
/* Reading logs: snapshots, holes, whole streams, and the heads of many logs at once. */
#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/follower_internal.h"
#include "backplane/publisher.h"
#include "backplane/reply.h"
#include "backplane/topology.h"

static struct str_view log_name(const struct log_handle *log)
{
    return follower_log_name(log);
}

/* The request came to nothing: ask again, after a rest if Redis refused. */
static void ask_again(struct log_handle *log, const struct redisReply *reply)
{
    log_set_state(log, log->state);
    if (reply_kind(reply) != REPLY_LOST) {
        follower_rest(log->follower, log->partition);
    }
}

static void end_request(struct follower *f, uint32_t partition)
{
    turns_end(&f->turns, partition);
    follower_pump_soon(f);
}

/* ---- snapshots ---- */

/* Pairs of a flat array [field, value, ...]. */
static struct pair *read_pairs(const struct redisReply *flat, size_t *ret_count)
{
    size_t count = reply_count(flat) / 2;
    struct pair *pairs = count == 0 ? NULL : try_malloc(count * sizeof(*pairs));

    if (pairs == NULL) {
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i].field = reply_text(reply_at(flat, 2 * i));
        pairs[i].value = reply_text(reply_at(flat, 2 * i + 1));
    }
    *ret_count = count;
    return pairs;
}

/* The entries of a reply that lists them newest first, oldest first. */
static size_t read_entries(const struct redisReply *list, struct entry *entries,
                           size_t max)
{
    size_t count = 0;

    for (size_t i = reply_count(list); i > 0 && count < max; i--) {
        if (reply_entry(reply_at(list, i - 1), &entries[count])) {
            count++;
        } else {
            metric_add(METRIC_MALFORMED, 1);
        }
    }
    return count;
}

/* The first snapshot of a log: everything in it counts as applied. */
static void begin_copy(struct log_handle *log, struct entry_id last,
                       const struct entry *entries, size_t count)
{
    log->last = last;
    log->base = last;
    log->has_copy = true;
    for (size_t i = 0; i < count; i++) {
        (void)log_mark(log, &entries[i], false);
    }
    if (count == FOLLOWER_SNAPSHOT) { /* whoever wrote behind this is marked now */
        log->base = entries[0].id;
    } else { /* that is all there was */
        log->base = (struct entry_id){0};
    }
}

static void on_snapshot(struct log_handle *log, const struct redisReply *reply)
{
    struct redis *r = log->follower->redis;
    struct entry entries[FOLLOWER_SNAPSHOT];
    struct snapshot snap = {.entries = entries};
    bool renewed = log->has_copy;

    struct str_view epoch = reply_text(reply_at(reply, 0));

    publisher_note_epoch(r->publisher, log->partition, epoch);
    if (!entry_id_parse(reply_text(reply_at(reply, 1)), &snap.last)) {
        metric_add(METRIC_MALFORMED, 1);
        snap.last = (struct entry_id){0};
    }
    size_t count = read_entries(reply_at(reply, 2), entries, FOLLOWER_SNAPSHOT);
    struct pair *members = read_pairs(reply_at(reply, 3), &snap.member_count);
    struct pair *state = read_pairs(reply_at(reply, 4), &snap.state_count);

    if (!renewed) {
        snap.entry_count = count;
        begin_copy(log, snap.last, entries, count);
    } else if (count == 0) { /* the stream is gone; the next entry continues the books */
        log->last = snap.last;
        log->dirty = snap.last;
        log->doubtful = false;
    }
    snap.members = members;
    snap.state = state;
    snap.reborn = log->reborn ||
                  publisher_has_lost_epoch(r->publisher, log->partition, epoch);
    log->reborn = false;
    log->holed = false;
    r->events->on_snapshot(r->hub, log->owner, &snap);
    free(members);
    free(state);
    if (log->owner == NULL) {
        return;
    }
    if (renewed && count > 0) { /* read what came between the last read and the books */
        log_set_state(log, LOG_READ);
    } else {
        log_caught_up(log);
    }
}

static void send_snapshot(struct follower *f, const struct log_handle *log)
{
    struct redis *r = f->redis;

    redis_function(r, &f->arena, &f->command, "snap", 4);
    command_add(&f->command, redis_key(r, &f->arena, log->partition, "w", sv(NULL, 0)));
    command_add(&f->command, log_key(log));
    command_add(&f->command,
                redis_key(r, &f->arena, log->partition, "m:", log_name(log)));
    command_add(&f->command,
                redis_key(r, &f->arena, log->partition, "s:", log_name(log)));
    command_add_u64(&f->command, FOLLOWER_SNAPSHOT);
}

/* ---- holes ---- */

static void add_id(struct follower *f, struct entry_id id, const char *prefix)
{
    struct strbuf text;

    strbuf_init(&text, 64);
    strbuf_add(&text, sv_of(prefix));
    entry_id_add(&text, id);
    command_add(&f->command, arena_copy(&f->arena, strbuf_view(&text)));
    strbuf_done(&text);
}

static bool is_zero(struct entry_id id)
{
    return id.ms == 0 && id.seq == 0;
}

/* XRANGE key from + COUNT n; from is `start` (with it or behind it) or the beginning. */
static void send_range(struct follower *f, const struct log_handle *log,
                       struct entry_id start, const char *prefix)
{
    command_add(&f->command, SV("XRANGE"));
    command_add(&f->command, log_key(log));
    if (is_zero(start)) {
        command_add(&f->command, SV("-"));
    } else {
        add_id(f, start, prefix);
    }
    command_add(&f->command, SV("+"));
    command_add(&f->command, SV("COUNT"));
    command_add_u64(&f->command, FOLLOWER_PAGE);
}

/* What the hub made of the entries may not be what the books say. */
static bool books_are_old(const struct log_handle *log)
{
    return log->reborn || log->holed;
}

/* Apply the entries of a page from index `from` on; false if the log was closed by it. */
static bool apply_page(struct log_handle *log, const struct redisReply *page, size_t from,
                       bool in_order)
{
    for (size_t i = from; i < reply_count(page); i++) {
        struct entry entry;

        if (!reply_entry(reply_at(page, i), &entry)) {
            metric_add(METRIC_MALFORMED, 1);
            continue;
        }
        if (in_order) {
            log->last = entry.id;
        }
        log->scan = entry.id;
        log_apply(log, &entry, in_order);
        if (log->owner == NULL) {
            return false;
        }
    }
    return true;
}

static void on_read(struct log_handle *log, const struct redisReply *page)
{
    size_t count = reply_count(page);
    struct entry_id first = {0};
    bool from_start = is_zero(log->last);

    metric_add(METRIC_RESYNCS, 1);
    if (count > 0 &&
        !entry_id_parse(reply_text(reply_at(reply_at(page, 0), 0)), &first)) {
        metric_add(METRIC_MALFORMED, 1);
    }
    if (!from_start && (count == 0 || entry_id_compare(first, log->last) != 0)) {
        log_set_state(log, LOG_RESCAN); /* trimmed or rolled back */
        return;
    }
    if (!apply_page(log, page, from_start ? 0 : 1, true)) {
        return;
    }
    if (count < FOLLOWER_PAGE && entry_id_compare(log->dirty, log->asked) <= 0) {
        log->dirty = log->last; /* what we heard of is read, or is not there */
    }
    if (count == FOLLOWER_PAGE) {
        log_set_state(log, LOG_READ);
    } else if (books_are_old(log)) {
        log_set_state(log, LOG_SNAPSHOT);
    } else {
        log_caught_up(log);
    }
}

/* The whole stream was read: what the log holds is applied. */
static void end_rescan(struct log_handle *log)
{
    bool is_gone = is_zero(log->scan);

    if (!is_gone) {
        log->last = log->scan;
        log->doubtful = false;
    }
    if (is_gone || books_are_old(log)) {
        log_set_state(log, LOG_SNAPSHOT);
    } else {
        log_caught_up(log);
    }
}

/* Whether what came behind the last entry that we applied was trimmed: not even the stream's first
 * entry is one that we know. (A log that was empty, or began anew after a failover, has no hole.) */
static bool is_holed(const struct log_handle *log, const struct redisReply *first)
{
    struct entry entry;

    return !is_zero(log->last) && reply_entry(first, &entry) &&
           entry_id_compare(entry.id, log->last) > 0 && !log_knows(log, &entry);
}

/* The first page of a rescan: tell of a hole before what comes behind it. */
static void look_for_hole(struct log_handle *log, const struct redisReply *page)
{
    struct redis *r = log->follower->redis;

    if (log->holed || reply_count(page) == 0 || !is_holed(log, reply_at(page, 0))) {
        return;
    }
    log->holed = true;
    if (!log->reborn) {
        metric_add(METRIC_HISTORY_GAPS, 1);
        r->events->on_hole(r->hub, log->owner);
    }
}

static void on_rescan(struct log_handle *log, const struct redisReply *page)
{
    if (is_zero(log->scan)) {
        look_for_hole(log, page);
    }
    if (log->owner == NULL || !apply_page(log, page, 0, false)) {
        return;
    }
    if (reply_count(page) < FOLLOWER_PAGE) {
        end_rescan(log);
        return;
    }
    struct entry_id scan = log->scan;

    log_set_state(log, LOG_RESCAN);
    log->scan = scan;
}

/* Data that were lost begin anew, and have no hole: asked before the stream's beginning. */
static void on_epoch(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct log_handle *log = arg;
    struct publisher *p = log->follower->redis->publisher;

    (void)ctx;
    end_request(log->follower, log->partition);
    log_hold(log); /* over the callbacks: they may close it */
    if (!log_let_go(log) && reply_kind(reply) == REPLY_VALUE) {
        publisher_note_epoch(p, log->partition, reply_text(reply));
        log->reborn = log->reborn ||
                      publisher_has_lost_epoch(p, log->partition, reply_text(reply));
    }
    (void)log_let_go(log);
}

static bool ask_epoch(struct follower *f, struct log_handle *log)
{
    command_add(&f->command, SV("HGET"));
    command_add(&f->command,
                redis_key(f->redis, &f->arena, log->partition, "w", sv(NULL, 0)));
    command_add(&f->command, SV("@"));
    if (!topology_send(f->redis->topology, log->partition, &f->command, on_epoch, log,
                       0)) {
        return false;
    }
    log_hold(log);
    turns_begin(&f->turns, log->partition);
    command_clear(&f->command);
    return true;
}

/* ---- one log's request and its answer ---- */

static void on_reading_reply(void *arg, uint64_t turn, const struct redisReply *reply)
{
    struct log_handle *log = arg;

    end_request(log->follower, log->partition);
    log_hold(log); /* over the callbacks: they may close it */
    if (!log_let_go(log) && turn == log->turn) {
        if (reply_kind(reply) != REPLY_VALUE) {
            ask_again(log, reply);
        } else if (log->state == LOG_SNAPSHOT) {
            on_snapshot(log, reply);
        } else if (log->state == LOG_READ) {
            on_read(log, reply);
        } else if (log->state == LOG_RESCAN) {
            on_rescan(log, reply);
        }
    }
    (void)log_let_go(log);
}

bool reading_start(struct follower *f, struct log_handle *log)
{
    arena_clear(&f->arena);
    command_clear(&f->command);
    if (log->state == LOG_SNAPSHOT) {
        send_snapshot(f, log);
    } else if (log->state == LOG_READ) {
        send_range(f, log, log->last, "");
    } else if (!is_zero(log->scan) || ask_epoch(f, log)) {
        send_range(f, log, log->scan, "(");
    } else {
        return false;
    }
    if (!topology_send(f->redis->topology, log->partition, &f->command, on_reading_reply,
                       log, log->turn)) {
        return false;
    }
    list_remove(&log->link);
    log->asked = log->dirty;
    log_hold(log);
    turns_begin(&f->turns, log->partition);
    return true;
}

/* ---- heads ---- */

/* A question for the heads of `count` logs. */
struct head_check {
    struct list link;          /* in follower.checks */
    struct follower *follower; /* borrowed */
    uint32_t partition;
    size_t count;
    struct {
        struct log_handle *log; /* held */
        uint64_t turn;
    } items[];
};

static void on_head(struct log_handle *log, const struct redisReply *head)
{
    struct entry_id id = {0};

    if (reply_text(head).len > 0 && !entry_id_parse(reply_text(head), &id)) {
        metric_add(METRIC_MALFORMED, 1);
    }
    if (entry_id_compare(id, log->last) == 0 && !books_are_old(log)) {
        log_caught_up(log);
    } else {
        log_set_state(log, LOG_READ);
    }
}

static void on_heads_reply(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct head_check *check = arg;
    bool usable = reply_kind(reply) == REPLY_VALUE && reply_count(reply) == check->count;

    (void)ctx;
    end_request(check->follower, check->partition);
    for (size_t i = 0; i < check->count; i++) {
        struct log_handle *log = check->items[i].log;

        log_hold(log);
        if (!log_let_go(log) && check->items[i].turn == log->turn) {
            if (usable) {
                on_head(log, reply_at(reply, i));
            } else {
                ask_again(log, reply);
            }
        }
        (void)log_let_go(log);
    }
    list_remove(&check->link);
    free(check);
}

void reading_free_checks(struct follower *f)
{
    LIST_FOR_EACH(&f->checks, it) {
        free(LIST_ENTRY(it, struct head_check, link));
    }
}

bool reading_check_heads(struct follower *f, uint32_t partition)
{
    struct head_check *check = xcalloc(1, sizeof(*check) +
                                              FOLLOWER_GROUP * sizeof(check->items[0]));

    list_init(&check->link);
    check->follower = f;
    check->partition = partition;
    arena_clear(&f->arena);
    command_clear(&f->command);
    command_add(&f->command, SV("HMGET"));
    command_add(&f->command, redis_key(f->redis, &f->arena, partition, "w", sv(NULL, 0)));
    LIST_FOR_EACH(&f->partitions[partition].check, it) {
        struct log_handle *log = LIST_ENTRY(it, struct log_handle, link);

        if (check->count == FOLLOWER_GROUP) {
            break;
        }
        command_add(&f->command, log_key(log));
        check->items[check->count].log = log;
        check->items[check->count++].turn = log->turn;
    }
    if (!topology_send(f->redis->topology, partition, &f->command, on_heads_reply, check,
                       0)) {
        free(check);
        return false;
    }
    list_append(&f->checks, &check->link);
    turns_begin(&f->turns, partition);
    for (size_t i = 0; i < check->count; i++) {
        list_remove(&check->items[i].log->link);
        log_hold(check->items[i].log);
    }
    return true;
}
