/* SPDX-License-Identifier: MIT */
#include "model_redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

#include "virtual_loop.h"

enum { STEP = 8 }; /* entries settled at once: few, so that calls interleave */

static const char *const keys[MODEL_LOGS] = {"p:{0}:l:#a", "p:{0}:l:#b"};

const char *model_log_key(size_t log)
{
    return keys[log];
}

size_t model_log_of_key(struct str_view key)
{
    for (size_t i = 0; i < MODEL_LOGS; i++) {
        if (sv_equal(key, sv_of(keys[i]))) {
            return i;
        }
    }
    return MODEL_LOGS;
}

static const char *copy(struct model_redis *r, struct str_view text)
{
    return arena_copy(r->arena, text).ptr;
}

/* ---- answers ---- */

static void say_array(struct strbuf *out, size_t count)
{
    strbuf_add_fmt(out, "*%zu\r\n", count);
}

static void say(struct strbuf *out, struct str_view text)
{
    strbuf_add_fmt(out, "$%zu\r\n", text.len);
    strbuf_add(out, text);
    strbuf_add(out, SV("\r\n"));
}

static void say_text(struct strbuf *out, const char *text)
{
    say(out, sv_of(text));
}

static void say_u64(struct strbuf *out, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    say_text(out, text);
}

static const char *id_text(struct entry_id id)
{
    static char text[48];

    (void)snprintf(text, sizeof text, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
    return text;
}

static void say_entry(struct strbuf *out, const struct model_entry *e)
{
    say_array(out, 2);
    say_text(out, id_text(e->id));
    say_array(out, 2);
    say_text(out, "d");
    say_text(out, e->text);
}

static uint64_t number(struct str_view text)
{
    uint64_t value = 0;

    PARLEY_ASSERT(text.len == 0 || sv_to_u64(text, UINT64_MAX, &value));
    return value;
}

/* The era as ~ has it. */
static const char *era_text(const struct model_books *b)
{
    static char text[24];

    (void)snprintf(text, sizeof text, "%s%" PRIu64, b->settling ? "-" : "", b->era);
    return text;
}

/* ---- the books ---- */

static struct model_writer *writer_get(struct model_books *b, struct str_view id)
{
    for (size_t i = 0; i < b->writer_count; i++) {
        if (sv_equal(id, sv_of(b->writers[i].id))) {
            return &b->writers[i];
        }
    }
    PARLEY_ASSERT(b->writer_count < MODEL_WRITERS_MAX);
    struct model_writer *w = &b->writers[b->writer_count++];

    *w = (struct model_writer){.last = 0};
    memcpy(w->id, id.ptr, id.len);
    return w;
}

/* Ids grow in a log whatever the clock says. */
static struct entry_id append(struct model_redis *r, size_t log, const char *text)
{
    struct model_log *l = &r->books.logs[log];
    struct entry_id id = {.ms = r->clock_ms};
    struct strbuf frame;

    if (entry_id_compare(id, l->last) <= 0) {
        id = (struct entry_id){l->last.ms, l->last.seq + 1};
    }
    PARLEY_ASSERT(l->count < MODEL_ENTRIES_MAX);
    l->entries[l->count++] = (struct model_entry){id, text};
    strbuf_init(&frame, 1 << 20);
    strbuf_add_fmt(&frame, "%s ", id_text(l->last));
    strbuf_add_fmt(&frame, "%s %s", id_text(id), text);
    l->last = id;
    r->publish(r->arg, log, strbuf_cstr(&frame));
    strbuf_done(&frame);
    return id;
}

/* ---- apply: one section without ops ---- */

static void apply_entries(struct model_redis *r, const struct model_request *q,
                          const struct str_view *args, struct model_writer *w)
{
    size_t logs = (size_t)number(args[8]);
    struct strbuf ids;

    strbuf_init(&ids, 4096);
    for (size_t i = 0; i < logs; i++) {
        size_t log = model_log_of_key(q->argv[6 + i]);

        PARLEY_ASSERT(log < MODEL_LOGS);
        strbuf_add_fmt(&ids, "%s%s", i == 0 ? "" : " ",
                       id_text(append(r, log, copy(r, args[11 + i]))));
    }
    (void)snprintf(w->ids, sizeof w->ids, "%s", strbuf_cstr(&ids));
    w->last = number(args[7]);
    if (r->books.epoch[0] == '\0') {
        (void)snprintf(r->books.epoch, sizeof r->books.epoch, "%.*s", SV_ARG(args[1]));
    }
    strbuf_done(&ids);
}

static void run_apply(struct model_redis *r, const struct model_request *q,
                      const struct str_view *args, struct strbuf *out)
{
    struct model_books *b = &r->books;
    struct model_writer *w = writer_get(b, args[0]);
    const char *status = "OK";
    char text[256];

    PARLEY_ASSERT(number(args[4]) == 1 && number(args[9]) == 0);
    (void)snprintf(text, sizeof text, "%" PRIu64, w->last);
    if (w->last == number(args[7])) {
        status = "DUP";
        memcpy(text, w->ids, sizeof text);
    } else if (b->settling || (args[5].len > 0 && number(args[5]) != b->era)) {
        status = "ERA";
        (void)snprintf(text, sizeof text, "%s", era_text(b));
    } else if (w->last != number(args[6])) {
        status = "GAP";
    } else {
        apply_entries(r, q, args, w);
        memcpy(text, w->ids, sizeof text);
    }
    say_array(out, 1);
    say_array(out, 4);
    say_text(out, status);
    say_text(out, text);
    say_text(out, b->epoch);
    say_text(out, era_text(b));
}

/* ---- offer, settle ---- */

static bool may_settle(const struct model_books *b)
{
    bool all = true;

    for (size_t i = 0; i < b->writer_count; i++) {
        all = all && !b->writers[i].is_awaited;
    }
    return virtual_loop_now_ms() >= (all ? b->from_ms : b->until_ms);
}

static void begin_settlement(struct model_books *b, uint64_t known, uint64_t wait_ms,
                             uint64_t least_ms)
{
    b->era = (b->era > known ? b->era : known) + 1;
    b->settling = true;
    b->from_ms = virtual_loop_now_ms() + least_ms;
    b->until_ms = virtual_loop_now_ms() + wait_ms;
    b->offer_count = 0;
    b->new_id_count = 0;
    for (size_t i = 0; i < b->writer_count; i++) {
        struct model_writer *w = &b->writers[i];

        w->is_awaited = false;
        w->has_joined = false;
        memset(w->streams, 0, sizeof w->streams);
    }
}

static size_t log_of_name(struct str_view name)
{
    return sv_equal(name, SV("#a")) ? 0 : 1;
}

static void note_seen(struct model_books *b, const struct model_writer *me,
                      const struct str_view *seen)
{
    struct model_writer *w = writer_get(b, seen[1]);
    struct model_stream *stream = &w->streams[log_of_name(seen[0])];

    if (number(seen[2]) > stream->seen_seq) {
        stream->seen_seq = number(seen[2]);
        (void)snprintf(stream->seen_place, sizeof stream->seen_place, "%.*s",
                       SV_ARG(seen[3]));
    }
    w->is_awaited = w->is_awaited || (w != me && !w->has_joined);
}

/* Give the offer a place: `place`, or right behind the one before. */
static void put_offer(struct model_offer *o, const char *place)
{
    struct model_stream *stream = &o->writer->streams[o->log];

    if (place[0] == 'x' || stream->is_unplaced) {
        stream->is_unplaced = true;
        place = "x";
    } else if (strcmp(place, stream->place) > 0) {
        memmove(stream->place, place, strlen(place) + 1);
    } else {
        place = stream->place;
    }
    memmove(o->place, place, strlen(place) + 1);
}

static void note_offer(struct model_redis *r, struct model_writer *me,
                       const struct str_view *args)
{
    struct model_books *b = &r->books;
    char place[40];

    PARLEY_ASSERT(number(args[4]) == 0);
    PARLEY_ASSERT(b->offer_count < MODEL_OFFERS_MAX);
    struct model_offer *o = &b->offers[b->offer_count++];

    *o = (struct model_offer){.log = log_of_name(args[1]),
                              .writer = me,
                              .seq = number(args[2]),
                              .text = copy(r, args[3])};
    (void)snprintf(place, sizeof place, "%.*s", SV_ARG(args[0]));
    put_offer(o, place);
}

static bool is_before(const struct model_offer *a, const struct model_offer *b)
{
    int order = strcmp(a->place, b->place);

    if (order == 0) {
        order = (a->seq > b->seq) - (a->seq < b->seq);
    }
    if (order == 0) {
        order = strcmp(a->writer->id, b->writer->id);
    }
    return order < 0 || (order == 0 && a->log < b->log);
}

/* The offer that is to be appended next, after `before` (NULL: of all). */
static struct model_offer *next_offer(struct model_books *b,
                                      const struct model_offer *before)
{
    struct model_offer *next = NULL;

    for (size_t i = 0; i < b->offer_count; i++) {
        struct model_offer *o = &b->offers[i];

        if ((before == NULL || is_before(before, o)) &&
            (next == NULL || is_before(o, next))) {
            next = o;
        }
    }
    return next;
}

static void place_offers(struct model_books *b)
{
    struct model_offer *o = next_offer(b, NULL);

    while (o != NULL && o->place[0] != 'x') {
        o = next_offer(b, o);
    }
    while (o != NULL) {
        struct model_offer *next = next_offer(b, o);
        struct model_stream *stream = &o->writer->streams[o->log];

        stream->is_unplaced = o->seq > stream->seen_seq;
        if (!stream->is_unplaced) {
            put_offer(o, stream->seen_place);
        }
        o = next;
    }
}

static void say_ready(struct model_books *b, uint64_t last, struct strbuf *out)
{
    size_t count = b->offer_count < STEP ? b->offer_count : STEP;
    const struct model_offer *o = NULL;

    say_array(out, 3 + 2 * count);
    say_text(out, "READY");
    say_text(out, era_text(b));
    say_u64(out, last);
    for (size_t i = 0; i < count; i++) {
        o = next_offer(b, o);
        PARLEY_ASSERT(o != NULL);
        say_text(out, o->log == 0 ? "#a" : "#b");
        say_text(out, o->writer->id);
    }
}

static void say_wait(const struct model_books *b, const struct model_writer *w,
                     struct strbuf *out)
{
    say_array(out, 4);
    say_text(out, "WAIT");
    say_text(out, era_text(b));
    say_u64(out, w->last);
    say_u64(out, w->have);
}

static void say_status(const struct model_books *b, const char *status, uint64_t last,
                       struct strbuf *out)
{
    say_array(out, 3);
    say_text(out, status);
    say_text(out, era_text(b));
    say_u64(out, last);
}

static void take_offers(struct model_redis *r, struct model_writer *me,
                        const struct str_view *args)
{
    size_t seen = (size_t)number(args[7]);
    size_t offers = (size_t)number(args[8]);

    for (size_t i = 0; i < seen; i++) {
        note_seen(&r->books, me, args + 9 + 4 * i);
    }
    for (size_t i = 0; i < offers; i++) {
        note_offer(r, me, args + 9 + 4 * seen + 5 * i);
    }
    me->is_awaited = number(args[6]) == 1;
    me->has_joined = true;
    me->have = args[2].len > 0 ? number(args[5]) : me->have;
}

static void run_offer(struct model_redis *r, const struct str_view *args,
                      struct strbuf *out)
{
    struct model_books *b = &r->books;
    struct model_writer *me = writer_get(b, args[0]);

    if (!b->settling && b->era > number(args[1])) {
        say_status(b, "DONE", me->last, out);
        return;
    }
    if (!b->settling) {
        begin_settlement(b, number(args[1]), r->is_impatient ? 0 : number(args[3]),
                         r->is_impatient ? 0 : number(args[4]));
    }
    me->have = me->has_joined ? me->have : me->last;
    if (args[2].len > 0 && number(args[2]) != me->have) {
        say_status(b, "ANEW", me->last, out);
        return;
    }
    take_offers(r, me, args);
    if (me->is_awaited || !may_settle(b)) {
        say_wait(b, me, out);
        return;
    }
    place_offers(b);
    say_ready(b, me->last, out);
}

static void end_settlement(struct model_redis *r)
{
    struct model_books *b = &r->books;

    b->settling = false;
    r->settlements++;
    for (size_t i = 0; i < b->writer_count; i++) {
        struct model_writer *w = &b->writers[i];

        if (w->has_joined && w->last != w->have) {
            w->last = w->have;
            w->ids[0] = '\0';
        }
    }
}

static void run_settle(struct model_redis *r, const struct model_request *q,
                       const struct str_view *args, struct strbuf *out)
{
    struct model_books *b = &r->books;
    size_t given = ((size_t)number(q->argv[2]) - 4) / 4;

    if (!sv_equal(args[1], sv_of(era_text(b)))) {
        say_status(b, b->settling ? "WAIT" : "DONE", writer_get(b, args[0])->last, out);
        return;
    }
    if (b->epoch[0] == '\0') {
        (void)snprintf(b->epoch, sizeof b->epoch, "%.*s", SV_ARG(args[4]));
    }
    for (size_t i = 0; i < given; i++) {
        struct model_offer *o = next_offer(b, NULL);
        char in_key[64];

        (void)snprintf(in_key, sizeof in_key, "p:{0}:in:%s",
                       o == NULL ? "" : o->writer->id);
        if (o == NULL || model_log_of_key(q->argv[7 + 4 * i]) != o->log ||
            !sv_equal(q->argv[10 + 4 * i], sv_of(in_key))) {
            break;
        }
        b->new_ids[b->new_id_count++] = (struct model_new_id){o->writer, o->seq, o->log,
                                                              append(r, o->log, o->text)};
        *o = b->offers[--b->offer_count];
    }
    if (b->offer_count > 0) {
        say_ready(b, 0, out);
        return;
    }
    end_settlement(r);
    say_status(b, "DONE", writer_get(b, args[0])->last, out);
}

/* ---- reading ---- */

static void run_snap(struct model_redis *r, const struct model_request *q,
                     const struct str_view *args, struct strbuf *out)
{
    const struct model_log *l = &r->books.logs[model_log_of_key(q->argv[4])];
    size_t count = (size_t)number(args[0]);

    count = count > l->count ? l->count : count;
    say_array(out, 5);
    say_text(out, r->books.epoch);
    say_text(out, id_text(l->last));
    say_array(out, count);
    for (size_t i = 0; i < count; i++) {
        say_entry(out, &l->entries[l->count - 1 - i]);
    }
    say_array(out, 0);
    say_array(out, 0);
}

/* XRANGE key from + COUNT n */
static void run_range(struct model_redis *r, const struct model_request *q,
                      struct strbuf *out)
{
    const struct model_log *l = &r->books.logs[model_log_of_key(q->argv[1])];
    struct str_view from = q->argv[2];
    bool is_open = sv_starts_with(from, SV("("));
    struct entry_id start = {0};
    size_t first = 0;

    if (is_open) {
        from = sv(from.ptr + 1, from.len - 1);
    }
    PARLEY_ASSERT(sv_equal(from, SV("-")) || entry_id_parse(from, &start));
    while (first < l->count &&
           entry_id_compare(l->entries[first].id, start) < (is_open ? 1 : 0)) {
        first++;
    }
    size_t count = (size_t)number(q->argv[5]);

    count = count > l->count - first ? l->count - first : count;
    say_array(out, count);
    for (size_t i = first; i < first + count; i++) {
        say_entry(out, &l->entries[i]);
    }
}

/* HMGET settle ("=" node " " seq " " log)* */
static void run_new_ids(struct model_redis *r, const struct model_request *q,
                        struct strbuf *out)
{
    struct model_books *b = &r->books;

    say_array(out, q->argc - 2);
    for (size_t i = 2; i < q->argc; i++) {
        struct str_view rest = sv(q->argv[i].ptr + 1, q->argv[i].len - 1);
        const struct model_writer *w = writer_get(b, sv_next_until(&rest, ' '));
        uint64_t seq = number(sv_next_until(&rest, ' '));
        const struct model_new_id *found = NULL;

        for (size_t k = 0; k < b->new_id_count; k++) {
            const struct model_new_id *it = &b->new_ids[k];

            if (it->writer == w && it->seq == seq && it->log == log_of_name(rest)) {
                found = it;
            }
        }
        say_text(out, found == NULL ? "" : id_text(found->id));
    }
}

/* HMGET w node* */
static void run_numbers(struct model_redis *r, const struct model_request *q,
                        struct strbuf *out)
{
    say_array(out, q->argc - 2);
    for (size_t i = 2; i < q->argc; i++) {
        const struct model_writer *w = writer_get(&r->books, q->argv[i]);

        if (w->last == 0) {
            strbuf_add(out, SV("$-1\r\n"));
        } else {
            say_u64(out, w->last);
        }
    }
}

/* HMGET w log* */
static void run_heads(struct model_redis *r, const struct model_request *q,
                      struct strbuf *out)
{
    say_array(out, q->argc - 2);
    for (size_t i = 2; i < q->argc; i++) {
        const struct model_log *l = &r->books.logs[model_log_of_key(q->argv[i])];

        if (l->last.ms == 0) {
            strbuf_add(out, SV("$-1\r\n"));
        } else {
            say_text(out, id_text(l->last));
        }
    }
}

void model_redis_run(struct model_redis *r, const struct model_request *q,
                     struct strbuf *out)
{
    struct str_view word = q->argv[0];

    if (sv_equal(word, SV("XRANGE"))) {
        run_range(r, q, out);
    } else if (sv_equal(word, SV("HMGET")) && sv_equal(q->argv[1], SV("p:{0}:settle"))) {
        run_new_ids(r, q, out);
    } else if (sv_equal(word, SV("HMGET")) &&
               sv_find_char(q->argv[2], ':') < q->argv[2].len) {
        run_heads(r, q, out);
    } else if (sv_equal(word, SV("HMGET"))) {
        run_numbers(r, q, out);
    } else if (sv_equal(word, SV("HGET"))) { /* w @ */
        say_text(out, r->books.epoch);
    } else {
        const struct str_view *args = q->argv + 3 + number(q->argv[2]);
        struct str_view function = q->argv[1];

        PARLEY_ASSERT(sv_equal(word, SV("FCALL")));
        if (sv_equal(function, SV("apply"))) {
            run_apply(r, q, args, out);
        } else if (sv_equal(function, SV("offer"))) {
            run_offer(r, args, out);
        } else if (sv_equal(function, SV("settle"))) {
            run_settle(r, q, args, out);
        } else {
            PARLEY_ASSERT(sv_equal(function, SV("snap")));
            run_snap(r, q, args, out);
        }
    }
}
