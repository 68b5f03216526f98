/* SPDX-License-Identifier: MIT */
/*
 * modes.h - how a room's modes are kept, and one change of them.
 *
 * Model: the flags stand in the room; key, limit and lists in a part that a room gets with
 * the first of them, so that a room without has neither memory nor checks for them. A change
 * (mode_op) is made by apply only: moderate.c checks and publishes, modes_apply.c applies.
 *
 * In an item a change is a line: "+o <member id> <stay> <nick>", "+b mask", "-k key", "+l 10",
 * "+m". In the books each thing that is set is a field of the room's state, so that a change
 * of the books is exactly the change in the log, whoever else changes what at the same time:
 *
 *   +m, +k, +l             1, the key, the number
 *   +b <folded mask>       "<ms> <mask> <who>"
 *   +o <member id> <stay>  1
 *
 * The stay tells memberships of one person apart: what is left behind by somebody who was
 * kicked at that moment means nothing when that person comes again.
 */
#ifndef PARLEY_HUB_MODES_H
#define PARLEY_HUB_MODES_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/hub/mode.h>
#include <parley/util/arena.h>
#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "hub/room_internal.h"

enum { ROOM_MASKS_BELIEVED = 2 * ROOM_MASKS_MAX }; /* of racers; more are not */

struct mode_op {
    const struct room_mode_row *row;
    bool is_added;
    struct str_view text; /* mask, key or number; the nick of a member */
    struct str_view id;   /* of a member */
    uint32_t stay;        /* of a member */
};

/* Is it fit for that row? A number has no zeros in front. */
bool mode_text_is_valid(const struct room_mode_row *row, struct str_view text);
/* "nick", "user@host", "nick!user" ... as nick!user@host, in the arena. */
struct str_view mode_mask_complete(struct arena *a, struct str_view mask);

/* Of a line of an item. False: unknown or malformed. */
bool mode_op_parse(struct str_view line, struct mode_op *ret) PARLEY_MUST_CHECK;
/* The line, with its end. */
void mode_op_add(struct strbuf *out, const struct mode_op *op);
/* What it changes in the books; texts in the arena. `by` and `ms`: of a mask. */
struct book_update mode_op_book(struct arena *a, const struct mode_op *op,
                                struct str_view by, uint64_t ms);

/* Make it so; not of members. True: it was not so before. */
bool modes_change(struct room *r, const struct mode_op *op, struct str_view by,
                  uint64_t ms);
/* The same of a member. */
bool modes_change_member(struct member *m, const struct mode_op *op);
bool modes_have_mask(const struct room *r, enum room_list list, struct str_view mask);
size_t modes_count_masks(const struct room *r, enum room_list list);
/* The next thing that is set, as a change that sets it; not of members. *cursor = 0 at first;
 * false at the end. `number` holds the text of a limit. */
bool modes_next(const struct room *r, size_t *cursor, struct number_text *number,
                struct mode_op *ret);
/* When the mask of that change was set, and by whom. */
struct room_mask modes_mask_of(const struct room *r, const struct mode_op *op);
void modes_free(struct room_modes *modes);

#endif
