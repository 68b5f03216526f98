/* SPDX-License-Identifier: MIT */
/*
 * model_world.h - nodes (the real publisher and follower) around a Redis in memory.
 *
 * Each node has a link for commands and one for subscriptions. What travels on them waits in
 * queues, and the test decides what happens next: a request is carried out, an answer or a
 * push arrives, a link is cut. Linked instead of topology.c, redis.c, link.c and loop.c.
 */
#ifndef PARLEY_TESTS_MODEL_WORLD_H
#define PARLEY_TESTS_MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/list.h>

#include "backplane/redis_internal.h"
#include "model_redis.h"

/* A log "#other..." is of partition 1, which has a primary of its own that never answers. */
enum { WORLD_NODES = 3, WORLD_PARTITIONS = 2, WORLD_HEARD_MAX = MODEL_ENTRIES_MAX };

/* One line as a node was told of it: the sender's node and the number of the line. */
struct heard {
    unsigned node;
    unsigned number;
};

struct world_log {
    struct log_handle *handle;
    struct heard heard[WORLD_HEARD_MAX];
    size_t count;
    unsigned said; /* lines of this node in the log, as taken by the publisher */
    unsigned holes;
    unsigned losses; /* times that it was told of lines that are lost */
    unsigned lost;   /* ... how many, the last time */
    size_t hole_at;  /* what it had heard before the last one */
    unsigned snapshots;
    bool is_open; /* it had its first snapshot: from now on it hears all */
};

struct world_node {
    struct redis redis;
    unsigned index;
    bool commands_up;
    bool subscriptions_up;
    bool is_subscribed[MODEL_LOGS];
    struct list requests; /* in the order in which they were sent */
    struct list
        pushes; /* and confirmations that are to arrive, subscriptions to be made */
    struct world_log logs[MODEL_LOGS];
};

struct world {
    struct model_redis server;
    struct model_books replica; /* as it was at the last checkpoint */
    struct world_node nodes[WORLD_NODES];
    uint64_t life;
    uint64_t chance; /* state of the generator */
};

extern struct world world;

/* Once, before anything else. */
void world_init(void);
void world_setup(uint64_t seed);
void world_teardown(void);
unsigned world_chance(unsigned bound);
/* The node says its next line in the log. */
void world_say(struct world_node *n, size_t log);
/* The node leaves the log and comes back, while a snapshot holds all of it. */
void world_reopen(struct world_node *n, size_t log);

/* One thing that may happen to a node; false: there is nothing of the kind. */
bool world_run_request(struct world_node *n);
bool world_take_answer(struct world_node *n);
bool world_take_push(struct world_node *n);
bool world_connect(struct world_node *n);
void world_cut_commands(struct world_node *n);
void world_cut_subscriptions(struct world_node *n);

/* Open a log of the other primary's, and confirm the subscription. */
void world_open_other(struct world_node *n, unsigned number);
/* Requests under way. */
size_t world_requests_to(struct world_node *n, uint32_t partition);

/* The replica has all that the primary has. */
void world_checkpoint(void);
/* All links are cut, and another server takes over with what the replica has. */
void world_fail_over(void);
/* ... with nothing. */
void world_lose_all(void);

/* Every node must have heard each line once, each node's in order; with `one_order` all of them
 * in one, and nobody was told of a hole. */
void world_judge(uint64_t seed, bool one_order);

#endif
