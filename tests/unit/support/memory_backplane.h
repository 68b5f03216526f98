/* SPDX-License-Identifier: MIT */
/*
 * memory_backplane.h - nodes whose backplane is a memory_world, moved by an explicit pump.
 *
 * Model: what a node hands over waits in its queue; a step of the pump stores the oldest
 * publication of a node, delivers the next entry of one log to one node, or gives one answer.
 * Which of them comes next is pseudo-random, so logs overtake each other; within a log and
 * within the queue of a node the order stays. The knobs hold, refuse and lose things.
 */
#ifndef PARLEY_TESTS_MEMORY_BACKPLANE_H
#define PARLEY_TESTS_MEMORY_BACKPLANE_H

#include <stdbool.h>

#include <parley/core/backplane.h>
#include <parley/util/list.h>

#include "memory_world.h"

struct memory_node {
    struct backplane_base base; /* first */
    struct memory_world *world;
    struct list link; /* in world->nodes */
    const struct backplane_events *events;
    void *hub;
    char id[NODE_ID_MAX + 1];
    struct list outgoing; /* publications that wait */
    struct list answers;  /* answers that wait */
    struct list handles;  /* logs that are open */

    /* knobs */
    bool holds;    /* nothing that was handed over is stored */
    bool is_full;  /* publish() says false */
    bool gives_up; /* what is handed over is refused instead of stored */
    bool is_mute;  /* claims, lookups ... are answered with "failed" */
    bool holds_answers;
    bool packs; /* neighbours in the queue share an entry, if of one log */
};

struct memory_node *memory_node_new(struct memory_world *w, const char *id);
void memory_node_free(struct memory_node *n);
struct backplane *memory_node_backplane(struct memory_node *n);

/* One thing happens somewhere; false if there is nothing to happen. */
bool memory_backplane_step(struct memory_world *w);
/* Until nothing is left. */
void memory_backplane_run(struct memory_world *w);

/* Entries of this log stay away from the node, or no more. */
void memory_node_hold_log(struct memory_node *n, const char *log, bool is_held);
/* The entries that the node has not read are lost to it: a hole, then a snapshot. */
void memory_node_tear_hole(struct memory_node *n, const char *log);
/* The node is declared dead: its members are reaped, then it learns its new id. What it had
 * handed over is stored under the new one. */
void memory_node_declare_lost(struct memory_node *n, const char *new_id);
/* Everything is lost: entries, books, names; every node is told. */
void memory_world_lose(struct memory_world *w);
#endif
