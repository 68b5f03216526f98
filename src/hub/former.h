/* SPDX-License-Identifier: MIT */
/*
 * former.h - who is gone: the last HUB_FORMER_MAX people whom this node saw leave or take
 * another name. They are its own users and the members of its rooms.
 */
#ifndef PARLEY_HUB_FORMER_H
#define PARLEY_HUB_FORMER_H

#include "hub/person_internal.h"

struct former;

/* Nobody is called so any more. */
void former_add(struct hub *hub, const struct record *rec);
/* Forget all; of a hub that ends. */
void former_done(struct hub *hub);

#endif
