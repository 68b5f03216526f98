/* SPDX-License-Identifier: MIT */
#include "backplane/janitor.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/rng.h>

#include "backplane/reaper.h"
#include "backplane/redis_internal.h"
#include "backplane/reply.h"
#include "backplane/topology.h"

struct node_id {
    char text[NODE_ID_MAX + 1];
};

struct janitor {
    struct redis *redis;   /* borrowed */
    struct reaper *reaper; /* borrowed */
    struct timer next;     /* runs while it is active and no request is under way */
    bool is_active;
    bool has_warned;     /* that Redis refuses; once is enough */
    uint32_t hurried;    /* partitions that are to be looked at without a rest */
    uint64_t hurries_ms; /* ... from then on */
    uint32_t partition;
    char cursor[24];    /* of the page that comes next; "0": the first */
    unsigned under_way; /* requests: those of one page, or the one for leases */
    size_t node_count;
    struct node_id nodes[JANITOR_NODES]; /* of the page: are they registered? */
    size_t stranger_count;
    struct node_id strangers[JANITOR_STRANGERS]; /* they were not */
    struct command command;
    struct arena arena;
};

static void on_next(void *arg);

struct janitor *janitor_new(struct redis *r, struct reaper *reaper)
{
    struct janitor *j = xcalloc(1, sizeof(*j));

    j->redis = r;
    j->reaper = reaper;
    timer_init(&j->next, r->loop, on_next, j);
    command_init(&j->command);
    arena_init(&j->arena);
    return j;
}

void janitor_free(struct janitor *j)
{
    timer_done(&j->next);
    command_done(&j->command);
    arena_done(&j->arena);
    free(j);
}

static void wait_about(struct janitor *j, uint32_t ms)
{
    timer_start(&j->next, ms + rng_below(ms));
}

static void set_cursor(struct janitor *j, struct str_view cursor)
{
    if (cursor.len == 0 || cursor.len >= sizeof(j->cursor)) {
        cursor = SV("0"); /* no page: the partition's turn will come again */
    }
    memcpy(j->cursor, cursor.ptr, cursor.len);
    j->cursor[cursor.len] = '\0';
}

static bool is_at_first_page(const struct janitor *j)
{
    return strcmp(j->cursor, "0") == 0;
}

void janitor_set_active(struct janitor *j, bool is_active)
{
    if (is_active == j->is_active) {
        return;
    }
    j->is_active = is_active;
    j->stranger_count = 0;
    timer_stop(&j->next);
    if (is_active && j->under_way == 0) { /* not always the same partitions first */
        j->partition = rng_below(j->redis->partitions.count);
        set_cursor(j, SV("0"));
        wait_about(j, JANITOR_STEP_MS);
    }
}

void janitor_hurry(struct janitor *j)
{
    j->hurried = j->redis->partitions.count;
    j->hurries_ms = loop_now_ms(j->redis->loop) + JANITOR_CALM_MS;
}

/* Strangers are given the time to register. */
static void rest(struct janitor *j)
{
    bool hurries = j->hurried > 0 && loop_now_ms(j->redis->loop) >= j->hurries_ms;

    j->hurried -= hurries;
    wait_about(j, hurries && j->stranger_count == 0 ? JANITOR_STEP_MS : JANITOR_REST_MS);
}

/* ---- requests ---- */

static struct command *begin(struct janitor *j)
{
    arena_clear(&j->arena);
    command_clear(&j->command);
    return &j->command;
}

static struct str_view key(struct janitor *j, uint32_t partition, const char *kind,
                           struct str_view name)
{
    return redis_key(j->redis, &j->arena, partition, kind, name);
}

/* Send what was built, if a link is there. */
static void send(struct janitor *j, uint32_t partition, link_reply_fn fn)
{
    if (topology_send(j->redis->topology, partition, &j->command, fn, j, 0)) {
        j->under_way++;
    }
}

/* If all answers of the page have come: on to the next one, of this partition or of another. */
static void go_on(struct janitor *j)
{
    if (!j->is_active || j->under_way > 0) {
        return;
    }
    if (is_at_first_page(j)) {
        j->partition = (j->partition + 1) % j->redis->partitions.count;
        rest(j);
    } else {
        wait_about(j, JANITOR_STEP_MS);
    }
}

static void answered(struct janitor *j)
{
    j->under_way--;
    go_on(j);
}

/* ---- forgetting ---- */

static void on_forgotten(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct janitor *j = arg;

    (void)ctx;
    if (reply_kind(reply) == REPLY_VALUE) {
        metric_add(METRIC_FORGOTTEN, (int64_t)reply_u64(reply));
    } else if (reply_kind(reply) == REPLY_REFUSED && !j->has_warned) {
        struct str_view why = reply_text(reply);

        j->has_warned = true;
        log_warn("books_untidied", "why=\"%.*s\"", reply_shown(why), why.ptr);
    }
    answered(j);
}

/* A field of the books and its value. */
enum field_kind {
    FIELD_OTHER,  /* epoch, era, ids of a batch, or what is not ours */
    FIELD_LOG,    /* last id of a log */
    FIELD_NODE,   /* number of the last batch of a node */
    FIELD_FENCED, /* the same, of one that was declared dead */
};

static bool is_node_id(struct str_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            return false;
        }
    }
    return text.len > 0 && text.len <= NODE_ID_MAX;
}

static enum field_kind kind_of(struct str_view field, struct str_view value,
                               struct str_view log_prefix)
{
    uint64_t number = 0;

    if (sv_starts_with(field, log_prefix)) {
        return FIELD_LOG;
    } else if (!is_node_id(field)) {
        return FIELD_OTHER;
    } else if (sv_starts_with(value, SV("X"))) {
        return FIELD_FENCED;
    }
    /* The ids of a batch are none, or have a '-' in them. */
    return sv_to_u64(value, UINT64_MAX, &number) ? FIELD_NODE : FIELD_OTHER;
}

/* Fields of a page that may be old, as many as one call takes. */
struct forgettable {
    struct str_view logs[JANITOR_CALL]; /* their names */
    struct str_view nodes[JANITOR_CALL];
    size_t log_count;
    size_t node_count;
};

static void send_forget(struct janitor *j, const struct forgettable *old)
{
    if (old->log_count + old->node_count == 0) {
        return;
    }
    struct command *cmd = begin(j);

    redis_function(j->redis, &j->arena, cmd, "forget", 1 + 2 * old->log_count);
    command_add(cmd, key(j, j->partition, "w", sv(NULL, 0)));
    for (size_t i = 0; i < old->log_count; i++) {
        command_add(cmd, key(j, j->partition, "l:", old->logs[i]));
        command_add(cmd, key(j, j->partition, "m:", old->logs[i]));
    }
    command_add_u64(cmd, JANITOR_AGE_MS);
    for (size_t i = 0; i < old->node_count; i++) {
        command_add(cmd, old->nodes[i]);
    }
    send(j, j->partition, on_forgotten);
}

/* ---- strangers ---- */

static void on_registry(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct janitor *j = arg;
    bool is_usable = reply_count(reply) == j->node_count;

    (void)ctx;
    for (size_t i = 0; is_usable && i < j->node_count; i++) {
        bool is_registered = reply_text(reply_at(reply, i)).len > 0;

        if (!is_registered && j->stranger_count < JANITOR_STRANGERS) {
            j->strangers[j->stranger_count++] = j->nodes[i];
        }
    }
    answered(j);
}

static void ask_registry(struct janitor *j)
{
    if (j->node_count == 0) {
        return;
    }
    struct command *cmd = begin(j);

    command_add(cmd, SV("HMGET"));
    command_add(cmd, key(j, 0, "nodes", sv(NULL, 0)));
    for (size_t i = 0; i < j->node_count; i++) {
        command_add(cmd, sv_of(j->nodes[i].text));
    }
    send(j, 0, on_registry);
}

static void on_leases(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct janitor *j = arg;
    bool is_usable = reply_count(reply) == j->stranger_count;

    (void)ctx;
    for (size_t i = 0; is_usable && i < j->stranger_count; i++) {
        if (reply_text(reply_at(reply, i)).len == 0) {
            reaper_clear(j->reaper, j->strangers[i].text);
        }
    }
    j->stranger_count = 0;
    j->under_way--;
    if (j->is_active) { /* the page later, when they are fenced */
        wait_about(j, JANITOR_STEP_MS);
    }
}

static void ask_leases(struct janitor *j)
{
    struct command *cmd = begin(j);

    command_add(cmd, SV("MGET"));
    for (size_t i = 0; i < j->stranger_count; i++) {
        command_add(cmd, key(j, 0, "lease:", sv_of(j->strangers[i].text)));
    }
    send(j, 0, on_leases);
}

/* ---- the walk ---- */

/* Sort one field in; a full call is sent. */
static void look_at(struct janitor *j, struct forgettable *old, struct str_view field,
                    struct str_view value, struct str_view log_prefix)
{
    switch (kind_of(field, value, log_prefix)) {
    case FIELD_LOG:
        old->logs[old->log_count++] = sv(field.ptr + log_prefix.len,
                                         field.len - log_prefix.len);
        break;
    case FIELD_FENCED:
        old->nodes[old->node_count++] = field;
        break;
    case FIELD_NODE:
        if (j->node_count < JANITOR_NODES && !sv_equal(field, sv_of(j->redis->node))) {
            struct node_id *node = &j->nodes[j->node_count++];

            memcpy(node->text, field.ptr, field.len);
            node->text[field.len] = '\0';
        }
        break;
    case FIELD_OTHER:
        break;
    }
    if (old->log_count + old->node_count == JANITOR_CALL) {
        send_forget(j, old);
        *old = (struct forgettable){.log_count = 0};
    }
}

static void on_page(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    struct janitor *j = arg;
    const struct redisReply *fields = reply_at(reply, 1);
    struct forgettable old = {.log_count = 0};
    struct strbuf prefix;

    (void)ctx;
    set_cursor(j, reply_text(reply_at(reply, 0)));
    j->node_count = 0;
    strbuf_init(&prefix, 128);
    partition_add_key(&j->redis->partitions, j->partition, &prefix, "l:", sv(NULL, 0));
    for (size_t i = 0; j->is_active && i + 1 < reply_count(fields); i += 2) {
        look_at(j, &old, reply_text(reply_at(fields, i)),
                reply_text(reply_at(fields, i + 1)), strbuf_view(&prefix));
    }
    strbuf_done(&prefix);
    send_forget(j, &old);
    ask_registry(j);
    answered(j);
}

static void ask_page(struct janitor *j)
{
    struct command *cmd = begin(j);

    command_add(cmd, SV("HSCAN"));
    command_add(cmd, key(j, j->partition, "w", sv(NULL, 0)));
    command_add(cmd, sv_of(j->cursor));
    command_add(cmd, SV("COUNT"));
    command_add_u64(cmd, JANITOR_PAGE);
    send(j, j->partition, on_page);
}

static void on_next(void *arg)
{
    struct janitor *j = arg;

    if (is_at_first_page(j) && j->stranger_count > 0) {
        ask_leases(j);
    } else {
        ask_page(j);
    }
    if (j->under_way == 0) { /* the primary is away */
        set_cursor(j, SV("0"));
        go_on(j);
    }
}
