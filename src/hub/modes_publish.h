/* SPDX-License-Identifier: MIT */
/*
 * modes_publish.h - changes of modes as items, with what they change in the books.
 */
#ifndef PARLEY_HUB_MODES_PUBLISH_H
#define PARLEY_HUB_MODES_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/util/arena.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

#include "hub/draft.h"
#include "hub/modes.h"

/* "o", "v", "ov" or nothing. */
struct str_view modes_member_letters(unsigned flags);
unsigned modes_member_flags(struct str_view letters);
/* The books are to tell these flags, and no others, of a member under that id. */
void modes_add_member_books(struct draft *d, struct arena *a, const struct member *m,
                            struct str_view id, unsigned flags);

/* The room's name as the state and the index have it: a secret one is marked, so that whoever
 * reads the index knows. */
struct str_view modes_index_name(struct arena *a, const struct room *r, bool is_secret);
/* The name without its mark. */
struct str_view modes_name_of(struct str_view index_name, bool *ret_is_secret);

/* At most HUB_MODE_CHANGES_MAX changes by that user, NULL: the room's own as it begins. */
bool publish_modes(struct room *r, const struct hub_user *by, const struct mode_op *ops,
                   size_t count, struct token token) PARLEY_MUST_CHECK;
/* A local member came into an empty room: it becomes the operator, the modes begin anew. Its
 * user is not settled before that has taken effect, as it is not before a line has. */
void modes_found(struct member *m);
/* What the lost books of the room told is told again; whoever comes first sets it. For a
 * local member, that learns it in case it is refused. */
bool modes_restore(const struct member *m) PARLEY_MUST_CHECK;

#endif
