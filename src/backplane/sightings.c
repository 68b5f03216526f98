/* SPDX-License-Identifier: MIT */
#include "backplane/sightings.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

struct sighting {
    uint64_t seq;
    uint32_t lines;
    uint32_t at_s;
};

/* Invariant: `entries` are in order, all above `unknown_upto`, and complete from there on. */
struct voice {
    const struct writer *writer; /* borrowed */
    uint64_t unknown_upto;       /* lines up to this number may have been forgotten */
    size_t count;
    size_t capacity;
    struct sighting *entries; /* owned */
};

struct sightings {
    size_t count;
    struct voice *voices; /* owned */
};

static struct voice *find_voice(struct sightings *s, const struct writer *writer)
{
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        if (s->voices[i].writer == writer) {
            return &s->voices[i];
        }
    }
    return NULL;
}

static struct voice *add_voice(struct sightings **place, const struct writer *writer,
                               uint64_t unseen)
{
    struct sightings *s = *place == NULL ? xcalloc(1, sizeof(*s)) : *place;

    *place = s;
    s->voices = xreallocarray(s->voices, s->count + 1, sizeof(*s->voices));
    s->voices[s->count] = (struct voice){.writer = writer, .unknown_upto = unseen};
    return &s->voices[s->count++];
}

static void forget_oldest(struct voice *v, size_t count, size_t *total)
{
    if (count == 0) {
        return;
    }
    v->unknown_upto = v->entries[count - 1].seq;
    v->count -= count;
    memmove(v->entries, v->entries + count, v->count * sizeof(*v->entries));
    *total -= count;
}

static void make_room(struct voice *v, size_t *total)
{
    if (v->count == SIGHTINGS_VOICE_MAX) {
        forget_oldest(v, v->count / 2, total);
    } else if (v->count == v->capacity) {
        v->capacity = v->capacity == 0 ? 4 : v->capacity * 2;
        v->entries = xreallocarray(v->entries, v->capacity, sizeof(*v->entries));
    }
}

void sightings_note(struct sightings **place, size_t *total,
                    const struct lines_seen *seen, uint64_t now_ms)
{
    struct voice *v = find_voice(*place, seen->writer);

    if (v == NULL) {
        v = add_voice(place, seen->writer, seen->unseen);
    }
    if (*total >= SIGHTINGS_ALL_MAX) {
        forget_oldest(v, v->count, total);
        v->unknown_upto = seen->seq;
        return;
    }
    make_room(v, total);
    v->entries[v->count++] = (struct sighting){
        .seq = seen->seq,
        .lines = (uint32_t)seen->count,
        .at_s = (uint32_t)(now_ms / 1000),
    };
    ++*total;
}

bool sightings_count(const struct sightings *s, const struct writer *writer,
                     uint64_t from, uint64_t upto, uint64_t *ret_lines)
{
    uint64_t lines = 0;

    for (size_t i = 0; s != NULL && i < s->count; i++) {
        const struct voice *v = &s->voices[i];

        if (v->writer != writer) {
            continue;
        }
        if (from < v->unknown_upto) {
            return false;
        }
        for (size_t k = v->count; k > 0 && v->entries[k - 1].seq > from; k--) {
            lines += v->entries[k - 1].seq <= upto ? v->entries[k - 1].lines : 0;
        }
    }
    *ret_lines = lines;
    return true;
}

void sightings_free(struct sightings *s, size_t *total)
{
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        *total -= s->voices[i].count;
        free(s->voices[i].entries);
    }
    if (s != NULL) {
        free(s->voices);
        free(s);
    }
}

/* How many of the entries are older than SIGHTINGS_MS. */
static size_t count_old(const struct voice *v, uint64_t now_ms)
{
    size_t count = 0;

    while (count < v->count &&
           (uint32_t)(now_ms / 1000) - v->entries[count].at_s >= SIGHTINGS_MS / 1000) {
        count++;
    }
    return count;
}

void sightings_expire(struct sightings **place, size_t *total, uint64_t now_ms)
{
    struct sightings *s = *place;

    for (size_t i = 0; s != NULL && i < s->count;) {
        struct voice *v = &s->voices[i];

        forget_oldest(v, count_old(v, now_ms), total);
        if (v->count > 0) {
            i++;
            continue;
        }
        free(v->entries);
        *v = s->voices[--s->count];
    }
    if (s != NULL && s->count == 0) {
        sightings_free(s, total);
        *place = NULL;
    }
}
