/* SPDX-License-Identifier: MIT */
/*
 * change.h - a person has another nick or away text.
 *
 * The news of one change comes by the log of every room that the person is in. The first that
 * is newer than what is known here takes effect and is told, to each reader once.
 */
#ifndef PARLEY_HUB_CHANGE_H
#define PARLEY_HUB_CHANGE_H

#include <parley/hub/event.h>

#include "hub/hub_internal.h"
#include "hub/person_internal.h"

/* Take over `rec` if it is newer, and tell EV_NICK, EV_AWAY ... `at` gives the events their
 * entry, time and origin. */
void change_apply(struct hub *hub, struct person *p, const struct record *rec,
                  const struct hub_event *at);
/* The person has quit: tell it once, whatever number of rooms say so. */
void change_quit(struct hub *hub, struct person *p, struct str_view reason,
                 const struct hub_event *at);

#endif
