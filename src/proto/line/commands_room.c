/* SPDX-License-Identifier: MIT */
/* The commands about rooms. */
#include "proto/line/commands.h"

#include <parley/core/item.h>

#include "proto/line/render.h"
#include "proto/text.h"

enum { HISTORY_DEFAULT = 20, HISTORY_MAX = 100 };

static void refuse_bad_room(struct line *l, struct str_view name)
{
    struct strbuf *out = line_begin_refusal(l);

    strbuf_add(out, SV("The room name \""));
    text_add_excerpt(out, name);
    strbuf_add_fmt(out,
                   "\" is not valid: begin with #, use no blanks, commas or control "
                   "characters, at most %d bytes.",
                   ROOM_BYTES_MAX);
    line_send(l);
}

static void switch_to(struct line *l, const struct room *room)
{
    l->current = room;
    line_tell_place(l, room);
}

enum line_result command_join(struct line *l, const struct args *args)
{
    struct str_view name = args->at[0];
    const struct room *room = command_own_room(l, name);

    if (room != NULL) {
        switch_to(l, room);
        return LINE_DONE;
    }
    if (!hub_room_name_is_valid(name)) {
        refuse_bad_room(l, name);
        return LINE_DONE;
    }
    enum hub_result result = hub_join(l->user, name);
    if (result == HUB_TOO_MANY) {
        line_refuse(l, SV("You are in too many rooms. Leave one first."));
        return LINE_DONE;
    }
    return command_answer(l, result, ITEM_JOIN, name);
}

enum line_result command_leave(struct line *l, const struct args *args)
{
    struct str_view reason = args->at[0];
    struct str_view name = {0};

    if (command_is_room(reason)) {
        name = sv_next_word(&reason);
    }
    if (reason.len > SHORT_TEXT_BYTES_MAX) {
        line_refuse_too_long(l, SHORT_TEXT_BYTES_MAX);
        return LINE_DONE;
    }
    const struct room *room = command_room(l, name);
    if (room == NULL) {
        return LINE_DONE;
    }
    name = room_name(room);
    return command_answer(l, hub_leave(l->user, name, reason), ITEM_LEAVE, name);
}

static void tell_rooms(struct line *l)
{
    struct strbuf *out = line_begin(l);
    const struct room *room = NULL;
    size_t count = 0;

    strbuf_add(out, SV("* Your rooms:"));
    for (; (room = hub_user_room(l->user, count)) != NULL; count++) {
        if (count < RENDER_NAMES_MAX) {
            strbuf_add(out, count > 0 ? SV(", ") : SV(" "));
            strbuf_add(out, room_name(room));
            strbuf_add(out, room == l->current ? SV(" (current)") : SV(""));
        }
    }
    if (count > RENDER_NAMES_MAX) {
        size_t rest = count - RENDER_NAMES_MAX;
        strbuf_add_fmt(out, " and %zu other%s", rest, rest == 1 ? "" : "s");
    }
    strbuf_add_char(out, '.');
    line_send(l);
}

enum line_result command_room_switch(struct line *l, const struct args *args)
{
    const struct room *room = command_room(l, args->at[0]);

    if (room != NULL && args->count > 0) {
        switch_to(l, room);
    } else if (room != NULL) {
        tell_rooms(l);
    }
    return LINE_DONE;
}

enum line_result command_rooms(struct line *l, const struct args *args)
{
    (void)args;
    l->listed = 0;
    return command_answer(l, hub_rooms(l->user), 0, sv(NULL, 0));
}

enum line_result command_topic(struct line *l, const struct args *args)
{
    const struct room *room = command_room(l, sv(NULL, 0));

    if (room == NULL) {
        return LINE_DONE;
    }
    if (args->count > 0) {
        bool removes = sv_equal(args->at[0], SV("-"));
        struct str_view topic = removes ? sv(NULL, 0) : args->at[0];
        return command_answer(l, hub_topic(l->user, room, topic), ITEM_TOPIC,
                              room_name(room));
    }
    struct strbuf *out = line_begin(l);
    if (room_topic(room).len > 0) {
        render_topic(out, room);
    } else {
        strbuf_add(out, SV("* "));
        strbuf_add(out, room_name(room));
        strbuf_add(out, SV(" has no topic."));
    }
    line_send(l);
    return LINE_DONE;
}

enum line_result command_history(struct line *l, const struct args *args)
{
    const struct room *room = command_room(l, sv(NULL, 0));
    uint64_t count = HISTORY_DEFAULT;

    if (room == NULL) {
        return LINE_DONE;
    }
    if (args->count > 0 && (!sv_to_u64(args->at[0], HISTORY_MAX, &count) || count == 0)) {
        command_refuse_usage(l, "history");
        return LINE_DONE;
    }
    return command_answer(l, hub_history(l->user, room, (size_t)count), 0,
                          room_name(room));
}
