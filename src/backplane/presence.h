/* SPDX-License-Identifier: MIT */
/*
 * presence.h - this node is alive; is everybody else?
 *
 * Each node renews a lease. One node at a time (who holds the scan key) looks for nodes whose
 * lease is gone, twice, and reaps them (reaper.c): fences them off, so that a node that was
 * only asleep cannot write any more, and removes their members and names. It judges nobody
 * before it has itself been connected for as long as a lease lasts, so that a failover in
 * which leases were lost kills nobody. The same node tidies the books (janitor.c).
 *
 * A lease lasts LEASE_MS; a dead node is noticed at most SCAN_MS later, twice: its people
 * leave every room within 15 s.
 */
#ifndef PARLEY_BACKPLANE_PRESENCE_H
#define PARLEY_BACKPLANE_PRESENCE_H

#include <stdbool.h>

struct presence;
struct redis;

enum {
    PRESENCE_BEAT_MS = 2000,
    PRESENCE_LEASE_MS = 8000,
    PRESENCE_SCAN_MS = 2000,
    PRESENCE_SCANNER_MS = 5000, /* how long the right to scan lasts */
    PRESENCE_SCHEMA = 1,        /* of the keys; nodes of another one are refused */
};

struct presence *presence_new(struct redis *r);
void presence_free(struct presence *p);
/* The command link is up: check the deployment's constants, then register. */
void presence_on_commands_ready(struct presence *p);
void presence_on_commands_down(struct presence *p);
/* Some of Redis's data was lost: is this node still registered? Answered by
 * redis_on_registered() or a new id. */
void presence_check(struct presence *p);
void presence_on_new_node_id(struct presence *p);
/* Give the lease up; callbacks->on_retired() follows, also when Redis is away. */
void presence_retire(struct presence *p);

#endif
