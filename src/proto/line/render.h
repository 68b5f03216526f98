/* SPDX-License-Identifier: MIT */
/*
 * render.h - events as lines of the line protocol (docs/PROTOCOL.md).
 *
 * Pure functions that append to `out`, without the line's end. What comes from other nodes
 * is made clean on the way.
 */
#ifndef PARLEY_PROTO_LINE_RENDER_H
#define PARLEY_PROTO_LINE_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/hub/event.h>
#include <parley/hub/person.h>
#include <parley/hub/room.h>
#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum {
    RENDER_NAMES_MAX = 20,    /* names on one line */
    RENDER_LISTED_MAX = 1000, /* names or rooms in one answer */
};

/*
 * The event as everybody reads it who is shown it. False, and nothing appended, for events
 * that have no such line (EV_REGISTERED, EV_WELCOME, EV_ROOMS_END; EV_MODE that is about nobody).
 * `out` is empty before.
 */
bool render_event(struct strbuf *out, const struct hub_event *e) PARLEY_MUST_CHECK;

/* " kicked from #room by alice (reason)", of EV_KICK. */
void render_kicked(struct strbuf *out, const struct hub_event *e);
/* " with bob, carol." or ", alone.": the members of the room but `self`. */
void render_company(struct strbuf *out, const struct room *room,
                    const struct person *self);
/* "* Topic of #room: text (set by nick)". */
void render_topic(struct strbuf *out, const struct room *room);
/* One line of /who: up to RENDER_NAMES_MAX names from *cursor on; how many there were. */
size_t render_members(struct strbuf *out, const struct room *room, size_t *cursor);

#endif
