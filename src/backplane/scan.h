/* SPDX-License-Identifier: MIT */
/*
 * scan.h - is everybody else alive?
 *
 * One node at a time (who holds the scan key) reads the registry and looks for nodes whose lease is
 * gone, twice, and reaps them (reaper.c): fences them off, so that a node that was only asleep
 * cannot write any more, and removes their members and names. It judges nobody before it has
 * itself been connected for as long as a lease lasts, so that a failover in which leases were
 * lost kills nobody. The same node tidies the books (janitor.c).
 *
 * Each node remembers who was registered, and whom it has heard lately. When the registry was
 * lost, it registers, a lease later, whoever did not come back by itself: that one died with the
 * registry, and is found dead now, and reaped. Otherwise nothing might name it any more.
 */
#ifndef PARLEY_BACKPLANE_SCAN_H
#define PARLEY_BACKPLANE_SCAN_H

struct reaper;
struct redis;
struct scan;

enum {
    SCAN_MS = 2000,
    SCAN_HOLDER_MS = 5000, /* how long the right to scan lasts */
    SCAN_LOOK_MS = 30000,  /* all others read the registry that often */
};

/* The reaper is borrowed. */
struct scan *scan_new(struct redis *r, struct reaper *reaper);
void scan_free(struct scan *s);
/* The link is up; it is down, or this node retires. */
void scan_start(struct scan *s);
void scan_stop(struct scan *s);
/* The registry was lost: this node was in it, and is not in the one that is there now. */
void scan_on_registry_lost(struct scan *s);

#endif
