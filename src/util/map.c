/* SPDX-License-Identifier: MIT */
#include <parley/util/map.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <parley/util/alloc.h>
#include <parley/util/str.h>

/*
 * The slots are ordered by hash: an object's home is given by the top bits of its hash, and
 * it lies there or, when smaller hashes pushed it on, in the run of objects behind. So a walk
 * that remembers the last hash goes on correctly after any change, even a rehash; rehashing
 * is a copy in order; removing closes the gap and leaves no marks. Behind the last home there
 * are a few more slots, so that a run need not wrap around; a run that would pass them makes
 * the table grow. In the very last slot stands the object that was found last.
 */
enum { SLOTS_MIN = 8, TAIL_MAX = 32 };

_Static_assert(sizeof(size_t) >= sizeof(uint64_t), "a cursor holds a hash");

static size_t total_slots(size_t slot_count)
{
    return slot_count + (slot_count / 4 < TAIL_MAX ? slot_count / 4 : TAIL_MAX);
}

static struct map_slot *slots_new(size_t slot_count)
{
    return xcalloc(total_slots(slot_count) + 1, sizeof(struct map_slot));
}

/* What was found last, mostly what is looked for next: the lines of a read go to one room, those
 * of an entry are one person's. Comparing a name costs a tenth of hashing it. */
static void **last_found(const struct map *m)
{
    return &m->slots[total_slots(m->slot_count)].object;
}

/* Even, so that the cursor behind the largest hash does not overflow. */
static uint64_t hash_of(struct str_view key)
{
    static unsigned char secret[crypto_shorthash_KEYBYTES];
    static bool has_secret;
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t hash = 0;

    if (!has_secret) {
        crypto_shorthash_keygen(secret);
        has_secret = true;
    }
    crypto_shorthash(bytes, (const unsigned char *)key.ptr, key.len, secret);
    _Static_assert(sizeof bytes == sizeof hash, "SipHash gives 64 bits");
    memcpy(&hash, bytes, sizeof hash);
    return hash & ~UINT64_C(1);
}

static size_t home_of(uint64_t hash, size_t slot_count)
{
    /* hash * slot_count / 2^64; slot_count is a power of two, at least 8. */
    return (size_t)(hash >> (64 - __builtin_ctzll(slot_count)));
}

/* The first slot with an object whose hash is `hash` or more; else the first empty slot
 * at or behind its home, or the end. */
static size_t lower_bound(const struct map *m, uint64_t hash)
{
    size_t end = total_slots(m->slot_count);
    size_t i = home_of(hash, m->slot_count);

    while (i < end && m->slots[i].object != NULL && m->slots[i].hash < hash) {
        i++;
    }
    return i;
}

/* The slot of the object of that name, or of where it belongs. */
static bool locate(const struct map *m, uint64_t hash, struct str_view key,
                   size_t *ret_at)
{
    size_t end = total_slots(m->slot_count);
    size_t i = lower_bound(m, hash);
    bool found = false;

    while (i < end && m->slots[i].object != NULL && m->slots[i].hash == hash) {
        if (sv_equal(m->key(m->slots[i].object), key)) {
            found = true;
            break;
        }
        i++;
    }
    *ret_at = i;
    return found;
}

/* Copy all objects, in order, into a table with `slot_count` homes; false if a run of them
 * would pass its end. */
static bool copy_slots(const struct map *m, struct map_slot *to, size_t slot_count)
{
    size_t end = total_slots(slot_count);
    size_t next = 0;

    for (size_t i = 0, n = total_slots(m->slot_count); i < n && m->used > 0; i++) {
        if (m->slots[i].object == NULL) {
            continue;
        }
        size_t home = home_of(m->slots[i].hash, slot_count);

        next = home > next ? home : next;
        if (next == end) {
            return false;
        }
        to[next++] = m->slots[i];
    }
    return true;
}

static void rehash(struct map *m, size_t slot_count)
{
    struct map_slot *slots = slots_new(slot_count);

    while (!copy_slots(m, slots, slot_count)) {
        free(slots);
        slot_count *= 2;
        slots = slots_new(slot_count);
    }
    free(m->slots);
    m->slots = slots;
    m->slot_count = slot_count;
}

/* Keep the table between an eighth and three quarters full. */
static void shrink(struct map *m)
{
    if (m->used == 0) {
        map_done(m);
    } else if (m->slot_count > SLOTS_MIN && m->used < m->slot_count / 8) {
        rehash(m, m->slot_count / 4 > SLOTS_MIN ? m->slot_count / 4 : SLOTS_MIN);
    }
}

/* Put the object in at slot `at` and push what lies there on; false if there is no room. */
static bool insert(struct map *m, size_t at, struct map_slot slot)
{
    size_t end = total_slots(m->slot_count);
    size_t gap = at;

    while (gap < end && m->slots[gap].object != NULL) {
        gap++;
    }
    if (gap == end) {
        return false;
    }
    memmove(&m->slots[at + 1], &m->slots[at], (gap - at) * sizeof slot);
    m->slots[at] = slot;
    m->used++;
    return true;
}

void map_init(struct map *m, map_key_fn key)
{
    *m = (struct map){.key = key};
}

void map_done(struct map *m)
{
    free(m->slots);
    map_init(m, m->key);
}

void map_done_free(struct map *m)
{
    size_t cursor = 0;
    void *object;

    while ((object = map_next(m, &cursor)) != NULL) {
        free(object);
    }
    map_done(m);
}

size_t map_count(const struct map *m)
{
    return m->used;
}

void *map_find(const struct map *m, struct str_view key)
{
    size_t at = 0;

    if (m->used == 0) {
        return NULL;
    }
    void **last = last_found(m);

    if (*last != NULL && sv_equal(m->key(*last), key)) {
        return *last;
    }
    if (!locate(m, hash_of(key), key, &at)) {
        return NULL;
    }
    *last = m->slots[at].object;
    return *last;
}

bool map_add(struct map *m, void *object)
{
    struct str_view key = m->key(object);
    struct map_slot slot = {hash_of(key), object};
    size_t at = 0;

    if (m->slot_count == 0) {
        rehash(m, SLOTS_MIN);
    }
    if (locate(m, slot.hash, key, &at)) {
        return false;
    }
    bool done = m->used < m->slot_count / 4 * 3 && insert(m, at, slot);

    while (!done) {
        rehash(m, m->slot_count * 2);
        (void)locate(m, slot.hash, key, &at);
        done = insert(m, at, slot);
    }
    return true;
}

void *map_remove(struct map *m, struct str_view key)
{
    size_t at = 0;

    if (m->used == 0 || !locate(m, hash_of(key), key, &at)) {
        return NULL;
    }
    void *object = m->slots[at].object;
    size_t last = at;
    size_t end = total_slots(m->slot_count);

    /* What was pushed on moves back. */
    while (last + 1 < end && m->slots[last + 1].object != NULL &&
           home_of(m->slots[last + 1].hash, m->slot_count) <= last) {
        last++;
    }
    memmove(&m->slots[at], &m->slots[at + 1], (last - at) * sizeof m->slots[0]);
    m->slots[last] = (struct map_slot){0};
    m->used--;
    *last_found(m) = NULL;
    shrink(m);
    return object;
}

void *map_next(const struct map *m, size_t *cursor)
{
    if (m->used == 0) {
        return NULL;
    }
    size_t end = total_slots(m->slot_count);

    for (size_t i = lower_bound(m, *cursor); i < end; i++) {
        if (m->slots[i].object != NULL) {
            *cursor = m->slots[i].hash + 1;
            return m->slots[i].object;
        }
    }
    return NULL;
}
