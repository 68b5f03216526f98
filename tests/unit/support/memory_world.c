/* SPDX-License-Identifier: MIT */
#include "memory_world.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/item.h>
#include <parley/util/alloc.h>
#include <parley/util/strbuf.h>

/* ---- pairs ---- */

struct memory_pair *memory_pair_find(const struct list *pairs, struct str_view field)
{
    LIST_FOR_EACH(pairs, it) {
        struct memory_pair *p = LIST_ENTRY(it, struct memory_pair, link);

        if (sv_equal(sv_of(p->field), field)) {
            return p;
        }
    }
    return NULL;
}

struct memory_pair *memory_pair_set(struct list *pairs, struct str_view field,
                                    struct str_view value)
{
    struct memory_pair *p = memory_pair_find(pairs, field);

    if (p == NULL) {
        p = xcalloc(1, sizeof *p);
        p->field = xstrndup(field.ptr, field.len);
        list_append(pairs, &p->link);
    }
    free(p->value);
    p->value = xstrndup(value.len > 0 ? value.ptr : "", value.len);
    p->value_len = value.len;
    return p;
}

void memory_pair_delete(struct memory_pair *p)
{
    if (p != NULL) {
        list_remove(&p->link);
        free(p->field);
        free(p->value);
        free(p->owner);
        free(p);
    }
}

static void delete_all(struct list *pairs)
{
    LIST_FOR_EACH(pairs, it) {
        memory_pair_delete(LIST_ENTRY(it, struct memory_pair, link));
    }
}

/* ---- logs ---- */

struct memory_log *memory_log_get(struct memory_world *w, struct str_view name)
{
    LIST_FOR_EACH(&w->logs, it) {
        struct memory_log *log = LIST_ENTRY(it, struct memory_log, link);

        if (sv_equal(sv_of(log->name), name)) {
            return log;
        }
    }
    struct memory_log *log = xcalloc(1, sizeof *log);

    log->name = xstrndup(name.ptr, name.len);
    list_init(&log->members);
    list_init(&log->state);
    list_append(&w->logs, &log->link);
    return log;
}

struct entry_id memory_log_append(struct memory_world *w, struct memory_log *log,
                                  struct str_view node, struct str_view items,
                                  uint64_t count)
{
    log->entries = xreallocarray(log->entries, log->entry_count + 1,
                                 sizeof(struct memory_entry));
    struct memory_entry *e = &log->entries[log->entry_count++];

    e->node = xstrndup(node.ptr, node.len);
    e->items = xstrndup(items.ptr, items.len);
    e->entry = (struct entry){
        .id = {++w->now_ms, 0},
        .node = sv(e->node, node.len),
        .seq = ++w->last_seq,
        .count = count,
        .items = sv(e->items, items.len),
    };
    return e->entry.id;
}

struct entry_id memory_log_last(const struct memory_log *log)
{
    return log->entry_count > 0 ? log->entries[log->entry_count - 1].entry.id
                                : (struct entry_id){0, 0};
}

void memory_log_update(struct memory_log *log, const struct book_update *update)
{
    bool is_member = update->op == BOOK_MEMBER_SET || update->op == BOOK_MEMBER_DEL;
    struct list *pairs = is_member ? &log->members : &log->state;
    struct memory_pair *p = memory_pair_find(pairs, update->field);

    switch (update->op) {
    case BOOK_MEMBER_SET:
    case BOOK_STATE_SET:
        memory_pair_set(pairs, update->field, update->value);
        break;
    case BOOK_STATE_INIT:
        if (p == NULL) {
            memory_pair_set(pairs, update->field, update->value);
        }
        break;
    case BOOK_MEMBER_DEL:
    case BOOK_STATE_DEL:
        memory_pair_delete(p);
        break;
    }
}

static void free_entries(struct memory_log *log)
{
    for (size_t i = 0; i < log->entry_count; i++) {
        free(log->entries[i].node);
        free(log->entries[i].items);
    }
    free(log->entries);
    log->entries = NULL;
    log->entry_count = 0;
}

void memory_log_lose(struct memory_log *log)
{
    free_entries(log);
    delete_all(&log->members);
    delete_all(&log->state);
    log->is_reborn = true;
}

void memory_log_reap(struct memory_world *w, struct memory_log *log, struct str_view node)
{
    struct strbuf item;
    size_t removed = 0;

    LIST_FOR_EACH(&log->members, it) {
        struct memory_pair *p = LIST_ENTRY(it, struct memory_pair, link);

        if (strncmp(p->field, node.ptr, node.len) == 0 && p->field[node.len] == '/') {
            memory_pair_delete(p);
            removed++;
        }
    }
    if (removed > 0) {
        strbuf_init(&item, ITEM_BYTES_MAX);
        item_encode(&item, ITEM_NODE_GONE, &node, 1);
        memory_log_append(w, log, SV("-"), strbuf_view(&item), 1);
        strbuf_done(&item);
    }
}

/* ---- faults ---- */

void memory_world_reap(struct memory_world *w, const char *id)
{
    size_t len = strlen(id);

    LIST_FOR_EACH(&w->logs, it) {
        memory_log_reap(w, LIST_ENTRY(it, struct memory_log, link), sv_of(id));
    }
    LIST_FOR_EACH(&w->names, it) {
        struct memory_pair *p = LIST_ENTRY(it, struct memory_pair, link);

        if (strncmp(p->owner, id, len) == 0 && p->owner[len] == '/') {
            memory_pair_delete(p);
        }
    }
}

void memory_world_steal_name(struct memory_world *w, const char *name, const char *owner)
{
    struct memory_pair *p = memory_pair_set(&w->names, sv_of(name), SV(""));

    free(p->owner);
    p->owner = xstrdup(owner);
}

void memory_world_inject(struct memory_world *w, const char *log, const char *node,
                         struct str_view items)
{
    memory_log_append(w, memory_log_get(w, sv_of(log)), sv_of(node), items, 1);
}

/* ---- the whole ---- */

void memory_world_init(struct memory_world *w)
{
    *w = (struct memory_world){.now_ms = 1000000, .random = 88172645463325252U};
    list_init(&w->logs);
    list_init(&w->names);
    list_init(&w->nodes);
}

void memory_world_done(struct memory_world *w)
{
    PARLEY_ASSERT(list_is_empty(&w->nodes));
    LIST_FOR_EACH(&w->logs, it) {
        struct memory_log *log = LIST_ENTRY(it, struct memory_log, link);

        memory_log_lose(log);
        free(log->name);
        free(log);
    }
    delete_all(&w->names);
}

uint32_t memory_random(struct memory_world *w, uint32_t bound)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)(w->random % bound);
}

size_t memory_member_count(struct memory_world *w, const char *log)
{
    size_t count = 0;

    LIST_FOR_EACH(&memory_log_get(w, sv_of(log))->members, it) {
        count++;
    }
    return count;
}

bool memory_has_member(struct memory_world *w, const char *log, const char *id)
{
    return memory_pair_find(&memory_log_get(w, sv_of(log))->members, sv_of(id)) != NULL;
}

const char *memory_state(struct memory_world *w, const char *log, const char *field)
{
    const struct memory_pair *p = memory_pair_find(&memory_log_get(w, sv_of(log))->state,
                                                   sv_of(field));

    return p != NULL ? p->value : "";
}

const char *memory_name_owner(struct memory_world *w, const char *name)
{
    const struct memory_pair *p = memory_pair_find(&w->names, sv_of(name));

    return p != NULL ? p->owner : "";
}
