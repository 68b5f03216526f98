/* SPDX-License-Identifier: MIT */
/*
 * monitor.h - tells users when somebody comes, goes or changes, on any node and in no room that
 * they share.
 *
 * Model: a name that users of this node watch is looked up in the backplane again and again,
 * once for all of them, and what differs from the last answer is told. What this node sees
 * happen anyway (its own users, members of its rooms) makes the look-up come at once. So it
 * costs nothing where nobody watches, never more than MONITOR_BATCH look-ups a tick, and what
 * a failure hides is seen by a later look-up.
 */
#ifndef PARLEY_HUB_MONITOR_H
#define PARLEY_HUB_MONITOR_H

#include <stdbool.h>

#include <parley/core/backplane.h>
#include <parley/util/str.h>

struct hub;
struct hub_user;
struct person;
struct request;

void monitor_init(struct hub *hub);
/* No user watches anything any more. */
void monitor_done(struct hub *hub);
/* Look the next names of the hub up; a timer does it while there are any. */
void monitor_look(void *hub);
/* Something may have happened to whoever has that nick: look soon. */
void monitor_note(struct hub *hub, struct str_view nick);
/* The person is known here and has changed. */
void monitor_on_change(struct hub *hub, const struct person *p);
/* The answer to the first look-up, for who wants to watch: the request has its effect. */
void monitor_add(struct request *r, struct str_view owner, struct str_view record);
/* The answer to a later one. */
void monitor_on_name(struct hub *hub, struct token token, bool answered,
                     struct str_view owner, struct str_view record);

#endif
