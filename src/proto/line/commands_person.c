/* SPDX-License-Identifier: MIT */
/* The commands about people. */
#include "proto/line/commands.h"

#include <parley/core/item.h>

#include "proto/line/render.h"
#include "proto/text.h"

enum line_result command_nick(struct line *l, const struct args *args)
{
    return line_ask_name(l, args->at[0]);
}

/* Who a request about a person is refused by: the name names nobody. */
static enum line_result answer_about(struct line *l, enum hub_result result, char kind,
                                     struct str_view nick)
{
    if (result != HUB_BAD_NAME) {
        return command_answer(l, result, kind, nick);
    }
    struct strbuf *out = line_begin_refusal(l);
    strbuf_add(out, SV("There is nobody called \""));
    text_add_excerpt(out, nick);
    strbuf_add(out, SV("\"."));
    line_send(l);
    return LINE_DONE;
}

enum line_result command_msg(struct line *l, const struct args *args)
{
    enum hub_result result = hub_direct(l->user, args->at[0], ITEM_MESSAGE, args->at[1]);

    return answer_about(l, result, ITEM_DIRECT, args->at[0]);
}

static void tell_members(struct line *l, const struct room *room)
{
    size_t total = room_member_count(room);
    size_t shown = 0;
    size_t cursor = 0;

    while (shown < RENDER_LISTED_MAX) {
        size_t named = render_members(line_begin(l), room, &cursor);
        if (named == 0) {
            break;
        }
        shown += named;
        line_send(l);
        if (!line_is_open(l)) {
            return;
        }
    }
    struct strbuf *out = line_begin(l);
    strbuf_add_fmt(out, "* %zu %s in ", total, total == 1 ? "person" : "people");
    strbuf_add(out, room_name(room));
    if (shown < total) {
        strbuf_add_fmt(out, ", %zu are shown", shown);
    }
    strbuf_add_char(out, '.');
    line_send(l);
}

enum line_result command_who(struct line *l, const struct args *args)
{
    struct str_view name = args->at[0];

    if (args->count > 0 && !command_is_room(name)) {
        return answer_about(l, hub_whois(l->user, name), 0, name);
    }
    const struct room *room = command_room(l, name);
    if (room != NULL) {
        tell_members(l, room);
    }
    return LINE_DONE;
}

enum line_result command_me(struct line *l, const struct args *args)
{
    return line_say(l, ITEM_ACTION, args->at[0]);
}

enum line_result command_away(struct line *l, const struct args *args)
{
    return command_answer(l, hub_away(l->user, args->at[0]), ITEM_PERSON, sv(NULL, 0));
}
