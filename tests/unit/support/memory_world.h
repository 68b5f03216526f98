/* SPDX-License-Identifier: MIT */
/*
 * memory_world.h - what Redis is to the nodes: logs with their books, and names.
 *
 * The part of the memory backplane that all nodes of a test share.
 */
#ifndef PARLEY_TESTS_MEMORY_WORLD_H
#define PARLEY_TESTS_MEMORY_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/util/list.h>
#include <parley/util/str.h>

/* A field of the books, or a name with its record. */
struct memory_pair {
    struct list link;
    char *field; /* owned, as all texts here */
    char *value;
    size_t value_len;
    char *owner; /* of a name */
};

struct memory_entry {
    struct entry entry; /* shows the texts behind */
    char *node;
    char *items;
};

struct memory_log {
    struct list link;
    char *name;
    struct memory_entry *entries;
    size_t entry_count;
    struct list members;
    struct list state;
    bool is_reborn; /* lost its data */
};

struct memory_world {
    struct list logs;
    struct list names;
    struct list nodes; /* struct memory_node */
    uint64_t now_ms;   /* of the last entry */
    uint64_t last_seq;
    uint64_t random;
};

void memory_world_init(struct memory_world *w);
/* The nodes must be gone. */
void memory_world_done(struct memory_world *w);
/* Made when it is asked for first. */
struct memory_log *memory_log_get(struct memory_world *w, struct str_view name);
struct entry_id memory_log_append(struct memory_world *w, struct memory_log *log,
                                  struct str_view node, struct str_view items,
                                  uint64_t count);
struct entry_id memory_log_last(const struct memory_log *log);
void memory_log_update(struct memory_log *log, const struct book_update *update);
/* Entries and books are gone. */
void memory_log_lose(struct memory_log *log);
/* Take the members of a node out and say so: what a reaper does. */
void memory_log_reap(struct memory_world *w, struct memory_log *log,
                     struct str_view node);

struct memory_pair *memory_pair_find(const struct list *pairs, struct str_view field);
/* The pair, new or changed. */
struct memory_pair *memory_pair_set(struct list *pairs, struct str_view field,
                                    struct str_view value);
void memory_pair_delete(struct memory_pair *p);
/* Pseudo-random, the same in every run. */
uint32_t memory_random(struct memory_world *w, uint32_t bound);

/* ---- faults ---- */

/* The node has died: members reaped, names freed. After memory_node_free(). */
void memory_world_reap(struct memory_world *w, const char *id);
/* Somebody takes a name in between. */
void memory_world_steal_name(struct memory_world *w, const char *name, const char *owner);
/* An entry that no hub wrote. */
void memory_world_inject(struct memory_world *w, const char *log, const char *node,
                         struct str_view items);

/* ---- for assertions ---- */

size_t memory_member_count(struct memory_world *w, const char *log);
bool memory_has_member(struct memory_world *w, const char *log, const char *id);
/* "" if there is none. */
const char *memory_state(struct memory_world *w, const char *log, const char *field);
const char *memory_name_owner(struct memory_world *w, const char *name);

#endif
