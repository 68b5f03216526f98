/* SPDX-License-Identifier: MIT */
/*
 * reaper.h - the removal of a dead node: one entry per room, whatever its number of members.
 *
 * For each partition: fence the node (its late batches are refused), read which rooms it is in,
 * remove its members room by room. When they have left all of them, release its names; at last
 * strike it off the registry. Every step may be repeated, so a reaper that dies half way is
 * simply followed by another one.
 */
#ifndef PARLEY_BACKPLANE_REAPER_H
#define PARLEY_BACKPLANE_REAPER_H

#include <stdint.h>

struct reaper;
struct redis;
struct redisReply;

enum {
    REAPER_CLAIM_MS = 15000, /* how long one reaper has a dead node for itself */
    REAPER_STEP = 1000,      /* members looked at in one call */
    REAPER_INBOX_S = 600,    /* what a dead node's inbox lives on */
    REAPER_TOLD = 64,        /* dead nodes that were told of; not again */
};

struct reaper *reaper_new(struct redis *r);
void reaper_free(struct reaper *reaper);
/* Begin, unless it is being reaped already, by us or by another node. */
void reaper_reap(struct reaper *reaper, const char *node);
/* The same for a node that left the registry, and perhaps something else behind. */
void reaper_clear(struct reaper *reaper, const char *node);
/* The link is down: forget what is under way; the next scan begins again. */
void reaper_abort(struct reaper *reaper);
/* Let the inbox of a node that is gone expire. */
void reaper_forget_inbox(struct reaper *reaper, const char *node);
/* For requests whose answer nobody needs. */
void reaper_ignore_reply(void *arg, uint64_t ctx, const struct redisReply *reply);

#endif
