/* SPDX-License-Identifier: MIT */
#include "memory_backplane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/strbuf.h>

struct log_handle {
    struct list link;
    struct memory_log *log;
    void *owner;
    size_t next; /* index of the next entry to deliver */
    bool wants_snapshot;
    bool has_hole;
    bool is_held;
};

struct outgoing {
    struct list link;
    char *log;
    char *item;
    struct book_update *updates; /* texts owned */
    size_t update_count;
    struct token token;
    bool want_stored;
};

enum answer_kind {
    ANSWER_STORED,
    ANSWER_REFUSED,
    ANSWER_CLAIM,
    ANSWER_LOOKUP,
    ANSWER_HISTORY,
    ANSWER_ROOMS,
    ANSWER_LOST,
    ANSWER_NEW_ID,
};

/* Texts and numbers of whatever it is; `texts` are owned. */
struct answer {
    struct list link;
    enum answer_kind kind;
    struct token token;
    struct entry_id id;
    enum claim_result claim;
    size_t count;
    char *texts[2];
};

static struct memory_node *node_of(struct backplane *bp)
{
    return (struct memory_node *)(void *)bp;
}

static struct answer *add_answer(struct memory_node *n, enum answer_kind kind,
                                 struct token token)
{
    struct answer *a = xcalloc(1, sizeof *a);

    a->kind = kind;
    a->token = token;
    list_append(&n->answers, &a->link);
    return a;
}

static char *copy(struct str_view text)
{
    return xstrndup(text.len > 0 ? text.ptr : "", text.len);
}

/* ---- operations ---- */

static void op_attach(struct backplane *bp, const struct backplane_events *events,
                      void *hub)
{
    node_of(bp)->events = events;
    node_of(bp)->hub = hub;
}

static struct str_view op_node_id(struct backplane *bp)
{
    return sv_of(node_of(bp)->id);
}

static void op_inbox_name(struct backplane *bp, struct str_view node,
                          struct strbuf *ret_name)
{
    (void)bp;
    strbuf_add_fmt(ret_name, "@%.*s", SV_ARG(node));
}

static bool op_is_available(struct backplane *bp)
{
    return !node_of(bp)->is_mute;
}

static struct log_handle *op_open(struct backplane *bp, struct str_view name,
                                  void *log_owner)
{
    struct log_handle *h = xcalloc(1, sizeof *h);

    h->log = memory_log_get(node_of(bp)->world, name);
    h->owner = log_owner;
    h->wants_snapshot = true;
    list_append(&node_of(bp)->handles, &h->link);
    return h;
}

static void op_close(struct backplane *bp, struct log_handle *log)
{
    (void)bp;
    list_remove(&log->link);
    free(log);
}

static bool op_publish_to(struct backplane *bp, struct str_view log_name,
                          const struct publication *p)
{
    struct memory_node *n = node_of(bp);

    if (n->is_full) {
        return false;
    }
    struct outgoing *o = xcalloc(1, sizeof *o);

    o->log = copy(log_name);
    o->item = copy(p->item);
    PARLEY_ASSERT(strlen(o->item) == p->item.len);
    o->token = p->token;
    o->want_stored = p->want_stored;
    o->update_count = p->update_count;
    o->updates = xcalloc(p->update_count + 1, sizeof *o->updates);
    for (size_t i = 0; i < p->update_count; i++) {
        o->updates[i].op = p->updates[i].op;
        o->updates[i].field = sv(copy(p->updates[i].field), p->updates[i].field.len);
        o->updates[i].value = sv(copy(p->updates[i].value), p->updates[i].value.len);
    }
    list_append(&n->outgoing, &o->link);
    return true;
}

static bool op_publish(struct backplane *bp, struct log_handle *log,
                       const struct publication *p)
{
    return op_publish_to(bp, sv_of(log->log->name), p);
}

static void op_claim(struct backplane *bp, struct str_view name, struct str_view owner,
                     struct str_view expected, struct str_view record, struct token token)
{
    struct memory_node *n = node_of(bp);
    struct answer *a = add_answer(n, ANSWER_CLAIM, token);
    struct memory_pair *p = memory_pair_find(&n->world->names, name);

    a->claim = CLAIM_GRANTED;
    if (n->is_mute) {
        a->claim = CLAIM_FAILED;
    } else if (p != NULL && !sv_equal(sv_of(p->owner), owner) &&
               !sv_equal(sv_of(p->owner), expected)) {
        a->claim = CLAIM_TAKEN;
    } else {
        p = memory_pair_set(&n->world->names, name, record);
        free(p->owner);
        p->owner = copy(owner);
    }
}

static void op_release(struct backplane *bp, struct str_view name, struct str_view owner)
{
    struct memory_pair *p = memory_pair_find(&node_of(bp)->world->names, name);

    if (p != NULL && sv_equal(sv_of(p->owner), owner)) {
        memory_pair_delete(p);
    }
}

static void op_lookup(struct backplane *bp, struct str_view name, struct token token)
{
    struct memory_node *n = node_of(bp);
    struct answer *a = add_answer(n, ANSWER_LOOKUP, token);
    const struct memory_pair *p = memory_pair_find(&n->world->names, name);

    a->texts[0] = xstrdup(p != NULL ? p->owner : "");
    a->texts[1] = xstrdup(p != NULL ? p->value : "");
}

static void op_read_history(struct backplane *bp, struct str_view log_name,
                            struct entry_id before, size_t count, struct token token)
{
    struct answer *a = add_answer(node_of(bp), ANSWER_HISTORY, token);

    PARLEY_ASSERT(count <= 1000);
    a->texts[0] = copy(log_name);
    a->id = before;
    a->count = count;
}

static void op_list_rooms(struct backplane *bp, struct token token)
{
    add_answer(node_of(bp), ANSWER_ROOMS, token);
}

static bool op_is_idle(struct backplane *bp)
{
    return list_is_empty(&node_of(bp)->outgoing);
}

static const struct backplane_ops ops = {
    .attach = op_attach,
    .node_id = op_node_id,
    .inbox_name = op_inbox_name,
    .is_available = op_is_available,
    .open = op_open,
    .close = op_close,
    .publish = op_publish,
    .publish_to = op_publish_to,
    .claim = op_claim,
    .release = op_release,
    .lookup = op_lookup,
    .read_history = op_read_history,
    .list_rooms = op_list_rooms,
    .is_idle = op_is_idle,
};

/* ---- life ---- */

struct memory_node *memory_node_new(struct memory_world *w, const char *id)
{
    struct memory_node *n = xcalloc(1, sizeof *n);

    n->base.ops = &ops;
    n->world = w;
    (void)snprintf(n->id, sizeof n->id, "%s", id);
    list_init(&n->outgoing);
    list_init(&n->answers);
    list_init(&n->handles);
    list_append(&w->nodes, &n->link);
    return n;
}

static void outgoing_free(struct outgoing *o)
{
    list_remove(&o->link);
    for (size_t i = 0; i < o->update_count; i++) {
        /* copy() made them. */
        free((char *)(uintptr_t)o->updates[i].field.ptr);
        free((char *)(uintptr_t)o->updates[i].value.ptr);
    }
    free(o->updates);
    free(o->log);
    free(o->item);
    free(o);
}

static void answer_free(struct answer *a)
{
    list_remove(&a->link);
    free(a->texts[0]);
    free(a->texts[1]);
    free(a);
}

void memory_node_free(struct memory_node *n)
{
    LIST_FOR_EACH(&n->outgoing, it) {
        outgoing_free(LIST_ENTRY(it, struct outgoing, link));
    }
    LIST_FOR_EACH(&n->answers, it) {
        answer_free(LIST_ENTRY(it, struct answer, link));
    }
    PARLEY_ASSERT(list_is_empty(&n->handles));
    list_remove(&n->link);
    free(n);
}

struct backplane *memory_node_backplane(struct memory_node *n)
{
    return (struct backplane *)(void *)n;
}

/* ---- the pump: publications ---- */

static void store_answers(struct memory_node *n, const struct outgoing *o,
                          struct entry_id id)
{
    if (o->want_stored) {
        add_answer(n, ANSWER_STORED, o->token)->id = id;
    }
}

/* The oldest one, and its neighbours for the same log if the node packs. */
static bool store_next(struct memory_node *n)
{
    struct outgoing *first = NULL;
    struct memory_log *log = NULL;
    struct strbuf items;
    uint64_t count = 0;

    if (n->holds || list_is_empty(&n->outgoing)) {
        return false;
    }
    first = LIST_ENTRY(n->outgoing.next, struct outgoing, link);
    if (n->gives_up) {
        add_answer(n, ANSWER_REFUSED, first->token);
        outgoing_free(first);
        return true;
    }
    log = memory_log_get(n->world, sv_of(first->log));
    strbuf_init(&items, ENTRY_BYTES_MAX);
    struct entry_id id = {n->world->now_ms + 1, 0};

    LIST_FOR_EACH(&n->outgoing, it) {
        struct outgoing *o = LIST_ENTRY(it, struct outgoing, link);

        if (count > 0 && (!n->packs || !sv_equal(sv_of(o->log), sv_of(log->name)))) {
            break;
        }
        strbuf_add(&items, sv_of(o->item));
        for (size_t i = 0; i < o->update_count; i++) {
            memory_log_update(log, &o->updates[i]);
        }
        store_answers(n, o, id);
        outgoing_free(o);
        count++;
    }
    memory_log_append(n->world, log, sv_of(n->id), strbuf_view(&items), count);
    strbuf_done(&items);
    return true;
}

/* ---- the pump: entries ---- */

static size_t pairs_of(const struct list *pairs, struct pair *ret)
{
    size_t count = 0;

    LIST_FOR_EACH(pairs, it) {
        const struct memory_pair *p = LIST_ENTRY(it, struct memory_pair, link);

        ret[count++] = (struct pair){sv_of(p->field), sv(p->value, p->value_len)};
    }
    return count;
}

enum { SNAPSHOT_PAIRS = 512, SNAPSHOT_ENTRIES = 64 };

static void deliver_snapshot(struct memory_node *n, struct log_handle *h)
{
    static struct pair members[SNAPSHOT_PAIRS];
    static struct pair state[SNAPSHOT_PAIRS];
    static struct entry entries[SNAPSHOT_ENTRIES];
    struct snapshot snap = {.last = memory_log_last(h->log)};
    size_t from = h->log->entry_count > SNAPSHOT_ENTRIES
                      ? h->log->entry_count - SNAPSHOT_ENTRIES
                      : 0;

    for (size_t i = from; i < h->log->entry_count; i++) {
        entries[snap.entry_count++] = h->log->entries[i].entry;
    }
    snap.entries = entries;
    snap.member_count = pairs_of(&h->log->members, members);
    snap.members = members;
    snap.state_count = pairs_of(&h->log->state, state);
    snap.state = state;
    snap.reborn = h->log->is_reborn;
    h->wants_snapshot = false;
    h->next = h->log->entry_count;
    n->events->on_snapshot(n->hub, h->owner, &snap);
}

static bool deliver_next(struct memory_node *n, struct log_handle *h)
{
    if (h->is_held) {
        return false;
    }
    if (h->has_hole) {
        h->has_hole = false;
        h->wants_snapshot = true;
        n->events->on_hole(n->hub, h->owner);
        return true;
    }
    if (h->wants_snapshot) {
        deliver_snapshot(n, h);
        return true;
    }
    if (h->next < h->log->entry_count) {
        h->next++;
        n->events->on_entry(n->hub, h->owner, &h->log->entries[h->next - 1].entry);
        return true;
    }
    return false;
}

static bool deliver_some(struct memory_node *n)
{
    struct log_handle *handles[256];
    size_t count = 0;

    LIST_FOR_EACH(&n->handles, it) {
        if (count < PARLEY_COUNT_OF(handles)) {
            handles[count++] = LIST_ENTRY(it, struct log_handle, link);
        }
    }
    size_t start = count > 0 ? memory_random(n->world, (uint32_t)count) : 0;

    for (size_t i = 0; i < count; i++) {
        if (deliver_next(n, handles[(start + i) % count])) {
            return true;
        }
    }
    return false;
}

/* ---- the pump: answers ---- */

static void answer_history(struct memory_node *n, const struct answer *a)
{
    const struct memory_log *log = memory_log_get(n->world, sv_of(a->texts[0]));
    struct entry *entries = xcalloc(log->entry_count + 1, sizeof *entries);
    size_t end = log->entry_count;
    size_t count = 0;

    while (a->id.ms > 0 && end > 0 &&
           entry_id_compare(log->entries[end - 1].entry.id, a->id) >= 0) {
        end--;
    }
    for (size_t i = end > a->count ? end - a->count : 0; i < end; i++) {
        entries[count++] = log->entries[i].entry;
    }
    n->events->on_history(n->hub, a->token, !n->is_mute, entries, count);
    free(entries);
}

/* One call for each room, and one more that is the last. */
static void answer_rooms(struct memory_node *n, const struct answer *a)
{
    LIST_FOR_EACH(&n->world->logs, it) {
        const struct memory_log *log = LIST_ENTRY(it, struct memory_log, link);
        size_t members = memory_member_count(n->world, log->name);
        struct listing room = {
            .room = sv_of(memory_state(n->world, log->name, "name")),
            .members = members,
            .topic = sv_of(memory_state(n->world, log->name, "topic")),
        };

        if (members > 0 && !n->is_mute) {
            n->events->on_rooms(n->hub, a->token, true, &room, 1, false);
        }
    }
    n->events->on_rooms(n->hub, a->token, !n->is_mute, NULL, 0, true);
}

static bool always(void *ctx, struct str_view name)
{
    (void)ctx;
    (void)name;
    return true;
}

static bool answer_next(struct memory_node *n)
{
    if (n->holds_answers || list_is_empty(&n->answers)) {
        return false;
    }
    struct answer *a = LIST_ENTRY(n->answers.next, struct answer, link);

    list_remove(&a->link);
    switch (a->kind) {
    case ANSWER_STORED:
        n->events->on_stored(n->hub, a->token, a->id, 0);
        break;
    case ANSWER_REFUSED:
        n->events->on_refused(n->hub, a->token);
        break;
    case ANSWER_CLAIM:
        n->events->on_claim(n->hub, a->token, a->claim);
        break;
    case ANSWER_LOOKUP:
        n->events->on_lookup(n->hub, a->token, !n->is_mute, sv_of(a->texts[0]),
                             sv_of(a->texts[1]));
        break;
    case ANSWER_HISTORY:
        answer_history(n, a);
        break;
    case ANSWER_ROOMS:
        answer_rooms(n, a);
        break;
    case ANSWER_LOST:
        n->events->on_lost(n->hub, always, NULL);
        break;
    case ANSWER_NEW_ID:
        n->events->on_new_node_id(n->hub, sv_of(a->texts[0]), sv_of(n->id));
        break;
    }
    answer_free(a);
    return true;
}

/* ---- the pump ---- */

static bool node_step(struct memory_node *n)
{
    static bool (*const steps[])(struct memory_node *) = {store_next, deliver_some,
                                                          answer_next};
    size_t start = memory_random(n->world, PARLEY_COUNT_OF(steps));

    for (size_t i = 0; i < PARLEY_COUNT_OF(steps); i++) {
        if (steps[(start + i) % PARLEY_COUNT_OF(steps)](n)) {
            return true;
        }
    }
    return false;
}

bool memory_backplane_step(struct memory_world *w)
{
    /* The one that came first goes to the end, so that all have their turn. */
    LIST_FOR_EACH(&w->nodes, it) {
        if (node_step(LIST_ENTRY(it, struct memory_node, link))) {
            list_remove(it);
            list_append(&w->nodes, it);
            return true;
        }
    }
    return false;
}

void memory_backplane_run(struct memory_world *w)
{
    while (memory_backplane_step(w)) {}
}

/* ---- faults ---- */

static struct log_handle *find_handle(struct memory_node *n, const char *log)
{
    LIST_FOR_EACH(&n->handles, it) {
        struct log_handle *h = LIST_ENTRY(it, struct log_handle, link);

        if (strcmp(h->log->name, log) == 0) {
            return h;
        }
    }
    return NULL;
}

void memory_node_hold_log(struct memory_node *n, const char *log, bool is_held)
{
    struct log_handle *h = find_handle(n, log);

    PARLEY_ASSERT(h != NULL);
    h->is_held = is_held;
}

void memory_node_tear_hole(struct memory_node *n, const char *log)
{
    struct log_handle *h = find_handle(n, log);

    PARLEY_ASSERT(h != NULL);
    h->has_hole = true;
    h->is_held = false;
}

void memory_node_declare_lost(struct memory_node *n, const char *new_id)
{
    struct answer *a = NULL;

    LIST_FOR_EACH(&n->world->logs, it) {
        memory_log_reap(n->world, LIST_ENTRY(it, struct memory_log, link), sv_of(n->id));
    }
    a = add_answer(n, ANSWER_NEW_ID, (struct token){0, 0, 0});
    a->texts[0] = xstrdup(n->id);
    (void)snprintf(n->id, sizeof n->id, "%s", new_id);
}

void memory_world_lose(struct memory_world *w)
{
    LIST_FOR_EACH(&w->logs, it) {
        memory_log_lose(LIST_ENTRY(it, struct memory_log, link));
    }
    LIST_FOR_EACH(&w->names, it) {
        memory_pair_delete(LIST_ENTRY(it, struct memory_pair, link));
    }
    LIST_FOR_EACH(&w->nodes, it) {
        struct memory_node *n = LIST_ENTRY(it, struct memory_node, link);

        LIST_FOR_EACH(&n->handles, ih) {
            LIST_ENTRY(ih, struct log_handle, link)->next = 0;
        }
        add_answer(n, ANSWER_LOST, (struct token){0, 0, 0});
    }
}
