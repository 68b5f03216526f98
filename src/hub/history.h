/* SPDX-License-Identifier: MIT */
/*
 * history.h - the newest messages of a room's log, page by page from its end.
 */
#ifndef PARLEY_HUB_HISTORY_H
#define PARLEY_HUB_HISTORY_H

#include <parley/core/backplane.h>

struct history;
struct hub;

/* NULL is allowed. */
void history_free(struct history *h);
void history_on_page(struct hub *hub, struct token token, bool answered,
                     const struct entry *entries, size_t count);

#endif
