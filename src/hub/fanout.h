/* SPDX-License-Identifier: MIT */
/*
 * fanout.h - handing an event to those whom it concerns.
 *
 * Each of these drops the rendered forms of the event at its end: an event is handed out once.
 */
#ifndef PARLEY_HUB_FANOUT_H
#define PARLEY_HUB_FANOUT_H

#include <parley/hub/event.h>

struct hub;

/* An event without entry: the time is this node's. */
struct hub_event hub_event_of(enum hub_event_type type, const struct room *room,
                              const struct person *person);
void fanout_to_user(struct hub_user *u, struct hub_event *ev);
/* What front-ends made of an event, or of a run, is not needed any more. */
void fanout_drop_rendered(struct msg *rendered[HUB_VARIANTS_MAX]);
/* To the local members of a room. Members do not change meanwhile: closing a user inside only
 * makes it deaf. */
void fanout_to_room(const struct room *r, struct hub_event *ev);
/* To those local members who have one of these flags, and to its origin. */
void fanout_to_flagged(const struct room *r, unsigned flags, struct hub_event *ev);
/* To the users who have the mode 'w'. */
void fanout_to_wallops(struct hub *hub, struct hub_event *ev);
/* To everybody on this node who shares a room with `p`, and to `p` itself, each once. */
void fanout_to_readers(struct hub *hub, const struct person *p, struct hub_event *ev);

#endif
