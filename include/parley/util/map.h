/* SPDX-License-Identifier: MIT */
/*
 * map.h - objects found by a name that a stranger may have chosen.
 *
 * Model: an open-addressing table of {hash, object}, in the order of the hashes. The name
 * stays in the object (a key function shows it), so nothing is stored twice: 16 bytes per
 * slot. The hash is keyed (libsodium's SipHash with a random key per process), so nobody can
 * aim names at one slot.
 * Names are compared byte by byte: fold the case before.
 * Owns the table, borrows the objects: an object outlives its entry and its name does not
 * change while it is in.
 */
#ifndef PARLEY_UTIL_MAP_H
#define PARLEY_UTIL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

typedef struct str_view (*map_key_fn)(const void *object);

struct map_slot {
    uint64_t hash;
    void *object; /* borrowed; NULL: empty */
};

struct map {
    map_key_fn key;
    struct map_slot *slots; /* owned */
    size_t slot_count;      /* a power of two, or 0; a few spare slots lie behind */
    size_t used;            /* objects */
};

void map_init(struct map *m, map_key_fn key);
/* Free the table (not the objects). */
void map_done(struct map *m);
/* The objects, too, with free(). */
void map_done_free(struct map *m);
size_t map_count(const struct map *m);
void *map_find(const struct map *m, struct str_view key);
/* False, and nothing changed, when an object of that name is in already. */
bool map_add(struct map *m, void *object) PARLEY_MUST_CHECK;
/* Take the object of that name out; NULL if there is none. */
void *map_remove(struct map *m, struct str_view key);
/*
 * Walk: start with *cursor = 0; NULL at the end. The map may change while walking, even over
 * many turns: what is in from the first call to the last is seen exactly once, what is added
 * or removed meanwhile may or may not be seen.
 */
void *map_next(const struct map *m, size_t *cursor);

#endif
