/* SPDX-License-Identifier: MIT */
/* What operators of a room may do: change modes, throw people out. */
#include <parley/hub/hub.h>

#include "hub/modes.h"
#include "hub/modes_publish.h"
#include "hub/publish.h"
#include "hub/request.h"

/* One hub_mode(), as its changes are checked. */
struct moderation {
    struct room *room;
    struct mode_op ops[HUB_MODE_CHANGES_MAX]; /* those that are to be made */
    size_t count;
    struct arena texts;
};

static struct member *find_by_nick(const struct room *r, struct str_view nick)
{
    for (uint32_t i = 0; i < r->member_count; i++) {
        if (sv_equal_nocase(person_nick(r->members[i]->person), nick)) {
            return r->members[i];
        }
    }
    return NULL;
}

/* Each of these completes `op`; HUB_ALREADY: it would change nothing. */

static enum hub_result check_member(struct moderation *mod, struct mode_op *op)
{
    const struct member *m = find_by_nick(mod->room, op->text);
    struct member_id_text id;

    if (m == NULL) {
        return HUB_NO_SUCH_MEMBER;
    }
    op->id = arena_copy(&mod->texts, member_id_of(m, &id));
    op->stay = m->stay;
    op->text = person_nick(m->person);
    return ((m->flags & op->row->value) != 0) == op->is_added ? HUB_ALREADY : HUB_OK;
}

static size_t count_new(const struct moderation *mod, const struct room_mode_row *row)
{
    size_t count = 0;

    for (size_t i = 0; i < mod->count; i++) {
        count += mod->ops[i].row == row && mod->ops[i].is_added ? 1 : 0;
    }
    return count;
}

static enum hub_result check_mask(struct moderation *mod, struct mode_op *op)
{
    enum room_list list = (enum room_list)op->row->value;

    op->text = mode_mask_complete(&mod->texts, op->text);
    if (!mode_text_is_valid(op->row, op->text)) {
        return HUB_BAD_PARAMETER;
    }
    if (modes_have_mask(mod->room, list, op->text) == op->is_added) {
        return HUB_ALREADY;
    }
    if (op->is_added &&
        modes_count_masks(mod->room, list) + count_new(mod, op->row) >= ROOM_MASKS_MAX) {
        return HUB_LIST_FULL;
    }
    return HUB_OK;
}

static enum hub_result check_key(struct moderation *mod, struct mode_op *op)
{
    struct str_view key = room_mode_key(mod->room);

    if (!op->is_added) {
        op->text = key;
        return key.len > 0 ? HUB_OK : HUB_ALREADY;
    }
    if (!mode_text_is_valid(op->row, op->text)) {
        return HUB_BAD_PARAMETER;
    }
    return sv_equal(key, op->text) ? HUB_ALREADY : HUB_OK;
}

static enum hub_result check_limit(struct moderation *mod, struct mode_op *op)
{
    uint32_t limit = room_mode_limit(mod->room);
    struct number_text number;

    if (!op->is_added) {
        op->text = SV("");
        return limit > 0 ? HUB_OK : HUB_ALREADY;
    }
    if (!mode_text_is_valid(op->row, op->text)) {
        return HUB_BAD_PARAMETER;
    }
    return sv_equal(number_format(limit, &number), op->text) ? HUB_ALREADY : HUB_OK;
}

static enum hub_result check_flag(struct moderation *mod, struct mode_op *op)
{
    bool is_set = (mod->room->mode_flags & op->row->value) != 0;

    op->text = SV("");
    return is_set == op->is_added ? HUB_ALREADY : HUB_OK;
}

static enum hub_result check_change(struct moderation *mod,
                                    const struct hub_mode_change *c)
{
    static enum hub_result (*const checks[])(struct moderation *, struct mode_op *) = {
        [ROOM_MODE_MEMBER] = check_member, [ROOM_MODE_LIST] = check_mask,
        [ROOM_MODE_KEY] = check_key,       [ROOM_MODE_LIMIT] = check_limit,
        [ROOM_MODE_FLAG] = check_flag,
    };
    struct mode_op op = {.row = room_mode_find(c->letter), .is_added = c->is_added};
    enum hub_result result = HUB_NO_SUCH_MODE;

    op.text = c->parameter;
    if (op.row != NULL) {
        result = checks[op.row->kind](mod, &op);
    }
    if (result == HUB_OK) {
        mod->ops[mod->count++] = op;
    }
    return result;
}

/* May this member change what is the room's now? */
static enum hub_result check_operator(const struct hub_user *u, const struct member *m)
{
    if (m == NULL) {
        return HUB_NOT_MEMBER;
    }
    if ((m->flags & MEMBER_OPERATOR) == 0) {
        return HUB_NOT_OPERATOR;
    }
    return u->is_closed || hub_user_is_busy(u) ? HUB_TOO_MANY : HUB_OK;
}

static enum hub_result hand_over_modes(struct hub_user *u, const struct moderation *mod)
{
    struct request *r = request_begin(u, REQUEST_MODE, mod->room, room_name(mod->room),
                                      SV(""));

    return request_handed_over(
        r, publish_modes(mod->room, u, mod->ops, mod->count, request_token(r)));
}

enum hub_result hub_mode(struct hub_user *u, const struct room *room,
                         struct hub_mode_change *changes, size_t count)
{
    const struct member *m = room_find_member(room, &u->person);
    enum hub_result result = check_operator(u, m);
    struct moderation mod;

    if (result == HUB_OK && count > HUB_MODE_CHANGES_MAX) {
        result = HUB_TOO_LONG;
    }
    if (result != HUB_OK) {
        return result;
    }
    mod.room = m->room;
    mod.count = 0;
    arena_init(&mod.texts);
    for (size_t i = 0; i < count; i++) {
        changes[i].result = check_change(&mod, &changes[i]);
    }
    result = mod.count > 0 ? hand_over_modes(u, &mod) : HUB_EMPTY;
    arena_done(&mod.texts);
    return result;
}

enum hub_result hub_kick(struct hub_user *u, const struct room *room,
                         struct str_view nick, struct str_view reason)
{
    const struct member *m = room_find_member(room, &u->person);
    enum hub_result result = check_operator(u, m);

    if (result != HUB_OK) {
        return result;
    }
    const struct member *victim = find_by_nick(m->room, nick);

    if (victim == NULL) {
        return HUB_NO_SUCH_MEMBER;
    }
    reason = names_clean_text(reason, REASON_BYTES_MAX, &u->hub->text);
    struct request *r = request_begin(u, REQUEST_KICK, m->room, room_name(room), reason);
    return request_handed_over(r, publish_kick(victim, r));
}
