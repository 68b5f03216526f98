/* SPDX-License-Identifier: MIT */
/*
 * sightings.h - how many lines a log brought lately, by writer and batch.
 *
 * Whoever saw lines that a failure took for good can tell how many they were only by
 * remembering: what is left in Redis does not say. So each log keeps, for each writer that
 * spoke lately, the numbers of its entries with lines and how many they had. The memory is
 * bounded; where it does not reach back far enough it says that it cannot tell.
 */
#ifndef PARLEY_BACKPLANE_SIGHTINGS_H
#define PARLEY_BACKPLANE_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>

struct writer;

enum {
    SIGHTINGS_VOICE_MAX = 2048,     /* entries of one writer in one log */
    SIGHTINGS_ALL_MAX = 512 * 1024, /* of a node: 8 MiB */
    SIGHTINGS_MS = 120000, /* longer than a failover, and the reaping of a node */
};

/* Of one log; NULL while nobody spoke lately. */
struct sightings;

/* An entry with lines that came. */
struct lines_seen {
    const struct writer *writer;
    uint64_t unseen; /* the writer's entries up to this number were not seen here */
    uint64_t seq;
    size_t count;
};

/* `total`: what is remembered by all logs of the node. */
void sightings_note(struct sightings **place, size_t *total,
                    const struct lines_seen *seen, uint64_t now_ms);
/* Lines in the entries from + 1 to upto of a writer; false: more than is remembered. */
bool sightings_count(const struct sightings *s, const struct writer *writer,
                     uint64_t from, uint64_t upto, uint64_t *ret_lines) PARLEY_MUST_CHECK;
/* Forget what is older than SIGHTINGS_MS. */
void sightings_expire(struct sightings **place, size_t *total, uint64_t now_ms);
void sightings_free(struct sightings *s, size_t *total);

#endif
