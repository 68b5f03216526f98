/* SPDX-License-Identifier: MIT */
/*
 * turns.h - requests that wait by partition: whose turn it is, and how many may be under way.
 *
 * The partitions are served in turn, so that none keeps the others of its primary waiting. What is
 * under way is bounded for each primary, so that one that hangs holds up only its own.
 */
#ifndef PARLEY_BACKPLANE_TURNS_H
#define PARLEY_BACKPLANE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

struct redis;

struct turns {
    const struct redis *redis; /* borrowed */
    unsigned *under_way;       /* owned; requests, by partition */
    unsigned max;              /* of them, to one primary */
    uint32_t next;             /* the partition that is looked at first */
};

/* Send one request that waits in the partition; false: there is none, or not now. */
typedef bool (*turns_fn)(void *arg, uint32_t partition);

void turns_init(struct turns *t, const struct redis *r, unsigned max);
void turns_done(struct turns *t);
/* Call `fn` for the partitions in turn until it is false for all of them. */
void turns_go_round(struct turns *t, turns_fn fn, void *arg);
/* May one more be under way to the primary of the partition? */
bool turns_has_room(const struct turns *t, uint32_t partition);
/* A request is under way; it has ended. */
void turns_begin(struct turns *t, uint32_t partition);
void turns_end(struct turns *t, uint32_t partition);

#endif
