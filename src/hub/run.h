/* SPDX-License-Identifier: MIT */
/*
 * run.h - events of one room that come one after the other, told together.
 *
 * Model: an entry of a busy room says twenty things, or brings a hundred people. To tell each
 * reader of each of them costs readers x events; so they are gathered, and each reader gets
 * all of them as one piece (struct hub_run). A run ends with its entry, when it is full, and
 * before a reader is told anything else (fanout.c), so that nobody sees another order.
 *
 * Its readers are those who were in the room when it began. Who joined since is told at once:
 * its own join, its welcome, and what comes after.
 */
#ifndef PARLEY_HUB_RUN_H
#define PARLEY_HUB_RUN_H

#include <parley/hub/event.h>

struct hub;
struct run;

struct run *run_new(void);
void run_free(struct run *run);
/*
 * Tell the room's members of `ev`, and of what comes next: EV_JOIN, whose member is added
 * already, EV_MESSAGE or EV_TAGMSG. Of a join `who` and `account` are copied; what else an event
 * points at lives until the run has ended.
 */
void run_add(const struct room *r, const struct hub_event *ev);
/* The run, if there is one, is told; lines of local users in it have come back. */
void run_end(struct hub *hub);
/* `u` is about to be told something else. */
void run_end_for(const struct hub_user *u);

#endif
