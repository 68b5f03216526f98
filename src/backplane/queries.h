/* SPDX-License-Identifier: MIT */
/*
 * queries.h - questions to Redis that may be asked twice: names, records, history, the index.
 *
 * Every query is idempotent, so one whose answer was lost is asked again, in order, until it
 * is answered or its time is up. Releasing a name is asked until it is answered.
 * Owns the queries under way.
 */
#ifndef PARLEY_BACKPLANE_QUERIES_H
#define PARLEY_BACKPLANE_QUERIES_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/core/backplane.h>

struct queries;
struct redis;

enum {
    QUERIES_UNDER_WAY_MAX = 256,  /* to a primary */
    QUERIES_WAITING_MAX = 100000, /* more are answered with a failure at once */
    QUERIES_HISTORY_MAX = 1000,
    QUERIES_GRACE_MS = 4000, /* longer than any node takes to reconnect */
    QUERIES_ROOMS_PAGE = 200,
};

struct queries *queries_new(struct redis *r);
void queries_free(struct queries *q);
void queries_claim(struct queries *q, struct str_view name, struct str_view owner,
                   struct str_view record, struct str_view expected, struct token token);
void queries_release(struct queries *q, struct str_view name, struct str_view owner);
void queries_lookup(struct queries *q, struct str_view name, struct token token);
void queries_history(struct queries *q, struct str_view log, struct entry_id before,
                     size_t count, struct token token);
void queries_rooms(struct queries *q, struct token token);
/* Redis lost its data: names that somebody held are free there until their nodes have claimed
 * them again. Claims of newcomers wait for QUERIES_GRACE_MS. */
void queries_on_data_lost(struct queries *q);
/* The node is registered: ask what waits. */
void queries_on_ready(struct queries *q);
bool queries_is_idle(const struct queries *q);

#endif
