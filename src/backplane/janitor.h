/* SPDX-License-Identifier: MIT */
/*
 * janitor.h - what is in the writers' books and nobody needs any more.
 *
 * Model: a walk that never ends, one partition after the other, a page of its hash `w` at a time,
 * one page of the whole deployment at a time: it is the work of the one node that scans for dead
 * ones. What is old is dropped by the function `forget` (parley.lua), which looks again whether
 * it is: last ids of logs that are gone, numbers of nodes that were fenced JANITOR_AGE_MS ago.
 *
 *   page -> forget what may be old
 *        -> which nodes there are registered? -> strangers -> at the next partition: no lease
 *           either? -> reaped as if they were dead, and so fenced
 *
 * A stranger is a node that ended in peace, or one that died when the registry was lost. Nobody
 * writes before it is registered, or after it retired; in the JANITOR_REST_MS from one partition to
 * the next whoever lives and lost its registration has renewed it. After the registry was lost the
 * next walk hurries, since a node may have died with it.
 */
#ifndef PARLEY_BACKPLANE_JANITOR_H
#define PARLEY_BACKPLANE_JANITOR_H

#include <stdbool.h>

struct janitor;
struct reaper;
struct redis;

enum {
    JANITOR_AGE_MS = 60 * 60 * 1000,
    JANITOR_REST_MS = 5000,  /* and up to as much again, before the next partition */
    JANITOR_STEP_MS = 250,   /* the same, before the next page of one */
    JANITOR_CALM_MS = 60000, /* after a loss: whoever lives has registered again */
    JANITOR_PAGE = 100,  /* fields of a page, about; of a small hash: all, at most 512 */
    JANITOR_CALL = 100,  /* fields of one call of `forget` */
    JANITOR_NODES = 256, /* of one page that are asked about */
    JANITOR_STRANGERS = 64, /* of one partition; others wait for the next walk */
};

/* The reaper is borrowed. */
struct janitor *janitor_new(struct redis *r, struct reaper *reaper);
void janitor_free(struct janitor *j);
/* Work, or rest: is it this node's turn? To be told again and again. */
void janitor_set_active(struct janitor *j, bool is_active);
/* The registry was lost. */
void janitor_hurry(struct janitor *j);

#endif
