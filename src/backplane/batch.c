/* SPDX-License-Identifier: MIT */
#include "backplane/batch.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

/* parley.lua's letters. */
static const char update_letters[] = {
    [BOOK_MEMBER_SET] = 'S', [BOOK_MEMBER_DEL] = 'D', [BOOK_STATE_SET] = 's',
    [BOOK_STATE_DEL] = 'd',  [BOOK_STATE_INIT] = 'i',
};

/* ---- chunks ---- */

static struct chunk *chunk_new(uint64_t now_ms)
{
    struct chunk *c = xcalloc(1, sizeof(*c));

    list_init(&c->link);
    strbuf_init(&c->items, (size_t)CHUNK_BYTES_MAX * 4 + ENTRY_BYTES_MAX);
    strbuf_init(&c->updates, (size_t)ENTRY_BYTES_MAX * 4);
    strbuf_reserve(&c->items, CHUNK_BYTES_FIRST);
    c->since_ms = now_ms;
    return c;
}

static void chunk_free(struct chunk *c)
{
    list_remove(&c->link);
    strbuf_done(&c->items);
    strbuf_done(&c->updates);
    free(c->meta);
    free(c);
}

static struct chunk *chunk_take(struct outlogs *all, uint64_t now_ms)
{
    if (all->spare_count == 0) {
        return chunk_new(now_ms);
    }
    struct chunk *c = all->spare[--all->spare_count];

    c->since_ms = now_ms;
    return c;
}

static void chunk_give_back(struct outlogs *all, struct chunk *c)
{
    if (all->spare_count == CHUNKS_SPARE_MAX || c->items.cap > CHUNK_BYTES_SPARE ||
        c->update_count > 0) {
        chunk_free(c);
        return;
    }
    list_remove(&c->link);
    strbuf_clear(&c->items);
    c->count = 0;
    all->spare[all->spare_count++] = c;
}

static bool chunk_is_full(const struct chunk *c)
{
    return c->count >= ENTRY_ITEMS_MAX || c->items.len >= CHUNK_BYTES_MAX ||
           c->updates.len >= ENTRY_BYTES_MAX;
}

static size_t chunk_bytes(const struct chunk *c)
{
    return c->items.len + c->updates.len;
}

static void chunk_add_update(struct chunk *c, const struct book_update *u)
{
    struct update_header h = {0};

    h.op = update_letters[u->op];
    h.field_len = (uint32_t)u->field.len;
    h.value_len = (uint32_t)u->value.len;
    strbuf_add(&c->updates, sv((const char *)&h, sizeof(h)));
    strbuf_add(&c->updates, u->field);
    strbuf_add(&c->updates, u->value);
    c->update_count++;
}

static struct out_item *chunk_new_meta(struct chunk *c)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity == 0 ? CHUNK_ITEMS_FIRST : c->capacity * 2;
        c->meta = xreallocarray(c->meta, c->capacity, sizeof(*c->meta));
    }
    return &c->meta[c->count++];
}

static void chunk_add(struct chunk *c, const struct publication *p)
{
    bool keep = false;

    strbuf_add(&c->items, p->item);
    for (size_t i = 0; i < p->update_count; i++) {
        chunk_add_update(c, &p->updates[i]);
        keep = keep || p->updates[i].op == BOOK_MEMBER_DEL;
    }
    PARLEY_ASSERT(!c->items.failed && !c->updates.failed);
    *chunk_new_meta(c) = (struct out_item){
        .token = p->token,
        .items_end = (uint32_t)c->items.len,
        .updates_end = (uint32_t)c->updates.len,
        .update_count = (uint32_t)p->update_count,
        .want_stored = p->want_stored,
        .keep = keep,
    };
}

/* ---- the outbox ---- */

static struct str_view outlog_name(const void *outlog)
{
    const struct outlog *log = outlog;

    return sv(log->name, log->name_len);
}

void outlogs_init(struct outlogs *all)
{
    map_init(&all->by_name, outlog_name);
    all->spare_count = 0;
}

void outlogs_done(struct outlogs *all)
{
    while (all->spare_count > 0) {
        chunk_free(all->spare[--all->spare_count]);
    }
    map_done(&all->by_name);
}

void outbox_init(struct outbox *box, struct outlogs *shared)
{
    list_init(&box->logs);
    box->shared = shared;
    box->last = NULL;
    strbuf_init(&box->drops, (size_t)64 << 20);
    box->bytes = 0;
}

static struct outlog *outlog_get(struct outbox *box, struct str_view name, bool in_front)
{
    struct outlog *log = box->last;

    if (log != NULL && sv_equal(outlog_name(log), name)) {
        return log;
    }
    /* Mostly it is the first one: of that the map need not be asked. */
    log = list_is_empty(&box->logs) ? NULL : map_find(&box->shared->by_name, name);
    if (log == NULL) {
        log = xcalloc(1, sizeof(*log) + name.len + 1);
        list_init(&log->chunks);
        log->name_len = name.len;
        memcpy(log->name, name.ptr, name.len);
        /* Appending to the first link puts it before the first, to the head at the end. */
        list_append(in_front ? box->logs.next : &box->logs, &log->link);
        bool added = map_add(&box->shared->by_name, log);

        PARLEY_ASSERT(added);
    }
    box->last = log;
    return log;
}

static void outlog_free(struct outbox *box, struct outlog *log)
{
    list_remove(&log->link);
    (void)map_remove(&box->shared->by_name, outlog_name(log));
    if (box->last == log) {
        box->last = NULL;
    }
    free(log);
}

void outbox_done(struct outbox *box)
{
    LIST_FOR_EACH(&box->logs, it) {
        struct outlog *log = LIST_ENTRY(it, struct outlog, link);

        LIST_FOR_EACH(&log->chunks, c) {
            chunk_free(LIST_ENTRY(c, struct chunk, link));
        }
        outlog_free(box, log);
    }
    strbuf_done(&box->drops);
}

bool outbox_is_empty(const struct outbox *box)
{
    return list_is_empty(&box->logs) && box->drops.len == 0;
}

/* Offset of `log` in the drops, or their length. */
static size_t find_drop(const struct outbox *box, struct str_view log)
{
    struct str_view rest = strbuf_view(&box->drops);

    while (rest.len > 0) {
        size_t at = box->drops.len - rest.len;

        if (sv_equal(sv_next_until(&rest, ' '), log)) {
            return at;
        }
    }
    return box->drops.len;
}

static void cancel_drop(struct outbox *box, struct str_view log)
{
    size_t at = find_drop(box, log);

    if (at < box->drops.len) {
        size_t len = log.len + 1;

        memmove(box->drops.ptr + at, box->drops.ptr + at + len,
                box->drops.len - at - len);
        box->drops.len -= len;
    }
}

static struct chunk *last_chunk(const struct outlog *log)
{
    return LIST_ENTRY(log->chunks.prev, struct chunk, link);
}

void outbox_add(struct outbox *box, struct str_view log, const struct publication *p,
                uint64_t now_ms)
{
    struct outlog *out = outlog_get(box, log, false);

    if (list_is_empty(&out->chunks) || chunk_is_full(last_chunk(out))) {
        list_append(&out->chunks, &chunk_take(box->shared, now_ms)->link);
    }
    struct chunk *c = last_chunk(out);
    size_t before = chunk_bytes(c);

    chunk_add(c, p);
    box->bytes += chunk_bytes(c) - before;
    if (p->update_count > 0 && box->drops.len > 0) {
        cancel_drop(box, log);
    }
}

void outbox_drop_log(struct outbox *box, struct str_view log)
{
    if (find_drop(box, log) == box->drops.len) {
        strbuf_add(&box->drops, log);
        strbuf_add_char(&box->drops, ' ');
    }
}

/* Tokens taken back so far. */
struct token_list {
    struct token *tokens; /* owned until handed out */
    size_t count;
    size_t capacity;
};

static void token_list_add(struct token_list *l, struct token token)
{
    if (l->count == l->capacity) {
        l->capacity = l->capacity == 0 ? 16 : l->capacity * 2;
        l->tokens = xreallocarray(l->tokens, l->capacity, sizeof(*l->tokens));
    }
    l->tokens[l->count++] = token;
}

/* From one offset to another; of nothing, where there is no memory either, nothing. */
static struct str_view part_of(const struct strbuf *b, size_t from, size_t to)
{
    return from == to ? sv(NULL, 0) : sv(b->ptr + from, to - from);
}

/* The chunk without the items that `test` picks; NULL when nothing is left. Frees `c`. */
static struct chunk *chunk_filter(struct chunk *c, out_item_test_fn test, void *ctx,
                                  struct token_list *taken)
{
    struct chunk *rest = chunk_new(c->since_ms);
    size_t item_at = 0;
    size_t update_at = 0;

    for (size_t i = 0; i < c->count; i++) {
        struct out_item m = c->meta[i];
        struct str_view item = part_of(&c->items, item_at, m.items_end);
        struct str_view updates = part_of(&c->updates, update_at, m.updates_end);

        item_at = m.items_end;
        update_at = m.updates_end;
        if (test(&m, updates.len > 0, ctx)) {
            token_list_add(taken, m.token);
            continue;
        }
        strbuf_add(&rest->items, item);
        strbuf_add(&rest->updates, updates);
        rest->update_count += m.update_count;
        m.items_end = (uint32_t)rest->items.len;
        m.updates_end = (uint32_t)rest->updates.len;
        *chunk_new_meta(rest) = m;
    }
    chunk_free(c);
    if (rest->count == 0) {
        chunk_free(rest);
        return NULL;
    }
    return rest;
}

static void outlog_filter(struct outbox *box, struct outlog *log, uint64_t before_ms,
                          out_item_test_fn test, void *ctx, struct token_list *taken)
{
    struct list left;

    list_init(&left);
    for (struct list *it; (it = list_take(&log->chunks)) != NULL;) {
        struct chunk *c = LIST_ENTRY(it, struct chunk, link);

        if (c->since_ms <= before_ms) {
            box->bytes -= chunk_bytes(c);
            c = chunk_filter(c, test, ctx, taken);
            box->bytes += c == NULL ? 0 : chunk_bytes(c);
        }
        if (c != NULL) {
            list_append(&left, &c->link);
        }
    }
    list_splice(&log->chunks, &left);
    if (list_is_empty(&log->chunks)) {
        outlog_free(box, log);
    }
}

size_t outbox_take_back(struct outbox *box, uint64_t before_ms, out_item_test_fn test,
                        void *ctx, struct token **ret_tokens)
{
    struct token_list taken = {0};

    LIST_FOR_EACH(&box->logs, it) {
        outlog_filter(box, LIST_ENTRY(it, struct outlog, link), before_ms, test, ctx,
                      &taken);
    }
    *ret_tokens = taken.tokens;
    return taken.count;
}

/* ---- batches ---- */

/* Append `text` at *to. */
static struct str_view put(char **to, struct str_view text)
{
    struct str_view copy = sv(*to, text.len);

    if (text.len > 0) {
        memcpy(*to, text.ptr, text.len);
    }
    *to += text.len;
    return copy;
}

/* In a piece of its own: it goes long before the batch does. */
static struct out_item *copy_meta(const struct chunk *c)
{
    struct out_item *meta = xreallocarray(NULL, c->count, sizeof(*meta));

    memcpy(meta, c->meta, c->count * sizeof(*meta));
    return meta;
}

/* Write the chunk's texts at *to, the header of its entry in front of the items. */
static struct sealed_chunk chunk_seal(const struct chunk *c, struct str_view log,
                                      const struct batch *b, char **to)
{
    struct sealed_chunk sealed = {
        .log = put(to, log),
        .updates = put(to, strbuf_view(&c->updates)),
        .meta = copy_meta(c),
        .since_ms = c->since_ms,
        .update_count = c->update_count,
        .count = (uint32_t)c->count,
    };
    char *entry = *to;
    size_t header = entry_write_header(entry, sv_of(b->node), b->seq, c->count);

    *to += header;
    (void)put(to, strbuf_view(&c->items));
    sealed.header_bytes = (uint32_t)header;
    sealed.entry = sv(entry, (size_t)(*to - entry));
    return sealed;
}

static struct chunk *chunk_unseal(struct sealed_chunk *sealed)
{
    struct chunk *c = chunk_new(sealed->since_ms);

    strbuf_add(&c->items, sv(sealed->entry.ptr + sealed->header_bytes,
                             sealed->entry.len - sealed->header_bytes));
    strbuf_add(&c->updates, sealed->updates);
    PARLEY_ASSERT(!c->items.failed && !c->updates.failed);
    c->update_count = sealed->update_count;
    c->meta = sealed->meta;
    c->count = sealed->count;
    c->capacity = sealed->count;
    sealed->meta = NULL;
    return c;
}

static struct chunk *first_chunk(const struct outlog *log)
{
    return LIST_ENTRY(log->chunks.next, struct chunk, link);
}

/* At most so many bytes take the first chunks of as many logs as a batch may have. */
static size_t sealed_bytes_max(const struct outbox *box, size_t *ret_logs)
{
    size_t bytes = sizeof(struct batch) + box->drops.len;

    *ret_logs = 0;
    LIST_FOR_EACH(&box->logs, it) {
        const struct outlog *log = LIST_ENTRY(it, struct outlog, link);
        const struct chunk *c = first_chunk(log);

        bytes += sizeof(struct sealed_chunk) + log->name_len + ENTRY_HEADER_MAX +
                 c->items.len + c->updates.len;
        if (++*ret_logs == BATCH_LOGS_MAX) {
            break;
        }
    }
    return bytes;
}

struct batch *batch_seal(struct outbox *box, struct shelf *shelf, const char *node,
                         uint64_t seq)
{
    size_t logs;
    size_t bytes_max = sealed_bytes_max(box, &logs);
    struct batch *b = shelf_take(shelf, bytes_max);
    char *to = (char *)&b->chunks[logs];

    *b = (struct batch){.seq = seq};
    list_init(&b->link);
    list_init(&b->age);
    memcpy(b->node, node, strlen(node) + 1);
    b->drops = put(&to, strbuf_view(&box->drops));
    strbuf_clear(&box->drops);
    LIST_FOR_EACH(&box->logs, it) {
        if (b->chunk_count == logs) {
            break;
        }
        struct outlog *log = LIST_ENTRY(it, struct outlog, link);
        struct chunk *c = first_chunk(log);
        struct sealed_chunk *sealed = &b->chunks[b->chunk_count++];

        box->bytes -= chunk_bytes(c);
        *sealed = chunk_seal(c, outlog_name(log), b, &to);
        b->bytes += sealed->entry.len + sealed->updates.len;
        chunk_give_back(box->shared, c);
        if (list_is_empty(&log->chunks)) {
            outlog_free(box, log);
        }
    }
    b->memory = (size_t)(to - (char *)b);
    shelf_shrink(b, b->memory);
    return b;
}

void batch_unseal(struct batch *b, struct outbox *box)
{
    while (b->chunk_count > 0) {
        struct sealed_chunk *sealed = &b->chunks[--b->chunk_count];
        struct outlog *log = outlog_get(box, sealed->log, true);
        struct chunk *c = chunk_unseal(sealed);

        box->bytes += chunk_bytes(c);
        list_append(log->chunks.next, &c->link);
    }
    for (struct str_view rest = b->drops; rest.len > 0;) {
        outbox_drop_log(box, sv_next_until(&rest, ' '));
    }
    batch_free(b);
}

void batch_forget_items(struct batch *b)
{
    for (size_t i = 0; i < b->chunk_count; i++) {
        free(b->chunks[i].meta);
        b->chunks[i].meta = NULL;
    }
}

void batch_free(struct batch *b)
{
    if (b != NULL) {
        list_remove(&b->link);
        list_remove(&b->age);
        batch_forget_items(b);
        shelf_give_back(b);
    }
}

size_t batch_item_count(const struct batch *b)
{
    size_t count = 0;

    for (size_t i = 0; i < b->chunk_count; i++) {
        count += b->chunks[i].count;
    }
    return count;
}
