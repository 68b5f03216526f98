/* SPDX-License-Identifier: MIT */
/*
 * cluster.h - how the owners of the partitions become known, and stay it.
 *
 * At the start a scout asks the server of the URL (of a cluster the seeds, in turn) what it is.
 * A single server owns everything, for good. In a cluster CLUSTER SLOTS tells; it is asked
 * again every CLUSTER_CALM_MS, and every CLUSTER_TROUBLE_MS or so while a link is down or a
 * partition has no primary, of any primary that answers, and when none does of the scout: seeds
 * and known servers in turn, a replica serves it as well.
 */
#ifndef PARLEY_BACKPLANE_CLUSTER_H
#define PARLEY_BACKPLANE_CLUSTER_H

struct cluster;
struct topology;

enum {
    CLUSTER_CALM_MS = 30000,
    CLUSTER_TROUBLE_MS = 500, /* jittered: half of it to all of it */
    CLUSTER_PAUSE_MS = 100,   /* between two questions at least, whatever happens */
};

struct cluster *cluster_new(struct topology *t);
void cluster_free(struct cluster *c);
void cluster_start(struct cluster *c);
/* Something moved or is lost: ask soon. Of no effect with a single server. */
void cluster_refresh_soon(struct cluster *c);

#endif
