/* SPDX-License-Identifier: MIT */
/*
 * released.h - names that were given back of late.
 *
 * A replica that takes over may lack the newest releases, and nothing tells that: the name would
 * be taken for ever. So what is in doubt then is released again. A release harms nobody but its
 * owner: whoever claims the name again under the same id takes it off the list first.
 */
#ifndef PARLEY_HUB_RELEASED_H
#define PARLEY_HUB_RELEASED_H

#include <stddef.h>
#include <stdint.h>

#include <parley/util/list.h>
#include <parley/util/str.h>

struct hub;

enum { RELEASED_MAX = 4096 }; /* the oldest are forgotten */

struct released {
    struct list link; /* in hub->released, the oldest first */
    uint64_t ms;      /* when, on the loop's clock */
    size_t owner_len;
    size_t len;
    char text[]; /* the owner's id, then the name */
};

void released_init(struct hub *hub);
void released_done(struct hub *hub);
/* Release the (folded) name, and remember that. */
void released_add(struct hub *hub, struct str_view name, struct str_view owner);
/* The same owner is about to claim it again. */
void released_forget(struct hub *hub, struct str_view name, struct str_view owner);
/* Release again what is in doubt. */
void released_on_takeover(struct hub *hub);

#endif
