/* SPDX-License-Identifier: MIT */
#include "echo_backplane.h"

#include <stdlib.h>

#include <parley/core/item.h>
#include <parley/util/alloc.h>
#include <parley/util/list.h>
#include <parley/util/strbuf.h>

struct log_handle {
    struct list link; /* among those that have something to tell */
    void *owner;      /* borrowed */
    bool is_new;      /* wants its snapshot */
    uint64_t count;   /* items that wait */
    struct strbuf items;
};

struct claim {
    struct list link;
    struct token token;
};

struct echo {
    struct backplane_base base; /* first */
    struct loop *loop;          /* borrowed, as events and hub */
    const struct backplane_events *events;
    void *hub;
    struct loop_task pump;
    struct list waiting; /* log handles */
    struct list claims;
    uint64_t entries;
    uint64_t items;
};

static struct echo *echo_of(struct backplane *bp)
{
    return (struct echo *)(void *)bp;
}

/* ---- back it comes ---- */

static void tell_entry(struct echo *e, struct log_handle *log)
{
    struct strbuf items = log->items;
    struct entry entry = {
        .id = {.ms = 1, .seq = ++e->entries},
        .node = SV("echo"),
        .seq = e->entries,
        .count = log->count,
        .items = strbuf_view(&items),
    };

    strbuf_init(&log->items, items.max);
    e->items += log->count;
    log->count = 0;
    e->events->on_entry(e->hub, log->owner, &entry);
    strbuf_done(&items);
}

static void tell_log(struct echo *e, struct log_handle *log)
{
    if (log->is_new) {
        struct snapshot nothing = {0};

        log->is_new = false;
        e->events->on_snapshot(e->hub, log->owner, &nothing);
    }
    if (log->count > 0) {
        tell_entry(e, log);
    }
}

static void pump(void *arg)
{
    struct echo *e = arg;
    struct list *link = NULL;

    while ((link = list_take(&e->claims)) != NULL) {
        struct claim *claim = PARLEY_CONTAINER_OF(link, struct claim, link);
        e->events->on_claim(e->hub, claim->token, CLAIM_GRANTED);
        free(claim);
    }
    while ((link = list_take(&e->waiting)) != NULL) {
        tell_log(e, PARLEY_CONTAINER_OF(link, struct log_handle, link));
    }
}

static void want_pump(struct echo *e)
{
    loop_task_queue(e->loop, LOOP_PUBLISH, &e->pump);
}

/* ---- operations ---- */

static void attach(struct backplane *bp, const struct backplane_events *events, void *hub)
{
    echo_of(bp)->events = events;
    echo_of(bp)->hub = hub;
}

static struct str_view node_id(struct backplane *bp)
{
    (void)bp;
    return SV("echo");
}

static void inbox_name(struct backplane *bp, struct str_view node,
                       struct strbuf *ret_name)
{
    (void)bp;
    strbuf_add_char(ret_name, '@');
    strbuf_add(ret_name, node);
}

static bool yes(struct backplane *bp)
{
    (void)bp;
    return true;
}

static void wait_in_line(struct echo *e, struct log_handle *log)
{
    if (!list_is_linked(&log->link)) {
        list_append(&e->waiting, &log->link);
    }
    want_pump(e);
}

static struct log_handle *open_log(struct backplane *bp, struct str_view name,
                                   void *log_owner)
{
    struct log_handle *log = xcalloc(1, sizeof *log);

    (void)name;
    list_init(&log->link);
    log->owner = log_owner;
    log->is_new = true;
    strbuf_init(&log->items, (size_t)ENTRY_BYTES_MAX * 16);
    wait_in_line(echo_of(bp), log);
    return log;
}

static void close_log(struct backplane *bp, struct log_handle *log)
{
    (void)bp;
    list_remove(&log->link);
    strbuf_done(&log->items);
    free(log);
}

static bool publish(struct backplane *bp, struct log_handle *log,
                    const struct publication *p)
{
    strbuf_add(&log->items, p->item);
    wait_in_line(echo_of(bp), log);
    if (++log->count == ENTRY_ITEMS_MAX && !log->is_new) {
        tell_entry(echo_of(bp), log);
    }
    return true;
}

static bool publish_to(struct backplane *bp, struct str_view log_name,
                       const struct publication *p)
{
    (void)bp;
    (void)log_name;
    (void)p;
    return true;
}

static void claim(struct backplane *bp, struct str_view name, struct str_view owner,
                  struct str_view expected, struct str_view record, struct token token)
{
    struct claim *c = xcalloc(1, sizeof *c);

    (void)name;
    (void)owner;
    (void)expected;
    (void)record;
    list_init(&c->link);
    c->token = token;
    list_append(&echo_of(bp)->claims, &c->link);
    want_pump(echo_of(bp));
}

static void release(struct backplane *bp, struct str_view name, struct str_view owner)
{
    (void)bp;
    (void)name;
    (void)owner;
}

static void lookup(struct backplane *bp, struct str_view name, struct token token)
{
    (void)bp;
    (void)name;
    (void)token;
}

static void read_history(struct backplane *bp, struct str_view log_name,
                         struct entry_id before, size_t count, struct token token)
{
    (void)bp;
    (void)log_name;
    (void)before;
    (void)count;
    (void)token;
}

static void list_rooms(struct backplane *bp, struct token token)
{
    (void)bp;
    (void)token;
}

static const struct backplane_ops echo_ops = {
    .attach = attach,
    .node_id = node_id,
    .inbox_name = inbox_name,
    .is_available = yes,
    .open = open_log,
    .close = close_log,
    .publish = publish,
    .publish_to = publish_to,
    .claim = claim,
    .release = release,
    .lookup = lookup,
    .read_history = read_history,
    .list_rooms = list_rooms,
    .is_idle = yes,
};

struct backplane *echo_backplane_new(struct loop *loop)
{
    struct echo *e = xcalloc(1, sizeof *e);

    e->base.ops = &echo_ops;
    e->loop = loop;
    loop_task_init(&e->pump, pump, e);
    list_init(&e->waiting);
    list_init(&e->claims);
    return (struct backplane *)(void *)e;
}

void echo_backplane_free(struct backplane *bp)
{
    loop_task_cancel(&echo_of(bp)->pump);
    free(bp);
}

uint64_t echo_backplane_items(const struct backplane *bp)
{
    return ((const struct echo *)(const void *)bp)->items;
}
